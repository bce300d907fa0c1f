"""`tkt mail send|status|retry|drop`: what leaves, what has not left and why, what to do about a mail that failed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, output
from tkt.errors import MailboxUnusable, MailServerAway, TktError, worst
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.channels.mail.sending.recording import Delivery
    from tkt.channels.mail.status import MailStatus

MAILBOX_COLUMNS = ("mailbox", "address", "folder", "read", "trouble")
OUTGOING_COLUMNS = ("mail", "kind", "ticket", "to", "state", "tries", "next", "why")
AS_JSON = typer.Option(False, "--json", help="Print one JSON document.")
MAILS = typer.Argument(..., metavar="ID…", help="The mails' numbers, as 'tkt mail status' shows them.")


def send(as_json: bool = AS_JSON) -> int:
    """Send everything in the outbox now. Neither undo window nor turn is waited for.

    Example: tkt mail send
    """
    from tkt.channels.mail.sending.deliver import deliver
    from tkt.channels.mail.sending.smtp import TIMEOUT_SECONDS

    desk = context.system_desk()
    with _progress(desk) as progress:
        deliveries = deliver(desk, now_all=True, timeout=TIMEOUT_SECONDS, progress=progress)
    if as_json:
        output.as_json([delivery._asdict() for delivery in deliveries])
    else:
        for delivery in deliveries:
            output.line(_sent(delivery))
    return worst([_trouble(one.error, one.state == "waiting") for one in deliveries if one.state != "sent"])


def status(as_json: bool = AS_JSON) -> int:
    """What was read when, what waits to be filed or sent, and why.

    Example: tkt mail status
    """
    from tkt.channels.mail.sending.outgoing import in_words
    from tkt.channels.mail.status import mail_status

    desk = context.system_desk(acts=False)
    found = mail_status(desk)
    if as_json:
        document = found._asdict() | {
            "mailboxes": [plain(one) for one in found.mailboxes],
            "outgoing": [plain(one) for one in found.outgoing],
        }
        output.as_json(document)
        return 0
    output.as_table(MAILBOX_COLUMNS, [_row(one) for one in found.mailboxes], stretch=4)
    if found.outgoing:
        now = desk.now()
        rows = [_outgoing_row(one, in_words(one, now)) for one in found.outgoing]
        output.as_table(OUTGOING_COLUMNS, rows, stretch=7)
    output.words(_summary(found))
    return 0


def retry(identifiers: list[int] = MAILS) -> int:
    """Let mails that failed, or wait, leave with the next round.

    Example: tkt mail retry 17
    """
    from tkt.channels.mail.sending.outgoing import retry as try_again

    desk = context.system_desk()
    return each(identifiers, lambda one: f"mail {one} to {try_again(desk, one)} leaves with the next round")


def drop(identifiers: list[int] = MAILS) -> int:
    """Let mails be that failed or wait: they are tried no more.

    Example: tkt mail drop 17
    """
    from tkt.channels.mail.sending.outgoing import drop as let_be

    desk = context.system_desk()
    return each(identifiers, lambda one: f"mail {one} to {let_be(desk, one)} is tried no more")


def plain(one: Any) -> dict[str, Any]:
    """A row for JSON: moments as RFC 3339."""
    from tkt.times import rfc3339

    return {key: rfc3339(value) if hasattr(value, "utcoffset") else value for key, value in one._asdict().items()}


def each(identifiers: list[int], act: Callable[[int], str]) -> int:
    """Do it to each of these mails, messages or calls; say what was done and what failed; the worst exit status."""
    failures: list[TktError] = []
    for identifier in identifiers:
        try:
            output.words(safe_line(act(identifier), 400))
        except TktError as error:
            failures.append(error)
            output.words(f"tkt: {error}")
    return worst(failures)


def _sent(delivery: Delivery) -> str:
    about = f"#{delivery.ticket} " if delivery.ticket else ""
    why = f": {delivery.error}" if delivery.error else ""
    return safe_line(f"{about}{delivery.kind} to {', '.join(delivery.recipients)}: {delivery.state}{why}")


def _trouble(words: str, passes: bool) -> TktError:
    """What a mail server did wrong, as an error with its exit status: may it pass, or has somebody to mend it?"""
    return MailServerAway(words) if passes else MailboxUnusable(words)


def _summary(found: MailStatus) -> str:
    counted = Counter(one.state for one in found.outgoing)
    words = {"waiting": "waiting to leave", "sending": "leaving", "failed": "failed"}
    parts = [f"{counted[state]} {said}" for state, said in words.items() if counted[state]]
    return ", ".join([*parts, f"{found.stored} stored and not filed", f"{found.quarantined} in quarantine"])


def _row(one: Any) -> tuple[str, ...]:
    read = _time(one.checked_at) if one.checked_at else "never" if one.reads else "not read"
    spans = (("since", one.failing_since), ("again", one.next_at))
    times = ", ".join(f"{word} {_time(moment)}" for word, moment in spans if moment)
    return _safe((one.name, one.address, one.folder, read, f"{one.error} ({times})" if times else one.error))


def _outgoing_row(one: Any, due: str) -> tuple[str, ...]:
    about = f"#{one.ticket}" if one.ticket else ""
    kind = f"{one.kind} (+{one.collected})" if one.collected else one.kind
    return _safe((str(one.id), kind, about, ",".join(one.recipients), one.state, str(one.attempts), due, one.why))


def _safe(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(safe_line(cell) for cell in row)


def _time(moment: Any) -> str:
    from tkt.times import rfc3339

    return rfc3339(moment)


@contextmanager
def _progress(desk: Any) -> Iterator[Callable[[Delivery], None] | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    from tkt.channels.mail.sending.outgoing import waiting

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sending", total=waiting(desk))
        yield lambda _delivery: bar.advance(task)
