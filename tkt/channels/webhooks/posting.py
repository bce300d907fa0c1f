"""One call over HTTP: signed as Standard Webhooks says, with an end in sight, and what the answer means.

Headers: `webhook-id`, the same in every attempt; `webhook-timestamp`, the seconds since 1970 of this attempt; and,
where there is a secret, `webhook-signature`: "v1," and the base64 of the HMAC-SHA256 of "ID.TIMESTAMP.BODY"
(https://www.standardwebhooks.com). Whoever receives a call twice knows it by its id; whoever checks the timestamp
refuses a replayed one.

A 2xx says that it was taken. Redirects are not followed: a signed call goes where desk.toml says, or nowhere. Of what
is answered only the status is read. Certificates are verified; loopback and private addresses may be called, because
whoever writes desk.toml decides. What takes longer than `SECONDS` in all is given up.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import threading
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import httpx

from tkt import __version__

SECONDS = 20
"""For the whole call: a receiver takes note and answers, and works afterwards."""

PASSING = (408, 425, 429)
"""Of the 4xx: those that say "later"."""

LONGEST_WAIT = 3600
"""Seconds that a Retry-After may ask for."""


class Call(NamedTuple):
    """What is sent, and where to."""

    url: str
    call_id: str
    body: bytes
    secret: bytes


class Answer(NamedTuple):
    """What came of a call: `taken`, or why not and whether trying again may help; `away`: nobody answered at all.

    `wait` is how many seconds the receiver asks us to wait.
    """

    taken: bool
    words: str = ""
    passes: bool = False
    away: bool = False
    wait: int = 0


def signature(secret: bytes, call_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = b".".join((call_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def post(call: Call, now: datetime, seconds: float = SECONDS) -> Answer:
    """Make the call. Never raises for what a network or a receiver does."""
    try:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            return runner.run(_post(call, _headers(call, int(now.timestamp())), seconds))
    except TimeoutError:
        return Answer(False, f"no answer within {seconds:g} s", passes=True, away=True)
    except httpx.InvalidURL as error:
        return Answer(False, f"the URL can't be called: {error}")
    except httpx.TransportError as error:
        return Answer(False, str(error) or type(error).__name__, passes=True, away=True)


class _Loop(asyncio.SelectorEventLoop):
    """Looks names up in threads that nobody waits for in the end: there is no ending a system call that takes long."""

    async def getaddrinfo(self, host: Any, port: Any, **more: Any) -> Any:
        found = self.create_future()

        def tell(method: Any, what: Any) -> None:
            with suppress(RuntimeError):  # the loop is closed: it took too long
                self.call_soon_threadsafe(lambda: found.done() or method(what))

        def look_up() -> None:
            try:
                addresses = socket.getaddrinfo(host, port, **more)
            except (OSError, UnicodeError) as error:
                tell(found.set_exception, error)
            else:
                tell(found.set_result, addresses)

        threading.Thread(target=look_up, daemon=True).start()
        return await found


async def _post(call: Call, headers: dict[str, str], seconds: float) -> Answer:
    async with asyncio.timeout(seconds), httpx.AsyncClient(verify=authorities(), timeout=seconds) as client:
        request = client.build_request("POST", call.url, content=call.body, headers=headers)
        response = await client.send(request, stream=True, follow_redirects=False)
        await response.aclose()
    return _answer(response)


@cache
def authorities() -> ssl.SSLContext:
    """Verifies certificates and names, by the authorities that the system trusts."""
    return ssl.create_default_context()


def _headers(call: Call, timestamp: int) -> dict[str, str]:
    headers = {
        "content-type": "application/json",
        "user-agent": f"tkt/{__version__}",
        "webhook-id": call.call_id,
        "webhook-timestamp": str(timestamp),
    }
    if call.secret:
        headers["webhook-signature"] = signature(call.secret, call.call_id, timestamp, call.body)
    return headers


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(True)
    if response.is_redirect:
        to = response.headers.get("location", "")
        return Answer(False, f"it answers {status} and sends us to {to}: write the final URL into desk.toml")
    words = f"it answers {status} {response.reason_phrase}".rstrip()
    if status < 500 and status not in PASSING:
        return Answer(False, words)
    return Answer(False, words, passes=True, wait=_wait(response.headers.get("retry-after", "")))


def _wait(asked: str) -> int:
    """The seconds of a Retry-After (RFC 9110 section 10.2.3), where it is no date."""
    return min(int(asked), LONGEST_WAIT) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 0
