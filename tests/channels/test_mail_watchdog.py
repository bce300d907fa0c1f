"""The reader process: what it gives is what `parse` gives, and nothing that a message does to it goes any further.

The poison is real. `poison.py`, which the reader is told to use in place of ours, does what a crash in C, a leak or a
loop would; the limits of time and memory are tried with messages of a stranger's making, and lower limits.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse
from tkt.channels.mail.reading.watchdog import Limits, Reader
from tkt.channels.mail.receiving.quarantine import quarantined, retry
from tkt.desk.unit import Desk
from tkt.errors import TryAgain
from tkt.store.engine import Store
from tkt.store.tables import Attachment, Blob, Ticket

Letter = Callable[..., bytes]

POISON = """
import os, signal, time
from pathlib import Path
from tkt.channels.mail.reading.reader import read as properly

here = Path(__file__).parent
(here / "pid").write_text(str(os.getpid()))

def read(raw):
    if b"[kill]" in raw:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"[kill once]" in raw and not (here / "killed").exists():
        (here / "killed").touch()
        os.kill(os.getpid(), signal.SIGTERM)
    if b"[garbage]" in raw:
        for pipe in range(3, 20):
            try:
                os.write(pipe, b"?" * 100)
            except OSError:
                pass
    if b"[nothing]" in raw:
        return None
    if b"[bug]" in raw:
        return {}["bug"]
    if b"[eat]" in raw:
        return [bytes(1_000_000) for _ in range(1_000_000)]
    if b"[sleep]" in raw:
        time.sleep(600)
    while b"[spin]" in raw:
        pass
    return properly(raw)
"""

FILES = (
    "--x\r\nContent-Type: text/plain\r\n\r\nSee files.\r\n"
    '--x\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n'
    '--x\r\nContent-Type: text/csv; name="b.csv"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4;1\r\n'
    '--x\r\nContent-Type: image/png; name="c.png"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\x7fPNG\r\n'
    '--x\r\nContent-Type: text/x; name="d"\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\n'
    "begin 644 d\r\n#0V%T\r\n`\r\nend\r\n"
    "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nhello\r\n--x--"
)


@pytest.fixture
def mixed(letter: Letter) -> bytes:
    return letter(text=FILES, MIME_Version="1.0", Content_Type='multipart/mixed; boundary="x"')


@pytest.fixture
def poisoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Reader]]:
    """Makes a reader that the words in a message do harm to; its process's id stands in tmp_path / "pid"."""
    (tmp_path / "poison.py").write_text(POISON)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made: list[Reader] = []

    def make(limits: Limits | None = None) -> Reader:
        made.append(Reader(limits, "poison:read"))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def fields(mail: ParsedMail) -> dict[str, object]:
    """Everything in it, the headers by their values."""
    headers = mail.headers
    found = {name: value for name, value in vars(mail).items() if name not in ("headers", "language")}
    return found | {name: headers.raw_all(name) for name in headers.names()}


def read_by(way: Callable[[bytes], ParsedMail], raw: bytes) -> object:
    """What is read of a message, or why it is not."""
    try:
        return fields(way(raw))
    except Unparseable as error:
        return str(error)


def reason(reader: Reader, raw: bytes) -> str:
    with pytest.raises(Unparseable) as refused:
        reader.read(raw)
    return str(refused.value)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def ends(pid: int) -> bool:
    for _ in range(600):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


# --- the same as parse ------------------------------------------------------------------------------------------------


def test_it_gives_what_parse_gives_with_every_file(mixed: bytes) -> None:
    mangled = mixed.replace(b"\r\n", b"\r\r\n")
    for raw in (mixed, b"From x@y Mon Jan 1\n" + mixed, mangled):
        assert len(parse(raw).attachments) == 5
        assert fields(watchdog.read(raw)) == fields(parse(raw))
    assert [one.content for one in watchdog.read(mixed).attachments][:4] == [
        b"%PDF-1",
        "ä;1".encode(),
        b"\x7fPNG",
        b"Cat",
    ]


@pytest.mark.parametrize("path", sorted((Path(__file__).parent / "corpus").glob("*.eml")), ids=lambda path: path.stem)
def test_it_gives_what_parse_gives_of_all_that_the_corpus_has(path: Path) -> None:
    raw = path.read_bytes()
    assert read_by(watchdog.read, raw) == read_by(parse, raw)


