"""What colleagues write by mail: internal notes, public answers, customers' mails that they forward.

What was said inside stays inside, whoever answers it; only a verified agent speaks to the customer, and for one. The
rules are in `gateway`, "Who wrote"; who is verified is said by `senders`.
"""

from __future__ import annotations

import re

from tkt.channels.mail.filing import copies, forwards, senders
from tkt.channels.mail.filing.arrival import Arrival, Filed
from tkt.channels.mail.filing.forwards import Original
from tkt.channels.mail.filing.thread import holding, settled, takes_part
from tkt.channels.mail.folding.quotes import own_text, without_quotes
from tkt.channels.mail.reading.language import guess_language
from tkt.desk import conversation, notices, people, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.notice_text import HOW_TO_ANSWER
from tkt.desk.unit import SYSTEM, Actor, Change, Desk
from tkt.store.tables import Entry, Ticket

PUBLIC = "#public"
"""The first line of an answer to a notification that is to reach the customer."""

NO_TEXT = "(no text)"

HEAD_WORDS = 3
"""Blanks in "alice wrote a note": so many words in a row are no chance; fewer count where they are a line."""

_WORDS = re.compile(r"\w+")
_STANDS = re.compile(r'^#\d+ ".*": [^,\n]+', re.MULTILINE)
"""How a notification says how the ticket stands, up to its status."""


def file_inside(
    desk: Desk, change: Change, arrival: Arrival, message: Message, ticket: Ticket, *, inside: bool
) -> Filed:
    """File a colleague's mail on a ticket, or anybody's answer to a notification (`inside`): as an internal note, or as
    a public reply where it asks for that and may.
    """
    assert ticket.number is not None
    wanted = _public_text(arrival)
    if wanted is None:
        return Filed("entry", ticket.number, _note(desk, change, arrival, message, ticket).id)
    agent = senders.verified(change, arrival) if inside else None
    if agent is None or (why := _unfit(change, arrival, wanted)):
        entry = _note(desk, change, arrival, message, ticket)
        _tell_it_stayed_inside(change, arrival, ticket, why if agent else _why_inside(inside))
    else:
        with change.because("", agent):
            entry = conversation.reply(desk, ticket.number, wanted, attachments=message.attachments)
        _keep_origin(entry, message)
    return Filed("entry", ticket.number, entry.id)


def file_forward(desk: Desk, change: Change, arrival: Arrival) -> Filed | None:
    """Open a ticket for the customer whose mail a verified agent forwarded; None where that is not what this is."""
    agent = senders.verified(change, arrival)
    original = forwards.read_forward(arrival.mail) if agent else None
    if agent is None or original is None or original.sender.email in people.own_addresses(change):
        return None
    for number in holding(change, [original.message_id] if original.message_id else []):
        ticket = settled(change, change.ticket(number))
        if takes_part(change, ticket, original.sender.email):  # the customer has written to us as well
            entry = _note(desk, change, arrival, _own_words(arrival), ticket)
            return Filed("entry", ticket.number or 0, entry.id)
        original = original._replace(message_id="")  # somebody else's: who wrote the original may have named it
    number = _open_for_customer(desk, change, arrival, original)
    with change.because("", agent):
        change.record("forward", ticket=change.ticket(number), new=original.sender.email)
        if original.added:
            entry = conversation.note(desk, number, original.added)
            entry.author_address = arrival.mail.sender.email
    copies.concern_addressed(change, number, arrival.box, arrival.mail)
    return Filed("ticket", number, None)


# --- notes and answers ------------------------------------------------------------------------------------------------


def _note(desk: Desk, change: Change, arrival: Arrival, message: Message, ticket: Ticket) -> Entry:
    assert ticket.number is not None
    agent = senders.author(change, arrival)
    own_words = own_text(arrival.mail.text, arrival.mail.subject)  # what is quoted mentions nobody again
    with change.because("", agent or Actor("system", message.address)):
        entry = conversation.note(
            desk, ticket.number, message.text or NO_TEXT, own_words=own_words, attachments=message.attachments
        )
    _keep_origin(entry, message)
    if agent is None:
        entry.author = message.author or message.address
    return entry


def _keep_origin(entry: Entry, message: Message) -> None:
    """The mail behind an entry."""
    entry.author_address, entry.raw, entry.sent_at = message.address, message.raw, message.sent_at


