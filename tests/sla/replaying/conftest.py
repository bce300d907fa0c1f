"""A desk with three policies, rules, steps and statuses of its own, told a story through its own verbs on a clock that
the story moves; the ledger's laws are checked after each act.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg.conninfo
import pytest

from tkt.desk import conversation, customers, merging, sla_check, spam, splitting, tickets, undo
from tkt.desk.configure import apply_config, make_desk
from tkt.desk.conversation import Message
from tkt.desk.unit import SYSTEM, Actor, Desk, find_actor
from tkt.errors import Conflict, NotFound
from tkt.sla.calendar import Calendar
from tkt.sla.policies import calendar_of
from tkt.sla.replaying.rebuild import AnyClockSpans, stored_clocks
from tkt.store.definitions import Definitions
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.rows import rows

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESS = "ann@example.org"

HEAD = """
[desk]
name = "Example Support"
timezone = "Europe/Berlin"
[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"
[[agent]]
name = "bob"
email = "bob@desk.example"
[[status]]
name = "vendor"
kind = "waiting"
[[status]]
name = "testing"
kind = "open"
[[calendar]]
name = "office"
timezone = "Europe/Berlin"
[calendar.hours]
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = [{wednesday}]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]
[[calendar]]
name = "shop"
timezone = "Asia/Kathmandu"
[calendar.hours]
mon = ["22:00-02:00"]
wed = ["08:00-12:00", "13:00-20:00"]
sat = ["08:00-12:00"]
[[field]]
name = "site"
type = "string"
[[rule]]
name = "priority"
on = "created"
when = 'subject:outage'
do = ["set:priority=high", "tag:+seen"]
[[rule]]
name = "answers"
on = "inbound"
when = 'type:incident'
do = ["reply:We have got your message.", "status:testing"]
[[team]]
name = "network"
members = ["alice", "bob"]
"""
SHOP = '[[team]]\nname = "shop"\nmembers = ["bob"]\ncalendar = "{calendar}"\n'
VIP = """
[[sla]]
name = "vip"
match = 'tag:vip OR type:incident OR field.site:hq OR text:boiler OR customer.tier:gold OR reopened>=2 OR unanswered>=3'
calendar = "24x7"
pause = [{pause}]
[sla.targets]
urgent = {{ first_response = "15m", next_response = "30m", resolution = "4h" }}
default = {{ first_response = "1h", next_response = "2h", resolution = "{resolution}" }}
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["set:priority=urgent", "tag:+late"]
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["note:soon", "assign:alice"]
"""
SHOPS = """
[[sla]]
name = "shop"
match = 'team:shop due<90d'
pause_first_response = true
[sla.targets]
high = { first_response = "2h" }
default = { resolution = "10h", next_response = "3h" }
"""
STANDARD = """
[[sla]]
name = "standard"
match = 'NOT category:free'
calendar = "office"
[sla.targets]
urgent = { first_response = "1h", resolution = "4h" }
default = { first_response = "4h", next_response = "8h", resolution = "24h" }
"""


def config(
    wednesday: str = '"09:00-17:00"', calendar: str = "shop", pause: str = '"on-hold"', resolution: str = "8h",
    order: str = "vip shop standard",
) -> str:  # fmt: skip
    parts = {
        "vip": VIP.replace("text:", "").format(pause=pause, resolution=resolution),
        "shop": SHOPS.replace(" due<90d", ""),
        "standard": STANDARD,
    }
    head = HEAD.format(wednesday=wednesday) + (SHOP.format(calendar=calendar) if calendar != "none" else "")
    head = head.replace('calendar = ""\n', "")
    parts["shop"] = parts["shop"] if calendar != "none" else parts["shop"].replace("team:shop ", "")
    if calendar == "none":
        parts.pop("shop")
    return head + "".join(parts[name] for name in order.split() if name in parts)


CONFIGS = [
    config(),
    config(wednesday=""),
    config(wednesday='"09:00-12:00"', calendar="office"),
    config(calendar="none", pause='"waiting", "vendor"'),
    config(resolution="2h", order="standard vip shop"),
    config(calendar="", resolution="30h", order="shop vip"),
]


class Told:
    """One story told on one store; the time is the story's own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.at = START
        self.alice = find_actor(store, "alice")
        self.before: dict[tuple[str, int], AnyClockSpans] = {}

    def desk(self, actor: Actor | None = None) -> Desk:
        return Desk(self.store, actor or self.alice, lambda: self.at)

    def begin(self, opening: str) -> None:
        machine = {"machine": "auto-reply: vacation", "bounce": "bounce: it came back"}.get(opening, "")
        subject = "outage" if opening == "outage" else "help"
        if opening in ("agent", "bare"):
            requester = ("Ann", ADDRESS) if opening == "agent" else None
            tickets.create(self.desk(), subject, text="they called", requester=requester)
        else:
            tickets.create(
                self.desk(SYSTEM), subject, message=message("the first", machine), channel="mail", machine=machine
            )
        tickets.create(self.desk(), "another", priority="low", text="they called")
        self.check_laws()

    def act(self, gap: int, act: tuple[Any, ...]) -> None:
        self.at += timedelta(seconds=gap)
        with suppress(Conflict, NotFound):  # what can't be done (a reply to nobody, an undo of nothing) changes nothing
            getattr(self, act[0])(*act[1:])
        self.check_laws()

    def receive(self, machine: str) -> None:
        conversation.receive(self.desk(SYSTEM), 1, message(f"again, the boiler, at {self.at}", machine))

    def reply(self, status: str) -> None:
        conversation.reply(self.desk(), 1, "we look into it", status=status or None)

    def robot(self) -> None:
        conversation.reply(self.desk(SYSTEM), 1, f"we have got it, {self.at}")

    def note(self) -> None:
        conversation.note(self.desk(), 1, "hm")

    def status(self, status: str) -> None:
        tickets.set_status(self.desk(), 1, status)

    def set(self, words: str) -> None:
        name, _, value = words.partition("=")
        tickets.set_fields(self.desk(), 1, {name: value})

    def tag(self, word: str) -> None:
        tickets.tag(self.desk(), 1, **{"add" if word[0] == "+" else "remove": [word[1:]]})

    def undo(self) -> None:
        undo.undo(self.desk(), 1)

    def redo(self) -> None:
        undo.redo(self.desk())

    def check(self) -> None:
        sla_check.check(self.desk(SYSTEM))

    def snooze(self) -> None:
        with self.desk().change() as change:
            change.set(change.ticket(1), "snooze", snooze="2026-03-09T09:00:00Z")

    def spam(self) -> None:
        spam.spam(self.desk(), 1)

    def ham(self) -> None:
        spam.ham(self.desk(), 1)

    def merge(self) -> None:
        merging.merge(self.desk(), 1, 2)

    def join(self, number: int) -> None:
        merging.merge(self.desk(), number, 1)

    def split(self) -> None:
        splitting.split(self.desk(), 1)

    def other(self, what: str) -> None:
        """What happens on the other ticket meanwhile."""
        if what == "receive":
            conversation.receive(self.desk(SYSTEM), 2, message(f"and the boiler, at {self.at}"))
        elif what == "reply":
            conversation.reply(self.desk(), 2, "we see to it")
        else:
            tickets.set_status(self.desk(), 2, what)

    def customer(self, words: str) -> None:
        name, _, value = words.partition("=")
        customers.set_customer(self.desk(), ADDRESS, {name: value})

    def company(self, words: str) -> None:
        name, _, value = words.partition("=")
        customers.set_company(self.desk(), "Acme Ltd", {name: value})

    def apply(self, which: int) -> None:
        apply_config(self.desk(), CONFIGS[which])

    # --- laws ---------------------------------------------------------------------------------------------

    def ledger(self) -> dict[tuple[str, int], AnyClockSpans]:
        with self.store.reading() as session:
            found = stored_clocks(session, [1]).get(1, [])
        return {(one.clock["metric"], one.clock["cycle"]): one for one in found}

    def check_laws(self) -> None:
        now = self.ledger()
        with self.store.reading() as session:
            found = Definitions("all", [], {})
            calendars = {one: calendar_of(session, found, one) for one in {c["calendar_id"] for c, _ in now.values()}}
        for key, (clock, spans) in now.items():
            self.check_deadline(clock, calendars[clock["calendar_id"]])
            running = [span["seconds"] for span in spans if span["state"] == "running"]
            assert sum(running) == clock["used_seconds"], key
            ends = [span["ended_at"] for span in spans]
            assert ends[:-1] == [span["started_at"] for span in spans[1:]], key
            counts = ends[-1] is None
            assert counts == (clock["met_at"] is None and clock["cancelled_at"] is None), key
            assert counts or clock["running_since"] is None, key
            if key in self.before:
                self.check_against(self.before[key].clock, clock)
        for metric in {key[0] for key in now}:
            counting = [
                one for one in now.values() if one.clock["metric"] == metric and one.spans[-1]["ended_at"] is None
            ]
            assert len(counting) <= 1, metric
        assert self.before.keys() <= now.keys()
        self.before = now

    @staticmethod
    def check_against(before: dict[str, Any], now: dict[str, Any]) -> None:
        ended = before["met_at"] or before["cancelled_at"]
        fixed = ("started_at", "carried_seconds")
        if before["state"] in ("met", "breached"):
            fixed += ("state", "due_at", "breached_at", "target_seconds", "policy_id", "calendar_id", "by_change")
        if ended:
            fixed += ("state", "used_seconds", "met_at", "cancelled_at")
        assert {name: before[name] for name in fixed} == {name: now[name] for name in fixed}
        if before["running_since"] is None:
            assert now["used_seconds"] == before["used_seconds"], "what stands still uses nothing"

    @staticmethod
    def check_deadline(clock: dict[str, Any], calendar: Calendar) -> None:
        """What is left lies between now and the deadline, however often the clock stood still."""
        if clock["state"] == "running":
            left = clock["target_seconds"] - clock["carried_seconds"] - clock["used_seconds"]
            assert calendar.between(clock["running_since"], clock["due_at"]) == left > 0

    def numbers(self) -> list[int]:
        """All tickets there are by now: splitting makes further ones."""
        with self.store.reading() as session:
            return [row[0] for row in rows(session, "SELECT number FROM ticket ORDER BY number")]

    def told(self) -> list[Any]:
        """All ledgers without the store's own numbers of definitions."""
        with self.store.reading() as session:
            found = stored_clocks(session, self.numbers())
        return [
            (number, {**clock, "policy_id": 0, "calendar_id": bool(clock["calendar_id"])}, spans)
            for number, clocks in sorted(found.items())
            for clock, spans in sorted(clocks, key=lambda one: (one.clock["metric"], one.clock["cycle"]))
        ]