@given(st.data())
def test_whatever_the_bytes_it_gives_what_parse_gives(mixed: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(mixed)))
    raw = mixed[:at] + data.draw(st.binary(max_size=20)) + mixed[at + data.draw(st.integers(0, 60)) :]
    assert read_by(watchdog.read, raw) == read_by(parse, raw)


def test_a_message_read_ahead_is_given_to_none_but_its_own(letter: Letter) -> None:
    first, second, third = (letter(f"Question {number}") for number in (1, 2, 3))
    assert watchdog.read(first, ahead=second).subject == "Question 1"
    assert watchdog.read(second, ahead=third).subject == "Question 2"
    assert watchdog.read(first).subject == "Question 1"
    assert watchdog.read(third).subject == "Question 3"


def test_threads_do_not_get_each_others_mail(letter: Letter) -> None:
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        letters = [letter(f"{number}/{count}") for count in range(30)]
        found[number] = [
            watchdog.read(raw, after).subject for raw, after in zip(letters, [*letters[1:], None], strict=True)
        ]

    threads = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"{number}/{count}" for count in range(30)] for number in range(3)}


# --- poison -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("[kill]", "the reader died of signal 11"),
        ("[garbage]", "the reader gave an answer that is none"),
        ("[nothing]", "the reader gave an answer that is none"),
        ("[bug]", "reading it failed: KeyError at poison.py:24 (this is a bug in tkt)"),
        ("[eat]", "reading it took more than 200 MB"),
    ],
)
def test_what_kills_the_reader_is_the_reason_and_the_next_is_read(
    poisoned: Callable[..., Reader], letter: Letter, word: str, words: str
) -> None:
    reader = poisoned()
    assert reason(reader, letter(word)) == words
    assert reader.read(letter("fine")).subject == "fine"


def test_poison_that_is_read_ahead_harms_its_own_turn_only(poisoned: Callable[..., Reader], letter: Letter) -> None:
    reader = poisoned()
    poison, fine = letter("[kill]"), letter("fine")
    assert reader.read(fine, ahead=poison).subject == "fine"
    assert reason(reader, poison) == "the reader died of signal 11"
    assert reader.read(fine).subject == "fine"


@pytest.mark.parametrize("word", ["[sleep]", "[spin]"])
def test_it_is_waited_for_so_long_and_no_longer(poisoned: Callable[..., Reader], letter: Letter, word: str) -> None:
    reader = poisoned(Limits(seconds=1))
    assert reason(reader, letter(word)) == "reading it took more than 1 seconds"
    assert reader.read(letter("fine")).subject == "fine"


def test_a_reader_that_somebody_killed_is_no_fault_of_the_message(
    poisoned: Callable[..., Reader], letter: Letter, tmp_path: Path
) -> None:
    reader = poisoned()
    assert reader.read(letter("[kill once]")).subject == "[kill once]"
    assert (tmp_path / "killed").exists()
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)  # while it has nothing to do
    assert ends(pid)
    assert reader.read(letter("fine")).subject == "fine"


def test_where_no_reader_starts_the_message_is_not_blamed(letter: Letter) -> None:
    with pytest.raises(TryAgain, match="does not start: it ended with status 1"):
        Reader(function="no_such_module:read").read(letter())


def test_hostile_markup_is_given_up_in_time(letter: Letter) -> None:
    markup = "<table><tr><td>" * 30 + "<b>x</b> " * 1_000_000
    slow = letter(text=markup, MIME_Version="1.0", Content_Type="text/html")
    reader = Reader(Limits(seconds=0.1, seconds_per_megabyte=0))
    assert reason(reader, slow) == "reading it took more than 1 seconds"
    reader.close()


def test_hostile_markup_is_given_up_before_it_takes_all_memory(letter: Letter) -> None:
    markup = "<i>x" * 1_000_000
    huge = letter(text=markup, MIME_Version="1.0", Content_Type="text/html; charset=utf-8")
    reader = Reader(Limits(memory=4_500_000, memory_per_byte=1))
    assert reason(reader, huge) == "reading it took more than 9 MB"
    assert reader.read(letter("fine")).subject == "fine"
    reader.close()


def test_the_reader_knows_nothing_of_the_store() -> None:
    """What it imports is what each of its starts costs."""
    code = "import sys, tkt.channels.mail.reading.reader; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"sqlmodel", "sqlalchemy", "pydantic", "sqlite3", "tkt.store", "tkt.desk.unit"} & set(found) == set()


# --- its end ----------------------------------------------------------------------------------------------------------

