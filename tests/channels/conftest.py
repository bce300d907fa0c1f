"""Desks and mails for the gateway's tests; the servers and wires between them stand in `servers/`.

`imap_server` is pymap (PyPI) or Debian's Dovecot, `postman` is aiosmtpd with a script of answers; all without root and
on ports of the system's choice. A machine without Dovecot tries pymap only and says so; in CI its absence is an error.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tkt.desk.unit import Desk
from tkt.store.definitions import raise_generation
from tkt.store.engine import Store
from tkt.store.tables import Agent, Definition, Setting

SECRET = "the secret of the tests"


def package(folder: Path) -> ModuleType:
    """The modules of `servers/` as the package `mail_servers`: tests are no package themselves."""
    if "mail_servers" in sys.modules:
        return sys.modules["mail_servers"]
    spec = importlib.util.spec_from_loader("mail_servers", loader=None, is_package=True)
    assert spec is not None and spec.submodule_search_locations is not None
    spec.submodule_search_locations.append(str(folder))
    sys.modules["mail_servers"] = module = importlib.util.module_from_spec(spec)
    return module


package(Path(__file__).parent / "servers")

from mail_servers import imap, smtp, wires  # noqa: E402
from mail_servers import scripted as scripted_imap  # noqa: E402

servers, imap_server, tls_mailbox = imap.servers, imap.imap_server, imap.tls_mailbox
postman, ascii_postman = smtp.postman, smtp.ascii_postman
wire, unused_port, silent_port = wires.wire, wires.unused_port, wires.silent_port
scripted = scripted_imap.scripted
PASSWORD, TLS = imap.PASSWORD, imap.TLS


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    """A desk on each engine, with a secret and two agents, and no mailbox yet."""
    return furnished(store, clock)


@pytest.fixture
def sqlite_desk(sqlite_location: Any, clock: Clock) -> Iterator[Desk]:
    """The same on SQLite alone, for what does not depend on the engine."""
    store = Store(sqlite_location)
    yield furnished(store, clock)
    store.close()


def furnished(store: Store, clock: Clock) -> Desk:
    with store.transaction() as session:
        session.add(Setting(key="desk.secret", value=SECRET))
        session.add(Agent(name="alice", email="alice@desk.example", role="agent"))
        session.add(Agent(name="victor", email="victor@desk.example", role="viewer"))
    return Desk(store, now=clock)


@pytest.fixture
def declare() -> Callable[..., None]:
    """Declare a mailbox as desk.toml would: declare(desk, imap=..., smtp=..., name=...)."""

    def add(desk: Desk, name: str = "support", address: str = "support@desk.example", **body: Any) -> None:
        with desk.store.transaction() as session:
            whole = {"address": address, **body}
            session.add(Definition(kind="mailbox", name=name, body=whole, created_at=desk.now()))
            raise_generation(session)

    return add


@pytest.fixture
def letter() -> Callable[..., bytes]:
    """A raw mail: letter(subject=..., sender=..., text=..., **headers); `_` in a header's name is a hyphen."""
    counter = iter(range(1, 100_000))

    def write(
        subject: str = "The printer is broken",
        sender: str = "Carol <carol@customer.example>",
        text: str = "It prints nothing.",
        **headers: str,
    ) -> bytes:
        number = next(counter)
        fields = {
            "From": sender,
            "To": "support@desk.example",
            "Subject": subject,
            "Date": "Mon, 02 Nov 2026 08:00:00 +0000",
            "Message-ID": f"<mail-{number}@customer.example>",
        }
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        return f"{head}\r\n{text}\r\n".encode()

    return write


SEND = """
import sys
from tkt.channels.mail.sending.deliver import deliver
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location
deliver(Desk(Store(parse_location(sys.argv[1]))), now_all=True)
"""


@pytest.fixture
def die_sending(postman: Any) -> Callable[[Desk], None]:
    """die_sending(desk): a process sends, and is killed while the server has the mail and has not answered yet."""

    def send(desk: Desk) -> None:
        postman.script = ["hang"]
        with subprocess.Popen([sys.executable, "-c", SEND, desk.store.location.target]) as sender:
            assert postman.hanging.wait(30)
            sender.kill()

    return send


class Folder:
    """A Maildir on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for part in ("new", "cur", "tmp"):
            (path / part).mkdir(parents=True)
        self._delivered = 0

    def deliver(self, *mails: bytes) -> None:
        for mail in mails:
            self._delivered += 1
            (self.path / "new" / f"{1700000000 + self._delivered}.M{self._delivered}.host").write_bytes(mail)

    def names(self, part: str) -> list[str]:
        return sorted(path.name for path in (self.path / part).iterdir())


@pytest.fixture
def maildir(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "Maildir")


@pytest.fixture
def tls_ca() -> str:
    return str(TLS / "cert.pem")


@pytest.fixture(scope="session")
def imap_servers() -> ModuleType:
    """For tests that need a server of their own: start_dovecot(), start_pymap(), need_dovecot()."""
    return imap
