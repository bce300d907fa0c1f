"""The command line in this process: `tkt("list", "--ids")` gives (status, standard output, standard error)."""

from __future__ import annotations

import io
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tkt.cli.main import run
from tkt.desk.configure import apply_config, make_desk
from tkt.desk.unit import SYSTEM, Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location

CONFIG = """
[desk]
name = "Example Support"
timezone = "UTC"
[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"
[[agent]]
name = "bob"
role = "agent"
[[agent]]
name = "carol"
role = "viewer"
[[team]]
name = "network"
members = ["alice", "bob"]
[[team]]
name = "empty"
[[field]]
name = "order_no"
type = "string"
pattern = "[0-9]+"
[[field]]
name = "vip"
type = "boolean"
"""


class Result(NamedTuple):
    """What a script sees of a command."""

    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "desk.db"
    location = parse_location(str(path))
    make_desk(location, "Support", "alice", "", "UTC")
    store = Store(location)
    apply_config(Desk(store, SYSTEM), CONFIG)
    store.close()
    return path


@pytest.fixture
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the user's: folders of its own, no agent, no desk, no editor."""
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("TKT_DESK", "TKT_AGENT", "TKT_DEBUG", "TKT_EDITOR", "VISUAL", "EDITOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def desk_file(surroundings: Path, desk_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk with alice (admin), bob (agent), carol (viewer); alice acts."""
    path = surroundings / "desk.db"
    shutil.copy(desk_template, path)
    monkeypatch.setenv("TKT_DESK", str(path))
    monkeypatch.setenv("TKT_AGENT", "alice")
    return path


@pytest.fixture
def call(surroundings: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def call(*words: str, stdin: str | bytes = "") -> Result:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        capsys.readouterr()
        status = run(list(words))
        return Result(status, *capsys.readouterr())

    return call


@pytest.fixture
def tkt(desk_file: Path, call: Callable[..., Result]) -> Callable[..., Result]:
    return call


@pytest.fixture
def new(tkt: Callable[..., Result]) -> Callable[..., str]:
    """Make a ticket; its number, as a script gets it."""

    def new(subject: str = "VPN is down", *options: str) -> str:
        status, out, err = tkt("new", subject, *options)
        assert (status, err) == (0, "")
        return out.strip()

    return new


@pytest.fixture
def multiply(desk_file: Path) -> Callable[[int], None]:
    """So many copies of ticket 1, in no time."""

    def multiply(copies: int) -> None:
        connection = sqlite3.connect(desk_file)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(ticket)") if row[1] not in ("number", "key")]
        names = ", ".join(columns)
        counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
        connection.execute(f"INSERT INTO ticket ({names}) SELECT {names} FROM ticket, ({counted})", (copies,))
        connection.commit()
        connection.close()

    return multiply


@pytest.fixture
def program(desk_file: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """The real thing, in a process of its own."""

    def program(*words: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([sys.executable, "-m", "tkt", *words], capture_output=True, timeout=60, **options)

    return program


@pytest.fixture
def shell(desk_file: Path) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """A line for the shell, in which `tkt` is the program."""

    def shell(line: str) -> subprocess.CompletedProcess[str]:
        script = f'tkt() {{ "{sys.executable}" -m tkt "$@"; }}\n{textwrap.dedent(line)}'
        return subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)

    return shell


@pytest.fixture
def terminal(desk_file: Path) -> Callable[..., tuple[int, bytes]]:
    """Run a command on a terminal of its own: (status, everything it wrote there)."""

    def terminal(*words: str, **environment: str) -> tuple[int, bytes]:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "tkt", *words],
            stdin=theirs, stdout=theirs, stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24", **environment},
        )  # fmt: skip
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
        os.close(ours)
        return process.wait(timeout=60), written

    return terminal


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65536)
    except OSError:  # the other side is closed (Linux says EIO)
        return b""