def _public_text(arrival: Arrival) -> str | None:
    """What follows the line "#public", without quotes: "" if that is at most a signature, None where the mail does not
    begin with it.
    """
    mail = arrival.mail
    if PUBLIC not in mail.text.lower():
        return None
    first, *rest = without_quotes(mail.text, mail.subject).splitlines() or [""]
    if first.strip().removeprefix("\\").lower() != PUBLIC:
        return None
    if not _answer(own_text(mail.text, mail.subject).splitlines()[1:]):
        return ""
    return _answer(rest)


def _answer(lines: list[str]) -> str:
    """What is quoted was said inside: not even a line that might be the writer's own goes out."""
    return "\n".join(line for line in lines if not line.lstrip().startswith(">")).strip()


def _unfit(change: Change, arrival: Arrival, wanted: str) -> str:
    """Why this is no answer for a customer, or "". Some mailers attach what they answer, or quote it without a mark."""
    if not wanted:
        return "nothing stands below it"
    if any(file.content_type.startswith("message/") for file in arrival.mail.attachments):
        return "a mail is attached, which may be what was said inside"
    quoted = _holds_notification(change, arrival, wanted)
    return "the notification itself stands below it, and nothing marks it as quoted" if quoted else ""


def _holds_notification(change: Change, arrival: Arrival, wanted: str) -> bool:
    """Whether words of the notification give it away that are nobody's but ours, however they are wrapped and whatever
    its reader has deleted: who said something, how the ticket stands, how to answer.
    """
    said, lines = _in_words(wanted), {_in_words(line) for line in wanted.splitlines()}
    if _in_words(HOW_TO_ANSWER) in said:
        return True
    for told in senders.answered_notifications(change, arrival.mail):
        heads = [_in_words(reason.partition("\n")[0]) for reason in told.get("reasons", ())]
        stands = [_in_words(found) for found in _STANDS.findall(told.get("text", ""))]
        if any(head in lines or (head in said and head.count(" ") >= HEAD_WORDS) for head in heads):
            return True
        if any(f" {line} " in f" {said} " for line in stands):
            return True
    return False


def _in_words(text: str) -> str:
    return " ".join(_WORDS.findall(text))


def _why_inside(inside: bool) -> str:
    if not inside:
        return f"{PUBLIC} only goes with an answer to a notification"
    return "it is not certain that you wrote it"


def _tell_it_stayed_inside(change: Change, arrival: Arrival, ticket: Ticket, why: str) -> None:
    """The history says so, and whoever meant to write to the customer is told."""
    change.record("skipped", ticket=ticket, field=PUBLIC, new=why)
    agent = senders.author(change, arrival)
    if agent is not None:
        words = f"Your mail with {PUBLIC} was kept as an internal note; the customer has not got it: {why}."
        with change.because("", SYSTEM):
            notices.notify(change, ticket, [agent.name], words)


# --- forwards ---------------------------------------------------------------------------------------------------------


def _open_for_customer(desk: Desk, change: Change, arrival: Arrival, original: Original) -> int:
    """The ticket as if the customer's mail had come to us; their own server's word on it is lost with the forward."""
    box, sender = arrival.box, original.sender
    message = Message(
        text=original.text,
        author=sender.name,
        address=sender.email,
        reply_to="" if original.reply_to in people.own_addresses(change) else original.reply_to,
        message_id=original.message_id,
        sent_at=original.sent_at,
        raw=arrival.digest,
        attachments=tuple(Upload(*file) for file in original.attachments),
    )
    with change.because("", Actor("customer", sender.email)):
        ticket = tickets.create(
            desk,
            original.subject or "(no subject)",
            message=message,
            channel="mail",
            mailbox=box.name,
            team=box.team if box.team in change.definitions.teams else None,
            language=guess_language(original.text or original.subject),
            confirm=not original.machine,
        )
    assert ticket.number is not None
    return ticket.number


def _own_words(arrival: Arrival) -> Message:
    """The forward itself, as its sender's words."""
    mail = arrival.mail
    files = tuple(Upload(*file) for file in mail.attachments)
    return Message(
        mail.text, mail.sender.name, mail.sender.email, sent_at=mail.date, raw=arrival.digest, attachments=files
    )
