"""Who takes part in a ticket: agents who follow it, and people outside who get its replies."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, followers, tickets, undo
from tkt.desk.conversation import Message
from tkt.desk.outbox import reply_recipients
from tkt.errors import NotAllowed, NotFound, UsageError

ANN, BO, CY = "ann@customer.example", "bo@customer.example", "cy@other.example"


@pytest.fixture
def number(office: Any, mailbox: str) -> int:
    office.declare(mailbox)
    message = Message("Help", "Ann", ANN, cc=(("Bo", BO),))
    made = tickets.create(office.customer(ANN), "VPN", message=message, channel="mail")
    assert made.number is not None
    return made.number


def recipients(office: Any, number: int) -> tuple[list[str], list[str]]:
    with office.alice.look() as change:
        return reply_recipients(change, change.ticket(number))


def test_an_agent_follows(office: Any, number: int) -> None:
    version = office.ticket(number).version
    assert followers.follow(office.bob, number) == ["bob"]
    assert followers.follow(office.bob, number, ["me", "bob"]) == []
    assert followers.follow(office.sue, number, ["me", "alice"]) == ["sue", "alice"]
    assert office.document(number)["watchers"] == ["alice", "bob", "sue"]
    assert followers.unfollow(office.bob, number) == ["bob"]
    assert followers.unfollow(office.bob, number) == []
    assert office.document(number)["watchers"] == ["alice", "sue"]
    assert office.ticket(number).version == version  # nobody's work on it is stopped
    assert office.history(number)[-1] == ("bob", "follow", "watcher", "bob", None, "")


def test_who_may_let_whom_follow(office: Any, number: int) -> None:
    for act in (followers.follow, followers.unfollow):
        with pytest.raises(NotAllowed):
            act(office.bob, number, ["alice"])
        with pytest.raises(NotAllowed):
            act(office.carol, number, [], [CY])
        with pytest.raises(NotAllowed):
            act(office.system, number)
        with pytest.raises(NotFound, match="did you mean 'alice'"):
            act(office.sue, number, ["alcie"])
        with pytest.raises(NotFound):
            act(office.bob, 99)
    assert followers.follow(office.carol, number) == ["carol"]  # to follow is to read
    assert followers.follow(office.sue, number, ["carol"]) == []


def test_who_is_copied_in_can_be_dropped(office: Any, number: int) -> None:
    assert office.document(number)["followers"] == [{"name": "Bo", "email": BO}]
    assert recipients(office, number) == ([ANN], [BO])
    assert followers.unfollow(office.bob, number, [], ["BO@customer.example"]) == [BO]
    assert recipients(office, number) == ([ANN], [])
    assert followers.unfollow(office.bob, number, [], [BO]) == []
    conversation.receive(office.customer(ANN), number, Message("More", "Ann", ANN, cc=(("Bo", BO),)))
    assert recipients(office, number) == ([ANN], [BO])


def test_who_wrote_last_and_was_dropped_gets_no_answer(office: Any, number: int) -> None:
    conversation.receive(office.customer(BO), number, Message("Me too", "Bo", BO, reply_to="bo@home.example"))
    assert recipients(office, number) == (["bo@home.example"], [ANN])
    followers.unfollow(office.bob, number, [], [BO])
    assert recipients(office, number) == ([ANN], [])
    conversation.receive(office.customer(BO), number, Message("Still me", "Bo", BO))
    assert recipients(office, number) == ([BO], [ANN])


def test_an_agent_lets_somebody_in(office: Any, number: int) -> None:
    assert followers.follow(office.bob, number, [], [CY, BO]) == [CY]
    assert recipients(office, number) == ([ANN], [BO, CY])
    for wrong in ("nobody", "alice@desk.example", "support@desk.example", ANN):
        for act in (followers.follow, followers.unfollow):
            with pytest.raises(UsageError):
                act(office.bob, number, [], [BO, wrong])
    assert recipients(office, number) == ([ANN], [BO, CY])  # nothing was changed by halves


def test_following_is_undone(office: Any, number: int) -> None:
    followers.follow(office.bob, number, ["me"], [CY])
    assert str(undo.undo(office.bob)) == f"#{number}: watcher: bob → nothing; follower: {CY} → nothing"
    assert (office.document(number)["watchers"], recipients(office, number)) == ([], ([ANN], [BO]))
    undo.redo(office.bob)
    assert (office.document(number)["watchers"], recipients(office, number)) == (["bob"], ([ANN], [BO, CY]))
    followers.unfollow(office.bob, number, ["me"], [CY])
    undo.undo(office.bob)
    assert (office.document(number)["watchers"], recipients(office, number)) == (["bob"], ([ANN], [BO, CY]))
