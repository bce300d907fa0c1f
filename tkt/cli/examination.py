"""The doctor: looks at the store, the configuration, the mail and the clocks, and says what to do where something
is wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tkt.cli import context, output
from tkt.errors import TktError

if TYPE_CHECKING:
    from tkt.store.read import Reader

LATE_SECONDS = 15 * 60
"""A check or a delivery that is overdue by more than this means that nobody runs `tkt serve`."""


class Found(NamedTuple):
    """One thing looked at: whether it is in order, and in words what was seen and what to do."""

    what: str
    well: bool
    words: str


def examine(*, as_json: bool) -> int:
    """Print every finding; exit status 1 when something is wrong."""
    findings = list(_findings())
    if as_json:
        output.as_json([found._asdict() for found in findings])
    for found in () if as_json else findings:
        mark = output.styled("ok  ", "green") if found.well else output.styled("BAD ", "red")
        output.raw_line(f"{mark} {found.what}: {found.words}")
    return 0 if all(found.well for found in findings) else TktError.exit_status


def upgrade_store() -> None:
    """Bring the store to this tkt's schema."""
    from tkt.store.migrate import upgrade

    place = context.location()
    upgrade(place)
    output.words(f"{place.shown} has the schema of this tkt")


def _findings() -> Iterator[Found]:
    place = context.location()
    try:
        with context.reader() as reader:
            yield Found("store", True, f"{place.dialect} at {place.shown}, schema in order")
            yield from _store(reader)
            yield from _people(reader)
            yield from _mail(reader)
            yield from _webhooks(reader)
            yield _clocks(reader)
    except TktError as error:
        yield Found("store", False, str(error))


def _store(reader: Reader) -> Iterator[Found]:
    if reader.dialect == "sqlite":
        answer = str(reader.rows("PRAGMA quick_check(1)")[0][0])
        yield Found("file", answer == "ok", "intact" if answer == "ok" else f"damaged: {answer}; restore a backup")
        yield Found("SQLite", sqlite3.sqlite_version_info >= (3, 35), f"version {sqlite3.sqlite_version}")
    tickets = reader.rows("SELECT count(*) FROM ticket")[0][0]
    yield Found("tickets", True, f"{tickets:,}")


def _people(reader: Reader) -> Iterator[Found]:
    name = context.agent_name()
    known = reader.rows("SELECT role FROM agent WHERE name = ? AND active", (name,))
    advice = f"'{name}' is no agent of this desk: use --as NAME, or let an admin run 'tkt agent add {name}'"
    yield Found("you", bool(known), f"{name}, {known[0][0]}" if known else advice)
    without = reader.rows("SELECT name FROM agent WHERE active AND email IS NULL ORDER BY name")
    if without:
        names = ", ".join(row[0] for row in without)
        yield Found("notifications", True, f"no address, so no mail, for {names} ('tkt agent set NAME --email …')")


def _mail(reader: Reader) -> Iterator[Found]:
    boxes = reader.rows("SELECT count(*) FROM definition WHERE kind = 'mailbox' AND active")[0][0]
    yield Found("mailboxes", True, f"{boxes} declared" if boxes else "none: add a [[mailbox]] to desk.toml")
    for name, error in reader.rows("SELECT mailbox, error FROM mailbox_state WHERE error <> '' ORDER BY mailbox"):
        yield Found(f"mailbox {name}", False, error)
    held = reader.rows("SELECT count(*) FROM intake WHERE state = 'quarantined'")[0][0]
    yield Found("quarantine", True, f"{held} mails; 'tkt mail quarantine list' shows them" if held else "empty")
    late = "SELECT count(*) FROM outbox WHERE state IN ('waiting', 'sending') AND next_at < ?"
    waiting = reader.rows(late, (_now() - LATE_SECONDS * 1_000_000,))[0][0]
    advice = f"{waiting} mails are overdue: run 'tkt serve', or 'tkt mail send'; 'tkt mail status' says why they wait"
    yield Found("outbox", not waiting, advice if waiting else "nothing is overdue")


def _webhooks(reader: Reader) -> Iterator[Found]:
    """Nothing is said of a desk that has never called one."""
    states: dict[str, int] = dict(reader.rows(_OPEN_CALLS, (_now() - LATE_SECONDS * 1_000_000,)))
    if states.get("failed"):
        advice = "'tkt webhook list' says why, 'tkt webhook retry' and 'drop' end it"
        yield Found("webhooks", False, f"{states['failed']} calls failed: {advice}")
    if states.get("late"):
        advice = "run 'tkt serve', or 'tkt webhook send'; 'tkt webhook list' says why they wait"
        yield Found("webhooks", False, f"{states['late']} calls are overdue: {advice}")


_OPEN_CALLS = """
SELECT 'failed', count(*) FROM webhook_call WHERE state = 'failed'
UNION ALL SELECT 'late', count(*) FROM webhook_call WHERE state IN ('waiting', 'sending') AND next_at < ?
"""


def _clocks(reader: Reader) -> Found:
    late = "SELECT count(*) FROM clock WHERE next_check_at < ?"
    waiting = reader.rows(late, (_now() - LATE_SECONDS * 1_000_000,))[0][0]
    advice = f"{waiting} clocks wait for their check: run 'tkt serve', or 'tkt sla check' from cron"
    return Found("SLA check", not waiting, advice if waiting else "up to date")


def _now() -> int:
    from tkt.times import to_micros, utcnow

    return to_micros(utcnow())
