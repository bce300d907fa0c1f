"""How many statements a verb takes: counts, not times, so that they hold on any machine."""

from __future__ import annotations

from typing import Any

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message

PROMISE = """
[[sla]]
name = "all"
match = "NOT tag:free"
[sla.targets]
default = { first_response = "4h", next_response = "8h", resolution = "24h" }
"""


def rules(count: int) -> str:
    return "".join(
        f'[[rule]]\nname = "r{n}"\non = "created"\nwhen = "tag:x{n} customer.tier:vip"\ndo = ["tag:+y"]\n'
        for n in range(count)
    )


def mailed(office: Any, address: str, **more: Any) -> int:
    message = Message("Help", "Ann", address, message_id=f"<1-{address}>")
    made = tickets.create(office.customer(address), "VPN", message=message, channel="mail", confirm=True, **more)
    assert made.number is not None
    return made.number


def measured(office: Any, statements: Any, act: Any) -> list[str]:
    """The statements of an act, once the desk's definitions are known: those that read them are not counted."""
    statements()
    act()
    found: list[str] = statements()
    return [one for one in found if not any(f"FROM {name}" in one for name in ("definition", "team", "agent"))]


def test_a_mail_becomes_a_ticket_in_few_statements(office: Any, mailbox: str, statements: Any) -> None:
    office.declare(mailbox, PROMISE)
    new = measured(office, statements, lambda: mailed(office, "ann@customer.example"))
    again = measured(office, statements, lambda: mailed(office, "ann@customer.example"))
    assert len(new) <= 25, "\n".join(new)
    assert len(again) < len(new)


def test_rules_that_do_not_match_cost_nothing_more(office: Any, mailbox: str, statements: Any) -> None:
    office.declare(mailbox, PROMISE, rules(1))
    with_one = measured(office, statements, lambda: mailed(office, "ann@customer.example"))
    office.declare(mailbox, PROMISE, rules(40))
    with_many = measured(office, statements, lambda: mailed(office, "bo@customer.example"))
    assert with_many == with_one


def test_a_message_costs_the_same_on_a_long_ticket(office: Any, mailbox: str, statements: Any) -> None:
    office.declare(mailbox, PROMISE)
    number = mailed(office, "ann@customer.example")
    message = Message("More", "Ann", "ann@customer.example")
    customer = office.customer("ann@customer.example")
    conversation.receive(customer, number, message)
    early = measured(office, statements, lambda: conversation.receive(customer, number, message))
    for _ in range(30):
        conversation.receive(customer, number, message)
    late = measured(office, statements, lambda: conversation.receive(customer, number, message))
    assert len(early) == len(late) <= 18, "\n".join(late)


def test_a_small_change_is_small(office: Any, statements: Any) -> None:
    number = tickets.create(office.alice, "VPN").number
    tickets.set_fields(office.alice, number, {"priority": "low"})
    found = measured(office, statements, lambda: tickets.set_fields(office.alice, number, {"priority": "high"}))
    assert len(found) <= 8, "\n".join(found)
