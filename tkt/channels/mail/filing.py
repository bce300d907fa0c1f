"""A mail that has been read becomes a ticket, an entry on one, or a note: which verb of the desk is called, and how.

Leaves to others: which ticket (`thread`), whether the desk has the mail already (`intake`), what follows from it
(`tkt.desk`). The rules are in `gateway`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from tkt.channels.mail.bounces import Bounce
from tkt.channels.mail.classify import LOOP_HEADER
from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.parse import ParsedMail
from tkt.channels.mail.thread import Thread, find_bounced, find_thread, staff
from tkt.desk import conversation, people, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.message_ids import NOTIFICATION, read_message_id
from tkt.desk.unit import Actor, Change, Desk
from tkt.store.tables import Entry, Ticket
from tkt.times import parse_duration

NO_SUBJECT = "(no subject)"
REOPEN_WINDOW = "14d"


class Filed(NamedTuple):
    """Where a mail went: the state of its intake row, the ticket, the entry."""

    state: str
    ticket: int
    entry_id: int | None


def file_mail(desk: Desk, change: Change, mail: ParsedMail, box: Mailbox, digest: str) -> Filed:
    """File a mail that is no duplicate, inside the caller's change. Raises TktError."""
    machine = machine_words(change, mail)
    message = _message(change, mail, machine, digest)
    thread = find_thread(change, mail)
    if thread is None:
        return _new_ticket(desk, change, mail, message, box)
    ticket = thread.ticket
    assert ticket.number is not None
    if machine:
        return _file_machine(desk, change, mail, message, ticket)
    if _is_inside(change, thread, message.address):
        return _note(desk, change, message, ticket.number)
    if _is_long_closed(change, ticket):
        return _follow_up(desk, change, mail, message, box, ticket)
    with change.because("", _customer(message)):
        entry = conversation.receive(desk, ticket.number, message)
    return Filed("entry", ticket.number, entry.id)


def machine_words(change: Change, mail: ParsedMail) -> str:
    """Why the mail counts as automatic ("kind: reason"), or "".

    Another tkt desk's mail carries the loop field too: a person there writes to us as to anybody, and what that desk
    sends by itself says so in Auto-Submitted.
    """
    machine = mail.machine
    if machine is None:
        return ""
    if machine.kind == "loop" and mail.headers.raw(LOOP_HEADER) != desk_mark(change):
        submitted = mail.headers.raw("auto-submitted").lower()
        if submitted in ("", "no"):
            return ""
        return f"auto-reply: another desk sent it by itself ({submitted[:40]})"
    return f"{machine.kind}: {machine.reason}"


def desk_mark(change: Change) -> str:
    """What our own mails carry in the loop field: stable, and nobody else's."""
    import hashlib

    secret = change.definitions.setting("desk.secret")
    return hashlib.sha256(f"desk-mark {secret}".encode()).hexdigest()[:16]


# --- the ways of filing -----------------------------------------------------------------------------------------------


def _new_ticket(desk: Desk, change: Change, mail: ParsedMail, message: Message, box: Mailbox) -> Filed:
    with change.because("", _customer(message)):
        ticket = tickets.create(
            desk,
            mail.subject.strip() or NO_SUBJECT,
            message=message,
            channel="mail",
            mailbox=box.name,
            team=box.team if box.team in change.definitions.teams else None,  # a retired team gets no new tickets
            language=mail.language,
            machine=message.machine,
            confirm=not message.machine,
        )
    assert ticket.number is not None
    return Filed("machine" if message.machine else "ticket", ticket.number, None)


def _follow_up(desk: Desk, change: Change, mail: ParsedMail, message: Message, box: Mailbox, closed: Ticket) -> Filed:
    filed = _new_ticket(desk, change, mail, message, box)
    tickets.link(change, change.ticket(filed.ticket), closed, "follow-up")
    return filed


