"""Two `tkt serve` on one Postgres share the work: nothing is done twice, and one goes on when the other is gone."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

from tkt.store.location import Location

MAILS = 20
PROMISE = """
[[sla]]
name = "at once"
match = ""
calendar = "24x7"
[sla.targets]
default = { first_response = "10m" }
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["notify:supervisor", "tag:+told"]

[[rule]]
name = "by time"
on = "every"
when = "tag:told -tag:ruled"
do = ["tag:+ruled"]
"""


def test_two_share_the_work_and_one_takes_over(
    postgres_location: Location,
    servers: Callable[..., Any],
    postman: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    imap = servers("pymap").emptied()
    desk = 'undo_window = "0s"\nnotify_after = "0s"'
    configure(postgres_location, {"support": imap.body() | postman.body()}, PROMISE, desk=desk)
    both = [serve(postgres_location, hurried=True) for _ in range(2)]
    until(lambda: all("serving" in one.log for one in both))
    imap.deliver(*letters(letter, 0, MAILS))
    until(lambda: settled(rows, postgres_location, MAILS))
    assert all(one.count("INFO send: ") > 0 for one in both)

    assert both[0].end(signal.SIGKILL) == -signal.SIGKILL
    imap.deliver(*letters(letter, MAILS, 2 * MAILS))
    until(lambda: settled(rows, postgres_location, 2 * MAILS))
    assert both[1].end() == 0

    check_once(rows, postgres_location, postman)
    for one in both:
        assert "Traceback" not in one.log and "WARNING" not in one.log


def letters(letter: Callable[..., bytes], first: int, last: int) -> list[bytes]:
    return [letter(f"Question {one}", sender=f"c{one}@customer.example") for one in range(first, last)]


def settled(rows: Callable[..., list[Any]], location: Location, tickets: int) -> bool:
    """Each of so many tickets was confirmed, its step and its rule have fired, and every mail has left."""
    sent = rows(location, "SELECT count(*) FROM outbox WHERE state IN ('sent', 'collected')")
    ruled = rows(location, "SELECT count(*) FROM ticket_tag WHERE tag = 'ruled'")
    return sent[0] >= 2 * tickets and ruled[0] >= tickets


def check_once(rows: Callable[..., list[Any]], location: Location, postman: Any) -> None:
    """2 * MAILS tickets, and for each of them one confirmation, one step that is told once, one rule."""
    everything = 2 * MAILS
    assert rows(location, "SELECT count(*) FROM ticket") == [everything]
    for verb in ("sla", "rule"):
        assert set(Counter(rows(location, f"SELECT ticket FROM event WHERE verb = '{verb}'")).values()) == {1}
    assert rows(location, "SELECT count(*) FROM event WHERE verb = 'sla'") == [everything]
    kinds = dict(rows(location, "SELECT kind, count(*) FROM outbox GROUP BY kind"))
    assert kinds == {"confirmation": everything, "notification": everything}
    received = Counter(str(message_from_bytes(one.content)["Message-ID"]) for one in postman.received)
    assert [len(received)] == rows(location, "SELECT count(*) FROM outbox WHERE state = 'sent'")
    assert received.total() <= len(received) + 1  # the kill: one at hand
    mails = {str(mail["Message-ID"]): mail for mail in (message_from_bytes(one.content) for one in postman.received)}
    told = "".join(text(mail) for name, mail in mails.items() if name.startswith(("<tkt-n-", "<tkt-d-")))
    assert [told.count(f'#{number} "') for number in range(1, everything + 1)] == [1] * everything


def text(mail: Any) -> str:
    return str(mail.get_payload(decode=True).decode())
