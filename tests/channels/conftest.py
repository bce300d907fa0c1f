"""Real mail servers and folders for the gateway's tests, all without root and on ports of the system's choice.

`imap_server` is pymap (PyPI) or Debian's Dovecot, each with TLS by the key in `tls/`, which is good for nothing else.
`postman` is aiosmtpd with a script of answers. A machine without Dovecot tries pymap only and says so; in CI its
absence is an error.
"""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from imapclient import IMAPClient

from tkt.desk.unit import Desk
from tkt.store.definitions import raise_generation
from tkt.store.engine import Store
from tkt.store.tables import Agent, Definition, Setting

TLS = Path(__file__).parent / "tls"
SECRET = "the secret of the tests"
USER, PASSWORD = "support", "wonderland"


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

    def add(desk: Desk, name: str = "support", address: str = "support@desk.example", **body: str) -> None:
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


# --- IMAP -------------------------------------------------------------------------------------------------------------


class ImapServer:
    """A running server; `user` has the mailbox that the current test uses."""

    def __init__(
        self, process: subprocess.Popen[bytes], plain_port: int, tls_port: int, folder: Path | None = None
    ) -> None:
        self.process = process
        self.folder = folder
        self.user = USER
        self.plain_port = plain_port
        self.tls_port = tls_port

    def body(self, scheme: str = "imap+plain", folder: str = "INBOX", **more: str) -> dict[str, str]:
        """What a [[mailbox]] table says to read this server."""
        port = self.tls_port if scheme == "imaps" else self.plain_port
        os.environ["TKT_TEST_PASSWORD"] = PASSWORD
        return {
            "imap": f"{scheme}://{self.user}@localhost:{port}/{folder}",
            "password_env": "TKT_TEST_PASSWORD",
            **more,
        }

    def client(self) -> IMAPClient:
        client = IMAPClient("localhost", self.plain_port, ssl=False, timeout=20)
        client.login(self.user, PASSWORD)
        return client

    def emptied(self) -> ImapServer:
        """The server as if it were new: another user, or where there is but one, no messages and folders."""
        if self.folder is not None:
            self.user = f"support-{uuid.uuid4().hex[:8]}"
            return self
        with self.client() as client:
            for _, _, name in client.list_folders():
                if name != "INBOX":
                    client.delete_folder(name)
            client.select_folder("INBOX")
            client.delete_messages(client.search())
            client.expunge()
        return self

    def deliver(self, *mails: bytes, folder: str = "INBOX") -> None:
        with self.client() as client:
            for mail in mails:
                client.append(folder, mail)

    def flags(self, folder: str = "INBOX") -> dict[int, tuple[bytes, ...]]:
        with self.client() as client:
            client.select_folder(folder)
            return {uid: data[b"FLAGS"] for uid, data in client.fetch(client.search(), ["FLAGS"]).items()}

    def count(self, folder: str = "INBOX") -> int:
        with self.client() as client:
            return int(client.select_folder(folder)[b"EXISTS"])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise AssertionError(f"the mail server stopped at once: {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing answers on port {port}")


def start_dovecot() -> ImapServer:
    """Dovecot with a configuration and a folder of its own, run by whoever runs the tests.

    It refuses to serve mail as root: there it does so as `nobody`.
    """
    folder = Path(tempfile.mkdtemp(prefix="tkt-dovecot-"))
    folder.chmod(0o755)
    user, group = pwd.getpwuid(os.getuid()), grp.getgrgid(os.getgid())
    server = user if user.pw_uid else pwd.getpwnam("nobody")
    (folder / "mail").mkdir()
    os.chown(folder / "mail", server.pw_uid, server.pw_gid)
    plain, tls = free_port(), free_port()
    config = folder / "dovecot.conf"
    config.write_text(
        f"""
        base_dir = {folder}/run
        state_dir = {folder}/run
        log_path = {folder}/dovecot.log
        protocols = imap
        listen = 127.0.0.1
        ssl = yes
        ssl_cert = <{TLS}/cert.pem
        ssl_key = <{TLS}/key.pem
        disable_plaintext_auth = no
        mail_location = maildir:{folder}/mail/%u
        first_valid_uid = 0
        first_valid_gid = 0
        default_login_user = {server.pw_name}
        default_internal_user = {user.pw_name}
        default_internal_group = {group.gr_name}
        passdb {{
          driver = static
          args = password={PASSWORD}
        }}
        userdb {{
          driver = static
          args = uid={server.pw_uid} gid={server.pw_gid} home={folder}/mail
        }}
        service imap-login {{
          chroot =
          inet_listener imap {{
            port = {plain}
          }}
          inet_listener imaps {{
            port = {tls}
          }}
        }}
        auth_failure_delay = 0
        service anvil {{
          chroot =
          unix_listener anvil-auth-penalty {{
            mode = 0
          }}
        }}
        service stats {{
          chroot =
        }}
        """
    )
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    wait_for_port(plain, process)
    return ImapServer(process, plain, tls, folder)


