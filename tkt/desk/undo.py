"""Taking changes back, and taking the taking back back.

An undo is itself a change, recorded with `undoes`: the log stays append-only and complete. It inverts the change's
events newest first, each through the same door as any other write, and refuses with a Conflict when a field has
moved on since or a mail has left: nobody's later work is overwritten.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.orm import aliased
from sqlmodel import col, select

from tkt.desk import conversation, followers, logos, moving, outbox, spam, statuses, teams, waiting
from tkt.desk.fields import FIELDS, FOLLOWING
from tkt.desk.tickets import apply_field, apply_subject, apply_tag, field_value
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, NotFound
from tkt.sla.ticket_state import CAME, WENT
from tkt.store.tables import Attachment, Entry, Event, Outbox, Ticket

NOT_UNDONE = (
    *("config", "sent", "sla", "rule", "skipped", "notify", "mention", "link", "import", "webhook"),
    *("bounced", "undelivered", "retried", "dropped", "unreachable", "reachable"),
)
"""Verbs that record what happened rather than what somebody did."""


class Undone(NamedTuple):
    """What was taken back: the ticket's number and each step in words."""

    number: int
    steps: list[str]

    def __str__(self) -> str:
        return f"#{self.number}: {'; '.join(self.steps)}"


def undo(desk: Desk, number: int | None = None) -> Undone:
    """Take back the actor's last change, or the last one of a ticket. Raises NotFound (nothing left to take back),
    NotAllowed, Conflict (it has moved on, or the mail has left)."""
    with desk.change("undo") as change:
        change.require("agent")
        events = _last_change(change, number, undone=False)
        if not events:
            raise NotFound("there is nothing to take back")
        return _invert(change, events)


def redo(desk: Desk) -> Undone:
    """Do again what the actor has just taken back. Raises NotFound, NotAllowed, Conflict."""
    with desk.change("redo") as change:
        change.require("agent")
        events = _last_change(change, None, undone=True)
        if not events:
            raise NotFound("there is nothing to do again")
        return _invert(change, events)


def _last_change(change: Change, number: int | None, *, undone: bool) -> list[Event]:
    """The events of the latest change that can be taken back (or, `undone`, of the latest undo), its tickets locked."""
    locked: set[int] = set()
    while True:
        events = _find_last_change(change, number, undone=undone)
        waiting = {event.ticket for event in events if event.ticket} - locked
        if not waiting:
            return events
        for one in sorted(waiting):  # while we waited for the lock, somebody else may have taken it back
            change.ticket(one)
        locked |= waiting


def _find_last_change(change: Change, number: int | None, *, undone: bool) -> list[Event]:
    later = aliased(Event)
    query = (
        select(Event.change)
        .where(
            col(Event.ticket).is_not(None),
            ~select(later.id).where(later.undoes == Event.change).exists(),
            col(Event.verb).not_in(NOT_UNDONE),
        )
        .where(col(Event.cause) == "undo" if undone else col(Event.undoes).is_(None) | (col(Event.cause) == "redo"))
        .order_by(col(Event.id).desc())
        .limit(1)
    )
    mine = Event.actor == change.actor.name
    query = query.where(mine if number is None else Event.ticket == number)
    latest = change.session.exec(query).first()
    if latest is None:
        return []
    return list(change.session.exec(select(Event).where(Event.change == latest).order_by(col(Event.id).desc())))


def _invert(change: Change, events: list[Event]) -> Undone:
    change.undoes = events[0].change
    if change.cause == "redo":
        _send_after_all(change, events[0].undoes)
    _keep_back(change, events[0].change)
    waits = waiting.waits_of(change, events)
    steps = [step for event in events if (step := _invert_one(change, event))]
    for waited in waits:  # now that all messages are where they were
        waiting.rewind(change, waited)
    numbers = [event.ticket for event in events if event.ticket]
    return Undone(numbers[-1], list(reversed(steps)))


def _keep_back(change: Change, taken_back: str) -> None:
    """Notices about what is taken back don't leave any more, as far as they have not left yet, and tell of nothing
    else.
    """
    waiting = select(Outbox).where(Outbox.change == taken_back, Outbox.kind != "reply", Outbox.state == "waiting")
    for row in change.session.exec(waiting.with_for_update()):
        if not row.mail.get("left") and not row.mail.get("collected"):
            outbox.recall(row)


def _send_after_all(change: Change, done_again: str | None) -> None:
    """Notices that were kept back with what is done again leave after all."""
    kept_back = select(Outbox).where(Outbox.change == done_again, Outbox.kind != "reply", Outbox.state == "recalled")
    for row in change.session.exec(kept_back.with_for_update()):
        row.state, row.next_at = "waiting", change.at + (row.next_at - row.created_at)


