"""Maildirs and mbox files: what is read, in which order, and that it is read once."""

from __future__ import annotations

import mailbox as stdlib_mailbox
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving.folders import Maildir, Mbox
from tkt.channels.mail.receiving.sources import BATCH_BYTES, BATCH_MESSAGES, Position, in_batches
from tkt.channels.mail.status import mail_status
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway

Letter = Callable[..., bytes]


def nothing(_names: Any) -> set[str]:
    return set()


def read(source: Maildir | Mbox, position: Position = Position()) -> tuple[list[bytes], Position]:  # noqa: B008
    found: list[bytes] = []
    for batch in source.batches(position, nothing):
        found += [message.raw for message in batch.messages if message.raw is not None]
        source.mark(batch)
        position = batch.position
    return found, position


def test_a_maildir_is_read_oldest_first_seen_or_not(maildir: Any) -> None:
    (maildir.path / "new" / "1700000002.B.host").write_bytes(b"second")
    (maildir.path / "cur" / "1700000001.A.host:2,FS").write_bytes(b"first")
    (maildir.path / "new" / "1700000003.C.host:2,").write_bytes(b"third")
    (maildir.path / "tmp" / "1700000000.X.host").write_bytes(b"still being written")
    (maildir.path / "new" / ".hidden").write_bytes(b"no message")
    assert read(Maildir("box", str(maildir.path)))[0] == [b"first", b"second", b"third"]
    assert maildir.names("new") == [".hidden"]
    names = ["1700000001.A.host:2,FS", "1700000002.B.host:2,S", "1700000003.C.host:2,S"]
    assert maildir.names("cur") == names


def test_a_message_keeps_its_name_when_its_flags_change(maildir: Any) -> None:
    maildir.deliver(b"one")
    source = Maildir("box", str(maildir.path))
    [before] = next(source.batches(Position(), nothing)).messages
    read(source)
    [after] = next(source.batches(Position(), nothing)).messages
    assert before.source == after.source
    assert list(source.batches(Position(), lambda names: set(names))) == []


