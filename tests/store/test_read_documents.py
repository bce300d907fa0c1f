"""The JSON of tickets, conversations, files, history, clocks and small facts: every other read, on both engines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from tkt.errors import NotFound
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_clauses import Where
from tkt.store.read_clocks import clocks_of, next_metrics
from tkt.store.read_desk import complete, setting, view_counts
from tkt.store.read_documents import list_documents, ticket_document
from tkt.store.read_entries import attachment, conversation, raw_mail
from tkt.store.read_events import changed_tickets, events_after, events_since, history, last_event
from tkt.store.read_people import agents, config_versions, teams
from tkt.store.read_tickets import page
from tkt.store.tables import (
    Agent,
    Attachment,
    Blob,
    Clock,
    ConfigVersion,
    Definition,
    Entry,
    Event,
    Person,
    Setting,
    Team,
    TeamMember,
    Ticket,
    TicketField,
    TicketTag,
)
from tkt.times import to_micros

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday."""
OFFICE = {"timezone": "UTC", "hours": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}


def _at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


@pytest.fixture
def reader(store: Store, location: Location) -> Iterator[Reader]:
    with store.transaction() as session:
        _people(session)
        _definitions(session)
        _tickets(session)
        _conversation(session)
        _clocks(session)
        _log(session)
    with open_reader(location) as opened:
        yield opened


def _people(session: Session) -> None:
    session.add_all([Agent(id=1, name="alice", skills=["vpn"]), Agent(id=2, name="bob", active=False)])
    session.add_all([Team(id=1, name="network", calendar="office"), Team(id=2, name="billing", position=1)])
    session.add(Person(id=1, name="Ann", created_at=START))
    session.add(Setting(key="desk.name", value="Help"))
    session.add(ConfigVersion(at=START, actor="alice", text="", plan=["add team network"]))
    session.flush()
    session.add_all([TeamMember(team_id=1, agent_id=1), TeamMember(team_id=1, agent_id=2)])


def _definitions(session: Session) -> None:
    bodies: list[tuple[str, str, dict[str, Any]]] = [
        ("field", "seats", {"type": "integer"}),
        ("field", "urgent", {"type": "boolean"}),
        ("field", "price", {"type": "decimal"}),
        ("calendar", "office", OFFICE),
        ("sla", "standard", {}),
        ("macro", "need-logs", {}),
        ("status", "in-repair", {"kind": "waiting"}),
    ]
    for number, (kind, name, body) in enumerate(bodies, 1):
        session.add(Definition(id=number, kind=kind, name=name, body=body, created_at=START))
    session.flush()


def _tickets(session: Session) -> None:
    one = Ticket(
        number=1, subject="VPN", category="network/vpn", created_at=START, updated_at=_at(2), due_at=_at(4),
        team_id=1, assignee_id=1, requester_id=1, channel="mail", version=3,
    )  # fmt: skip
    session.add_all([one, Ticket(number=2, subject="two", created_at=START, updated_at=START)])
    session.flush()
    for name, value in (("seats", "12"), ("urgent", "true"), ("price", "1.10"), ("old", "x")):
        session.add(TicketField(ticket=1, name=name, value=value))
    session.add_all([TicketTag(ticket=1, tag="vpn"), TicketTag(ticket=1, tag="a"), TicketTag(ticket=2, tag="vpn")])


def _conversation(session: Session) -> None:
    session.add_all([Blob(digest="m", size=4, data=b"From"), Blob(digest="f", size=3, data=b"\0\1\2")])
    session.flush()
    first = Entry(id=1, ticket=1, position=1, kind="inbound", at=START, person_id=1, text="Hello", raw="m")
    note = Entry(id=2, ticket=1, position=2, kind="note", at=_at(1), agent_id=1, text="oops", withdrawn_at=_at(2))
    reply = Entry(
        id=3, ticket=1, position=3, kind="reply", at=_at(2), agent_id=1, text="Hi", delivery="sent",
        recipients=["ann@x.example"],
    )  # fmt: skip
    session.add_all([first, note, reply])
    session.flush()
    session.add(Attachment(id=1, entry_id=1, name="log.txt", type="text/plain", size=3, digest="f"))


