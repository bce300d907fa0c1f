"""The unit of work: one change, one transaction.

    with desk.change() as change:
        ticket = change.ticket(42)
        change.set(ticket, "assign", assignee=...)

A verb opens a change, loads what it needs through it and records what it does in it. When the outermost block ends,
the reactions run (rules, SLA clocks, notices into the outbox), then everything is committed at once, or nothing is. A
verb called inside another's change joins it: that is how rules and SLA steps act through the same verbs as people.

Work that comes in masses may share the cost of a commit (`Desk.together`); each change is all or nothing all the same.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from tkt.desk.fields import FIELDS, FOLLOWING
from tkt.desk.meanwhile import changes_since
from tkt.errors import Conflict, NotAllowed, NotFound
from tkt.store.constants import ROLES
from tkt.store.definitions import Definitions, load_definitions
from tkt.store.engine import Store, savepoint
from tkt.store.read import open_reader
from tkt.store.rows import fetch, keep_all, rewrite
from tkt.store.search import add_documents, remove_document
from tkt.store.tables import Event, Ticket
from tkt.times import utcnow


class Actor(NamedTuple):
    """Who acts. `kind` is agent, customer or system; only agents have an id and a role."""

    kind: str
    name: str
    agent_id: int | None = None
    role: str = ""


SYSTEM = Actor("system", "tkt")

MARKED = "sla.reconsider"
"""The setting that is there while tickets wait for their promises to be reconsidered (`tkt.desk.reconsidering`)."""

_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtext('tkt event log'))")
_TELL = text("SELECT pg_notify('tkt', '')")

Document = tuple[int, int, str]
"""A text for the search index: the ticket's number, its position there (`tkt.store.search`), the text."""


class Touched:
    """What happened to one ticket in this change; the reactions read it."""

    def __init__(self, ticket: Ticket) -> None:
        self.ticket = ticket
        self.status_kind_before = ticket.status_kind
        self.status_before = ticket.status
        self.created = False
        self.machine = False
        """It was opened by an automatic mail: no promise runs."""
        self.inbound = False
        """A customer's message arrived (not a machine's)."""
        self.replied = False
        """An agent's public message was added."""
        self.withdrawn = False
        """A message was taken back (undo)."""
        self.spam = False
        """It was found to be spam: what was promised on it is void."""
        self.fields: dict[str, tuple[Any, Any]] = {}
        """Changed fields: first old and last new value, in the words of the history."""
        self.fired: set[str] = set()
        """Names of the rules that have fired on this ticket in this change."""
        self.happenings: list[str] = []
        """What rules may answer, in order: created, inbound, replied, changed."""


class Desk:
    """The desk as seen by one actor, with a clock. Not shared between threads."""

    def __init__(self, store: Store, actor: Actor = SYSTEM, now: Callable[[], datetime] = utcnow) -> None:
        self.store = store
        self.actor = actor
        self.now = now
        self._change: Change | None = None
        self._together: _Together | None = None
        self._definitions: Definitions | None = None

    @contextmanager
    def change(self, cause: str = "", *, actor: Actor | None = None) -> Iterator[Change]:
        """A transaction that ends with its reactions; inside another change, a part of that one.

        `cause` names what made it happen (a rule, a mail, an SLA step) and is empty for the actor's own doing.
        Raises StoreBusy, StoreUnreachable, WrongSchema, and whatever the block raises: then nothing is stored.
        """
        if self._change is not None:
            with self._change.because(cause, actor):
                yield self._change
            return
        from tkt.desk.reactions import react

        with self.transaction() as session:
            self._definitions = load_definitions(session, self._definitions)
            self._change = Change(self, session, self._definitions, cause, actor or self.actor)
            try:
                yield self._change
                react(self._change)
                self._change.finish()
            finally:
                self._change = None

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A transaction of the store's without reactions; in `together`, a part that can fail by itself."""
        if self._together is None:
            with self.store.transaction() as session:
                yield session
            return
        with self._together.part() as session:
            yield session

    @contextmanager
    def together(self) -> Iterator[bool]:
        """Let the changes of this block share one commit; whether they do.

        Each is all or nothing by itself, none is there before all are, and a failing commit undoes them all. On SQLite
        a commit costs as much as writing many rows, and there is one writer at a time anyway: keep the block short, so
        that nobody waits for long. On Postgres others write meanwhile and would wait for the rows: there, each change
        has a commit of its own.
        """
        if self.store.dialect != "sqlite":
            yield False
            return
        with self.store.transaction() as session:
            self._together = _Together(session)
            try:
                yield True
                add_documents(session, self._together.documents)
            finally:
                self._together = None

    @contextmanager
    def look(self) -> Iterator[Change]:
        """What stands in the store now, for reading only: it keeps no writer waiting. Inside a change, that change."""
        if self._change is not None:
            yield self._change
            return
        with self.store.reading() as session:
            self._definitions = load_definitions(session, self._definitions)
            yield Change(self, session, self._definitions, "", self.actor)

    def acting(self, actor: Actor) -> Desk:
        """The same desk in somebody else's name."""
        other = Desk(self.store, actor, self.now)
        other._definitions = self._definitions
        return other


