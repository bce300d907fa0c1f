"""Real IMAP servers: pymap (PyPI) and Debian's Dovecot, each with TLS by the key in `tls/`, without root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient
from mail_servers.wires import free_port, wait_for_port

from bench import dovecot

TLS = Path(__file__).parents[1] / "tls"
USER, PASSWORD = dovecot.USER, dovecot.PASSWORD

PYMAP = (
    "from functools import partial; from pymap import config; from pymap.main import main;"
    "config.BuiltinHash = partial(config.BuiltinHash, rounds=1); main()"
)
"""Without rounds, which would take half a second at each login: this password is no secret."""

TLS_AND_IMPATIENCE = f"""
ssl = yes
ssl_cert = <{TLS}/cert.pem
ssl_key = <{TLS}/key.pem
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
"""Wrong passwords are answered at once, however many."""

OAUTH = """
auth_mechanisms = plain xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {settings}
}}
"""


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

    def restart(self) -> None:
        """Dovecot only: stop, which ends every connection, and start again at the same ports."""
        assert self.folder is not None
        self.process.terminate()
        self.process.wait(10)
        self.process = dovecot.again(self.folder)
        wait_for_port(self.plain_port, self.process)

    def put(self, number: int, mail: Callable[[int], bytes]) -> None:
        """Dovecot only: so many messages straight into the user's Maildir, which is quicker than by APPEND."""
        assert self.folder is not None
        new = self.folder / "mail" / self.user / "new"
        new.mkdir(parents=True, exist_ok=True)
        for one in range(number):
            (new / f"{1700000000 + one}.M{one}.host").write_bytes(mail(one))
        owner = (self.folder / "mail").stat()
        for path in (new, *new.parents[:1], *new.iterdir()):
            os.chown(path, owner.st_uid, owner.st_gid)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def start_dovecot(introspection: str = "") -> ImapServer:
    """Dovecot with a configuration and a folder of its own, run by whoever runs the tests. `introspection`: the URL
    that tells of an access token whose it is (RFC 7662); it then takes XOAUTH2 and OAUTHBEARER, too.
    """
    folder = Path(tempfile.mkdtemp(prefix="tkt-dovecot-"))
    plain, tls = free_port(), free_port()
    more = TLS_AND_IMPATIENCE
    if introspection:
        settings = folder / "oauth2.conf"
        settings.write_text(
            f"introspection_url = {introspection}\nintrospection_mode = get\nusername_attribute = user\n"
            "active_attribute = active\nactive_value = true\n"
        )
        more += OAUTH.format(settings=settings)
    process = dovecot.start(folder, plain, tls, more)
    wait_for_port(plain, process)
    return ImapServer(process, plain, tls, folder)


def start_pymap(*, tls: bool = False) -> ImapServer:
    """pymap in memory, on one port; with `tls` it takes no login before STARTTLS."""
    port = free_port()
    command = [sys.executable, "-c", PYMAP, "--host", "127.0.0.1", "--port", str(port)]
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