def message(text: str, machine: str = "") -> Message:
    """A mail that was written some days before it came."""
    return Message(text, "Ann", ADDRESS, machine=machine, sent_at=START - timedelta(days=3))


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the desk, to be copied."""
    file = tmp_path_factory.mktemp("replay") / "template.db"
    _fill(parse_location(str(file)))
    return file


@pytest.fixture(scope="session")
def made(
    filled: Path, postgres_database: Callable[..., AbstractContextManager[Location]]
) -> Iterator[Callable[[], Iterator[Store]]]:
    """Makes fresh stores of the same desk, one on each engine."""

    def make() -> Iterator[Store]:
        copy = filled.parent / f"{uuid.uuid4().hex}.db"
        shutil.copy(filled, copy)
        yield Store(parse_location(str(copy)))
        copy.unlink()
        with postgres_database(template) as location:
            yield Store(location)

    with postgres_database() as desk:
        _fill(desk)
        template = psycopg.conninfo.conninfo_to_dict(desk.target)["dbname"]
        yield make


def _fill(location: Location) -> None:
    make_desk(location, "Example Support", "alice", "alice@desk.example", "Europe/Berlin")
    store = Store(location)
    desk = Desk(store, find_actor(store, "alice"), lambda: START)
    apply_config(desk, CONFIGS[0])
    customers.add_company(desk, "Acme Ltd", {"tier": "silver"})
    store.close()


@pytest.fixture
def told() -> type[Told]:
    """Tells a story on a store that `made` made."""
    return Told


@pytest.fixture
def story(filled: Path, tmp_path: Path) -> Iterator[Told]:
    """A desk on SQLite, waiting for its story."""
    shutil.copy(filled, tmp_path / "desk.db")
    store = Store(parse_location(str(tmp_path / "desk.db")))
    yield Told(store)
    store.close()


@pytest.fixture
def configs() -> list[str]:
    """The desk.tomls that a story may apply; the first one is in force."""
    return CONFIGS
