"""Mail end to end: from an IMAP server's folder to committed tickets, next to what a part of that costs.

The server is Dovecot. Beside tkt stand: fetching the same mails in batches and nothing more, reading them with the
standard library and nothing more, and Roundup's mail gateway, where it is at hand. Then the same intake into a desk
that has a million tickets, answers next to mails that open tickets, and the memory that a mail with a large file takes.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from imapclient import IMAPClient

from bench import desk_file, dovecot, roundup
from bench.figures import Figure
from bench.intake import read_with_email
from bench.mails import MailWriter, fill_maildir
from bench.processes import TKT, environment, peak_memory
from tkt.channels.mail.gateway import pull
from tkt.desk.unit import Desk
from tkt.errors import TktError
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location

GROUP = "mail, from an IMAP server to tickets"
BATCH, TURNS = 200, 3
FILE_BYTES = 50_000_000
ALLOWED = 90_000_000
"""Bytes of memory that taking in a mail may have besides four times its largest file."""


def measure(folder: str, desks: tuple[str, str], mails: int, roundup_programs: str) -> list[Figure]:
    """`desks`: a small and a large one, which are copied. Figures are left out where what they need is not there."""
    place = Path(folder)
    figures = [_answers(place, max(100, mails // 5)), _memory(place)]
    if not dovecot.installed():
        print("no Dovecot here (Debian: dovecot-imapd): only answers and memory are measured", file=sys.stderr)
        return figures
    writer = MailWriter()
    plain = [writer.write() for _ in range(mails)]
    rich = [writer.write_rich() for _ in range(mails // 3)]
    found = _end_to_end(place / "plain", plain, "5 KB")
    found += _end_to_end(place / "rich", rich, "HTML and files")
    found += _sizes(place, desks, [writer.write() for _ in range(max(60, mails // 10))])
    if roundup_programs:
        found.append(_beside_roundup(place, roundup_programs, plain[: min(mails, 1_000)]))
    return [*found, *figures]


def _end_to_end(folder: Path, mails: list[bytes], what: str) -> list[Figure]:
    folder.mkdir()
    location = _new_desk(folder / "desk.db")
    with dovecot.serving(mails) as port:
        fetched = _rate(len(mails), partial(_fetch, port))
        taken = _rate(len(mails), partial(_take_in, location, port, len(mails)))
    read = _rate(len(mails), partial(read_with_email, mails))
    shutil.rmtree(folder)
    detail = f"{taken:,.0f} mails/s, {len(mails):,} mails of {sum(map(len, mails)) / len(mails) / 1000:.0f} KB"
    return [
        Figure(GROUP, f"{what}: tkt / batched fetch", taken / fetched, "x", detail=f"{fetched:,.0f}/s fetched"),
        Figure(GROUP, f"{what}: tkt / reading with email", taken / read, "x", detail=f"{read:,.0f}/s read; {detail}"),
    ]


def _sizes(folder: Path, desks: tuple[str, str], mails: list[bytes]) -> list[Figure]:
    """The same mails into a copy of each desk, in turns, since the machine has its moods."""
    copies = [parse_location(str(shutil.copy(desk, folder / f"copy{at}.db"))) for at, desk in enumerate(desks)]
    rates: list[list[float]] = [[] for _ in copies]
    share = len(mails) // TURNS
    for turn in range(TURNS):
        time.sleep(1.1)  # a server's UIDVALIDITY is the second in which its folder was made
        with dovecot.serving(mails[turn * share : (turn + 1) * share]) as port:
            for at, location in enumerate(copies):
                rates[at].append(_rate(share, partial(_take_in, location, port, share)))
    for location in copies:
        os.remove(location.target)
    small, large = (max(one) for one in rates)
    detail = f"{large:,.0f} mails/s, {small:,.0f} into the small one"
    return [Figure(GROUP, "into the large desk / the small one", large / small, "x", 0.8, True, detail)]


def _beside_roundup(folder: Path, programs: str, mails: list[bytes]) -> Figure:
    """Both from files, since that is what Roundup's gateway reads best."""
    (folder / "roundup").mkdir()
    theirs = roundup.rate(programs, folder / "roundup", mails)
    maildir = folder / "maildir"
    desk = Desk(Store(_new_desk(folder / "beside.db", str(maildir))))
    fill_maildir(str(maildir), mails)
    ours = _rate(len(mails), partial(_pull, desk, len(mails)))
    return Figure(GROUP, "tkt / Roundup's gateway", ours / theirs, "x", detail=f"{ours:,.0f} and {theirs:,.0f} mails/s")


