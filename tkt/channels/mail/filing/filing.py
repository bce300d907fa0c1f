"""A mail that has been read becomes a ticket, an entry on one, or a note: which verb of the desk is called, and how.

Leaves to others: which ticket (`thread`), whether the desk has the mail already (`intake`), who wrote it (`senders`),
what colleagues write by mail (`staff_mail`), the teams of further mailboxes (`copies`), what follows from it
(`tkt.desk`). The rules are in `gateway`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from tkt.channels.mail.filing import copies, own_lists, senders, staff_mail
from tkt.channels.mail.filing.arrival import Arrival, Filed
from tkt.channels.mail.filing.thread import (
    Found,
    Thread,
    answers_digest,
    find_thread,
    settled,
    staff,
    takes_part,
    untagged,
)
from tkt.channels.mail.filing.undelivered import act_on_report
from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.reading.classify import LOOP_HEADER
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk import conversation, notices, people, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.unit import Actor, Change, Desk
from tkt.desk.values import SPAM
from tkt.errors import TktError
from tkt.safe_text import safe_line
from tkt.store.tables import Ticket
from tkt.times import parse_duration

NO_SUBJECT = "(no subject)"
REOPEN_WINDOW = "14d"
DIGEST_ANSWERED = (
    "it answers a digest of several tickets, which says not which one is meant: its sender can write again, with the "
    "number in the subject, such as [#12]"
)


def file_mail(
    desk: Desk, change: Change, mail: ParsedMail, box: Mailbox, digest: str, *, let_in: bool = False
) -> Filed:
    """File a mail that is no duplicate, inside the caller's change. `let_in`: see `Arrival`. Raises TktError."""
    arrival = Arrival(mail, box, digest, let_in)
    senders.refuse_forged(change, arrival)
    found = find_thread(change, mail)
    thread = found.thread
    if (thread is None or not thread.signed) and (reason := senders.spam(change, arrival)):
        return _spam(desk, change, arrival, reason)
    message = _message(change, arrival, machine_words(change, mail))
    if thread is None:
        if not message.machine and answers_digest(change, mail):
            raise TktError(DIGEST_ANSWERED)
        return _open(desk, change, arrival, message, found)
    ticket = settled(change, thread.ticket)
    if message.machine:
        return _file_machine(desk, change, mail, message, ticket)
    if _is_inside(change, thread, message.address):
        return staff_mail.file_inside(desk, change, arrival, message, ticket, inside=thread.inside)
    if _is_long_closed(change, ticket):
        return _follow_up(desk, change, arrival, message, found, ticket)
    if thread.guessable and not senders.vouched_for(change, arrival):
        message = _without_others(change, ticket, message)
    return _receive(desk, change, arrival, message, ticket)


def machine_words(change: Change, mail: ParsedMail) -> str:
    """Why the mail counts as automatic ("kind: reason"), or "".

    Another tkt desk's mail carries the loop field too: a person there writes to us as to anybody, and what that desk
    sends by itself says so in Auto-Submitted.
    """
    machine = own_lists.machine_of(change, mail)
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


def _open(desk: Desk, change: Change, arrival: Arrival, message: Message, found: Found) -> Filed:
    """A new ticket: a colleague's, perhaps for the customer whose mail they forward; or somebody's from outside."""
    forwarded = None if message.machine else staff_mail.file_forward(desk, change, arrival)
    if forwarded is not None:
        return forwarded
    filed = _new_ticket(desk, change, arrival, message, untagged(arrival.mail.subject, found.tags))
    if message.machine:
        act_on_report(change, arrival.mail, change.ticket(filed.ticket))
    else:
        _tell_of_stranger(change, message, change.ticket(filed.ticket), found.named)
    return filed


def _new_ticket(
    desk: Desk, change: Change, arrival: Arrival, message: Message, subject: str, tags: Iterable[str] = ()
) -> Filed:
    mail, box = arrival.mail, arrival.box
    with change.because("", _customer(message)):
        ticket = tickets.create(
            desk,
            subject.strip() if safe_line(subject).strip() else NO_SUBJECT,
            message=message,
            channel="mail",
            mailbox=box.name,
            team=box.team if box.team in change.definitions.teams else None,  # a retired team gets no new tickets
            tags=tags,
            language=mail.language,
            machine=message.machine,
            confirm=not message.machine,
        )
    assert ticket.number is not None
    if SPAM not in tags:
        copies.concern_addressed(change, ticket.number, box, mail)
    return Filed("machine" if message.machine else "ticket", ticket.number, None)