def _clocks(session: Session) -> None:
    common: dict[str, Any] = {"ticket": 1, "policy_id": 5, "started_at": START, "target_seconds": 7200}
    session.add(Clock(id=1, metric="first_response", state="met", used_seconds=7200, met_at=_at(2), **common))
    session.add(Clock(id=2, metric="resolution", running_since=_at(0), due_at=_at(4), **common))
    session.flush()
    session.add(
        Clock(id=3, metric="next_response", running_since=_at(7), due_at=_at(25), calendar_id=4,
              carried_seconds=60, used_seconds=40, **common)
    )  # fmt: skip


def _log(session: Session) -> None:
    for number, (ticket, old, new) in enumerate([(1, None, "new"), (2, None, {"a": [1]}), (1, "low", "high")], 1):
        session.add(Event(id=number, at=_at(number), change="c", actor="alice", ticket=ticket, verb="set",
                          field="x", old=old, new=new))  # fmt: skip


def test_the_document_of_a_ticket_is_the_contracts(reader: Reader) -> None:
    document = ticket_document(reader, 1, to_micros(_at(25)))
    clocks, entries = document.pop("sla"), document.pop("entries")
    assert document == {
        "number": 1, "subject": "VPN", "status": "new", "status_kind": "open", "priority": "normal", "type": None,
        "category": "network/vpn", "team": "network", "teams": [], "assignee": "alice",
        "requester": {"name": "Ann", "email": None, "company": None, "tier": None},
        "channel": "mail", "tags": ["a", "vpn"],
        "fields": {"old": "x", "price": "1.10", "seats": 12, "urgent": True},
        "parent": None, "merged_into": None, "created_at": "2026-03-02T09:00:00Z",
        "updated_at": "2026-03-02T11:00:00Z", "first_response_at": None, "resolved_at": None, "closed_at": None,
        "due_at": "2026-03-02T13:00:00Z", "version": 3, "undelivered": None, "watchers": [], "followers": [],
    }  # fmt: skip
    assert entries == [
        {"id": 1, "kind": "inbound", "author": "Ann", "at": "2026-03-02T09:00:00Z", "text": "Hello",
         "delivery": None, "attachments": [{"name": "log.txt", "type": "text/plain", "size": 3}]},
        {"id": 3, "kind": "reply", "author": "alice", "at": "2026-03-02T11:00:00Z", "text": "Hi",
         "delivery": "sent", "attachments": []},
    ]  # fmt: skip
    assert clocks[0] == {
        "metric": "first_response", "policy": "standard", "cycle": 1, "state": "met", "due_at": None,
        "target_seconds": 7200, "spent_seconds": 7200, "met_at": "2026-03-02T11:00:00Z", "breached_at": None,
    }  # fmt: skip
    json.dumps(document)


def test_running_clocks_count_the_open_time_until_now(reader: Reader) -> None:
    spent = {one.metric: one.spent_seconds for one in clocks_of(reader, [1], to_micros(_at(25)))[1]}
    # the office closed an hour after the clock began to run, and opened an hour before now
    assert spent == {"first_response": 7200, "resolution": 25 * 3600, "next_response": 100 + 2 * 3600}
    before = {one.metric: one.spent_seconds for one in clocks_of(reader, [1], to_micros(_at(-1)))[1]}
    assert before == {"first_response": 7200, "resolution": 0, "next_response": 100}


def test_the_metric_of_the_next_deadline(reader: Reader) -> None:
    assert next_metrics(reader, [1, 2]) == {1: "resolution"}


