"""Mail in, triage, mail out, through processes and protocols only: `tkt serve`, IMAP, SMTP and the command line."""

from __future__ import annotations

import email
from collections.abc import Callable
from email.policy import SMTP
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("engine", "server", "scheme"), [("sqlite", "dovecot", "imaps"), ("postgres", "pymap", "imap+plain")]
)
def test_a_conversation_by_mail(
    engine: str,
    server: str,
    scheme: str,
    request: pytest.FixtureRequest,
    servers: Callable[..., Any],
    postman: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    tkt: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
    password: str,
    tls_ca: str,
) -> None:
    location = request.getfixturevalue(f"{engine}_location")
    imap = servers(server).emptied()
    configure(location, {"support": imap.body(scheme, tls_ca=tls_ca) | postman.body()})
    imap.deliver(letter("The VPN is down", text="Since this morning."), letter("下载失败", text="无法下载发票"))
    running = serve(location, hurried=True)
    until(lambda: len(postman.received) == 2)
    assert rows(location, "SELECT subject FROM ticket ORDER BY number") == ["The VPN is down", "下载失败"]

    assert tkt(location, "reply", "1", "-b", "Please try again.").returncode == 0
    until(lambda: len(postman.received) == 3)
    reply = email.message_from_bytes(postman.received[2].content, policy=SMTP)
    assert (reply["To"], reply["In-Reply-To"]) == ("carol@customer.example", "<mail-1@customer.example>")
    assert "Please try again." in reply.get_body().get_content()

    imap.deliver(letter("Re: The VPN is down", text="It works, thanks.", In_Reply_To=reply["Message-ID"]))
    until(lambda: rows(location, "SELECT entries FROM ticket WHERE number = 1") == [3])
    assert rows(location, "SELECT count(*) FROM ticket") == [2]
    assert all(b"\\Seen" in flags for flags in imap.flags().values())

    assert running.end() == 0
    assert running.log.splitlines()[-1].endswith("INFO stopped")
    assert "Traceback" not in running.log and password not in running.log