PARENT = """
import sys; from tkt.channels.mail.reading.watchdog import Limits, Reader
reader = Reader(Limits(seconds=1), "poison:read")
reader.read(b"From: a@customer.example\\n\\nfine", ahead=sys.argv[1].encode())
print(flush=True); sys.stdin.read()
"""


@pytest.mark.parametrize("word", ["fine", "[spin]"])
def test_it_ends_with_its_parent_however_that_ends(poisoned: Callable[..., Reader], tmp_path: Path, word: str) -> None:
    command = [sys.executable, "-c", PARENT, f"From: a@customer.example\n\n{word}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        pid = int((tmp_path / "pid").read_text())
        assert is_running(pid)
        assert os.getsid(pid) != os.getsid(parent.pid)  # Ctrl-C at the terminal does not reach it
        parent.kill()
    assert ends(pid)


# --- on the way to a ticket -------------------------------------------------------------------------------------------


def test_poison_in_a_mailbox_goes_to_quarantine_and_the_rest_goes_on(
    desk: Desk, declare: Callable[..., None], maildir: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    watchdog.close()
    monkeypatch.setattr(watchdog, "LIMITS", Limits(memory=5_000_000, memory_per_byte=0))
    declare(desk, imap=f"maildir:{maildir.path}")
    markup = "<i>x" * 1_500_000
    maildir.deliver(letter("one"), letter("huge", text=markup, Content_Type="text/html"), letter("two"))
    [result] = gateway.pull(desk)
    assert (result.tickets, result.quarantined, result.error) == (2, 1, "")
    [held] = quarantined(desk)
    assert held.reason == "reading it took more than 5 MB"
    watchdog.close()
    monkeypatch.setattr(watchdog, "LIMITS", Limits())
    assert retry(desk, held.id).state == "ticket"
    watchdog.close()


def test_nobody_waits_for_the_store_while_a_message_is_read(
    desk: Desk, declare: Callable[..., None], maildir: Any, letter: Letter,
    poisoned: Callable[..., Reader], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Mails share a commit as far as they are read; what takes its time is waited for after the commit."""
    watchdog.close()
    monkeypatch.setattr(watchdog, "Reader", lambda: poisoned(Limits(seconds=3)))
    declare(desk, imap=f"maildir:{maildir.path}")
    maildir.deliver(*(letter(word) for word in ("one", "two", "[sleep]", "three")))
    found: list[Any] = []
    pulling = threading.Thread(target=lambda: found.extend(gateway.pull(Desk(desk.store))))
    pulling.start()
    other = Store(desk.store.location)
    subjects: list[str] = []
    while len(subjects) < 2 and pulling.is_alive():
        with other.transaction() as session:
            subjects = [ticket.subject for ticket in session.exec(select(Ticket))]
    assert (sorted(subjects), pulling.is_alive()) == (["one", "two"], True)
    pulling.join()
    other.close()
    watchdog.close()
    assert [(one.tickets, one.quarantined) for one in found] == [(3, 1)]


INGEST = """
import re, sys
from tkt.channels.mail import gateway
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location

def peak(pid):
    return int(re.search(r"VmHWM:\\s+(\\d+)", open(f"/proc/{pid}/status").read())[1]) * 1024

desk = Desk(Store(parse_location(sys.argv[1])))
with open(sys.argv[2], "rb") as file:
    state = gateway.ingest(desk, file.read()).state
reader = open("/proc/self/task/%d/children" % __import__("os").getpid()).read().split()
print(state, sum(map(peak, ["self", *reader])), len(reader))
"""


def test_a_large_attachment_costs_four_times_its_size_in_both_processes(
    desk: Desk, declare: Callable[..., None], letter: Letter, tmp_path: Path
) -> None:
    """The peaks of both, which are not even at the same moment, against 90 MB and four times 40 MB."""
    declare(desk)
    content = os.urandom(40_000_000)
    part = 'Content-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    text = f"--x\r\n{part}{base64.encodebytes(content).decode()}--x--"
    path = tmp_path / "large"
    path.write_bytes(letter(text=text, Content_Type='multipart/mixed; boundary="x"'))
    command = [sys.executable, "-c", INGEST, desk.store.location.target, str(path)]
    state, peak, readers = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert (state, readers) == ("ticket", "1")
    assert int(peak) < 90_000_000 + 4 * len(content)
    with desk.store.reading() as session:
        [file] = session.exec(select(Attachment)).all()
        assert session.get_one(Blob, file.digest).data == content
