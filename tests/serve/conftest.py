"""A real `tkt serve` for the tests: a process of its own, between a real IMAP and a real SMTP server.

The mail servers are those of `tests/channels`. A `Gate` stands before a server that a test takes away: it passes
everything on, or turns everybody away and counts them, so that a test can wait for a number of failed attempts.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tkt.desk.configure import apply_config
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.migrate import upgrade
from tkt.store.read import open_reader
from tkt.store.tables import Setting

PATIENCE = 40
"""Seconds after which what a test waits for counts as never coming."""

HURRIED = (
    "from tkt import scheduler; from tkt.channels.mail.receiving import idle, timetable; from tkt.store import engine;"
    "from tkt.__main__ import main; timetable.PAUSES_SECONDS = idle.PAUSES_SECONDS = (0.5,);"
    "scheduler.JOBS = tuple(job._replace(seconds=0.2) for job in scheduler.JOBS);"
    "engine.BUSY_SECONDS = 1; scheduler.PATIENCE_SECONDS = 1; main()"
)
"""The program with everything that takes seconds taking less, for tests that need many rounds."""

DESK = """
[desk]
name = "Example Support"
timezone = "UTC"
{desk}

[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"
"""

MAILBOX = """
[[mailbox]]
name = "{name}"
address = "{name}@desk.example"
"""


def mail_fixtures() -> ModuleType:
    """The fixtures and servers of the mail transport's own tests."""
    path = Path(__file__).parents[1] / "channels" / "conftest.py"
    spec = importlib.util.spec_from_file_location("mail_fixtures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


mail = mail_fixtures()
servers, postman, letter, maildir = mail.servers, mail.postman, mail.letter, mail.maildir
silent_port, unused_port, tls_ca, scripted = mail.silent_port, mail.unused_port, mail.tls_ca, mail.scripted
PASSWORD: str = mail.PASSWORD


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    """What the servers ask for, where desk.toml finds it."""
    monkeypatch.setenv("TKT_TEST_PASSWORD", PASSWORD)
    return PASSWORD


@pytest.fixture
def until() -> Callable[..., Any]:
    """until(condition): wait until it gives something true, and give that."""

    def wait(condition: Callable[[], Any], seconds: float = PATIENCE, every: float = 0.05) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "what was waited for never came"
            time.sleep(every)
        return found

    return wait


@pytest.fixture
def configure() -> Callable[..., None]:
    """configure(location, mailboxes, more toml): make a migrated store a desk with alice and these mailboxes."""

    def apply(
        location: Location, mailboxes: dict[str, dict[str, Any]], more: str = "", desk: str = 'undo_window = "0s"'
    ) -> None:
        text = DESK.format(desk=desk)
        for name, body in mailboxes.items():
            text += MAILBOX.format(name=name)
            text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in ({"every": "1s"} | body).items())
        store = Store(location)
        with store.transaction() as session:
            session.merge(Setting(key="desk.secret", value="the secret of the tests"))
        apply_config(Desk(store), text + more)
        store.close()

    return apply


@pytest.fixture
def rows() -> Callable[..., list[Any]]:
    """rows(location, sql): what the store has now; of one column, the values."""

    def read(location: Location, sql: str) -> list[Any]:
        with open_reader(location) as reader:
            found = reader.rows(sql)
        return [row[0] if len(row) == 1 else tuple(row) for row in found]

    return read


class Serve:
    """A running `tkt serve`; what it says is in `log`."""

    def __init__(self, location: Location, folder: Path, program: list[str], arguments: list[str]) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=folder, prefix="serve-", suffix=".log", delete=False)  # noqa: SIM115
        environment = os.environ | {"TKT_DESK": location.target, "HOME": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, *program, *arguments], env=environment, stderr=self._file, stdout=self._file
        )

    @property
    def log(self) -> str:
        return Path(self._file.name).read_text()

    def count(self, words: str) -> int:
        return sum(words in line for line in self.log.splitlines())

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.end(signal.SIGKILL)
        self._file.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Serve]]:
    """serve(location, hurried=…): start one; whatever still runs when the test ends is killed."""
    started: list[Serve] = []

    def start(location: Location, *arguments: str, hurried: bool = False) -> Serve:
        program = ["-c", HURRIED] if hurried else ["-m", "tkt"]
        started.append(Serve(location, tmp_path, program, ["serve", *arguments]))
        return started[-1]

    yield start
    for one in started:
        one.close()
        print(one.log)  # seen when the test fails


class House:
    """A desk in an SQLite file, and the `tkt serve` that is started on it."""

    def __init__(
        self,
        location: Location,
        configure: Callable[..., None],
        serve: Callable[..., Serve],
        until: Callable[..., Any],
        rows: Callable[..., list[Any]],
    ) -> None:
        self.location = location
        self._configure, self._serve, self._until, self._rows = configure, serve, until, rows

    def declare(self, mailbox: dict[str, Any], desk: str = "confirm = false") -> None:
        self._configure(self.location, {"support": mailbox}, desk=desk)

    def serve(self, *, hurried: bool = True) -> Serve:
        return self._serve(self.location, hurried=hurried)

    def rows(self, sql: str) -> list[Any]:
        return self._rows(self.location, sql)

    def until(self, sql: str, *wanted: Any) -> None:
        """Wait until the store gives just these rows."""
        self._until(lambda: self.rows(sql) == list(wanted))

    def until_tickets(self, *subjects: str) -> None:
        self.until("SELECT subject FROM ticket ORDER BY number", *subjects)


@pytest.fixture
def house(
    sqlite_location: Location,
    configure: Callable[..., None],
    serve: Callable[..., Serve],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> House:
    return House(sqlite_location, configure, serve, until, rows)


@pytest.fixture
def tkt(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """tkt(location, "reply", "1", …): run a command as alice."""

    def run(location: Location, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"TKT_DESK": location.target, "TKT_AGENT": "alice", "HOME": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-m", "tkt", *arguments],
            env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    return run


class Gate(mail.wires.Listener):
    """A port that passes everything on to a server (a port of this host, a socket's path), or to nobody (None)."""

    def __init__(self, target: int | str | None) -> None:
        self.target = target
        self.turned_away = self.passed = 0
        self._open: list[socket.socket] = []
        super().__init__()

    def cut(self) -> None:
        """End the connections that are open; whether new ones are passed on is `target`'s affair."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            self.turned_away += 1
            client.close()
            return
        self.passed += 1
        self._open += [client, server]
        threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
        _pass_on(server, client)

    def _connect(self) -> socket.socket:
        if isinstance(self.target, str):
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                server.close()
                raise
            return server
        if self.target is None:
            raise ConnectionRefusedError
        return socket.create_connection(("127.0.0.1", self.target))


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with source, suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def gate() -> Iterator[Callable[[int | str | None], Gate]]:
    made: list[Gate] = []

    def make(target: int | str | None) -> Gate:
        made.append(Gate(target))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Postgres:
    """A server of the test's own, which it may stop and start."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.location = parse_location(server.get_uri())
        upgrade(self.location)

    @property
    def socket(self) -> str:
        return self.location.target.partition("?host=")[2] + "/.s.PGSQL.5432"

    def through(self, gate: Gate) -> Location:
        return parse_location(f"postgresql://postgres@127.0.0.1:{gate.port}/postgres")

    def stop(self) -> None:
        self._server._stop()

    def start(self) -> None:
        self._server.ensure_postgres_running()


@pytest.fixture
def own_postgres(run_postgres: Callable[[], AbstractContextManager[Any]]) -> Iterator[Postgres]:
    with run_postgres() as server:
        yield Postgres(server)