def _spam(desk: Desk, change: Change, arrival: Arrival, reason: str) -> Filed:
    """Found when looked for, and nothing else: nobody joins by being copied in, nobody is told or answered."""
    message = _message(change, arrival, f"{SPAM}: {reason}")._replace(cc=())
    return _new_ticket(desk, change, arrival, message, arrival.mail.subject, [SPAM])


def _follow_up(desk: Desk, change: Change, arrival: Arrival, message: Message, found: Found, closed: Ticket) -> Filed:
    subject = untagged(arrival.mail.subject, {*found.tags, closed.number or 0})
    filed = _new_ticket(desk, change, arrival, message, subject)
    tickets.link(change, change.ticket(filed.ticket), closed, "follow-up")
    return filed


def _receive(desk: Desk, change: Change, arrival: Arrival, message: Message, ticket: Ticket) -> Filed:
    assert ticket.number is not None
    with change.because("", _customer(message)):
        entry = conversation.receive(desk, ticket.number, message)
    copies.concern_addressed(change, ticket.number, arrival.box, arrival.mail)
    return Filed("entry", ticket.number, entry.id)


def _without_others(change: Change, ticket: Ticket, message: Message) -> Message:
    """A number can be guessed and a sender forged: who comes by these alone neither brings others in nor has answers
    sent elsewhere.
    """
    elsewhere = message.reply_to
    if elsewhere and takes_part(change, ticket, elsewhere):
        elsewhere = ""
    if not message.cc and not elsewhere:
        return message
    left_out = [f"Reply-To {elsewhere}"] if elsewhere else []
    left_out += [f"{len(message.cc)} other recipients"] if message.cc else []
    why = "nothing but the number in its subject ties the mail to this ticket"
    change.record("skipped", ticket=ticket, field="followers", new=f"{', '.join(left_out)}: {why}")
    return message._replace(cc=(), reply_to="" if elsewhere else message.reply_to)


def _tell_of_stranger(change: Change, message: Message, ticket: Ticket, named: Iterable[Ticket]) -> None:
    """Somebody names tickets that they take no part in: their agents should know, they themselves learn nothing."""
    who = safe_line(message.address, 120)
    why = f"{who}, who takes no part in this ticket, has named it in a mail. That mail is #{ticket.number}."
    for other in sorted(named, key=lambda one: one.number or 0):  # one order of locks for everybody
        tickets.link(change, ticket, other, "related")
        notices.notify(change, other, ["assignee" if other.assignee_id else "team"], why)


def _file_machine(desk: Desk, change: Change, mail: ParsedMail, message: Message, ticket: Ticket) -> Filed:
    assert ticket.number is not None
    with change.because("", _customer(message)):
        entry = conversation.receive(desk, ticket.number, message)
    act_on_report(change, mail, ticket)
    return Filed("machine", ticket.number, entry.id)


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


def _message(change: Change, arrival: Arrival, machine: str) -> Message:
    """The mail in the desk's words."""
    mail, own = arrival.mail, people.own_addresses(change)
    sender = senders.speaker(change, mail)
    answers = [one.email for one in mail.reply_to if one.email and one.email not in own]
    addressed = [one for one in (*mail.to, *mail.cc) if one.email]
    others = {one.email: one.name for one in addressed if one.email not in own and one.email != sender.email}
    return Message(
        text=mail.text,
        author=f"{sender.name or sender.email} (not verified)" if arrival.let_in else sender.name,
        address=sender.email,
        reply_to=answers[0] if answers and answers[0] != sender.email else "",
        recipients=tuple(dict.fromkeys(one.email for one in addressed)),
        cc=tuple((name, email) for email, name in others.items()),
        message_id=mail.message_id,
        sent_at=mail.date,
        machine=machine,
        raw=arrival.digest,
        attachments=tuple(Upload(*attachment) for attachment in mail.attachments),
    )