def start_pymap(*, tls: bool = False) -> ImapServer:
    """pymap in memory, on one port; with `tls` it takes no login before STARTTLS."""
    port = free_port()
    command = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--cert", f"{TLS}/cert.pem", "--key", f"{TLS}/key.pem"] if tls else ["--no-tls"]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_port(port, process)
    return ImapServer(process, port, 0)


def need_dovecot() -> None:
    if not shutil.which("dovecot"):
        assert not os.environ.get("CI"), "CI must have dovecot-imapd"
        pytest.skip("NO DOVECOT on this machine (Debian: dovecot-imapd): only pymap was tried")


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], ImapServer]]:
    """Gives servers by name ("pymap", "pymap tls", "dovecot"), each started when it is first asked for."""
    running: dict[str, ImapServer] = {}

    def get(name: str) -> ImapServer:
        if name == "dovecot":
            need_dovecot()
        if name not in running:
            running[name] = start_dovecot() if name == "dovecot" else start_pymap(tls=name.endswith("tls"))
        return running[name]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture(params=["pymap", "dovecot"])
def imap_server(request: pytest.FixtureRequest, servers: Callable[[str], ImapServer]) -> ImapServer:
    """A server that takes a login in the clear."""
    return servers(request.param).emptied()


@pytest.fixture(params=["pymap imap", "dovecot imap", "dovecot imaps"])
def tls_mailbox(
    request: pytest.FixtureRequest, servers: Callable[[str], ImapServer]
) -> tuple[ImapServer, dict[str, str]]:
    """A server and what a [[mailbox]] says to read it over TLS: by STARTTLS, and from the first byte."""
    name, scheme = request.param.split()
    server = servers("dovecot").emptied() if name == "dovecot" else servers("pymap tls")
    return server, server.body(scheme)


# --- SMTP -------------------------------------------------------------------------------------------------------------


class Postman:
    """Takes mail, answering by a script: `script` holds, for coming messages, what to say (None: accept)."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.script: list[str | None] = []
        self.refused: dict[str, str] = {}
        """Answers to RCPT TO for these addresses."""
        self.port = 0
        self.connections = 0
        self.hanging = threading.Event()

    async def handle_EHLO(
        self, _server: Any, session: Any, _envelope: Any, hostname: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return answers

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        answer = self.script.pop(0) if self.script else None
        if answer == "drop":
            self.received.append(envelope)
            server.transport.abort()
            return "250 nobody hears this"
        if answer == "stall":
            await asyncio.sleep(2)
            return "250 too late"
        if answer == "hang":
            self.hanging.set()
            await asyncio.sleep(60)
        if answer is None:
            self.received.append(envelope)
        return answer or "250 OK"

    def subjects(self) -> list[str]:
        return [str(message_from_bytes(one.content, policy=SMTP)["Subject"]) for one in self.received]

    def body(self, **more: str) -> dict[str, str]:
        """What a [[mailbox]] table says to send by this server."""
        return {"smtp": f"smtp+plain://localhost:{self.port}", **more}


@contextmanager
def running_postman(*, smtputf8: bool) -> Iterator[Postman]:
    handler = Postman()
    handler.port = free_port()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port, enable_SMTPUTF8=smtputf8)
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def postman() -> Iterator[Postman]:
    """A server that offers SMTPUTF8."""
    with running_postman(smtputf8=True) as handler:
        yield handler


@pytest.fixture
def ascii_postman() -> Iterator[Postman]:
    """A server that takes ASCII addresses only."""
    with running_postman(smtputf8=False) as handler:
        yield handler


# --- bad wires --------------------------------------------------------------------------------------------------------


class Wire:
    """A port that passes everything on to another one, and cuts a connection after so many bytes towards us."""

    def __init__(self, target: int, after: int, port: int = 0) -> None:
        self.target, self.after, self.cuts = target, after, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self._pass, args=(client, server, 0), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, self.after), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int) -> None:
        passed = 0
        with source, sink, suppress(OSError):
            while data := source.recv(1024):
                sink.sendall(data)
                passed += len(data)
                if limit and passed > limit:
                    self.cuts += 1
                    break
            for one in (source, sink):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire() -> Iterator[Callable[..., Wire]]:
    """wire(target port, after=bytes, port=…): 0 bytes is a wire that is never cut."""
    wires: list[Wire] = []

    def make(target: int, after: int = 0, port: int = 0) -> Wire:
        wires.append(Wire(target, after, port))
        return wires[-1]

    yield make
    for one in wires:
        one.listener.close()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


@pytest.fixture
def tls_ca() -> str:
    return str(TLS / "cert.pem")
