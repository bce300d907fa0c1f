"""Rules at work: what they answer, what stands in the history, and how they come to an end."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message
from tkt.desk.rules import run_time_rules
from tkt.desk.undo import undo

ANN = "ann@customer.example"


def rule(name: str, on: str, when: str, *do: str) -> str:
    actions = ", ".join(f'"{one}"' for one in do)
    return f"[[rule]]\nname = '{name}'\non = '{on}'\nwhen = '''{when}'''\ndo = [{actions}]\n"


def caused(office: Any, number: int, name: str) -> list[tuple[Any, ...]]:
    return [event[:5] for event in office.history(number) if event[5] == f"rule {name}"]


def test_a_rule_answers_a_new_ticket(office: Any) -> None:
    actions = ("set:team=network", "tag:+vpn", "assign:auto", "note:Hello {{ requester.name }}")
    office.declare(rule("vpn to network", "created", "subject:vpn OR tag:vpn", *actions))
    number = tickets.create(office.sue, "VPN is down", requester=("Ann", ANN), text="help").number
    document = office.document(number)
    assert (document["team"], document["tags"], document["version"]) == ("network", ["vpn"], 1)
    assert document["assignee"] in ("alice", "bob")
    assert document["entries"][-1]["text"] == "Hello Ann"
    assert caused(office, number, "vpn to network") == [
        ("tkt", "set", "team", None, "network"),
        ("tkt", "tag", "tag", None, "vpn"),
        ("tkt", "assign", "assignee", None, document["assignee"]),
        ("tkt", "note", "", None, None),
    ]
    assert caused(office, tickets.create(office.sue, "Printer").number, "vpn to network") == []


def test_rules_answer_replies_messages_and_changes(office: Any) -> None:
    office.declare(
        rule("r", "replied", "", "tag:+replied"),
        rule("i", "inbound", "", "tag:+inbound"),
        rule("c", "changed", "priority:urgent", "tag:+hot"),
    )
    number = tickets.create(office.sue, "VPN", requester=("Ann", ANN)).number
    assert office.document(number)["tags"] == []
    conversation.reply(office.sue, number, "Try again.")
    assert office.document(number)["tags"] == ["replied"]
    conversation.receive(office.customer(ANN), number, Message("No.", "Ann", ANN))
    assert office.document(number)["tags"] == ["inbound", "replied"]
    conversation.receive(office.customer(ANN), number, Message("Away.", "Ann", ANN, machine="auto-reply: x"))
    tickets.tag(office.sue, number, [], ["inbound"])
    tickets.set_fields(office.sue, number, {"priority": "urgent"})
    assert office.document(number)["tags"] == ["hot", "replied"]


def test_rules_that_set_each_other_off_come_to_an_end(office: Any) -> None:
    office.declare(
        rule("up", "changed", "priority:low", "set:priority=urgent"),
        rule("down", "changed", "priority:urgent", "set:priority=low"),
    )
    number = tickets.create(office.sue, "VPN").number
    tickets.set_fields(office.sue, number, {"priority": "low"})
    chain = [(event[3], event[4], event[5]) for event in office.history(number) if event[2] == "priority"]
    assert chain == [("normal", "low", ""), ("low", "urgent", "rule up"), ("urgent", "low", "rule down")]
    assert office.document(number)["version"] == 2


def test_a_chain_of_rules_goes_through(office: Any) -> None:
    chain = [rule(f"r{n}", "changed", f"tag:t{n}", f"tag:+t{n + 1}") for n in range(20)]
    office.declare(*chain)
    number = tickets.create(office.sue, "VPN").number
    tickets.tag(office.sue, number, ["t0"])
    assert len(office.document(number)["tags"]) == 21


def test_an_action_that_cannot_be_done_is_recorded_and_stops_nothing(office: Any) -> None:
    by_nought = "{{ 1 // (ticket.number - 1) }}"  # on the first ticket
    broken = ("assign:auto", f"reply:{by_nought}", f"note:{by_nought}", "tag:+done")
    office.declare(rule("broken", "created", "", *broken))
    number = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN)).number
    assert office.document(number)["tags"] == ["done"]
    skipped = [(event[2], event[4]) for event in office.history(number) if event[1] == "skipped"]
    assert [field for field, _ in skipped] == list(broken[:3])
    assert "it has no team" in skipped[0][1]
    assert len(office.entries(number)) == 1 and office.mails("reply") == []


def test_a_rule_about_a_retired_team_does_not_stop_the_mail(office: Any) -> None:
    from tkt.desk.configure import retire_team

    office.declare(rule("old", "created", "team:network", "tag:+net"))
    retire_team(office.alice, "network")
    number = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN)).number
    assert office.document(number)["tags"] == []


def test_an_automatic_reply_is_no_response(office: Any, mailbox: str) -> None:
    """DESIGN: the first response is the first public message of an agent; automatic mail doesn't count."""
    office.declare(mailbox, rule("hello", "created", "", "reply:We have it."))
    number = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN)).number
    ticket = office.ticket(number)
    assert (ticket.status, ticket.first_response_at, ticket.unread) == ("new", None, True)
    [mail] = office.mails("reply")
    assert (mail.mail["auto"], mail.mail["to"], mail.mail["text"]) == ("auto-generated", [ANN], "We have it.")


