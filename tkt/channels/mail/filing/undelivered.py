"""What a bounce, or a complaint, does to the message that it returns, to its ticket and to the address.

The message of ours is found by the signed address that it was returned to (a variable return path), else by its
Message-ID. An address is only taken for dead if that very message was sent to it, and the other server says that the
address is at fault, not the message: whoever forges a bounce can at most tell us of themselves. Leaves to others: what
a report says (`bounces`, `feedback`), where it is filed (`filing`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sqlmodel import select

from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.channels.mail.reading.bounces import Bounce, Outcome
from tkt.channels.mail.reading.feedback import Feedback
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk import standing
from tkt.desk.message_ids import DIGEST, NOTIFICATION, REPORT, read_bounce_token, read_message_id
from tkt.desk.unit import Change
from tkt.store.tables import Entry, Outbox, Ticket

_STATUS = re.compile(r"\b5\.\d{1,3}\.\d{1,3}\b")
_RECEIVED_FOR = re.compile(r"\bfor\s+<?([^\s<>;]{3,320})>?")


def find_returned(change: Change, mail: ParsedMail) -> Outbox | None:
    """The mail of ours that this bounce or complaint returns, or that was answered at its return path; or None.

    Vacation notices go there too (RFC 3834 section 4).
    """
    secret = change.definitions.setting("desk.secret")
    returned = mail.machine and (mail.machine.bounce or mail.machine.feedback)
    for token in _tokens(mail, returned):
        identifier = read_bounce_token(secret, token)
        if identifier is not None and (row := change.session.get(Outbox, identifier)) is not None:
            return row
    if not returned or not returned.original_message_id:
        return None
    return change.session.exec(select(Outbox).where(Outbox.message_id == returned.original_message_id)).first()


def act_on_report(change: Change, mail: ParsedMail, ticket: Ticket) -> None:
    """Draw the conclusions from a report that has just been filed on a ticket; other mail has none."""
    machine = mail.machine
    if machine is not None and machine.bounce is not None:
        _mark_undelivered(change, mail, machine.bounce, ticket)
    elif machine is not None and machine.feedback is not None:
        _mark_unwanted(change, mail, machine.feedback, ticket)


def _mark_undelivered(change: Change, mail: ParsedMail, bounce: Bounce, ticket: Ticket) -> None:
    """The message that bounced has failed, and the queue shows it. What went to staff, or as a report, no customer
    misses: there the outbox alone tells of it.
    """
    if not bounce.permanent:
        return  # a delay says nothing yet; the entry tells of it
    signed = read_message_id(change.definitions.setting("desk.secret"), bounce.original_message_id)
    sent = find_returned(change, mail)
    if sent is None and signed is None:
        return  # it returns no mail of ours
    words = " ".join(filter(None, (", ".join(bounce.recipients), bounce.diagnostic or bounce.status))) or "bounced"
    if sent is not None:
        _fail(change, sent, words)
    if sent.kind in ("notification", "report") if sent else signed and signed.kind in (NOTIFICATION, DIGEST, REPORT):
        return
    change.record("bounced", ticket=ticket, entry=sent.entry_id if sent else None, new=words)
    change.set(ticket, "bounced", undelivered=True)
    if sent is not None:
        for address, why in _at_fault(sent, bounce):
            standing.unreachable(change, ticket, address, why)


def _mark_unwanted(change: Change, mail: ParsedMail, complaint: Feedback, ticket: Ticket) -> None:
    """Somebody reported a mail of ours as unwanted: they get no more automatic mail until they write again."""
    sent = find_returned(change, mail)
    if sent is None or not complaint.unwanted or sent.kind == "notification":
        return
    for address in _written_to(sent, complaint.recipients):
        standing.unreachable(change, ticket, address, complaint.words)


def mark_refused(change: Change, ticket: Ticket, refused: Iterable[str], words: str) -> None:
    """Our own mail server has refused these addresses for good. Those are out of reach of which it says so, by a status
    code (RFC 3463) in an answer that names them; where it refused one alone, the answer is about that one.
    """
    addresses = list(refused)
    for address in addresses:
        said = words if len(addresses) == 1 else " ".join(one for one in words.split("; ") if address in one)
        status = _STATUS.search(said)
        if status is not None and Outcome(address, "failed", status[0], said).address_at_fault:
            standing.unreachable(change, ticket, address, said)


def _fail(change: Change, sent: Outbox, words: str) -> None:
    """The mail has failed; one that has left in part still goes to those who wait for it."""
    others_wait = sent.state == "waiting" and sent.mail.get("left")
    sent.state, sent.error = "waiting" if others_wait else "failed", words
    sent.mail = sent.mail | {"returned": True}
    change.session.add(sent)
    entry = change.session.get(Entry, sent.entry_id) if sent.entry_id else None
    if entry is not None:
        entry.delivery = "failed"
        change.session.add(entry)


def _at_fault(sent: Outbox, bounce: Bounce) -> Iterator[tuple[str, str]]:
    """The addresses that can't be written to any more, each with what was said of it."""
    if not bounce.outcomes:
        for address in _written_to(sent, ()):
            yield address, bounce.diagnostic or "returned without a reason"
    for outcome in bounce.outcomes:
        if outcome.address_at_fault:
            for address in _written_to(sent, (outcome.address,)):
                yield address, outcome.diagnostic or outcome.status or "returned without a reason"


def _written_to(sent: Outbox, named: tuple[str, ...]) -> list[str]:
    """Those of the named addresses that the mail went to. Where it went to one alone, that one whatever is named: mail
    to it is forwarded to the other, or the other server keeps the name to itself.
    """
    texts = [*sent.recipients, *sent.mail.get("to", ()), *sent.mail.get("cc", ())]
    written = list(dict.fromkeys(box.email for text in texts for box in parse_addresses(text) if box.email))
    found = [address for address in dict.fromkeys(one.lower() for one in named) if address in written]
    return found or (written if len(written) == 1 else [])


def _tokens(mail: ParsedMail, returned: Bounce | Feedback | None) -> Iterator[str]:
    """What may be a bounce token: in the addresses that the mail came to; of a report, also in those that servers wrote
    down on its way, and in what it returns.
    """
    for address in (*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))):
        yield _detail(address)
    if returned:
        for trace in mail.headers.raw_all("received"):
            yield from map(_detail, _RECEIVED_FOR.findall(trace))
        yield from map(_detail, returned.envelope_senders)
        yield returned.envelope_id


def _detail(address: str) -> str:
    """The part of a subaddress that its owner chose (RFC 5233)."""
    return address.partition("@")[0].partition("+")[2]
