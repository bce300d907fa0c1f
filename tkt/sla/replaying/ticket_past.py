"""A ticket as it was at each moment of its history: what it was before its first event, and what each event does to it.

Events name what changed with its old and new value, so the beginning is the row of today with every event taken back,
and nothing but the log is needed to go forward from there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tkt.sla.replaying.past import Past, PastEntry, PastEvent
from tkt.sla.ticket_state import CAME, WENT
from tkt.store.constants import NEVER, PRIORITIES, PRIORITY_NAMES
from tkt.store.definitions import Definitions
from tkt.store.message_order import joined
from tkt.times import from_micros, to_micros

if TYPE_CHECKING:
    from tkt.query.evaluate import Facts
    from tkt.sla.replaying.eras import Names

NO_FIELDS = frozenset({"rule", "sla", "skipped", "notify", "mention", "link", "config", "import", "spam", "webhook"})
"""Verbs whose events have something else than a field of the ticket in `field`."""

DONE = ("resolved", "closed")

COLLECTIONS = ("tag", "teams", "watcher")
"""Fields that hold many: an event has the one that came or went."""


class TicketPast:
    """The ticket at one moment; `apply` moves it on. See `tkt.store.tables.Ticket`, and `tkt.sla.ticket_state`."""

    def __init__(self, past: Past, names: Names, definitions: Definitions) -> None:
        row, first = past.ticket, _first_values(past.events)
        self.past = past
        self.names = names
        self.number: int | None = row.number
        self.created_at = self.updated_at = from_micros(row.created_at)
        self.subject = str(first.get("subject", row.subject))
        self.status = str(first.get("status", row.status))
        self.status_kind = definitions.statuses.get(self.status, "open")
        self.priority = PRIORITIES[first.get("priority", PRIORITY_NAMES[row.priority])]
        self.type = str(first.get("type", row.type))
        self.category = str(first.get("category", row.category))
        self.team_id = _id_of(first["team"], names.teams) if "team" in first else row.team_id
        self.assignee = str(first.get("assignee", names.agents.get(row.assignee_id or 0)) or "")
        self.undelivered = bool(first.get("undelivered", row.undelivered))
        self.merged_into: int | None = first.get("merged", row.merged_into)
        self.manual_due_at = _moment(first, "due", row.manual_due_at)
        self.snoozed_until = _moment(first, "snooze", row.snoozed_until)
        self.resolved_at = _moment(first, "resolved", row.resolved_at)
        self.unanswered_since: datetime | None = None
        self.first_response_at = _answered_before(past)
        self.due_at: datetime | None = None
        self.breached = False
        self.tags, self.teams, self.watchers = _first_members(past, names)
        self.fields = {name: value for name, value in _first_fields(past, first).items() if value is not None}
        self.customer = past.customer
        self.reopened = 0
        self.parent: int | None = first.get("parent", row.parent)
        self.entries = {entry.id: entry for entry in past.entries}
        self.order: list[int] = []
        """The messages that are here, those taken back too."""
        self.written: set[int] = set()
        """Those that were written or brought in here: not those that came from another ticket."""
        self.said: set[int] = set()
        """The messages that have been written and stand."""
        self.archived: set[int] = set()
        """Those that were brought in from an archive: nobody waits for an answer to them."""
        self._taken_for = _first_taken_for(past)

    @property
    def machine(self) -> str:
        """Why the message that opened the ticket counts as automatic."""
        if self._taken_for is not None:
            return self._taken_for
        return self.entries[self.order[0]].machine if self.order else ""

    def apply(self, event: PastEvent, definitions: Definitions) -> bool:
        """Let one event change the ticket; whether it is about one of its fields."""
        if event.verb in NO_FIELDS:
            if event.verb == "spam" and event.field == "taken for":
                self._taken_for = event.new or ""
            return False
        if event.field == "status":
            self._move(event, definitions.statuses.get(event.new, "open"))
        elif event.field in COLLECTIONS:
            _turn(
                getattr(self, "tags" if event.field == "tag" else event.field + "s" * (event.field == "watcher")), event
            )
        elif event.field.startswith("field."):
            self._set_own_field(event.field.removeprefix("field."), event.new)
        elif event.field.startswith(CAME):
            self._let_come(event.new, first_stays=event.verb != "merge" or event.cause != "undo")
        elif event.field.startswith(WENT):
            self.order = [one for one in self.order if one not in event.new]
            self.said.difference_update(event.new)
        elif event.field in _WRITE:
            _WRITE[event.field](self, event.new)
        else:
            return False
        return True

    def _move(self, event: PastEvent, kind: str) -> None:
        was_done, done, undone = self.status_kind in DONE, kind in DONE, bool(event.undoes) and event.cause == "undo"
        self.reopened += was_done and not done and not undone
        self.reopened -= done and not was_done and undone and event.undoes != self.past.events[0].change
        self.status, self.status_kind = event.new, kind

    @property
    def unanswered(self) -> int:
        """How many messages of customers stand since the last answer of an agent."""
        said, count = self.said - self.archived, 0
        for one in (self.entries[key] for key in self.order if key in said):
            if one.kind == "reply" and one.by_agent:
                count = 0
            elif one.kind == "inbound" and not one.machine:
                count += 1
        return count

    def say(self, entry: PastEntry, at: datetime, *, stands: bool) -> None:
        """A message was written, or taken back."""
        (self.said.add if stands else self.said.discard)(entry.id)
        if entry.id not in self.written:
            self.written.add(entry.id)
            self.order.append(entry.id)
        if entry.kind == "reply" and entry.by_agent and stands:
            self.first_response_at = self.first_response_at or at

    def bring_in(self, entry: PastEntry, event: PastEvent) -> None:
        """A message came from an archive; a ticket of the archive was updated when its last one was written."""
        if event.verb != "import":
            return
        self.said.add(entry.id)
        self.archived.add(entry.id)
        if entry.id not in self.written:
            self.written.add(entry.id)
            self.order = sorted((*self.order, entry.id), key=lambda one: self.entries[one].at)
        if self.past.events[0].verb == "import":
            self.updated_at = max(self.updated_at, from_micros(entry.at))

    def _let_come(self, came: Sequence[int], *, first_stays: bool) -> None:
        """Messages of another ticket take their places (`message_order`)."""
        self.order = joined(self.order, came, lambda one: self.entries[one].at, first_stays=first_stays)
        self.said.update(came)

    def recount_first_response(self) -> None:
        """After an answer was taken back or restored: the first that stands and was given here."""
        here = (self.entries[one] for one in self.order if one in self.said and one in self.written)
        standing = (one for one in here if one.kind == "reply" and one.by_agent)
        first = next(standing, None)
        self.first_response_at = from_micros(first.at) if first else None

    def differs(self, asked: Collection[str]) -> str:
        """Where the log does not lead to the row of today, in words; "" where it does. `asked`: see `Eras.asked`."""
        if "is:unread" in asked:
            return "a policy asks for is:unread, and the history does not say what was read when"
        row = self.past.ticket
        for name, is_now, was_told in (
            ("status", row.status, self.status),
            ("kind of status", row.status_kind, self.status_kind),
            ("priority", row.priority, self.priority),
            ("team", row.team_id, self.team_id),
            ("category", row.category, self.category),
            ("type", row.type, self.type),
            ("first response", row.first_response_at, _micros(self.first_response_at)),
            ("ticket it was merged into", row.merged_into, self.merged_into),
        ):
            if is_now != was_told:
                return f"the history does not say how its {name} came about"
        if row.first_response_at is not None and row.unanswered_since != _micros(self.unanswered_since):
            return "the history does not say since when a customer waits"
        counts = {
            "unanswered": (row.unanswered_count, self.unanswered),
            "reopened": (row.reopened_count, self.reopened),
        }
        for name, (is_now, was_told) in counts.items():
            if name in asked and is_now != was_told:
                return f"a policy asks for {name}, and the history does not lead to the count of today"
        return ""

    def facts(self, texts: Callable[[], Iterable[str]]) -> Facts:
        """The ticket as a policy's query sees it."""
        from tkt.query.evaluate import Documents, Facts

        row, customer = self.past.ticket, self.customer
        return Facts(
            number=row.number,
            documents=Documents(self.subject, texts),
            status=self.status,
            status_kind=self.status_kind,
            priority=self.priority,
            type=self.type,
            category=self.category,
            channel=row.channel,
            team=self.names.teams.get(self.team_id or 0, ""),
            further_teams=frozenset(self.teams),
            assignee=self.assignee,
            requester_name=customer.name,
            addresses=customer.addresses,
            company=customer.company,
            tier=customer.tier or customer.company_tier,
            sla=customer.sla or customer.company_sla,
            watchers=frozenset(self.watchers),
            tags=frozenset(self.tags),
            fields=dict(self.fields),
            parent=self.parent,
            created_at=row.created_at,
            updated_at=to_micros(self.updated_at),
            resolved_at=_micros(self.resolved_at),
            due_at=_micros(self.due_at),
            snoozed_until=_micros(self.snoozed_until),
            undelivered=self.undelivered,
            breached=self.breached,
            unanswered=self.unanswered,
            reopened=self.reopened,
            attachments=sum(self.entries[one].files for one in self.said if one in self.entries),
        )

    def _set_own_field(self, name: str, value: str | None) -> None:
        if value is None:
            self.fields.pop(name, None)
        else:
            self.fields[name] = value