def test_two_machines_that_answer_each_other_fall_silent(office: Any, mailbox: str) -> None:
    office.declare(mailbox, rule("hello", "inbound", "", "reply:We have it."))
    number = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN)).number
    for day in range(9):
        conversation.receive(office.customer(ANN), number, Message(f"I am away, {day}", "Ann", ANN))
    assert len(office.mails("reply")) == conversation.AUTOMATIC_REPLIES
    office.later(hours=1, seconds=1)
    conversation.receive(office.customer(ANN), number, Message("I am back", "Ann", ANN))
    assert len(office.mails("reply")) == conversation.AUTOMATIC_REPLIES + 1


def test_undoing_a_change_undoes_what_rules_made_of_it_and_sets_none_off(office: Any) -> None:
    office.declare(rule("hot", "changed", "priority:urgent", "tag:+hot", "assign:bob"))
    number = tickets.create(office.sue, "VPN").number
    before = office.document(number)
    tickets.set_fields(office.sue, number, {"priority": "urgent"})
    undo(office.sue)
    after = office.document(number)
    for key in ("priority", "tags", "assignee"):
        assert after[key] == before[key]


# --- time rules -------------------------------------------------------------------------------------------------------


def test_a_time_rule_fires_once_until_something_else_happens(office: Any) -> None:
    office.declare(rule("stale", "every", "status:waiting updated>3d", "note:Still waiting?"))
    number = tickets.create(office.sue, "VPN").number
    tickets.set_status(office.sue, number, "waiting")
    assert run_time_rules(office.system) == []
    office.later(days=4)
    assert run_time_rules(office.system) == [("stale", number)]
    assert ("tkt", "rule", "stale", None, None, "rule stale") in office.history(number)
    office.later(days=4)
    assert run_time_rules(office.system) == []
    tickets.tag(office.bob, number, ["asked"])
    office.later(days=4)
    assert run_time_rules(office.system) == [("stale", number)]
    assert len(office.entries(number)) == 2


def test_time_rules_do_not_set_each_other_off(office: Any) -> None:
    office.declare(
        rule("one", "every", "created>1h", "note:one"),
        rule("two", "every", "created>1h", "tag:+two"),
        rule("on two", "changed", "tag:two", "set:priority=high"),
    )
    number = tickets.create(office.sue, "VPN").number
    office.later(hours=2)
    assert run_time_rules(office.system) == [("one", number), ("two", number)]
    for _ in range(3):
        office.later(minutes=1)
        assert run_time_rules(office.system) == []
    conversation.note(office.bob, number, "hm")
    assert run_time_rules(office.system) == [("one", number), ("two", number)]


def test_a_resting_rule_costs_no_transaction_per_ticket(sqlite_office: Any, listen: Any) -> None:
    office = sqlite_office
    office.declare(rule("old", "every", "created>1h", "tag:+old"))
    for n in range(20):
        tickets.create(office.sue, f"VPN {n}")
    office.later(hours=2)
    assert len(run_time_rules(office.system)) == 20
    seen = listen(office.store)
    assert run_time_rules(office.system) == []
    assert len(seen) < 10


def test_a_time_rule_that_closes(office: Any) -> None:
    office.declare(rule("close", "every", "status:resolved resolved>7d", "status:closed"))
    number = tickets.create(office.sue, "VPN").number
    tickets.set_status(office.sue, number, "resolved")
    office.later(days=8)
    assert run_time_rules(office.system) == [("close", number)]
    assert office.document(number)["status"] == "closed"
    assert run_time_rules(office.system) == []


@pytest.mark.parametrize("query", ["is:unread", "tag:x", "NOT tag:x", "vpn", "created<1h"])
def test_a_time_rule_with_any_query(office: Any, query: str) -> None:
    office.declare(rule("any", "every", query, "tag:+fired"))
    number = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN), tags=["x"]).number
    expected = [] if query.startswith("NOT") else [("any", number)]
    assert run_time_rules(office.system) == expected
