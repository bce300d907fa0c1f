"""Calls of webhooks that wait: claimed in one short transaction, made outside of any, written down in another.

Like mail from the outbox: what fails for now is tried again after 1, 2, 5, 15 minutes, then hourly, for five days; what
is refused for good, with a 4xx, stops at once and shows in the ticket's history. A crash between the receiver's answer
and our record means a second call with the same id. A receiver that does not answer holds the others up once, for
`posting.SECONDS`: what else waits for it is left for the next round.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from sqlmodel import col, select

from tkt.channels.mail.sending.recording import BACK_OFF, GIVE_UP
from tkt.channels.webhooks.declared import Webhook, read_webhook, secret_of
from tkt.channels.webhooks.posting import SECONDS, Answer, Call, post
from tkt.desk.unit import Change, Desk
from tkt.errors import WebhookUnusable
from tkt.store.tables import WebhookCall

LEASE = timedelta(minutes=2)
"""How long a sender may be busy with one call before another may make it."""


class Delivery(NamedTuple):
    """What became of one call: "sent", "waiting" (tried again at its time) or "failed"; `error` in words."""

    id: int
    ticket: int
    webhook: str
    state: str
    error: str = ""

    def __str__(self) -> str:
        why = f": {self.error}" if self.error else ""
        return f"{self.webhook} about #{self.ticket}: {self.state}{why}"


class Claimed(NamedTuple):
    """A call that is ours to make; without a `webhook` it is declared no more."""

    row: WebhookCall
    webhook: Webhook | None


def make_calls(
    desk: Desk,
    *,
    now_all: bool = False,
    seconds: float = SECONDS,
    go_on: Callable[[], None] = lambda: None,
) -> Iterator[Delivery]:
    """Make the calls that are due; with `now_all` all that wait, whatever their back-off. Each is tried once, and told
    as soon as it was; then `go_on` may raise what ends the round.

    Raises StoreBusy, StoreUnreachable; a receiver's trouble is in the results.
    """
    last, away = 0, set[str]()
    while (claimed := _claim(desk, now_all, last, away)) is not None:
        answer = _make(desk, claimed, seconds)
        if answer.away:
            away.add(_target(claimed.row))
        last = claimed.row.id or 0
        yield _record(desk, claimed.row, answer)
        go_on()


def _target(row: WebhookCall) -> str:
    return row.webhook or row.url


def _claim(desk: Desk, now_all: bool, after: int, away: Collection[str]) -> Claimed | None:
    """The next call, now ours: nobody else makes it before its lease ends."""
    if not after:
        with desk.look() as change:  # most rounds find nothing: keep no writer waiting
            if change.session.exec(_next(change, now_all, after, away)).first() is None:
                return None
    with desk.change(cause="webhooks") as change:
        query = _next(change, now_all, after, away).with_for_update(skip_locked=True)
        row: WebhookCall | None = change.session.exec(query).first()
        if row is None:
            return None
        row.state, row.attempts, row.next_at = "sending", row.attempts + 1, change.at + LEASE
        change.session.add(row)
        return Claimed(row, _webhook(change, row))


def _next(change: Change, now_all: bool, after: int, away: Collection[str]) -> Any:
    """In the order of their writing: within one round each call comes up once."""
    query = select(WebhookCall).where(col(WebhookCall.id) > after, col(WebhookCall.state).in_(("waiting", "sending")))
    is_due = col(WebhookCall.next_at) <= change.at
    query = query.where(is_due | (col(WebhookCall.state) == "waiting") if now_all else is_due)
    if away:
        query = query.where(col(WebhookCall.webhook).not_in(away), col(WebhookCall.url).not_in(away))
    return query.order_by(col(WebhookCall.id)).limit(1)


def _webhook(change: Change, row: WebhookCall) -> Webhook | None:
    if row.url:
        return Webhook("", row.url)
    declared = change.definitions.named("webhook", row.webhook)
    return read_webhook(declared) if declared else None


def _make(desk: Desk, claimed: Claimed, seconds: float) -> Answer:
    row, webhook = claimed
    if webhook is None:
        return Answer(False, f"desk.toml has no webhook {row.webhook} any more")
    try:
        secret = secret_of(webhook)
    except WebhookUnusable as error:
        return Answer(False, str(error), passes=True, away=True)
    return post(Call(webhook.url, row.call_id, row.body.encode(), secret), desk.now(), seconds)


def _record(desk: Desk, claimed: WebhookCall, answer: Answer) -> Delivery:
    with desk.change(cause="webhooks") as change:
        ticket = None if answer.taken else change.ticket(claimed.ticket)  # the ticket first, in the order of all locks
        lock = desk.store.dialect == "postgresql"
        row = change.session.get_one(WebhookCall, claimed.id, with_for_update=lock)
        if answer.taken or (row.attempts == claimed.attempts and row.state == "sending"):
            _settle(change, row, answer)
            if row.state == "failed":
                change.record("webhook", ticket=ticket, field=_target(row), new=f"failed: {answer.words}")
        change.session.add(row)
        return Delivery(row.id or 0, row.ticket, _target(row), row.state, row.error)


def _settle(change: Change, row: WebhookCall, answer: Answer) -> None:
    row.error = answer.words
    if answer.taken:
        row.state, row.sent_at = "sent", change.at
    elif answer.passes and change.at - row.created_at < GIVE_UP:
        pause = timedelta(minutes=BACK_OFF[min(row.attempts, len(BACK_OFF)) - 1])
        row.state, row.next_at = "waiting", change.at + max(pause, timedelta(seconds=answer.wait))
    else:
        row.state = "failed"
