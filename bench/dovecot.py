"""A Dovecot of one's own, to be read from: Debian's `dovecot-imapd` on loopback ports, for those who measure or test.

It refuses to serve mail as root; there it does so as `nobody`.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tkt.errors import TktError

USER, PASSWORD = "support", "wonderland"
PATIENCE_SECONDS = 20


def installed() -> bool:
    return shutil.which("dovecot") is not None


@contextmanager
def serving(mails: list[bytes]) -> Iterator[int]:
    """A server whose INBOX holds these mails; its port."""
    folder = Path(tempfile.mkdtemp(prefix="tkt-bench-dovecot-"))
    try:
        _fill(folder / "mail" / USER, mails)
        port = _free_port()
        process = start(folder, port)
        try:
            _wait_for(port, process)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    finally:
        shutil.rmtree(folder)


def start(folder: Path, port: int, tls_port: int = 0, more: str = "") -> subprocess.Popen[bytes]:
    """Start one with its configuration in `folder` (dovecot.conf; `more` is added) and its users' Maildirs in mail/."""
    folder.chmod(0o755)  # `nobody` must come through
    owner = pwd.getpwuid(os.getuid())
    server = owner if owner.pw_uid else pwd.getpwnam("nobody")
    (folder / "mail").mkdir(exist_ok=True)
    for place, _, names in os.walk(folder / "mail"):
        for path in (place, *(os.path.join(place, name) for name in names)):
            os.chown(path, server.pw_uid, server.pw_gid)
    (folder / "dovecot.conf").write_text(_config(folder, port, tls_port, owner, server) + more)
    return again(folder)


def again(folder: Path) -> subprocess.Popen[bytes]:
    """Start the one that has stopped."""
    return subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")], stderr=subprocess.DEVNULL)


def _fill(maildir: Path, mails: list[bytes]) -> None:
    for part in ("tmp", "new", "cur"):
        (maildir / part).mkdir(parents=True)
    for number, mail in enumerate(mails, 1_700_000_000):
        (maildir / "cur" / f"{number}.M1P1.bench:2,").write_bytes(mail)


def _config(folder: Path, port: int, tls_port: int, owner: pwd.struct_passwd, server: pwd.struct_passwd) -> str:
    return f"""
    base_dir = {folder}/run
    state_dir = {folder}/run
    log_path = {folder}/dovecot.log
    protocols = imap
    listen = 127.0.0.1
    ssl = no
    disable_plaintext_auth = no
    mail_location = maildir:{folder}/mail/%u
    first_valid_uid = 0
    first_valid_gid = 0
    default_login_user = {server.pw_name}
    default_internal_user = {owner.pw_name}
    default_internal_group = {grp.getgrgid(os.getgid()).gr_name}
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
        port = {port}
      }}
      inet_listener imaps {{
        port = {tls_port}
      }}
    }}
    service anvil {{
      chroot =
    }}
    service stats {{
      chroot =
    }}
    """


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TktError("Dovecot did not start")