class _Together:
    """Changes that share a commit: their session, and the search documents that are to be written before it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.documents: list[Document] = []

    @contextmanager
    def part(self) -> Iterator[Session]:
        before = list(self.documents)
        try:
            with savepoint(self.session):
                yield self.session
        except BaseException:  # whatever ends the part, it is undone
            self.documents = before  # those that were written in this part are so no more
            raise


class Change:
    """One change under way: its session, its moment, its author, what it has touched and recorded."""

    def __init__(self, desk: Desk, session: Session, definitions: Definitions, cause: str, actor: Actor) -> None:
        self.desk = desk
        self.session = session
        self.definitions = definitions
        self.at = desk.now()
        self.id = secrets.token_hex(8)
        self.actor = actor
        self.initiator = actor
        """Who began the change, whoever acts in it now (a rule acts as the system)."""
        self.cause = cause
        self.undoes: str | None = None
        self.touched: dict[int, Touched] = {}
        self._locked: dict[int, Ticket] = {}
        self.events: list[dict[str, Any]] = []
        self.memory: dict[Any, Any] = {}
        """What has been looked up in this change and can't change under it (the customer behind an id)."""
        self.facts: dict[int, tuple[int, Any]] = {}
        """What `desk.facts` has collected of a ticket, with the number of events recorded until then."""
        self.notices: dict[tuple[int, str], dict[Any, str]] = {}
        """Reasons to tell somebody of a ticket, by (number, address), each by what it is about: one mail per person
        and ticket when the change ends."""
        self.not_before: dict[tuple[int, str], datetime] = {}
        """When that mail may leave at the earliest: during somebody's quiet hours, not yet."""
        self.automatic: dict[str, int] = {}
        """How many mails this change sends by itself, by address; "" is everybody (`desk.automatic`)."""
        self.over_limit: Ticket | None = None
        """The ticket whose automatic mail the limit for everybody held back."""
        self._documents: list[Document] = []
        """Texts for the search index, written last: FTS5 makes a segment of what it has whenever anything comes between
        two documents, and segments cost more than documents."""

    @contextmanager
    def because(self, cause: str, actor: Actor | None = None) -> Iterator[None]:
        """What is recorded in this block was caused by this rule, mail or step (or done by this actor)."""
        before = self.cause, self.actor
        self.cause, self.actor = cause or self.cause, actor or self.actor
        try:
            yield
        finally:
            self.cause, self.actor = before

    def require(self, role: str = "agent") -> None:
        """NotAllowed unless the actor has this role or a higher one; the system and customers' mails are not asked."""
        if self.actor.kind == "agent" and ROLES.index(self.actor.role) < ROLES.index(role):
            raise NotAllowed(f"this takes the role {role}; {self.actor.name} has the role {self.actor.role}")

    def ticket(self, number: int, version: int | None = None) -> Ticket:
        """The ticket, locked for this change. Raises NotFound, or Conflict if it is no longer at `version`."""
        if number in self.touched:
            return self.touched[number].ticket
        if number in self._locked:
            return self._locked[number]
        if self.desk.store.dialect == "sqlite":  # the whole store is locked since the change began
            ticket = fetch(self.session, Ticket, number)
        else:  # read anew: what this session saw of the ticket before it had the lock may be old
            ticket = self.session.get(Ticket, number, with_for_update={"key_share": True}, populate_existing=True)
        if ticket is None:
            raise NotFound(f"there is no ticket #{number}")
        if version is not None and ticket.version != version:
            raise Conflict(f"#{number} has changed meanwhile: {changes_since(self.session, ticket, version)}")
        self._locked[number] = ticket
        self._catch_up([ticket])
        return ticket

    def free_tickets(self, numbers: Collection[int]) -> list[Ticket]:
        """Those of these tickets that nobody else has in hand, by number, locked for this change."""
        query = select(Ticket).where(col(Ticket.number).in_(numbers)).order_by(col(Ticket.number))
        if self.desk.store.dialect == "postgresql":
            query = query.with_for_update(key_share=True, skip_locked=True)
        found = list(self.session.exec(query.execution_options(populate_existing=True)))
        self._locked.update({ticket.number or 0: ticket for ticket in found})
        self._catch_up(found)
        return found

    def _catch_up(self, tickets: Sequence[Ticket]) -> None:
        """Hold tickets to the promises they should have by now, before anything else happens to them."""
        if self.definitions.setting(MARKED):
            from tkt.desk.reconsidering import catch_up

            catch_up(self, tickets)

    @contextmanager
    def apart(self) -> Iterator[None]:
        """What is recorded in this block is a change of its own, committed with this one."""
        before, self.id = self.id, secrets.token_hex(8)
        try:
            yield
        finally:
            self.id = before

    def touch(self, ticket: Ticket) -> Touched:
        """Note that this change concerns the ticket: it will get a new version and its reactions."""
        assert ticket.number is not None
        if ticket.number not in self.touched:
            if ticket.number not in self._locked:
                self._catch_up([ticket])
            self.touched[ticket.number] = Touched(ticket)
            ticket.version += 1
            ticket.updated_at = self.at
        return self.touched[ticket.number]

    def set(self, ticket: Ticket, verb: str, **values: Any) -> list[str]:
        """Give fields new values and record each that differs; the names of those that changed.

        Fields and values are in the history's words ("team": "network", "priority": "high"); see `desk.fields`.
        """
        changed = []
        for name, new in values.items():
            field = FIELDS[name]
            old = field.read(ticket, self.definitions)
            if old == new:
                continue
            touched = self.touch(ticket)
            field.write(ticket, new, self.definitions)
            if name not in FOLLOWING:
                first_old = touched.fields[name][0] if name in touched.fields else old
                touched.fields[name] = (first_old, new)
                self.happened(ticket, "changed")
            self.record(verb, ticket=ticket, field=name, old=old, new=new)
            changed.append(name)
        return changed

    def happened(self, ticket: Ticket, happening: str) -> None:
        """Something that rules may answer: created, inbound, replied, changed."""
        waiting = self.touch(ticket).happenings
        if happening not in waiting:
            waiting.append(happening)

    def record(
        self,
        verb: str,
        *,
        ticket: Ticket | None = None,
        entry: int | None = None,
        field: str = "",
        old: Any = None,
        new: Any = None,
    ) -> None:
        """Append to the event log; written with the commit, in this order."""
        event = dict(
            at=self.at,
            change=self.id,
            actor=self.actor.name,
            ticket=ticket.number if ticket else None,
            entry=entry,
            verb=verb,
            field=field,
            old=old,
            new=new,
            cause=self.cause,
            undoes=self.undoes,
        )
        self.events.append(event)

    def index(self, ticket: Ticket, position: int, text: str) -> None:
        """Let a text of the ticket be found: its subject at 0, its messages at their positions."""
        self._documents.append((ticket.number or 0, position, text))

    def unindex(self, ticket: Ticket, position: int, text: str) -> None:
        """Let a text be found no more; it is exactly what was indexed."""
        self._write_documents()
        remove_document(self.session, ticket.number or 0, position, text)

    def _write_documents(self) -> None:
        together = self.desk._together
        add_documents(self.session, self._documents if together is None else together.documents + self._documents)
        self._documents.clear()
        if together is not None:
            together.documents.clear()

    def finish(self) -> None:
        """Write what has changed, the search documents and the event log, and tell who listens (Postgres).

        On Postgres one change writes its events at a time, last of all: ids then appear in the order of commits, and
        who reads the log from an id on misses nothing.
        """
        self._write_tickets()
        self.session.flush()
        if self.desk._together is None:
            self._write_documents()
        else:
            self.desk._together.documents += self._documents
        if self.events and self.desk.store.dialect == "postgresql":
            self.session.connection().execute(_IN_TURN)
            self.session.connection().execute(_TELL)
        keep_all(self.session, Event, self.events)

    def _write_tickets(self) -> None:
        """The touched tickets' new values, in one go; where rows wait that they may refer to, the session knows the
        order."""
        if not self.session.new and not self.session.deleted:
            rewrite(self.session, [touched.ticket for touched in self.touched.values()])


def find_actor(store: Store, name: str) -> Actor:
    """The active agent of this name. Raises NotAllowed with the way out when there is none."""
    with open_reader(store.location) as reader:
        found = reader.row("SELECT id, role FROM agent WHERE name = ? AND active", (name,))
    if found is None:
        advice = f"use --as NAME, or let an admin run 'tkt agent add {name}'"
        raise NotAllowed(f"'{name}' is no agent of this desk; {advice}")
    return Actor("agent", name, *found)
