"""Filling the demonstration desk: the sample mails arrive over five days, and a small team answers some of them.

Everything goes the way of real mail: the files are put into a Maildir and pulled by the mail gateway, the check
fires what falls due in between, agents act through the desk's verbs. Only the clock is told what time it is: the
newest mail is some minutes old, whenever the demo is run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib.resources import files
from typing import NamedTuple

from tkt.channels.mail import gateway
from tkt.config.changes import Change
from tkt.desk import configure, conversation, sla_check, tickets
from tkt.desk.unit import Desk, find_actor
from tkt.errors import TktError
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.times import utcnow

NEWEST_AGE = timedelta(minutes=4)
"""How old the newest mail is when the demo opens."""

READING_TIME = timedelta(minutes=25)
"""How long after a mail the team acts on it."""

_DATE = re.compile(rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? Nov 2026 \d\d:\d\d:\d\d [+-]\d{4}")


class Sample(NamedTuple):
    """One sample mail with its dates moved, and when it arrives."""

    name: str
    raw: bytes
    arrives: datetime


def fill(location: Location, folder: str, agent: str, progress: Callable[[int, int], None]) -> None:
    """Make the demo desk at `location`, with its Maildir in `folder` and `agent` as one more admin.

    `progress` is told how many mails of how many have arrived.
    """
    configure.make_desk(location, "Example Support", agent, "", "Europe/Berlin")
    maildir = _make_maildir(folder)
    samples = list(_samples())
    store = Store(location)
    try:
        _configure(store, agent, maildir, samples[0].arrives - timedelta(hours=1))
        for count, sample in enumerate(samples, start=1):
            _arrive(store, maildir, sample)
            _act(store, sample)
            progress(count, len(samples))
        sla_check.check(Desk(store))
    finally:
        store.close()


def _configure(store: Store, agent: str, maildir: str, at: datetime) -> list[Change]:
    """The shipped desk.toml, with the Maildir's place and the person who looks at the demo."""
    text = (files("tkt.demo") / "desk.toml").read_text("utf-8").replace("maildir:./mail", f"maildir:{maildir}")
    if f'name = "{agent}"' not in text:
        text += f'\n[[agent]]\nname = "{agent}"\nrole = "admin"\n'
    return configure.apply_config(Desk(store, find_actor(store, agent), lambda: at), text)


def _make_maildir(folder: str) -> str:
    maildir = os.path.join(os.path.abspath(folder), "mail")
    for part in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(maildir, part), exist_ok=True)
    return maildir


def _samples() -> Iterator[Sample]:
    """The sample mails in the order of their names, which is that of their arrival, moved to end now."""
    shipped = (files("tkt.demo") / "mail").iterdir()
    raws = sorted((one.name, one.read_bytes()) for one in shipped if one.name.endswith(".eml"))
    dates = [_date_of(raw) for _, raw in raws]
    shift = utcnow() - NEWEST_AGE - max(date for date in dates if date)
    arrives = min(date for date in dates if date)
    for (name, raw), date in zip(raws, dates, strict=True):
        arrives = max(arrives, date) if date else arrives + timedelta(minutes=3)
        yield Sample(name, _moved(raw, shift), arrives + shift)


def _date_of(raw: bytes) -> datetime | None:
    head = re.search(rb"^Date:.*$", raw, re.MULTILINE)
    found = _DATE.search(head.group()) if head else None
    return parsedate_to_datetime(found.group().decode()) if found else None


def _moved(raw: bytes, shift: timedelta) -> bytes:
    """The mail with every date in it moved by the same span."""

    def move(found: re.Match[bytes]) -> bytes:
        return format_datetime(parsedate_to_datetime(found.group().decode()) + shift).encode()

    return _DATE.sub(move, raw)


def _arrive(store: Store, maildir: str, sample: Sample) -> None:
    with open(os.path.join(maildir, "new", sample.name), "wb") as file:
        file.write(sample.raw)
    desk = Desk(store, now=lambda: sample.arrives)
    sla_check.check(desk)
    gateway.pull(desk)


# --- what the team does -----------------------------------------------------------------------------------------------

Deed = Callable[[Desk, int], object]


def _reply(text: str, status: str | None = None) -> Deed:
    return lambda desk, number: conversation.reply(desk, number, text, status=status)


def _note(text: str) -> Deed:
    return lambda desk, number: conversation.note(desk, number, text)


def _take(desk: Desk, number: int) -> object:
    return tickets.assign(desk, number, "me")


def _resolve(desk: Desk, number: int) -> object:
    return tickets.set_status(desk, number, "resolved")


_STORY: dict[str, list[tuple[str, Deed]]] = {
    "01": [
        ("alice", _take),
        ("alice", _reply("Good morning, we see it too: the gateway has lost its certificate. Back within the hour.")),
    ],
    "02": [("bob", _take), ("bob", _note("Second time this month. Same toner cartridge as in March?"))],
    "05": [("chen", _reply("Please bring the laptop to room 214, a spare one is ready for you.", "waiting"))],
    "06": [("alice", _reply("Guten Tag, welcher Kanal steht im Display? Ein Foto genügt.", "waiting"))],
    "10": [("bob", _reply("Your account is open again. Please choose a new password.", "resolved"))],
    "13": [("chen", _take), ("chen", _note("Called payroll: the file is due at noon. Doing this first."))],
    "17": [("bob", _reply("Bonjour, merci pour le journal. Quelle est la version du pilote ?", "waiting"))],
    "25": [("bob", _reply("您好，请问打印机面板上显示什么错误代码？", "waiting"))],
    "36": [
        ("alice", _take),
        ("alice", _reply("Well spotted, don't click anything. The sender is blocked.", "resolved")),
    ],
    "41": [("alice", _resolve)],
}
"""By the number of the mail that has just arrived: who does what with its ticket."""


def _act(store: Store, sample: Sample) -> None:
    """What the team does about the ticket of this mail, a little later."""
    for name, deed in _STORY.get(sample.name[:2], ()):
        deed(_desk_at(store, name, sample.arrives + READING_TIME), _ticket_of(store, sample.name))


def _desk_at(store: Store, name: str, at: datetime) -> Desk:
    """The desk in an agent's name at that moment, or now if it is still to come."""
    moment = min(at, utcnow())
    return Desk(store, find_actor(store, name), lambda: moment)


def _ticket_of(store: Store, name: str) -> int:
    from sqlmodel import select

    from tkt.store.tables import Intake

    with store.transaction() as session:
        number = session.exec(select(Intake.ticket).where(Intake.source == name)).first()
    if number is None:
        raise TktError(f"the sample mail {name} has made no ticket")
    return number