def _note(desk: Desk, change: Change, message: Message, number: int) -> Filed:
    """What was said inside stays inside, whoever answers it."""
    actor = staff(change, message.address) or Actor("system", message.address)
    with change.because("", actor):
        entry = conversation.note(desk, number, message.text or NO_SUBJECT, attachments=message.attachments)
    entry.author_address, entry.raw, entry.sent_at = message.address, message.raw, message.sent_at
    if staff(change, message.address) is None:
        entry.author = message.author or message.address
    return Filed("entry", number, entry.id)


def _file_machine(desk: Desk, change: Change, mail: ParsedMail, message: Message, ticket: Ticket) -> Filed:
    assert ticket.number is not None
    bounce = mail.machine.bounce if mail.machine else None
    with change.because("", _customer(message)):
        entry = conversation.receive(desk, ticket.number, message)
    if bounce is not None and bounce.permanent:
        _mark_undelivered(change, mail, bounce, ticket)
    return Filed("machine", ticket.number, entry.id)


def _mark_undelivered(change: Change, mail: ParsedMail, bounce: Bounce, ticket: Ticket) -> None:
    """The message that bounced has failed, and the queue shows it; a notification to staff is not the customer's."""
    signed = read_message_id(change.definitions.setting("desk.secret"), bounce.original_message_id)
    sent = find_bounced(change, mail)
    if signed is not None and signed.kind == NOTIFICATION:
        return
    words = " ".join(filter(None, (", ".join(bounce.recipients), bounce.diagnostic or bounce.status))) or "bounced"
    if sent is not None:
        sent.state, sent.error = "failed", words
        entry = change.session.get(Entry, sent.entry_id) if sent.entry_id else None
        if entry is not None:
            entry.delivery = "failed"
    change.record("bounced", ticket=ticket, entry=sent.entry_id if sent else None, new=words)
    change.set(ticket, "bounced", undelivered=True)


# --- facts ------------------------------------------------------------------------------------------------------------


def _is_inside(change: Change, thread: Thread, address: str) -> bool:
    if thread.inside:
        return True
    if staff(change, address) is None:
        return False
    return address not in people.addresses_of(change, thread.ticket)


def _is_long_closed(change: Change, ticket: Ticket) -> bool:
    if ticket.status_kind != "closed" or ticket.closed_at is None:
        return False
    window = parse_duration(change.definitions.setting("desk.reopen_window", REOPEN_WINDOW))
    return change.at - ticket.closed_at > timedelta(seconds=window)


def _customer(message: Message) -> Actor:
    return Actor("customer", message.address or message.author or "somebody")


def _message(change: Change, mail: ParsedMail, machine: str, digest: str) -> Message:
    """The mail in the desk's words. A mail from one of our own mailboxes speaks for whom its Reply-To names."""
    ours = _mailbox_addresses(change)
    sender = mail.sender
    answers = [one for one in mail.reply_to if one.email and not _is_mailbox(one.email, ours)]
    if _is_mailbox(sender.email, ours) and answers:
        sender = answers[0]
    addressed = [one for one in (*mail.to, *mail.cc) if one.email]
    others = {
        one.email: one.name for one in addressed if not _is_mailbox(one.email, ours) and one.email != sender.email
    }
    return Message(
        text=mail.text,
        author=sender.name,
        address=sender.email,
        reply_to=answers[0].email if answers and answers[0].email != sender.email else "",
        recipients=tuple(dict.fromkeys(one.email for one in addressed)),
        cc=tuple((name, email) for email, name in others.items()),
        message_id=mail.message_id,
        sent_at=mail.date,
        machine=machine,
        raw=digest,
        attachments=tuple(Upload(*attachment) for attachment in mail.attachments),
    )


def _mailbox_addresses(change: Change) -> set[str]:
    return {str(box.body.get("address", "")).lower() for box in change.definitions.of("mailbox")}


def _is_mailbox(address: str, ours: set[str]) -> bool:
    """Whether this is one of our mailboxes, with or without a plus-address token."""
    local, _, domain = address.rpartition("@")
    return address in ours or f"{local.partition('+')[0]}@{domain}" in ours
