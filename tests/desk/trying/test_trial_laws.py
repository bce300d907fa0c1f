"""A trial says when a rule fires as the desk does: random stories with rules at work that leave a trace each time, and
the same rules tried on the history of that desk, on both engines.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from tkt.config.schema import read
from tkt.desk import conversation, customers, merging, sla_check, spam, splitting, tickets
from tkt.desk.configure import shown_config
from tkt.desk.conversation import Message, Upload
from tkt.desk.rules import run_time_rules
from tkt.desk.trying import run
from tkt.desk.undo import redo, undo
from tkt.errors import Conflict, NotFound
from tkt.store.tables import Ticket
from tkt.times import from_micros

ANN = "ann@customer.example"
HOUR = 3600

POLICIES = """
[[status]]
name = "vendor"
kind = "waiting"
[[sla]]
name = "standard"
match = "NOT category:free"
calendar = "24x7"
[sla.targets]
urgent = { first_response = "1h", resolution = "5h" }
default = { first_response = "4h", next_response = "3h", resolution = "24h" }
[[sla.steps]]
metric = "first_response"
at = "+0m"
do = ["set:priority=urgent"]
"""

RULES = [
    ("hot", "changed", "tag:a OR priority:urgent", ["set:team=network"]),
    ("first", "created", "", []),
    ("boiler", "created", "boiler OR has:attachment", ["tag:+b"]),
    ("heard", "inbound", "unanswered>=2 OR reopened>=1", ["status:open"]),
    ("answered", "replied", "kind:open NOT field.colour:red", ["tag:+a", "set:priority=high"]),
    ("seen", "changed", "tag:b -kind:closed", ["set:priority=normal"]),
    ("any", "changed", "", []),
    ("again", "changed", "team:network NOT assignee:bob", ["assign:bob", "tag:-b"]),
    ("gold", "changed", "customer.tier:gold OR field.colour:red", ["tag:+b"]),
    ("late", "changed", "is:breached OR due<2h", []),
    ("junk", "changed", "tag:spam", []),
    ("stale", "every", "updated>5h -kind:closed", ["tag:+stale"]),
    ("tagged", "every", "tag:stale", ["tag:-stale"]),
    ("old", "every", "created>30h created<90h", []),
    ("overdue", "every", "is:overdue OR is:snoozed", ["set:category=free"]),
    ("gone", "every", "status:resolved resolved>6h", ["status:closed"]),
    ("today", "every", "created:yesterday kind:open", []),
]
"""Name, on, when, and what it does besides leaving a note."""


def declared(skip: str = "") -> str:
    tables = [POLICIES]
    for name, on, when, do in RULES:
        if name != skip:
            tables.append(f"[[rule]]\nname = '{name}'\non = '{on}'\nwhen = '{when}'\ndo = {[f'note:{name}', *do]}\n")
    return "".join(tables)


class Story:
    """Random acts of everybody on some tickets, with the scheduler's rules at every full hour between them."""

    def __init__(self, office: Any, seed: int) -> None:
        self.office = office
        self.chance = random.Random(seed)
        self.begun: datetime = office.moment

    def tell(self, acts: int) -> None:
        self.office.declare(declared())
        for number in range(1, 7):
            self.open(number)
        for _ in range(acts):
            self.wait(self.chance.choice([7, 61, 1800, 2 * HOUR, 7 * HOUR, 20 * HOUR]))
            with suppress(Conflict, NotFound):
                getattr(self, self.chance.choice(ACTS))(self.chance.randint(1, 6))

    def wait(self, seconds: int) -> None:
        until = self.office.moment + timedelta(seconds=seconds)
        tick = self.office.moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while tick <= until:
            self.office.moment = tick
            run_time_rules(self.office.system)
            tick += timedelta(hours=1)
        self.office.moment = until

    def open(self, number: int) -> None:
        self.wait(611)
        text = self.chance.choice(["help", "the boiler"])
        files = (Upload("a.txt", "text/plain", b"x"),) if number % 3 == 0 else ()
        message = Message(text, "Ann", ANN, attachments=files)
        desk = self.office.customer(ANN) if number % 2 else self.office.bob
        tickets.create(desk, f"Subject {number}", message=message, tags=["a"] if number == 4 else [], team="network")

    def receive(self, number: int) -> None:
        machine = self.chance.choice(["", "", "auto-reply: away"])
        conversation.receive(self.office.customer(ANN), number, Message("again", "Ann", ANN, machine=machine))

    def reply(self, number: int) -> None:
        status = self.chance.choice([None, None, "waiting", "resolved", "vendor"])
        conversation.reply(self.office.alice, number, "we look", status=status)

    def note(self, number: int) -> None:
        conversation.note(self.office.bob, number, "hm, the boiler")

    def set(self, number: int) -> None:
        key, value = self.chance.choice(
            [("priority", "urgent"), ("priority", "low"), ("team", "none"), ("team", "network"), ("category", "free"),
             ("category", "mail"), ("assignee", "alice"), ("field.colour", "red"), ("field.colour", ""),
             ("teams", "empty"), ("subject", "Boiler")]
        )  # fmt: skip
        tickets.set_fields(self.office.alice, number, {key: value})

    def status(self, number: int) -> None:
        status = self.chance.choice(["open", "waiting", "vendor", "resolved", "resolved", "closed"])
        tickets.set_status(self.office.bob, number, status, text=self.chance.choice(["", "so it is"]))

    def tag(self, number: int) -> None:
        word = self.chance.choice("ab")
        put = self.chance.random() < 0.5
        tickets.tag(self.office.sue, number, [word] if put else [], [] if put else [word])

    def snooze(self, number: int) -> None:
        with self.office.bob.change() as change:
            change.set(change.ticket(number), "snooze", snooze="2026-11-09T09:00:00Z")

    def spam(self, number: int) -> None:
        (spam.spam if self.chance.random() < 0.5 else spam.ham)(self.office.alice, number)

    def undo(self, number: int) -> None:
        undo(self.office.alice, number)

    def redo(self, number: int) -> None:
        redo(self.office.alice)

    def customer(self, number: int) -> None:
        customers.set_customer(self.office.alice, ANN, {"tier": self.chance.choice(["gold", "silver"])})

    def merge(self, number: int) -> None:
        merging.merge(self.office.alice, number, number % 6 + 1)

    def split(self, number: int) -> None:
        splitting.split(self.office.bob, number)

    def check(self, number: int) -> None:
        sla_check.check(self.office.system)

    def fired(self) -> Counter[tuple[str, int, datetime]]:
        """What really happened: which rule fired on which ticket, and when, as often as it did."""
        caused = {
            (event.change, event.cause.removeprefix("rule "), ticket.number, event.at)
            for ticket in self.office.rows(Ticket)
            for event in self.office.events(ticket.number)
            if event.cause.startswith("rule ")
        }
        return Counter(one[1:] for one in caused)

    def tried(self, *names: str) -> Counter[tuple[str, int, datetime]]:
        """What the trial says."""
        config = read(shown_config(self.office.alice))
        end = self.office.moment + timedelta(seconds=1)
        found = run.run(self.office.store.location, config, names, self.begun, end, interval=HOUR)
        assert not found.left_out
        firings = ((one.rule.name, firing) for one in found.rules for firing in one.firings)
        return Counter((name, firing.ticket, from_micros(firing.at)) for name, firing in firings)


ACTS = (
    *("receive", "receive", "reply", "reply", "set", "set", "set", "status", "status", "tag", "tag", "note", "check"),
    *("check", "snooze", "spam", "undo", "undo", "redo", "customer", "merge", "split"),
)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_trial_fires_when_the_rules_at_work_did(office: Any, seed: int) -> None:
    story = Story(office, seed)
    story.tell(100)
    happened = story.fired()
    tried = story.tried(*(name for name, *_ in RULES))
    on = {name: on for name, on, *_ in RULES}
    assert {on[name] for name, _, _ in happened} == {"created", "inbound", "replied", "changed", "every"}
    assert (tried - happened, happened - tried) == (Counter(), Counter())
