"""What is said on a ticket: public replies, internal notes, and what customers write.

A reply is public and leaves by mail through the outbox; a note stays inside and is never quoted outside. A customer's
message moves a waiting or resolved ticket to open; an agent's first public reply moves a new one to open. Machine
mail is filed and moves nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import col, func, select

from tkt.desk import automatic, followers, logos, notices, outbox, people, standing, statuses
from tkt.desk.storable import storable
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, TktError
from tkt.safe_text import safe_filename
from tkt.store import blobs
from tkt.store.rows import keep
from tkt.store.tables import Attachment, Entry, Ticket

AUTOMATIC_REPLIES = 5
AUTOMATIC_WINDOW = timedelta(hours=1)
"""At most so many replies by rules and SLA steps on one ticket in one window (RFC 3834 section 2)."""

COPIED_LIMIT = 20
"""A mail to more people than this makes none of them followers: they are a mailing, not those whom the ticket concerns,
and a stranger's list of thousands would otherwise get a copy of every reply, from us."""


class Upload(NamedTuple):
    """A file that comes with a message."""

    name: str
    type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


class Message(NamedTuple):
    """What a customer (or a machine) sent: the text and the mail's facts.

    `address` wrote it; `reply_to` is where an answer should go; `recipients` are all it was addressed to, `cc` (name,
    address) of those who should take part; `machine` is why it counts as automatic, or empty; `raw` the stored mail.
    """

    text: str
    author: str = ""
    address: str = ""
    reply_to: str = ""
    recipients: tuple[str, ...] = ()
    cc: tuple[tuple[str, str], ...] = ()
    message_id: str = ""
    sent_at: datetime | None = None
    machine: str = ""
    raw: str | None = None
    attachments: tuple[Upload, ...] = ()


THIRD_PARTY = "on-hold"
"""The status that waits for somebody else than the customer, so that the customer's message does not end it."""


def reply(
    desk: Desk,
    number: int,
    text: str,
    *,
    cc: Sequence[str] = (),
    attachments: Sequence[Upload] = (),
    status: str | None = None,
    version: int | None = None,
) -> Entry:
    """A public answer: an entry, and a mail in the outbox for the requester and those who take part. An agent's
    counts as a response and moves the ticket; what a rule says by itself does neither.

    Raises TktError (empty text), UsageError (unknown status, bad address), NotFound, NotAllowed, Conflict.
    """
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        refuse_merged(ticket)
        _refuse_flood(change, ticket)
        for address in cc:
            followers.let_in(change, ticket, "", address)
        recipients = None if change.actor.kind == "agent" else automatic.reply_recipients(change, ticket)
        entry = add_entry(change, ticket, "reply", not_empty(text), attachments=attachments)
        outbox.put_reply(change, ticket, entry, recipients)
        if change.actor.kind == "agent":
            _answered(change, ticket, status)
        notices.tell_of_answer(change, ticket, entry)
        return entry


def _answered(change: Change, ticket: Ticket, status: str | None) -> None:
    change.touch(ticket).replied = True
    change.happened(ticket, "replied")
    ticket.first_response_at = ticket.first_response_at or change.at
    ticket.unanswered_count = 0
    change.set(ticket, "reply", unanswered=None)
    ticket.unread = False
    statuses.move(change, ticket, status or ("open" if ticket.status == "new" else ticket.status))


def note(
    desk: Desk,
    number: int,
    text: str,
    *,
    own_words: str | None = None,
    attachments: Sequence[Upload] = (),
    version: int | None = None,
) -> Entry:
    """An internal note: no customer ever sees it. Whom it mentions is told; in a text that quotes others, `own_words`
    is what is read for mentions. Raises UsageError, NotFound, NotAllowed, Conflict.
    """
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        refuse_merged(ticket)
        ticket.unread = False
        entry = add_entry(change, ticket, "note", not_empty(text), attachments=attachments)
        notices.tell_of_note(change, ticket, entry, text if own_words is None else own_words)
        return entry


def receive(desk: Desk, number: int, message: Message) -> Entry:
    """A message from outside on an existing ticket. Machine mail is filed and moves neither status nor clock."""
    with desk.change() as change:
        ticket = change.ticket(number)
        entry = add_message(change, ticket, message)
        if message.machine:
            return entry
        _let_take_part(change, ticket, message)
        change.touch(ticket).inbound = True
        change.happened(ticket, "inbound")
        ticket.unanswered_since = ticket.unanswered_since or change.at
        ticket.unread = True
        change.set(ticket, "wake", snooze=None)
        if ticket.status_kind != "open" and ticket.status != THIRD_PARTY:
            statuses.move(change, ticket, "open")
        notices.tell_of_message(change, ticket, entry)
        return entry