def test_a_message_that_vanishes_meanwhile_is_left_to_the_next_round(maildir: Any) -> None:
    maildir.deliver(b"one", b"two")
    source = Maildir("box", str(maildir.path))
    waiting = source.batches(Position(), nothing)
    (maildir.path / "new" / maildir.names("new")[0]).unlink()
    assert [message.raw for message in next(waiting).messages] == [b"two"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(MailboxUnusable, match="no Maildir"):
        Maildir("box", str(tmp_path))
    with pytest.raises(MailboxUnusable, match="no mbox"):
        Mbox("box", str(tmp_path / "none"))


def test_an_mbox_gives_what_the_standard_library_gives(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    with_from = b"Subject: b\n\nFrom here on\n>From there\n\nlast line\n"
    written = stdlib_mailbox.mbox(str(path))
    for mail in (b"Subject: a\n\none\n", with_from, b"Subject: c\n\n\n\nthree\n"):
        written.add(mail)
    written.close()
    before = path.read_bytes()
    found, _ = read(Mbox("box", str(path)))
    assert found == [
        b"Subject: a\n\none\n",
        b"Subject: b\n\nFrom here on\nFrom there\n\nlast line\n",
        b"Subject: c\n\n\n\nthree\n",
    ]
    assert path.read_bytes() == before


def test_an_mbox_is_read_on_from_where_reading_stopped(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"From a@b Mon\nSubject: a\n\none\n\n")
    source = Mbox("box", str(path))
    found, position = read(source)
    assert found == [b"Subject: a\n\none\n"]
    assert read(source, position)[0] == []
    with path.open("ab") as file:
        file.write(b"From a@b Mon\r\nSubject: b\r\n\r\ntwo\r\n\r\n")
    assert read(source, position)[0] == [b"Subject: b\r\n\r\ntwo\r\n"]


def test_a_rewritten_mbox_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"From a@b Mon\nSubject: a\n\none\n\n")
    source = Mbox("box", str(path))
    _, position = read(source)
    path.write_bytes(b"From a@b Mon\nSubject: other\n\nand a longer text\n\n")
    assert read(source, position)[0] == [b"Subject: other\n\nand a longer text\n"]
    path.write_bytes(b"")
    assert read(source, position)[0] == []


def test_an_mbox_that_is_being_written_waits(tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    path.write_bytes(b"From a@b Mon\nSubject: a\n\none\n")
    code = (
        "import fcntl, sys; f = open(sys.argv[1], 'r+b');"
        "fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdin and writer.stdout
    writer.stdout.readline()
    with pytest.raises(MailServerAway, match="being written"):
        read(Mbox("box", str(path)))
    writer.communicate()
    assert len(read(Mbox("box", str(path)))[0]) == 1


def test_an_mbox_becomes_tickets_once(desk: Desk, declare: Callable[..., None], letter: Letter, tmp_path: Path) -> None:
    path = tmp_path / "mbox"
    mails = [b"From x@y Mon Nov  2 08:00:00 2026\n" + letter(f"Question {n}").replace(b"\r\n", b"\n") for n in range(3)]
    path.write_bytes(b"\n".join(mails))
    declare(desk, imap=f"mbox:{path}")
    assert gateway.pull(desk)[0].tickets == 3
    assert gateway.pull(desk)[0].fetched == 0
    path.write_bytes(b"\n".join(mails[1:] + [b"From x@y Mon\n" + letter("Question 3")]))
    assert gateway.pull(desk)[0].tickets == 1


@given(st.lists(st.integers(0, BATCH_BYTES * 2), max_size=900))
def test_batches_hold_everything_in_order_and_stay_bounded(sizes: list[int]) -> None:
    groups = list(in_batches(enumerate(sizes)))
    assert [number for group in groups for number in group] == list(range(len(sizes)))
    for group in groups:
        assert 0 < len(group) <= BATCH_MESSAGES
        assert len(group) == 1 or sum(sizes[number] for number in group) <= BATCH_BYTES


def test_a_broken_folder_shows_in_the_status(
    desk: Desk, declare: Callable[..., None], tmp_path: Path, maildir: Any
) -> None:
    declare(desk, imap=f"maildir:{tmp_path}/later")
    gateway.pull(desk)
    assert "no Maildir" in mail_status(desk).mailboxes[0].error
    (tmp_path / "later").symlink_to(maildir.path)
    gateway.pull(desk)
    [box] = mail_status(desk).mailboxes
    assert (box.error, box.folder, box.checked_at) == ("", f"{tmp_path}/later", desk.now())


def test_a_link_in_a_maildir_is_no_message(maildir: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0")
    for part in ("new", "cur"):
        (maildir.path / part / "1700000000.L.host").symlink_to(secret)
    os.mkfifo(maildir.path / "new" / "1700000000.F.host")
    maildir.deliver(b"a mail")
    assert read(Maildir("box", str(maildir.path)))[0] == [b"a mail"]
    assert maildir.names("new") == ["1700000000.F.host", "1700000000.L.host"]


@pytest.mark.parametrize("other", ["link", "pipe"])
def test_what_takes_a_message_s_place_while_it_is_read_is_not_read(maildir: Any, tmp_path: Path, other: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0")
    maildir.deliver(b"one", b"two")
    waiting = Maildir("box", str(maildir.path)).batches(Position(), swapping(maildir.path / "new", secret, other))
    assert [message.raw for batch in waiting for message in batch.messages] == [b"two"]


def swapping(folder: Path, secret: Path, other: str) -> Callable[[Any], set[str]]:
    """Puts something else in the first message's place once the folder has been listed."""

    def known(names: Any) -> set[str]:
        first = folder / min(names)
        first.unlink()
        first.symlink_to(secret) if other == "link" else os.mkfifo(first)
        return set()

    return known
