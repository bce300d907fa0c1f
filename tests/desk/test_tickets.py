"""The verbs of a ticket's life, through the desk, on both engines."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.unit import Desk, find_actor
from tkt.errors import Conflict, NotAllowed, NotFound, TktError, UsageError
from tkt.store.tables import Address, Blob, Person, Ticket, TicketField, TicketTag


def test_create_with_everything(office: Any) -> None:
    made = tickets.create(
        office.alice,
        "  VPN \n is   down ",
        text="since nine",
        requester=("Ann Lee", "Ann@Customer.example"),
        attachments=[Upload("../../log.txt", "text/plain", b"lines")],
        team="network",
        priority="high",
        category="/network//vpn/",
        type="incident",
        tags=["VPN", "berlin"],
        fields={"order_no": "123456", "count": "007"},
        assignee="bob",
        key="monitor-1",
        language="de",
    )
    document = office.document(made.number)
    assert document["number"] == made.number
    assert document["subject"] == "VPN is down"
    assert (document["status"], document["status_kind"], document["priority"]) == ("new", "open", "high")
    assert (document["type"], document["category"]) == ("incident", "network/vpn")
    assert (document["team"], document["assignee"], document["channel"]) == ("network", "bob", "cli")
    assert document["requester"] == {"name": "Ann Lee", "email": "ann@customer.example", "company": None, "tier": None}
    assert document["tags"] == ["berlin", "vpn"]
    assert document["fields"] == {"count": 7, "order_no": "123456"}
    assert document["version"] == 1
    [entry] = document["entries"]
    assert (entry["kind"], entry["author"], entry["text"]) == ("inbound", "Ann Lee", "since nine")
    assert entry["attachments"] == [{"name": "log.txt", "type": "text/plain", "size": 5}]
    assert office.ticket(made.number).attachments == 1
    assert [row.data for row in office.rows(Blob)] == [b"lines"]


def test_the_log_of_a_new_ticket_is_complete(office: Any) -> None:
    made = tickets.create(office.alice, "Help", text="now", tags=["vpn"], fields={"count": "1"}, assignee="bob")
    assert office.history(made.number) == [
        ("alice", "create", "", None, "Help", ""),
        ("alice", "note", "", None, None, ""),
        ("alice", "tag", "tag", None, "vpn", ""),
        ("alice", "set", "field.count", None, "1", ""),
        ("alice", "assign", "assignee", None, "bob", ""),
    ]
    assert len({one.change for one in office.events(made.number)}) == 1


def test_without_a_customer_the_text_is_a_note(office: Any) -> None:
    made = tickets.create(office.alice, "Ours", text="inside")
    assert [one.kind for one in office.entries(made.number)] == ["note"]
    bare = tickets.create(office.alice, "Only a subject")
    assert office.entries(bare.number) == []


def test_a_customer_is_made_once_and_found_again(office: Any) -> None:
    first = tickets.create(office.alice, "One", requester=("", "ann@customer.example"))
    second = tickets.create(office.bob, "Two", requester=("Ann", " <ANN@customer.example> "))
    assert first.requester_id == second.requester_id
    assert len(office.rows(Person)) == 1


@pytest.mark.parametrize("address", ["alice@desk.example", "ALICE@desk.example", "support@desk.example"])
def test_our_own_addresses_never_become_customers(office: Any, mailbox: str, address: str) -> None:
    office.declare(mailbox)
    made = tickets.create(office.alice, "From inside", text="hi", requester=("", address))
    assert made.requester_id is None
    assert office.rows(Address) == []
    assert office.entries(made.number)[0].kind == "note"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"subject": " \n "}, TktError),
        ({"priority": "hgih"}, UsageError),
        ({"team": "netwrk"}, NotFound),
        ({"assignee": "dave"}, NotFound),
        ({"assignee": "auto"}, Conflict),
        ({"tags": ["two words"]}, UsageError),
        ({"fields": {"colour": "blue"}}, UsageError),
        ({"fields": {"nothing": "1"}}, UsageError),
        ({"requester": ("", "nobody")}, UsageError),
        ({"requester": ("", "a\x1b[2J@b.example")}, UsageError),
        ({"key": " "}, UsageError),
    ],
)
def test_what_is_wrong_stores_nothing(sqlite_office: Any, wrong: dict[str, Any], error: type[TktError]) -> None:
    with pytest.raises(error):
        tickets.create(sqlite_office.alice, **{"subject": "Help", **wrong})
    assert sqlite_office.rows(Ticket) == [] and sqlite_office.rows(Person) == []


def test_a_wrong_word_is_answered_with_the_nearest(office: Any) -> None:
    with pytest.raises(UsageError, match="did you mean 'high'"):
        tickets.create(office.alice, "Help", priority="hihg")
    with pytest.raises(NotFound, match="did you mean 'network'"):
        tickets.create(office.alice, "Help", team="netwrok")


def test_the_same_key_is_the_same_ticket(office: Any) -> None:
    first = tickets.create(office.alice, "Disk full", key="disk-1", text="90%")
    again = tickets.create(office.bob, "Another subject", key="disk-1", text="99%", priority="urgent")
    assert again.number == first.number
    assert office.document(first.number)["version"] == 1
    assert len(office.events(first.number)) == 2


def test_the_same_key_twice_at_once_is_one_ticket(office: Any) -> None:
    numbers: list[int | None] = []
    start = threading.Barrier(4)

    def call() -> None:
        desk = Desk(office.store, office.alice.actor)
        start.wait()
        numbers.append(tickets.create(desk, "Disk full", key="disk-1", requester=("", "ann@customer.example")).number)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 4 and len(set(numbers)) == 1
    assert len(office.rows(Ticket)) == 1 and len(office.rows(Person)) == 1


def test_text_that_no_engine_can_keep_is_kept_readable(office: Any) -> None:
    made = tickets.create(
        office.alice, "a\0b\udcff", text="x\0y\udcff", type="t\0", category="c\udcff", requester=("N\0", "n@c.example")
    )
    document = office.document(made.number)
    assert document["subject"] == "a\ufffdb\ufffd"
    assert document["entries"][0]["text"] == "x\ufffdy\ufffd"
    assert (document["type"], document["category"]) == ("t\ufffd", "c\ufffd")


def test_a_very_long_subject_is_cut(office: Any) -> None:
    made = tickets.create(office.alice, "x" * 5000)
    assert len(made.subject) == tickets.SUBJECT_LIMIT


# --- set --------------------------------------------------------------------------------------------------------------


def test_set_changes_and_records_what_differs(office: Any) -> None:
    number = tickets.create(office.alice, "Help", team="network").number
    wanted = {"priority": "urgent", "team": "network", "category": "net/vpn", "type": "incident", "subject": "Help me"}
    assert tickets.set_fields(office.bob, number, wanted) == ["priority", "category", "type", "subject"]
    document = office.document(number)
    assert {key: document[key] for key in wanted} == wanted
    assert document["version"] == 2
    assert ("bob", "set", "priority", "normal", "urgent", "") in office.history(number)
    assert tickets.set_fields(office.bob, number, wanted) == []
    assert office.document(number)["version"] == 2


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("order_no", "0123456", "0123456"),
        ("count", " -12 ", -12),
        ("cost", "1e2", "100"),
        ("cost", "12.500", "12.5"),
        ("cost", "-0.0", "0"),
        ("cost", "12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("urgent_call", "YES", True),
        ("urgent_call", "no", False),
        ("day", "2026-02-28", "2026-02-28"),
        ("colour", "red", "red"),
    ],
)
def test_custom_fields_in_their_types(sqlite_office: Any, name: str, given: str, shown: Any) -> None:
    office = sqlite_office
    number = tickets.create(office.alice, "Help").number
    assert tickets.set_fields(office.alice, number, {f"field.{name}": given}) == [f"field.{name}"]
    assert office.document(number)["fields"] == {name: shown}
    assert tickets.set_fields(office.alice, number, {f"field.{name}": ""}) == [f"field.{name}"]
    assert office.document(number)["fields"] == {} and office.rows(TicketField) == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("field.order_no", "12345"),
        ("field.count", "1.5"),
        ("field.cost", "NaN"),
        ("field.cost", "1e999999"),
        ("field.cost", "dear"),
        ("field.urgent_call", "maybe"),
        ("field.day", "2026-02-30"),
        ("field.colour", "blue"),
        ("field.ordre_no", "123456"),
        ("priority", ""),
        ("subject", " "),
        ("due", "whenever"),
        ("status", "done"),
        ("nothing", "x"),
    ],
)
def test_a_word_outside_its_set_changes_nothing(sqlite_office: Any, name: str, given: str) -> None:
    number = tickets.create(sqlite_office.alice, "Help").number
    with pytest.raises(UsageError):
        tickets.set_fields(sqlite_office.alice, number, {"priority": "urgent", name: given})
    assert sqlite_office.document(number)["version"] == 1


def test_due_by_hand(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    tickets.set_fields(office.alice, number, {"due": "2026-11-03 14:00"})
    assert office.document(number)["due_at"] == "2026-11-03T13:00:00Z"  # the desk's zone is Berlin's
    tickets.set_fields(office.alice, number, {"due": "none"})
    assert office.document(number)["due_at"] is None


# --- assign, take, tag, status ----------------------------------------------------------------------------------------


def test_assign(office: Any) -> None:
    number = tickets.create(office.alice, "Help", team="network").number
    assert tickets.assign(office.bob, number, "me") == "bob"
    assert tickets.assign(office.bob, number, "alice") == "alice"
    assert tickets.assign(office.bob, number, "none") is None
    assert tickets.assign(office.bob, number, "auto") in ("alice", "bob")
    assert [event[3:5] for event in office.history(number) if event[2] == "assignee"][:3] == [
        (None, "bob"), ("bob", "alice"), ("alice", None),
    ]  # fmt: skip


def test_nobody_to_assign(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    for team in ("none", "empty"):
        tickets.set_fields(office.alice, number, {"team": team})
        with pytest.raises(Conflict, match="nobody can be chosen"):
            tickets.assign(office.alice, number, "auto")
    with pytest.raises(NotFound):
        tickets.assign(office.alice, number, "bbo")
    with pytest.raises(NotAllowed):
        tickets.assign(office.system, number, "me")


def test_take_what_is_free_or_mine(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    tickets.take(office.bob, number)
    tickets.take(office.bob, number)
    assert office.document(number)["version"] == 2
    with pytest.raises(Conflict, match=f"#{number} is bob's; 'tkt assign {number} me' takes it over"):
        tickets.take(office.alice, number)
    assert office.document(number)["assignee"] == "bob"


def test_taking_is_reading(office: Any) -> None:
    made = tickets.create(office.customer("a@c.example"), "Help", message=Message("hi", "A", "a@c.example"))
    assert office.ticket(made.number).unread
    tickets.take(office.bob, made.number)
    assert not office.ticket(made.number).unread


def test_tags(office: Any) -> None:
    number = tickets.create(office.alice, "Help", tags=["old"]).number
    assert tickets.tag(office.bob, number, ["VPN", "vpn", "a/b:c.d-e"], ["old", "never"]) == ["old", "vpn", "a/b:c.d-e"]
    assert office.document(number)["tags"] == ["a/b:c.d-e", "vpn"]
    assert tickets.tag(office.bob, number, ["vpn"]) == []
    assert office.document(number)["version"] == 2
    with pytest.raises(UsageError):
        tickets.tag(office.bob, number, ["-x"])
    assert len(office.rows(TicketTag)) == 2


def test_the_status_flow_keeps_its_moments(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    moments = ("resolved_at", "closed_at")
    office.later(hours=1)
    assert tickets.set_status(office.bob, number, "resolved", text="a new cable") == ["status"]
    assert [office.document(number)[key] for key in moments] == ["2026-11-02T10:00:00Z", None]
    office.later(hours=1)
    tickets.set_status(office.bob, number, "closed")
    assert [office.document(number)[key] for key in moments] == ["2026-11-02T10:00:00Z", "2026-11-02T11:00:00Z"]
    tickets.set_status(office.bob, number, "open")
    assert [office.document(number)[key] for key in moments] == [None, None]
    assert tickets.set_status(office.bob, number, "open") == []
    assert [one.text for one in office.entries(number)] == ["a new cable"]
    statuses = [(event[3], event[4]) for event in office.history(number) if event[2] == "status"]
    assert statuses == [("new", "resolved"), ("resolved", "closed"), ("closed", "open")]


def test_a_declared_status(office: Any) -> None:
    office.declare('[[status]]\nname = "waiting-parts"\nkind = "waiting"\n')
    number = tickets.create(office.alice, "Help").number
    tickets.set_status(office.alice, number, "waiting-parts")
    assert office.document(number)["status_kind"] == "waiting"


# --- who may, and when somebody was faster ----------------------------------------------------------------------------


def test_a_viewer_changes_nothing(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    before = office.document(number)
    acts: list[Any] = [
        lambda: tickets.create(office.carol, "Mine"),
        lambda: tickets.set_fields(office.carol, number, {"priority": "low"}),
        lambda: tickets.assign(office.carol, number, "me"),
        lambda: tickets.take(office.carol, number),
        lambda: tickets.tag(office.carol, number, ["x"]),
        lambda: tickets.set_status(office.carol, number, "closed"),
        lambda: conversation.reply(office.carol, number, "hello"),
        lambda: conversation.note(office.carol, number, "hello"),
    ]
    for act in acts:
        with pytest.raises(NotAllowed, match="carol has the role viewer"):
            act()
    assert office.document(number) == before


def test_who_is_no_agent_is_told_the_way(office: Any) -> None:
    with pytest.raises(NotAllowed, match="tkt agent add mallory"):
        find_actor(office.store, "mallory")


def test_an_older_version_conflicts_and_says_what_changed(office: Any) -> None:
    number = tickets.create(office.alice, "Help").number
    seen = office.document(number)["version"]
    tickets.set_fields(office.bob, number, {"priority": "high"})
    acts: list[Any] = [
        lambda: tickets.set_fields(office.alice, number, {"priority": "low"}, seen),
        lambda: tickets.assign(office.alice, number, "me", seen),
        lambda: tickets.take(office.alice, number, seen),
        lambda: tickets.set_status(office.alice, number, "closed", seen),
        lambda: conversation.reply(office.alice, number, "hello", version=seen),
        lambda: conversation.note(office.alice, number, "hello", version=seen),
    ]
    for act in acts:
        with pytest.raises(Conflict, match="bob, priority: normal → high"):
            act()
    assert office.document(number)["priority"] == "high" and office.entries(number) == []
    assert tickets.assign(office.alice, number, "me", seen + 1) == "alice"


def test_no_such_ticket(office: Any) -> None:
    for act in (
        lambda: tickets.set_fields(office.alice, 99, {"priority": "low"}),
        lambda: tickets.take(office.alice, 99),
        lambda: conversation.note(office.alice, 99, "x"),
    ):
        with pytest.raises(NotFound, match="there is no ticket #99"):
            act()


def test_a_field_is_for_tickets_of_its_types(sqlite_office: Any) -> None:
    office = sqlite_office
    number = tickets.create(office.alice, "Help").number
    with pytest.raises(UsageError, match="type incident"):
        tickets.set_fields(office.alice, number, {"field.serial": "X1"})
    both = {"type": "incident", "field.serial": "X1"}
    assert tickets.set_fields(office.alice, number, both) == list(both)
    assert tickets.create(office.alice, "Help", type="incident", fields={"serial": "X2"}).number
