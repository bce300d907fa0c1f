"""Following tickets, mentioning colleagues, and hearing of what concerns oneself."""

from __future__ import annotations

import pytest
from sqlmodel import select

from tkt.desk import conversation, tickets
from tkt.desk.configure import add_team
from tkt.store.tables import Entry, Follower, Watcher
from tkt.tui.completion import complete_command, complete_mention


def watchers(writer, number):
    ask = select(Watcher.agent_id).where(Watcher.ticket == number).order_by(Watcher.agent_id)
    return list(writer.rows(lambda session: session.exec(ask).all()))


def followers(writer, number):
    ask = select(Follower.address).where(Follower.ticket == number)
    return list(writer.rows(lambda session: session.exec(ask).all()))


async def test_follow_and_unfollow(small_desk, running):
    async with running() as queue:
        await queue.burst(":follow\r")
        assert "#1: followed by you" in queue.message
        assert watchers(small_desk, 1) == [1]
        await queue.burst(":follow bob eve@example.org\r\r")
        assert watchers(small_desk, 1) == [1, 2] and followers(small_desk, 1) == ["eve@example.org"]
        shown = " ".join(queue.text().split())
        assert "followed by you, bob" in shown and "copies to eve@example.org" in shown
        await queue.burst("z")
        assert watchers(small_desk, 1) == [1] and followers(small_desk, 1) == []
        await queue.burst(":unfollow me\r")
        assert watchers(small_desk, 1) == []
        await queue.burst(":unfollow alcie\r")
        assert "there is no agent 'alcie', did you mean 'alice'?" in queue.text()


async def test_a_name_is_completed_in_a_note(small_desk, running):
    async with running() as queue:
        await queue.burst("cPlease ask @b\t, she\x13")
        await queue.until(lambda: "did you mean" in queue.message or "written" in queue.message)
        newest = small_desk.rows(lambda session: session.exec(select(Entry).order_by(Entry.id.desc())).first())
        assert newest.text == "Please ask @b, she"  # bob and billing: as far as it is certain
        await queue.burst("c@bo\tlook\x13")
        newest = small_desk.rows(lambda session: session.exec(select(Entry).order_by(Entry.id.desc())).first())
        assert newest.text == "@bob look"
        assert watchers(small_desk, 1) == [2]


async def test_who_is_not_told_is_said(small_desk, running):
    async with running() as queue:
        await queue.burst("c@bop look\x13")
        await queue.until(lambda: "no agent or team is named @bop; did you mean @bob?" in queue.message)


async def test_a_mention_stands_out_in_a_note(small_desk, running):
    conversation.note(small_desk.agent("bob"), 2, "@alice and @nobody: @BOB knows")
    async with running() as queue:
        await queue.burst("j\r")
        await queue.until(lambda: "@alice and @nobody" in queue.text())
        parts = [part for strip in queue.app.screen._compositor.render_strips() for part in strip]
        marked = [part.text for part in parts if part.style and part.style.underline and part.text[:1] == "@"]
        assert marked == ["@alice", "@BOB"]


async def test_a_mention_and_an_assignment_are_told(small_desk, running):
    bob = small_desk.agent("bob")
    add_team(small_desk.agent("alice"), "sales", ["alice"])
    async with running() as queue:
        conversation.note(bob, 5, "@alice do you know this?")
        await queue.until(lambda: "bob mentioned you on #5" in queue.message)
        conversation.note(bob, 4, "@sales or you?")
        await queue.until(lambda: "bob mentioned sales on #4" in queue.message)
        tickets.assign(bob, 2, "alice")
        await queue.until(lambda: "bob assigned #2 to you" in queue.message)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("@b", (1, ["bob", "billing"])),
        ("ask @BO", (5, ["bob"])),
        ("请@a", (2, ["alice"])),
        ("@", (1, ["alice", "bob", "billing"])),
        ("mail@b", None),
        ("@bob ", None),
        ("no", None),
    ],
)
def test_names_to_mention(line, found):
    completion = complete_mention(line, ["alice", "bob", "billing"])
    assert (completion and completion[:2]) == found


def test_who_may_follow():
    assert complete_command("follow ", {"agent": ["alice"]})[:2] == (7, ["me", "alice"])
