"""Archives of every make: the messages that went into an mbox or a Maildir come out again, byte for byte."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.archive import archives
from tkt.channels.mail.archive.archive_index import Index, moment_of, plain_subject
from tkt.channels.mail.archive.archives import Spot, stamped
from tkt.errors import NotFound, TktError, UsageError

NOW = datetime(2026, 11, 2, tzinfo=UTC)
STAMP = b"From carol@customer.example Mon Nov  2 08:00:00 2026\n"
FIRST = b"From: carol@customer.example\nSubject: one\n\nHello.\nFrom here on it hums.\n>From the manual.\n"
SECOND = b"From: dora@customer.example\nSubject: two\n\nFrom morning to night.\n\n\nBye.\n"


def rd(raw: bytes) -> bytes:
    """Quoted as mboxrd has it."""
    return re.sub(rb"^(>*From )", rb">\1", raw, flags=re.MULTILINE)


def o(raw: bytes) -> bytes:
    """Quoted as mboxo has it, which loses what was quoted already."""
    return re.sub(rb"^From ", b">From ", raw, flags=re.MULTILINE)


def with_length(raw: bytes, body: bytes | None = None) -> bytes:
    head, _, plain = raw.partition(b"\n\n")
    body = plain if body is None else body
    return head + b"\nContent-Length: %d\n\n" % len(body) + body


def read_mbox(path: Path, *parts: bytes) -> list[bytes]:
    path.write_bytes(b"".join(parts))
    return [archives.read(spot) for spot in archives.mbox(str(path), ExitStack())]


def test_quoted_lines_come_out_as_they_went_in(tmp_path: Path) -> None:
    found = read_mbox(tmp_path / "a", STAMP, rd(FIRST), b"\n", STAMP, rd(SECOND), b"\n")
    assert found == [FIRST, SECOND]
    mboxo = FIRST.replace(b">From", b" From")
    assert read_mbox(tmp_path / "b", STAMP, o(mboxo), b"\n", STAMP, o(SECOND), b"\n") == [mboxo, SECOND]


def test_lengths_are_believed_where_a_message_ends_there(tmp_path: Path) -> None:
    tricky = b"From: e@customer.example\n\nQuoted:\n\nFrom x@y Mon Nov  2 08:00:00 2026\nFrom: z@y\n\nend\n"
    unquoted = with_length(tricky)
    assert read_mbox(tmp_path / "cl2", STAMP, unquoted, b"\n", STAMP, with_length(FIRST), b"\n") == [
        unquoted,
        with_length(FIRST),
    ]
    lying = b"From: e@customer.example\nContent-Length: 3\n\nlonger than that\n"
    assert read_mbox(tmp_path / "lie", STAMP, lying, b"\n", STAMP, SECOND, b"\n") == [
        lying,
        SECOND.replace(b"\n>", b"\n"),
    ]


def test_other_line_ends_and_missing_blank_lines(tmp_path: Path) -> None:
    crlf = [raw.replace(b"\n", b"\r\n") for raw in (STAMP, rd(FIRST), b"\n", STAMP, rd(SECOND), b"\n")]
    assert read_mbox(tmp_path / "crlf", *crlf) == [raw.replace(b"\n", b"\r\n") for raw in (FIRST, SECOND)]
    assert read_mbox(tmp_path / "tight", STAMP, rd(FIRST), STAMP, rd(SECOND)) == [FIRST, SECOND]
    assert read_mbox(tmp_path / "open end", STAMP, rd(FIRST), b"\n", STAMP, rd(SECOND)[:-1]) == [FIRST, SECOND[:-1]]


def test_a_sentence_that_begins_with_from_begins_no_message(tmp_path: Path) -> None:
    """Some programs quote nothing at all."""
    unquoted = b"From: e@customer.example\n\nHello,\n\nFrom 12:30 on it hums.\n\nFrom Monday: Note: this\nSo: what\n"
    assert read_mbox(tmp_path / "raw", STAMP, unquoted, b"\n", STAMP, b"Subject: x\n\ny\n") == [
        unquoted,
        b"Subject: x\n\ny\n",
    ]
    without_date = b"From carol@customer.example\n"
    assert len(read_mbox(tmp_path / "bare", without_date, b"From: a@b\n\nx\n\n", without_date, b"Date: y\n\nz\n")) == 2


@given(st.lists(st.lists(st.sampled_from([b"From x", b">From y", b"", b"text", b"From a@b Mon Nov  2 08:00:00 2026"]))))
def test_what_mboxrd_holds_comes_out(tmp_path: Path, bodies: list[list[bytes]]) -> None:
    mails = [b"Subject: x\n\n" + b"".join(line + b"\n" for line in lines) for lines in bodies]
    path = tmp_path / "law"
    assert read_mbox(path, *(part for raw in mails for part in (STAMP, rd(raw), b"\n"))) == mails


@pytest.mark.parametrize("window", [300, 1000])
def test_a_small_window_sees_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    mails = [FIRST + b"x" * size + b"\n" for size in range(0, 2000, 130)]
    parts = [part for raw in mails for part in (STAMP, rd(raw), b"\n")]
    monkeypatch.setattr(archives, "WINDOW", window)
    assert read_mbox(tmp_path / "a", *parts) == mails


def test_a_compressed_file_is_unpacked_for_the_moment(tmp_path: Path) -> None:
    path = tmp_path / "old.mbox.gz"
    path.write_bytes(gzip.compress(STAMP + rd(FIRST) + b"\n"))
    with ExitStack() as kept:
        [found] = archives.mbox(str(path), kept)
        assert archives.read(found) == FIRST
    with pytest.raises(TktError):
        archives.read(found)


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(FIRST)
    (tmp_path / "letter.gz").write_bytes(gzip.compress(FIRST))
    (tmp_path / "half.gz").write_bytes(gzip.compress(STAMP + FIRST)[:-9])
    with ExitStack() as kept:
        for name in ("letter", "letter.gz"):
            with pytest.raises(UsageError, match=f"/{name} is no mbox"):
                list(archives.mbox(str(tmp_path / name), kept))
        with pytest.raises(TktError, match="/half.gz can't be unpacked"):
            list(archives.mbox(str(tmp_path / "half.gz"), kept))
        with pytest.raises(UsageError, match="is a folder"):
            list(archives.mbox(str(tmp_path), kept))
        with pytest.raises(NotFound):
            list(archives.mbox(str(tmp_path / "nothing"), kept))
    with pytest.raises(UsageError, match="is no Maildir"):
        list(archives.maildir(str(tmp_path)))
    assert read_mbox(tmp_path / "empty") == []


def test_a_maildir_is_read_with_its_folders_and_no_links(tmp_path: Path) -> None:
    for folder, name in (("cur", "1.host:2,S"), ("new", "2.host"), (".Sent/cur", "3.host:2,S"), ("Old/2019/cur", "4")):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_bytes(name.encode())
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "5").write_bytes(b"half")
    (tmp_path / "cur" / "link").symlink_to("/etc/hostname")
    found = {archives.read(one) for one in archives.maildir(str(tmp_path))}
    assert found == {b"1.host:2,S", b"2.host", b"3.host:2,S", b"4"}


# --- conversations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def grouped(tmp_path: Path, letter: Callable[..., bytes]) -> Callable[..., list[list[int]]]:
    """Which of these mails belong together: their places in the order of time, conversation after conversation."""

    def group(*mails: bytes) -> list[list[int]]:
        index = Index({"support@desk.example"}, NOW)
        for place, raw in enumerate(mails):
            index.add(Spot(str(place), 0, len(raw)), raw)
        index.arrange()
        found: dict[int, list[int]] = {}
        for conversation, spot in index.conversations():
            found.setdefault(conversation, []).append(int(spot.path))
        index.close()
        return list(found.values())

    return group


def at(day: int, hour: int = 8) -> str:
    return f"{day:02} Oct 2026 {hour:02}:00:00 +0000"


def test_answers_find_their_question_wherever_it_stands(
    grouped: Callable[..., list[list[int]]], letter: Callable[..., bytes]
) -> None:
    last = letter("Re: it", Message_ID="<c@x>", References="<a@x> <b@x>", Date=at(3))
    middle = letter("Re: it", Message_ID="<b@x>", In_Reply_To="<a@x>", Date=at(2))
    first = letter("it", Message_ID="<a@x>", Date=at(1))
    other = letter("Another", Message_ID="<d@x>", Date="30 Sep 2026 08:00:00 +0000")
    siblings = [letter("x", Message_ID=f"<s{n}@x>", References="<lost@x>", Date=at(4, n)) for n in (1, 2)]
    assert grouped(last, middle, *siblings, first, other) == [[5], [4, 1, 0], [2, 3]]


def test_a_message_id_that_several_mails_share_joins_nothing(
    grouped: Callable[..., list[list[int]]], letter: Callable[..., bytes]
) -> None:
    mails = [letter(f"Report {n}", Message_ID="<same@device>", Date=at(n)) for n in (1, 2, 3)]
    assert grouped(*mails) == [[0], [1], [2]]
    assert grouped(mails[0], mails[0]) == [[0, 1]]


def test_subjects_join_answers_that_name_nobody_and_nothing_else(
    grouped: Callable[..., list[list[int]]], letter: Callable[..., bytes]
) -> None:
    carol, support = "carol@customer.example", "support@desk.example"
    question = letter("The printer", Date=at(1), sender=carol)
    answer = letter("AW: The printer", Date=at(2), sender=support, To=carol, In_Reply_To="<unknown@x>")
    assert grouped(question, answer) == [[0, 1]]
    again = letter("The printer", Date=at(2), sender=carol)
    stranger = letter("Re: The printer", Date=at(2), sender="dora@customer.example")
    late = letter("Re: The printer", Date=at(20), sender=carol)
    short = [letter("Hi", Date=at(1)), letter("Re: Hi", Date=at(2))]
    for one in (again, stranger, late):
        assert grouped(question, one) == [[0], [1]]
    assert grouped(*short) == [[0], [1]]


@pytest.mark.parametrize(
    ("subject", "plain", "answer"),
    [
        ("Re: AW: Fwd:  The Printer", "the printer", True),
        ("RE[2]: x y", "x y", True),
        ("回复：打印机", "打印机", True),
        ("Fwd: x", "x", False),
        ("Server: down", "server: down", False),
    ],
)
def test_subjects_without_their_prefixes(subject: str, plain: str, answer: bool) -> None:
    assert plain_subject(subject) == (plain, answer)


def test_impossible_dates_give_way_to_the_files() -> None:
    spot = Spot("x", 0, 0, stamp=1_500_000_000_000_000)
    sane = datetime(2020, 1, 1, tzinfo=UTC)
    assert moment_of(sane, spot, NOW) == sane
    assert moment_of(datetime(2150, 1, 1, tzinfo=UTC), spot, NOW) == stamped(spot)
    assert moment_of(datetime(1970, 1, 1, tzinfo=UTC), Spot("x", 0, 0), NOW) == NOW
    assert moment_of(None, spot, NOW) == stamped(spot)
