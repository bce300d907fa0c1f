"""However the queue ends, what was being written is kept, and the terminal is as it was."""

from __future__ import annotations

import os
import signal

import pytest
from sqlmodel import select

from tkt.store.tables import Entry, TicketTag
from tkt.tui.drafts import Drafts


@pytest.fixture
def writing(terminal):
    """A terminal in which a reply is being written."""
    terminal.wait_for(b"VPN is down")
    terminal.write(b"rHalf a thought")
    terminal.wait_for(b"mailed to")
    terminal.read()
    return terminal


def kept(desk):
    return Drafts(desk).read(1, "reply").text


def test_a_burst_in_one_write_goes_where_its_keys_belong(terminal, small_desk):
    terminal.wait_for(b"VPN is down")
    terminal.write(b"rHello there\x13cnote text\x13:tag +x\rabob\r/vpn\r:1\r\rhjjqL+y\r\x1b:quit\r")
    assert terminal.wait() == 0
    ask = select(Entry.kind, Entry.text).where(Entry.ticket == 1).order_by(Entry.position)
    found = small_desk.rows(lambda session: session.exec(ask).all())
    assert [tuple(row) for row in found[-2:]] == [("reply", "Hello there"), ("note", "note text")]
    ask = select(TicketTag.ticket, TicketTag.tag).where(TicketTag.tag.in_(["x", "y"]))
    assert sorted(small_desk.rows(lambda session: session.exec(ask).all())) == [(1, "x"), (1, "y")]
    assert small_desk.read(1).assignee_id == small_desk.agent("bob").actor.agent_id
    assert not Drafts(small_desk.store.location).kinds()


def test_a_killed_queue_loses_no_more_than_a_second(writing, empty_desk):
    writing.read(1.0)
    writing.kill(signal.SIGKILL)
    writing.wait()
    assert kept(empty_desk) == "Half a thought"


def test_a_terminated_queue_keeps_the_draft_and_gives_the_terminal_back(writing, empty_desk):
    writing.kill(signal.SIGTERM)
    left = writing.wait_for(b"\x1b[?1049l")
    assert writing.wait() == 0 and b"Traceback" not in left
    assert kept(empty_desk) == "Half a thought"


def test_a_lost_connection_keeps_the_draft_and_ends_the_queue(writing, empty_desk):
    writing.hang_up()
    assert os.WIFEXITED(writing.wait())
    assert kept(empty_desk) == "Half a thought"


def test_an_interrupt_is_a_key_and_ends_nothing(writing, empty_desk):
    writing.kill(signal.SIGINT)
    writing.write(b"\x03\x03 and more")
    shown = writing.read()
    writing.write(b"\x1b\x03q")
    shown += writing.wait_for(b"\x1b[?1049l")
    assert writing.wait() == 0 and b"Traceback" not in shown
    assert kept(empty_desk) == "Half a thought and more"


@pytest.fixture
def editor(monkeypatch, tmp_path):
    """An editor that adds a line, or fails if the text says so."""
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho "IN THE EDITOR"\ngrep -q fail "$1" && kill -INT $PPID $$\necho more >> "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("TKT_EDITOR", str(script))


def test_the_editor_has_the_terminal_and_gives_it_back(editor, terminal, empty_desk):
    terminal.wait_for(b"VPN is down")
    terminal.write(b"e")
    shown = terminal.wait_for(b"IN THE EDITOR") + terminal.read()
    assert b"mailed to ann@acme.example" in shown and kept(empty_desk) == "more"
    terminal.write(b" but fail\x05")
    assert b"with status" in terminal.wait_for(b"IN THE EDITOR") + terminal.read()
    terminal.write(b"!\x1bq")
    assert terminal.wait() == 0 and kept(empty_desk) == "more but fail!"