def due_at(past: Past) -> datetime | None:
    """The ticket's deadline as the row has it."""
    return None if past.ticket.due_at == NEVER else from_micros(past.ticket.due_at)


# --- the beginning ----------------------------------------------------------------------------------------------------


def _first_values(events: Iterable[PastEvent]) -> dict[str, Any]:
    """What each field was before its first event."""
    first: dict[str, Any] = {}
    for event in events:
        if event.verb not in NO_FIELDS and event.field and event.field not in COLLECTIONS:
            first.setdefault(event.field, event.old)
    return first


def _first_fields(past: Past, first: dict[str, Any]) -> dict[str, str | None]:
    own = {name.removeprefix("field."): value for name, value in first.items() if name.startswith("field.")}
    return {**past.fields, **own}


def _first_members(past: Past, names: Names) -> tuple[set[str], set[str], set[str]]:
    """Tags, further teams and watchers before the first event."""
    found = {
        "tag": set(past.tags),
        "teams": {names.teams[one] for one in past.teams},
        "watcher": {names.agents[one] for one in past.watchers},
    }
    for event in reversed(past.events):
        if event.verb not in NO_FIELDS and event.field in COLLECTIONS:
            _turn(found[event.field], event, back=True)
    return found["tag"], found["teams"], found["watcher"]