def test_lists_have_no_entries(reader: Reader) -> None:
    documents = list_documents(reader, page(reader))
    assert [document["number"] for document in documents] == [1, 2]
    assert all("entries" not in document for document in documents)
    assert (documents[1]["tags"], documents[1]["fields"], documents[1]["sla"]) == (["vpn"], {}, [])
    assert documents[1]["due_at"] is None


def test_an_unknown_ticket_is_not_found(reader: Reader) -> None:
    with pytest.raises(NotFound, match="no ticket #99"):
        ticket_document(reader, 99)
    assert [row.number for row in page(reader)] == [1, 2]  # the snapshot has ended


def test_a_conversation_is_read_from_its_end(reader: Reader) -> None:
    whole = conversation(reader, 1)
    assert [(one.position, one.kind, one.author) for one in whole] == [
        (1, "inbound", "Ann"), (2, "note", "alice"), (3, "reply", "alice"),
    ]  # fmt: skip
    assert [one.withdrawn_at is not None for one in whole] == [False, True, False]
    assert [one.has_raw for one in whole] == [True, False, False]
    assert whole[2].recipients == ["ann@x.example"]
    assert [one.position for one in conversation(reader, 1, limit=2)] == [2, 3]
    assert [one.position for one in conversation(reader, 1, after_position=2)] == [3]
    assert conversation(reader, 2) == []


def test_files_and_mails_come_back_byte_for_byte(reader: Reader) -> None:
    (file,) = conversation(reader, 1)[0].attachments
    assert attachment(reader, file.id) == b"\0\1\2"
    assert raw_mail(reader, 1) == raw_mail(reader, 1, 1) == b"From"
    for read in (lambda: attachment(reader, 9), lambda: raw_mail(reader, 2), lambda: raw_mail(reader, 1, 3)):
        with pytest.raises(NotFound):
            read()


def test_the_log_is_read_from_any_place(reader: Reader) -> None:
    assert [(row.id, row.old, row.new) for row in history(reader, 1)] == [(1, None, "new"), (3, "low", "high")]
    assert [row.id for row in events_after(reader, 1)] == [2, 3]
    assert events_after(reader, 0, 2)[1].new == {"a": [1]}
    assert [row.id for row in events_since(reader, to_micros(_at(2)))] == [2, 3]
    assert events_since(reader, to_micros(_at(9))) == []
    assert last_event(reader) == 3
    assert changed_tickets(reader, 2) == (3, {1})
    assert changed_tickets(reader, 3) == (3, set())


def test_people_and_configurations(reader: Reader) -> None:
    assert [(one.name, one.skills, one.teams) for one in agents(reader)] == [("alice", ["vpn"], ["network"])]
    assert [(one.name, one.members, one.calendar) for one in teams(reader)] == [
        ("network", ["alice"], "office"), ("billing", [], ""),
    ]  # fmt: skip
    assert [(one.id, one.at, one.actor, one.plan) for one in config_versions(reader)] == [
        (1, to_micros(START), "alice", ["add team network"])
    ]
    assert (setting(reader, "desk.name"), setting(reader, "nothing", "else")) == ("Help", "else")


def test_views_are_counted_up_to_a_cap(reader: Reader) -> None:
    views = {"all": Where("1 = 1"), "vpn": Where("t.category <> ''")}
    assert view_counts(reader, views) == {"all": 2, "vpn": 1}
    assert view_counts(reader, views, cap=1) == {"all": 1, "vpn": 1}


COMPLETED = {
    ("agent", ""): ["alice"],
    ("team", "b"): ["billing"],
    ("tag", ""): ["a", "vpn"],
    ("tag", "v"): ["vpn"],
    ("tag", "%"): [],
    ("status", "o"): ["open", "on-hold"],
    ("status", "in"): ["in-repair"],
    ("priority", ""): ["urgent", "high", "normal", "low"],
    ("macro", "need"): ["need-logs"],
}


def test_names_are_completed(reader: Reader) -> None:
    assert {asked: complete(reader, *asked) for asked in COMPLETED} == COMPLETED
