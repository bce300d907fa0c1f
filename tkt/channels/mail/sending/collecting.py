"""A burst of changes is one mail: what waits to tell the same person is collected when the first of it is to leave.

A notification that is claimed for the first time takes in all others that wait for the same person at the same mailbox
and were never tried: their words are added to its own, and they are `collected`, in the transaction of the claim. So no
word is lost or told twice, whenever a sender dies, and two senders collect nothing twice. Afterwards the mail is never
changed again: every retry is the same mail.

Several tickets make a digest, a mail about none of them: its Message-ID says so, and an answer to it is filed nowhere.
"""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select, update

from tkt.desk.digest import Told, digest, shortened
from tkt.desk.message_ids import DIGEST, make_message_id
from tkt.desk.notice_text import notice_text
from tkt.desk.outbox import Words, secret, wording
from tkt.desk.unit import Change
from tkt.store.tables import Outbox, Ticket

MOST = 2000
"""So many are collected into one mail; what waits beyond makes the next."""


def collect(change: Change, row: Outbox) -> None:
    """Take into a claimed notification what else waits for its reader. A row that was tried before stays as it is."""
    if row.kind != "notification" or row.attempts or "reasons" not in row.mail:
        return
    others = change.session.exec(_alike(row)).all()
    if not others:
        return
    identifiers = [identifier for identifier, _, _ in others]
    told = _told(change, sorted([(row.id, row.ticket, row.mail), *others], key=lambda one: one[0]))
    _rewrite(change, row, told)
    row.mail = row.mail | {"collected": len(others)}
    collected = update(Outbox).where(col(Outbox.id).in_(identifiers))
    change.session.connection().execute(collected.values(state="collected", error=f"it leaves with mail {row.id}"))


def _alike(row: Outbox) -> Any:
    return (
        select(Outbox.id, Outbox.ticket, Outbox.mail)
        .where(
            Outbox.state == "waiting",
            Outbox.kind == "notification",
            Outbox.mailbox == row.mailbox,
            Outbox.recipients == row.recipients,
            Outbox.attempts == 0,
            Outbox.id != row.id,
        )
        .order_by(col(Outbox.id))
        .limit(MOST)
        .with_for_update(skip_locked=True)
    )


def _told(change: Change, mails: list[Any]) -> list[Told]:
    """What the mails tell, by ticket, both in the order of their happening."""
    reasons: dict[int, list[str]] = {}
    for _, number, mail in mails:
        reasons.setdefault(number, []).extend(mail["reasons"])
    found = change.session.exec(select(Ticket).where(col(Ticket.number).in_(reasons)))
    tickets = {ticket.number: ticket for ticket in found}
    return [Told(tickets[number], one) for number, one in reasons.items()]


def _rewrite(change: Change, row: Outbox, told: list[Told]) -> None:
    if len(told) == 1:
        [(ticket, reasons)] = told
        text = notice_text(change, ticket, shortened(reasons))
        said = wording(change, ticket, "notification", text, row.mail.get("by", ""))
        row.mail = row.mail | _as_mail(said, row.mail) | {"reasons": shortened(reasons)}
        return
    said = digest(change, told)
    if row.mail.get("html"):  # a desk that tells its people in HTML
        from tkt.desk.templates.simple_html import to_html

        said = said._replace(html=str(to_html(said.text)))
    row.mail = row.mail | _as_mail(said, row.mail) | {"in_reply_to": "", "references": [], "reasons": []}
    row.message_id = make_message_id(secret(change), row.message_id.rpartition("@")[2].rstrip(">"), 0, DIGEST)
    row.ticket = None


def _as_mail(said: Words, mail: dict[str, Any]) -> dict[str, Any]:
    return {"subject": said.subject, "text": said.text, **({"html": said.html} if "html" in mail or said.html else {})}