def _answered_before(past: Past) -> datetime | None:
    """The first response of a ticket that came in from an archive, answered long ago."""
    answered = past.ticket.first_response_at
    if past.events[0].verb != "import" or answered is None or answered >= past.events[0].at:
        return None
    return from_micros(answered)


def _first_taken_for(past: Past) -> str | None:
    """Why its first message counted as automatic before somebody said otherwise; None where nobody did."""
    return next((one.old or "" for one in past.events if one.verb == "spam" and one.field == "taken for"), None)


# --- values -----------------------------------------------------------------------------------------------------------


def _turn(members: set[str], event: PastEvent, *, back: bool = False) -> None:
    gone, came = (event.new, event.old) if back else (event.old, event.new)
    members.discard(gone)
    if came:
        members.add(came)


def _id_of(name: str | None, names: dict[int, str]) -> int | None:
    return next((key for key, known in names.items() if known == name), None) if name else None


def _moment(first: dict[str, Any], name: str, now: int | None) -> datetime | None:
    if name in first:
        return _read(first[name])
    return None if now is None else from_micros(now)


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _set(name: str) -> Callable[[TicketPast, Any], None]:
    return lambda ticket, value: setattr(ticket, name, value)


def _set_moment(name: str) -> Callable[[TicketPast, Any], None]:
    return lambda ticket, value: setattr(ticket, name, _read(value))


_WRITE: dict[str, Callable[[TicketPast, Any], None]] = {
    **{name: _set(name) for name in ("subject", "type", "category", "undelivered")},
    "priority": lambda ticket, value: setattr(ticket, "priority", PRIORITIES[value]),
    "team": lambda ticket, value: setattr(ticket, "team_id", _id_of(value, ticket.names.teams)),
    "assignee": lambda ticket, value: setattr(ticket, "assignee", value or ""),
    "merged": _set("merged_into"),
    "parent": _set("parent"),
    "due": _set_moment("manual_due_at"),
    "snooze": _set_moment("snoozed_until"),
    "resolved": _set_moment("resolved_at"),
    "closed": lambda ticket, value: None,
    "unanswered": _set_moment("unanswered_since"),
}
