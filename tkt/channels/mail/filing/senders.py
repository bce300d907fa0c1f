"""Who wrote a mail, as far as that can be known: whom it speaks for, whether staff is verified, whether it is spam.

The rules are in `gateway`, "Who wrote" and "Spam". Cheap for ordinary mail: the raw message is only looked at again
where a field of it may carry our own server's word.
"""

from __future__ import annotations

import json
from typing import Any

from tkt.channels.mail.filing import authentication
from tkt.channels.mail.filing.arrival import Arrival
from tkt.channels.mail.filing.authentication import Verdict
from tkt.channels.mail.filing.spam_marks import mark_in
from tkt.channels.mail.filing.thread import staff
from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.channels.mail.reading.mime import HEADER_LIMIT
from tkt.channels.mail.reading.parse import Address, ParsedMail
from tkt.desk import people, standing
from tkt.desk.message_ids import NOTIFICATION, read_message_id
from tkt.desk.unit import Actor, Change
from tkt.errors import TktError
from tkt.store.rows import rows

FORGED = "our own mail server says that this did not come from"
"""How the reason begins for which mail in staff's name is quarantined."""


class NotFromStaff(TktError):
    """Mail in a colleague's name that our own server says is not theirs; the message is the reason for quarantine."""


def speaker(change: Change, mail: ParsedMail) -> Address:
    """Whose words these are: From's. A mail from one of our own mailboxes, as web forms send it, speaks for whom its
    Reply-To names, unless that is one of ours again.
    """
    own = people.own_addresses(change)
    if not own.of_mailbox(mail.sender.email):
        return mail.sender
    return next((one for one in mail.reply_to if one.email and one.email not in own), mail.sender)


def author(change: Change, arrival: Arrival) -> Actor | None:
    """The active agent who wrote this, verified or not; nobody's name is put to what our server calls forged."""
    return None if arrival.let_in else staff(change, arrival.mail.sender.email)


def verified(change: Change, arrival: Arrival) -> Actor | None:
    """The agent who wrote this without doubt, or None: our server says that DMARC passed for the address, or it answers
    the notification that went to this very address. Not every provider gives an address with a "+detail" to the same
    person, so it proves nothing.
    """
    agent = author(change, arrival)
    if agent is None or not names_one(arrival.mail) or not staff(change, arrival.mail.sender.email, exactly=True):
        return None
    verdict = _verdict(change, arrival)
    if verdict.failed:
        return None
    return agent if verdict.result == "pass" or _answers_own_notification(change, arrival.mail) else None


def vouched_for(change: Change, arrival: Arrival) -> bool:
    """Whether our own server says that the mail comes from the domain in From, whoever's that is."""
    return names_one(arrival.mail) and _verdict(change, arrival).result == "pass"


def refuse_forged(change: Change, arrival: Arrival) -> None:
    """Raise NotFromStaff for mail in a colleague's name for which DMARC failed at our own server."""
    agent = author(change, arrival)
    if agent is not None and _verdict(change, arrival).failed:
        address = arrival.mail.sender.email
        advice = "'tkt mail quarantine retry' files it as a stranger's words, for colleagues only"
        raise NotFromStaff(f"{FORGED} {agent.name} <{address}> (DMARC failed); {advice}")


def spam(change: Change, arrival: Arrival) -> str:
    """Why the mail counts as spam, as a clause, or "". A verified colleague's never does, nor what a person let in."""
    if arrival.let_in:
        return ""
    reason = _marked(change, arrival) or _blocked(change, speaker(change, arrival.mail).email)
    return "" if reason and verified(change, arrival) else reason


def _marked(change: Change, arrival: Arrival) -> str:
    mail, authserv = arrival.mail, arrival.box.authserv
    mark = mark_in((name, mail.headers.raw(name)) for name in mail.headers.names())
    if mark and authserv:  # somebody else's server may have marked it on the way
        mark = mark_in(authentication.trusted_fields(_raw(change, arrival), authserv))
    if mark:
        return f"our mail server marked it ({mark})"
    if authentication.mentions(mail.headers, authserv, "fail") and _verdict(change, arrival).unwanted:
        return "DMARC failed, and the domain it names wants such mail kept out"
    return ""


def _blocked(change: Change, address: str) -> str:
    by = standing.blocked_by(change, address)
    return f"{by} blocked {address}" if by else ""


def _verdict(change: Change, arrival: Arrival) -> Verdict:
    mail, authserv = arrival.mail, arrival.box.authserv
    if not authentication.mentions(mail.headers, authserv):
        return Verdict()
    key = ("dmarc", arrival.digest)
    if key not in change.memory:
        domain = mail.sender.email.rpartition("@")[2]
        change.memory[key] = authentication.dmarc(_raw(change, arrival), authserv, domain)
    found: Verdict = change.memory[key]
    return found


def _raw(change: Change, arrival: Arrival) -> bytes:
    """The message's beginning, where its header is."""
    found = rows(change.session, "SELECT substr(data, 1, ?) FROM blob WHERE digest = ?", (HEADER_LIMIT, arrival.digest))
    return bytes(found[0][0])


def names_one(mail: ParsedMail) -> bool:
    """Whether From names exactly the sender: of two, a server checks one and a reader sees the other."""
    named = [one.email for value in mail.headers.raw_all("from") for one in parse_addresses(value) if one.email]
    return named == [mail.sender.email] and len(mail.headers.raw_all("from")) == 1


def _answers_own_notification(change: Change, mail: ParsedMail) -> bool:
    return any(mail.sender.email in _written_to(told) for told in answered_notifications(change, mail))


def answered_notifications(change: Change, mail: ParsedMail) -> list[dict[str, Any]]:
    """What those notifications of ours say that the mail answers, as in their outbox rows."""
    secret = change.definitions.setting("desk.secret")
    named = dict.fromkeys((*mail.in_reply_to, *reversed(mail.references)))
    ours = [one for one in named if (signed := read_message_id(secret, one)) and signed.kind == NOTIFICATION]
    if not ours:
        return []
    marks = ", ".join("?" * len(ours))
    found = rows(change.session, f"SELECT CAST(mail AS TEXT) FROM outbox WHERE message_id IN ({marks})", ours)
    return [json.loads(row[0]) for row in found]


def _written_to(mail: dict[str, Any]) -> list[str]:
    """The addresses of an outbox row; its `recipients` shrink as servers take the mail."""
    return [one.email for text in mail.get("to", ()) for one in parse_addresses(text)]
