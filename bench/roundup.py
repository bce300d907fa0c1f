"""Roundup's mail gateway on the same mails: a tracker of its classic template on SQLite, which knows all senders.

Roundup is not a dependency: whoever wants the comparison installs it into an environment of its own and names its
folder of programs (`--roundup`).
"""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import time
from pathlib import Path

from bench.mails import PEOPLE_MAILS, address_of
from tkt.errors import TktError

_KNOWN = """
import json, sys
import roundup.instance
database = roundup.instance.open(sys.argv[1]).open("admin")
for name, address in json.loads(sys.stdin.read()):
    database.user.create(username=name, address=address, realname=name, roles="User")
database.commit()
database.close()
"""


def rate(programs: str, folder: Path, mails: list[bytes]) -> float:
    """Mails a second into Roundup's issues, its start not counted. `folder` is an empty one. Raises TktError."""
    tracker = folder / "tracker"
    _run([f"{programs}/roundup-admin", "-i", str(tracker), "install", "classic", "sqlite"])
    _configure(tracker / "config.ini", folder / "sent")
    _run([f"{programs}/roundup-admin", "-i", str(tracker), "initialise", "secret"], "y\n")
    people = [address_of(number) for number in range(len(mails) // PEOPLE_MAILS + 1)]
    listed = ", ".join(f'["{address.partition("@")[0]}", "{address}"]' for address in people)
    _run([f"{programs}/python", "-c", _KNOWN, str(tracker)], f"[{listed}]")
    gateway = f"{programs}/roundup-mailgw"
    start = _timed([gateway, str(tracker), "mailbox", str(_mbox(folder / "none", []))])
    took = _timed([gateway, str(tracker), "mailbox", str(_mbox(folder / "mails", mails))])
    if (made := _issues(tracker)) != len(mails):
        raise TktError(f"Roundup made {made} issues of {len(mails)} mails")
    return len(mails) / (took - start)


def _configure(path: Path, sent: Path) -> None:
    """The four settings without a default; what it mails goes into a file."""
    text = path.read_text()
    for setting, value in {"domain": "example.com", "host": "localhost", "web": "http://localhost/"}.items():
        text = re.sub(rf"^#{setting} = .*$", f"{setting} = {value}", text, flags=re.MULTILINE)
    path.write_text(re.sub(r"^debug =\s*$", f"debug = {sent}", text, flags=re.MULTILINE))


def _mbox(path: Path, mails: list[bytes]) -> Path:
    with path.open("wb") as file:
        for mail in mails:
            lines = mail.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
            file.write(b"From bench@example.com Mon Oct 12 09:00:00 2026\n" + lines + b"\n")
    return path


def _issues(tracker: Path) -> int:
    store = sqlite3.connect(tracker / "db" / "db")
    found: int = store.execute("SELECT count(*) FROM _issue").fetchone()[0]
    store.close()
    return found


def _timed(command: list[str]) -> float:
    begun = time.perf_counter()
    _run(command)
    return time.perf_counter() - begun


def _run(command: list[str], told: str = "") -> None:
    done = subprocess.run(command, input=told, capture_output=True, text=True, env={**os.environ, "EDITOR": "true"})
    if done.returncode:
        raise TktError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
