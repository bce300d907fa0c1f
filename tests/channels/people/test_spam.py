"""Spam: what is taken for it, what becomes of it, and how it is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.channels.mail.filing.spam_marks import mark_in
from tkt.desk import tickets
from tkt.desk.spam import ham, spam
from tkt.desk.undo import redo, undo
from tkt.store.tables import AddressState, Clock, Follower

OURS = "Received: from relay.example by mx.desk.example with ESMTPS id 1\r\n"
SLA = """
[[sla]]
name = "all"
match = ""
[sla.targets]
default = { first_response = "4h", resolution = "24h" }
"""


def clocks(post: Any, number: int | None) -> list[tuple[str, int, str]]:
    return [(one.metric, one.cycle, one.state) for one in post.rows(Clock, Clock.ticket == number)]


def blocked(post: Any) -> list[tuple[str, str]]:
    return [(row.address, row.blocked_by) for row in post.rows(AddressState) if row.blocked_at is not None]


@pytest.mark.parametrize(
    ("name", "value", "marked"),
    [
        ("x-spam-flag", "YES", True),
        ("x-spam-flag", "No", False),
        ("x-spam-status", "Yes, score=12.1 required=5.0", True),
        ("x-spam-status", "No, score=-1.9 required=5.0 tests=YES", False),
        ("x-spam", "Yes", True),
        ("x-spam", "Yes, maybe", False),
        ("x-spam-level", "*" * 50, False),
        ("x-spam-score", "99", False),
        ("x-forefront-antispam-report", "CIP:192.0.2.1;CTRY:DE;SFV:SPM;H:relay;", True),
        ("x-forefront-antispam-report", "CIP:192.0.2.1;SFV:NSPM;SFTY:9.25", False),
        ("x-forefront-antispam-report", "CIP:192.0.2.1;X-SFV:SPM;", False),
        ("x-ms-exchange-organization-scl", "6", True),
        ("x-ms-exchange-organization-scl", "4", False),
        ("x-ms-exchange-organization-scl", "-1", False),
    ],
)
def test_what_servers_mark(name: str, value: str, marked: bool) -> None:
    assert bool(mark_in([(name, value)])) == marked


def test_the_topmost_mark_counts() -> None:
    assert mark_in([("x-spam-flag", "NO"), ("x-spam-flag", "YES")]) == ""


def test_marked_mail_is_a_closed_ticket_that_nobody_hears_of(post: Any) -> None:
    rule = '[[rule]]\nname = "greet"\non = "created"\nwhen = ""\ndo = ["notify:team", "assign:bob", "reply:Hello"]\n'
    post.declare(SLA, rule)
    filed = post.mail("Win", X_Spam_Flag="YES", Cc="bert@customer.example", box="sales")
    ticket, [entry] = post.ticket(filed.ticket), post.entries(filed.ticket)
    assert (filed.state, ticket.status, ticket.unread, ticket.assignee_id) == ("machine", "closed", False, None)
    assert post.tags(filed.ticket) == ["spam"]
    assert entry.machine == "spam: our mail server marked it (X-Spam-Flag)"
    assert (post.outbox("confirmation"), post.outbox("notification"), post.outbox("reply")) == ([], [], [])
    assert (clocks(post, filed.ticket), post.rows(Follower)) == ([], [])


def test_a_rule_that_asks_for_spam_acts_on_it(post: Any) -> None:
    rule = '[[rule]]\nname = "sort"\non = "created"\nwhen = "tag:spam from:@shop.example"\ndo = ["tag:+shop"]\n'
    post.declare(rule, rule.replace("sort", "other").replace("tag:spam ", "").replace("+shop", "+other"))
    filed = post.mail("Win", "ads@shop.example", X_Spam_Flag="YES", box="sales")
    assert post.tags(filed.ticket) == ["shop", "spam"]


@pytest.mark.parametrize("above", [f"X-Spam-Flag: YES\r\n{OURS}", f"{OURS}X-Spam-Flag: YES\r\n"])
def test_our_servers_own_mark_is_believed(post: Any, above: str) -> None:
    assert post.tags(post.mail("Win", above=above).ticket) == ["spam"]


def test_a_mark_from_the_way_is_not_our_servers(post: Any) -> None:
    above = f"{OURS}Received: from laptop by relay.example with SMTP\r\nX-Spam-Flag: YES\r\n"
    assert post.mail("Win", above=above).state == "ticket"
    assert post.tags(post.mail("Win", above=above, box="sales").ticket) == ["spam"]  # no server's name is declared


def test_dmarc_that_failed_counts_as_the_domain_asks(post: Any) -> None:
    says = "Authentication-Results: mx.desk.example; dmarc=fail (p={}) header.from=customer.example\r\n"
    found = {policy: post.mail("Win", above=OURS + says.format(policy)) for policy in ("reject", "quarantine", "none")}
    assert {policy: one.state for policy, one in found.items()} == {
        "reject": "machine", "quarantine": "machine", "none": "ticket",
    }  # fmt: skip


def test_marked_mail_on_a_ticket_it_has_a_right_to_is_filed(post: Any) -> None:
    first = post.mail("Broken")
    signed = post.mail("Re: Broken", In_Reply_To=post.reply(first.ticket), X_Spam_Flag="YES", box="sales")
    named = post.mail(f"Broken [#{first.ticket}]", X_Spam_Flag="YES", box="sales")
    assert (signed.state, signed.ticket) == ("entry", first.ticket)
    assert (named.state, named.ticket != first.ticket, post.links(named.ticket)) == ("machine", True, [])


def test_a_verified_colleagues_mail_is_no_spam(post: Any) -> None:
    assert post.from_staff("Look", X_Spam_Flag="YES").state == "ticket"
    assert post.from_staff("Look", X_Spam_Flag="YES", verdict="none").state == "machine"


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_an_agent_calls_it_spam(post: Any) -> None:
    post.declare(SLA)
    first = post.mail("Win", "Ads <ADS@shop.example>")
    assert len(post.outbox("confirmation")) == 1
    assert spam(post.alice, first.ticket) == ["tagged spam", "closed", "ads@shop.example blocked"]
    assert (post.ticket(first.ticket).status, post.tags(first.ticket)) == ("closed", ["spam"])
    assert (blocked(post), post.outbox("confirmation")) == ([("ads@shop.example", "alice")], [])
    assert {state for *_, state in clocks(post, first.ticket)} == {"cancelled"}
    assert spam(post.alice, first.ticket) == []
    again = post.mail("Win more", "ads@SHOP.example")
    assert (again.state, post.tags(again.ticket)) == ("machine", ["spam"])
    assert post.entries(again.ticket)[0].machine == "spam: alice blocked ads@shop.example"
    assert post.mail("Hello", "else@shop.example").state == "ticket"


def test_a_whole_domain_is_blocked(post: Any) -> None:
    first = post.mail("Win", "ads@shop.example")
    assert spam(post.alice, first.ticket, domain=True)[-1] == "@shop.example blocked"
    assert post.mail("Win", "else@shop.example").state == "machine"
    assert post.mail("Hello", "ann@sub.shop.example").state == "ticket"
    assert ham(post.alice, first.ticket)[0] == "@shop.example unblocked"
    assert post.mail("Hello", "third@shop.example").state == "ticket"


def test_ham_takes_it_back_and_the_promises_run_from_now(post: Any) -> None:
    post.declare(SLA)
    first = post.mail("Win", X_Spam_Flag="YES", box="sales")
    post.clock.now = post.clock.now.replace(hour=15)
    assert ham(post.alice, first.ticket) == ["no longer spam", "new"]
    ticket, [entry] = post.ticket(first.ticket), post.entries(first.ticket)
    assert (ticket.status, post.tags(first.ticket), entry.machine) == ("new", [], "")
    assert {(metric, state) for metric, _, state in clocks(post, first.ticket)} == {
        ("first_response", "running"), ("resolution", "running"),
    }  # fmt: skip
    assert ticket.due_at == post.clock.now.replace(hour=19)
    post.reply(first.ticket)
    assert post.outbox("reply")[0].recipients == ["carol@customer.example"]
    assert ham(post.alice, first.ticket) == []


def test_spam_is_taken_back_and_done_again(post: Any) -> None:
    post.declare(SLA)
    first = post.mail("Win", "ads@shop.example")
    spam(post.alice, first.ticket)
    words = str(undo(post.alice))
    assert "ads@shop.example unblocked" in words and "status: closed → new" in words
    assert (post.ticket(first.ticket).status, post.tags(first.ticket), blocked(post)) == ("new", [], [])
    assert len(post.outbox("confirmation")) == 1
    assert ("first_response", 2, "running") in clocks(post, first.ticket)
    redo(post.alice)
    assert (post.tags(first.ticket), blocked(post)) == (["spam"], [("ads@shop.example", "alice")])
    assert (post.outbox("confirmation"), post.ticket(first.ticket).status) == ([], "closed")
    assert not any(state in ("running", "met") for *_, state in clocks(post, first.ticket))


def test_ham_is_taken_back(post: Any) -> None:
    first = post.mail("Win", X_Spam_Flag="YES", box="sales")
    ham(post.alice, first.ticket)
    undo(post.alice)
    assert (post.ticket(first.ticket).status, post.tags(first.ticket)) == ("closed", ["spam"])
    assert post.entries(first.ticket)[0].machine.startswith("spam: ")


def test_our_own_addresses_are_never_blocked(post: Any) -> None:
    first = tickets.create(post.alice, "Test", requester=("Ann", "ann@customer.example"))
    inside = post.from_staff("Test")
    assert spam(post.alice, inside.ticket) == ["tagged spam", "closed"]
    assert spam(post.alice, first.number or 0)[-1] == "ann@customer.example blocked"
