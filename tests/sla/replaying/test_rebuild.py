"""`tkt sla rebuild --check`: silent where the ledger is what the history makes of it, exact where it is not."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tkt.cli.main import run
from tkt.desk import archive, conversation, tickets, undo
from tkt.desk.conversation import Message
from tkt.desk.unit import SYSTEM
from tkt.sla.replaying import rebuild
from tkt.store.tables import Ticket

LONG = [
    (60, ("reply", "waiting")),
    (7200, ("receive", "")),
    (0, ("receive", "auto-reply: out of office")),
    (3600, ("set", "priority=urgent")),
    (60, ("check",)),
    (86400, ("reply", "resolved")),
    (60, ("undo",)),
    (0, ("apply", 2)),
    (60, ("status", "vendor")),
    (3600, ("apply", 3)),
    (86400, ("check",)),
    (60, ("status", "closed")),
    (60, ("receive", "")),
    (60, ("set", "type=incident")),
    (60, ("spam",)),
    (60, ("ham",)),
]


@pytest.fixture
def told(story: Any) -> Any:
    story.begin("mail")
    for gap, act in LONG:
        story.act(gap, act)
    return story


@pytest.fixture
def tkt(told: Any, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: str) -> tuple[int, str, str]:
        status = run(["--desk", told.store.location.target, "sla", "rebuild", *words])
        written = capsys.readouterr()
        return status, written.out, written.err

    return call


def spoil(told: Any, sql: str) -> None:
    with told.store.transaction() as session:
        assert session.connection().execute(text(sql)).rowcount == 1


def test_a_long_story_has_no_difference(told: Any, tkt: Any) -> None:
    found = rebuild.check(told.store, [1, 2])
    assert found.tickets == 2 and found.clocks == len(told.ledger()) + 2
    assert len({key[1] for key in told.ledger()}) > 1, "the story has cycles"
    assert found.differences == found.unknown == []
    status, out, err = tkt("--check")
    assert (status, out) == (0, "") and "2 tickets: no difference" in err


@pytest.mark.parametrize(
    ("sql", "metric", "field"),
    [
        ("UPDATE clock SET due_at = due_at + 60 WHERE ticket = 2 AND metric = 'resolution'", "resolution", "due_at"),
        ("UPDATE clock SET used_seconds = 7 WHERE ticket = 2 AND metric = 'resolution'", "resolution", "used_seconds"),
        (
            "UPDATE clock_span SET seconds = 9 WHERE id = (SELECT min(s.id) FROM clock_span s JOIN clock k"
            " ON k.id = s.clock_id WHERE k.ticket = 2 AND k.metric = 'resolution')",
            "resolution", "span 1 seconds",
        ),
        ("UPDATE clock SET by_change = true WHERE ticket = 2 AND metric = 'resolution'", "resolution", "by_change"),
        ("UPDATE ticket SET breached = NOT breached WHERE number = 2", "", "breached"),
        ("UPDATE ticket SET due_at = due_at + 1000000 WHERE number = 2", "", "due_at"),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_named(told: Any, sql: str, metric: str, field: str) -> None:
    spoil(told, sql)
    (found,) = rebuild.check(told.store, [1, 2]).differences
    assert (found.ticket, found.metric, found.field) == (2, metric, field)
    assert found.stored != found.recomputed


def test_a_clock_too_many_and_one_too_few(told: Any) -> None:
    spoil(told, "UPDATE clock SET metric = 'next_response' WHERE ticket = 2 AND metric = 'first_response'")
    found = rebuild.check(told.store, [2]).differences
    assert [(one.metric, one.field, one.recomputed) for one in found] == [
        ("first_response", "clock", found[0].recomputed), ("next_response", "clock", None),
    ]  # fmt: skip
    assert found[0].stored is None


def test_the_command_says_what_and_where_and_ends_with_1(told: Any, tkt: Any) -> None:
    spoil(told, "UPDATE clock SET used_seconds = 7 WHERE ticket = 2 AND metric = 'resolution'")
    status, out, err = tkt("--check")
    assert status == 1 and out.startswith("#2 resolution used_seconds: stored 7, recomputed ")
    assert "1 of them differ" in err
    status, out, _ = tkt("--check", "--json")
    assert status == 1
    assert [(one["ticket"], one["stored"]) for one in json.loads(out)["differences"]] == [(2, 7)]


def test_a_query_narrows_it_down(told: Any, tkt: Any) -> None:
    spoil(told, "UPDATE clock SET used_seconds = 7 WHERE ticket = 2 AND metric = 'resolution'")
    assert tkt("--check", "number:1")[0] == 0
    assert tkt("--check", "number:2")[0] == 1


def test_what_the_history_does_not_hold_is_no_difference(told: Any, tkt: Any) -> None:
    spoil(told, "DELETE FROM event WHERE ticket = 2 AND verb = 'create'")
    spoil(told, "UPDATE ticket SET first_response_at = first_response_at + 1000000 WHERE number = 1")
    found = rebuild.check(told.store, [1, 2])
    assert not found.differences
    assert [(one.ticket, one.reason) for one in found.unknown] == [
        (1, "the history does not say how its first response came about"),
        (2, "the history does not begin with its creation"),
    ]
    status, out, err = tkt("--check")
    assert status == 1 and "#2 can't be recomputed: the history does not begin" in out
    assert "2 can't be recomputed" in err


def test_nothing_is_ever_rewritten(told: Any, tkt: Any) -> None:
    spoil(told, "UPDATE clock SET used_seconds = 7 WHERE ticket = 2 AND metric = 'resolution'")
    before = told.ledger()
    status, _, err = tkt()
    assert status == 2 and "--check" in err
    tkt("--check")
    assert told.ledger() == before
    assert rebuild.check(told.store, [2]).differences


@pytest.mark.parametrize("opening", ["mail", "agent"])
def test_a_ticket_that_was_taken_back_has_kept_nothing(story: Any, opening: str) -> None:
    story.begin(opening)
    story.act(60, ("undo",))
    assert {one.clock["state"] for one in story.ledger().values()} == {"cancelled"}
    assert not rebuild.check(story.store, [1]).differences


def test_the_reason_of_a_stretch_is_what_the_history_says(story: Any) -> None:
    story.begin("mail")
    story.act(60, ("reply", "waiting"))
    story.act(60, ("receive", ""))
    causes = [span["cause"] for span in story.ledger()["resolution", 1].spans]
    assert causes == [
        "created",
        "reply, status new → waiting (alice)",
        "customer's message, status waiting → open (tkt)",
    ]


def test_nobody_waits_for_an_answer_to_what_came_from_an_archive(story: Any) -> None:
    """The policies ask for `unanswered`: when a reply is taken back it counts as in the history gone through."""
    letters = [Message("long ago", "Ann", "ann@example.org") for _ in range(4)]
    past = [archive.Past(one, story.at - timedelta(days=90), outside=("Ann", one.address)) for one in letters]
    with story.desk().change() as change:
        number, _ = archive.begin(change, "old", "a key", past, archive.Setting())
    tickets.set_status(story.desk(), number, "open")
    conversation.receive(story.desk(SYSTEM), number, letters[0])
    conversation.reply(story.desk(), number, "here you are")
    undo.undo(story.desk(), number)
    tickets.set_fields(story.desk(), number, {"category": "mail"})
    found = rebuild.check(story.store, [number])
    assert found.clocks and not found.differences and not found.unknown
    with story.store.reading() as session:
        assert session.get_one(Ticket, number).unanswered_count == 1