def _answers(folder: Path, mails: int) -> Figure:
    """Mails that open tickets, and as many that answer them, both from files."""
    writer = MailWriter()
    kinds = [writer.write() for _ in range(mails)], [writer.write_answer(number + 1) for number in range(mails)]
    desk = Desk(Store(_new_desk(folder / "answers.db", str(folder / "answers"))))
    rates = []
    for first, written in zip((0, mails), kinds, strict=True):
        shutil.rmtree(folder / "answers", ignore_errors=True)
        fill_maildir(str(folder / "answers"), written, first)
        rates.append(_rate(mails, partial(_pull, desk, mails)))
    opened, answered = rates
    detail = f"{answered:,.0f} and {opened:,.0f} mails/s"
    return Figure(GROUP, "an answer / a mail that opens a ticket", answered / opened, "x", 0.6, True, detail)


def _memory(folder: Path) -> Figure:
    """Bytes at the peak of a pull of one mail with a large file, x what is allowed."""
    place = folder / "memory"
    place.mkdir()
    _new_desk(place / "desk.db", str(place / "maildir"))
    fill_maildir(str(place / "maildir"), [MailWriter().write_with_file(FILE_BYTES)])
    peak = peak_memory([TKT, "--desk", str(place / "desk.db"), "mail", "pull"], environment(folder.as_posix()))
    with sqlite3.connect(place / "desk.db") as store:
        taken = store.execute("SELECT count(*) FROM ticket").fetchone()[0]
    store.close()
    if taken != 1:
        raise TktError("the mail with the large file did not become a ticket")
    shutil.rmtree(place)
    allowed = ALLOWED + 4 * FILE_BYTES
    detail = f"{peak / 1e6:,.0f} MB for a file of {FILE_BYTES / 1e6:.0f} MB"
    return Figure(GROUP, "memory / 90 MB + 4 x the file", peak / allowed, "x", 1.0, detail=detail)


# --- the ways ---------------------------------------------------------------------------------------------------------


def _fetch(port: int) -> None:
    client = IMAPClient("127.0.0.1", port, ssl=False)
    client.login(dovecot.USER, dovecot.PASSWORD)
    client.select_folder("INBOX", readonly=True)
    uids = client.search()
    for start in range(0, len(uids), BATCH):
        client.fetch(uids[start : start + BATCH], ["BODY.PEEK[]"])
    client.logout()


def _take_in(location: Location, port: int, mails: int) -> None:
    _declare(location, f"imap+plain://{dovecot.USER}@127.0.0.1:{port}")
    _pull(Desk(Store(location)), mails)


def _pull(desk: Desk, mails: int) -> None:
    os.environ["BENCH_PASSWORD"] = dovecot.PASSWORD
    (result,) = pull(desk, [desk_file.MAILBOX])
    desk.store.close()
    if result.error or result.tickets + result.entries != mails:
        raise TktError(f"intake went wrong: {result}")


def _new_desk(path: Path, source: str = "") -> Location:
    location = parse_location(str(path))
    desk_file.make(location, source)
    return location


def _declare(location: Location, source: str) -> None:
    """Let the mailbox be read from there: a new port is a new desk.toml, which is not what is measured here."""
    with sqlite3.connect(location.target) as store:
        body = "json_set(body, '$.imap', ?, '$.password_env', 'BENCH_PASSWORD')"
        store.execute(f"UPDATE definition SET body = {body} WHERE kind = 'mailbox' AND active", (source,))
        store.execute("UPDATE setting SET value = value + 1 WHERE key = 'generation'")
    store.close()


def _rate(mails: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return mails / (time.perf_counter() - begun)
