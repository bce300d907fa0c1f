"""A real SMTP server: aiosmtpd with a script of answers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from mail_servers.wires import free_port


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