def _invert_one(change: Change, event: Event) -> str:
    if event.ticket is None or event.verb in NOT_UNDONE:
        return ""
    ticket = change.ticket(event.ticket)
    if event.entry is not None:
        return _turn_entry(change, ticket, event)
    if event.verb == "create":
        return _turn_ticket(change, ticket, event)
    if event.verb == "follow":
        if not followers.turn(change, ticket, event):
            return ""
    elif event.verb == spam.VERB:
        return spam.turn(change, ticket, event)
    elif event.field == "tag":
        apply_tag(change, ticket, event.new, event.old)
    elif event.field.startswith("field."):
        name = event.field.removeprefix("field.")
        _refuse_if_moved_on(ticket, event, field_value(change, ticket, name))
        apply_field(change, ticket, name, event.old)
    elif event.field == "teams":
        teams.turn(change, ticket, event.old, event.new)
    elif event.field.startswith((CAME, WENT)):
        return moving.turn(change, ticket, event)
    elif event.field in FIELDS and event.field != waiting.FIELD:
        _set_back(change, ticket, event)
    else:
        return ""
    if event.field in FOLLOWING:
        return ""  # goes without saying
    return f"{event.field}: {_shown(event.new)} → {_shown(event.old)}"


def _set_back(change: Change, ticket: Ticket, event: Event) -> None:
    now = FIELDS[event.field].read(ticket, change.definitions)
    if event.field not in FOLLOWING:
        _refuse_if_moved_on(ticket, event, now)
    if event.field == "subject":
        apply_subject(change, ticket, event.old)
    else:
        change.set(ticket, event.verb, **{event.field: event.old})
    if event.field == "status":
        _recount_reopenings(change, ticket, event)


def _recount_reopenings(change: Change, ticket: Ticket, event: Event) -> None:
    """A reopening that is taken back has not happened; one that is done again has."""
    was_done, done = (change.definitions.statuses.get(one) in statuses.DONE for one in (event.old, event.new))
    if change.cause == "redo":
        ticket.reopened_count += done and not was_done
    else:
        ticket.reopened_count -= was_done and not done


def _refuse_if_moved_on(ticket: Ticket, event: Event, now: object) -> None:
    if now != event.new:
        raise Conflict(f"#{ticket.number} {event.field} has become {_shown(now)} since; nothing was taken back")


def _turn_entry(change: Change, ticket: Ticket, event: Event) -> str:
    """Withdraw a message, or (redo) bring it back; a reply's mail is called back with it."""
    entry = change.session.get_one(Entry, event.entry)
    gone = ticket.merged_into if entry.ticket == ticket.number else entry.ticket
    if gone:
        raise Conflict(f"#{ticket.number}: the message has gone to #{gone} since; nothing was taken back")
    if entry.kind == "inbound" and entry.raw:
        raise Conflict(f"#{ticket.number}: a mail that has come in can't be taken back")
    withdrawn = entry.withdrawn_at is None
    if entry.kind == "reply":
        _turn_mail(change, ticket, entry, withdrawn)
    entry.withdrawn_at = change.at if withdrawn else None
    _turn_files_and_index(change, ticket, entry, withdrawn)
    change.touch(ticket)
    waiting.recount(change, ticket)
    change.record("withdraw" if withdrawn else "restore", ticket=ticket, entry=entry.id)
    return f"{entry.kind} {'withdrawn' if withdrawn else 'restored'}"


def _turn_files_and_index(change: Change, ticket: Ticket, entry: Entry, withdrawn: bool) -> None:
    """What was taken back is neither found nor counted."""
    of_entry = select(Attachment).where(Attachment.entry_id == entry.id).order_by(col(Attachment.id))
    files = change.session.exec(of_entry).all()
    count = sum(logos.counts(file) for file in files)
    ticket.attachments += -count if withdrawn else count
    turn = change.unindex if withdrawn else change.index
    turn(ticket, entry.position, conversation.searchable(entry.text, files))


def _turn_mail(change: Change, ticket: Ticket, entry: Entry, withdrawn: bool) -> None:
    for row in change.session.exec(select(Outbox).where(Outbox.entry_id == entry.id).with_for_update()):
        if withdrawn:
            outbox.recall(row)
        elif row.state == "recalled":
            row.state, row.next_at = "waiting", change.at + outbox.undo_window(change)
        if row.state != "dropped":  # somebody decided that it is not to leave
            entry.delivery = row.state
    touched = change.touch(ticket)
    touched.withdrawn, touched.replied = withdrawn, not withdrawn
    _recount_first_response(change, ticket, entry)


def _recount_first_response(change: Change, ticket: Ticket, turned: Entry) -> None:
    """The first response as it is once this reply is withdrawn, or restored: of those that were given here."""
    given = select(Event.entry).where(Event.ticket == ticket.number, col(Event.verb).in_(("reply", "import")))
    by_agents = select(Entry).where(
        Entry.ticket == ticket.number, Entry.kind == "reply", col(Entry.agent_id).is_not(None), col(Entry.id).in_(given)
    )
    replies = change.session.exec(by_agents.order_by(col(Entry.position))).all()
    standing = [one.at for one in replies if (one.withdrawn_at is None) != (one is turned)]
    ticket.first_response_at = standing[0] if standing else None


def _turn_ticket(change: Change, ticket: Ticket, event: Event) -> str:
    """A ticket can't be unmade, its number was given out: it is closed. Not if others have moved it on since."""
    if ticket.status != "new":
        raise Conflict(f"#{ticket.number} is {ticket.status} by now; nothing was taken back")
    statuses.move(change, ticket, "closed")
    return "ticket closed (numbers are never unmade)"


def _shown(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)