def add_message(change: Change, ticket: Ticket, message: Message) -> Entry:
    """File a message from outside as an `inbound` entry, with its facts and attachments."""
    person_id = None
    is_person = people.is_address(message.address) and not message.machine
    if is_person and message.address.lower() not in people.own_addresses(change):
        person_id = people.customer(change, message.author, message.address)
        standing.heard_from(change, ticket, message.address, message.sent_at)
    return add_entry(
        change,
        ticket,
        "inbound",
        message.text,
        attachments=message.attachments,
        author=message.author or message.address,
        author_address=message.address.lower(),
        person_id=person_id,
        reply_to=message.reply_to,
        recipients=list(message.recipients),
        message_id=message.message_id or None,
        sent_at=message.sent_at,
        machine=message.machine,
        raw=message.raw,
    )


def add_entry(
    change: Change,
    ticket: Ticket,
    kind: str,
    text: str,
    *,
    attachments: Sequence[Upload] = (),
    **facts: Any,
) -> Entry:
    """Append an entry to the conversation, index it, keep its files, record it."""
    assert ticket.number is not None
    text = storable(text)
    change.touch(ticket)
    ticket.entries += 1
    if kind == "inbound" and not facts.get("machine"):
        ticket.unanswered_count += 1
    facts.setdefault("author", change.actor.name)
    facts.setdefault("agent_id", change.actor.agent_id)
    entry = Entry(ticket=ticket.number, position=ticket.entries, kind=kind, at=change.at, text=text, **facts)
    keep(change.session, entry)
    for upload in attachments:
        attach(change, ticket, entry, upload)
    change.index(ticket, entry.position, searchable(text, attachments))
    change.record(kind, ticket=ticket, entry=entry.id)
    return entry


def keep_blob(change: Change, content: bytes) -> str:
    """Store bytes once, whoever brings them; their digest."""
    return blobs.keep_blob(change.session, content)


def attach(change: Change, ticket: Ticket, entry: Entry, upload: Upload) -> None:
    """Keep a file that came with an entry."""
    file = Attachment(
        entry_id=entry.id or 0,
        name=safe_filename(upload.name),
        type=upload.type,
        size=len(upload.content),
        digest=keep_blob(change, upload.content),
        inline=upload.inline,
        content_id=upload.content_id,
    )
    file.logo = logos.is_logo(change.session, entry, file)
    keep(change.session, file)
    ticket.attachments += logos.counts(file)


def _let_take_part(change: Change, ticket: Ticket, message: Message) -> None:
    """Whoever wrote, or was copied, follows the ticket from now on (unless it is theirs)."""
    requester = people.addresses_of(change, ticket)
    if people.is_address(message.address) and message.address.lower() not in requester:
        followers.let_in(change, ticket, message.author, message.address)
    let_copied_take_part(change, ticket, message, requester)


def let_copied_take_part(change: Change, ticket: Ticket, message: Message, requester: Collection[str]) -> None:
    """Those to whom the mail went too follow the ticket, unless they are the requester, or too many (COPIED_LIMIT)."""
    copied = {address.lower(): name for name, address in message.cc if people.is_address(address)}
    joining = {address: name for address, name in copied.items() if address not in requester}
    if len(joining) > COPIED_LIMIT:
        change.record("skipped", ticket=ticket, field="followers", new=f"{len(joining)} other recipients")
        return
    for address, name in joining.items():
        followers.let_in(change, ticket, name, address)


def searchable(text: str, files: Iterable[Upload | Attachment]) -> str:
    """What full text search finds an entry by: its text and the names under which its files are kept."""
    return " ".join((text, *(safe_filename(file.name) for file in files)))


def not_empty(text: str) -> str:
    """The text. Raises TktError where there is none."""
    if not text.strip():  # CONTRACT: an empty text aborts with exit status 1
        raise TktError("the text is empty; nothing was changed")
    return text


def _refuse_flood(change: Change, ticket: Ticket) -> None:
    """Rules that answer a machine that answers them must come to an end."""
    if change.actor.kind == "agent":
        return
    since = change.at - AUTOMATIC_WINDOW
    said = select(func.count()).where(
        Entry.ticket == ticket.number, Entry.kind == "reply", col(Entry.agent_id).is_(None), col(Entry.at) > since
    )
    if change.session.exec(said).one() >= AUTOMATIC_REPLIES:
        raise Conflict(f"#{ticket.number} has had {AUTOMATIC_REPLIES} automatic replies within the hour")


def refuse_merged(ticket: Ticket) -> None:
    """Raises Conflict for a ticket that lives on in another one."""
    if ticket.merged_into:
        raise Conflict(f"#{ticket.number} was merged into #{ticket.merged_into}; write there")
