"""Calls of webhooks to a real receiver that takes them, refuses them, stalls, sends us elsewhere or is away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from mail_servers.receiver import Receiver

from tkt.channels.webhooks import posting
from tkt.channels.webhooks.calls import drop, open_calls, retry
from tkt.channels.webhooks.deliver import Delivery
from tkt.channels.webhooks.deliver import make_calls as calls_made
from tkt.desk import tickets
from tkt.desk.unit import Desk
from tkt.errors import Conflict, NotFound
from tkt.store.definitions import raise_generation
from tkt.store.tables import Definition, Event, WebhookCall


def make_calls(desk: Desk, **how: Any) -> list[Delivery]:
    """One round."""
    return list(calls_made(desk, **how))


SECRET = "whsec_" + base64.b64encode(b"the key of the tests").decode()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def calling(desk: Desk, receiver: Receiver) -> Callable[..., int]:
    """calling("pager", secret_env="X", …): a ticket that calls this webhook; its number."""
    names: list[str] = []

    def declare(kind: str, name: str, body: dict[str, Any]) -> None:
        with desk.store.transaction() as session:
            session.add(Definition(kind=kind, name=name, body=body, created_at=desk.now()))
            raise_generation(session)

    def call(which: str = "pager", **body: str) -> int:
        if not names:
            declare("webhook", "pager", {"url": receiver.url, **body})
        names.append(f"r{len(names)}")
        declare("rule", names[-1], {"on": "created", "when": f"subject:{names[-1]}", "do": [f"webhook:{which}"]})
        number = tickets.create(desk, f"Help {names[-1]}").number
        assert number is not None
        return number

    return call


def rows(desk: Desk) -> list[WebhookCall]:
    from sqlmodel import select

    with desk.look() as change:
        return list(change.session.exec(select(WebhookCall).order_by(WebhookCall.id)))


def states(desk: Desk) -> list[tuple[str, int]]:
    return [(row.state, row.attempts) for row in rows(desk)]


def told(desk: Desk, number: int) -> list[Any]:
    from sqlmodel import select

    with desk.look() as change:
        found = change.session.exec(select(Event).where(Event.ticket == number, Event.verb == "webhook"))
        return [event.new for event in found]


def test_a_call_is_signed_as_standard_webhooks_says(
    desk: Desk, calling: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    number = calling(secret_env="PAGER_SECRET")
    [done] = make_calls(desk)
    assert (done.state, done.webhook, done.ticket, done.error) == ("sent", "pager", number, "")
    [received] = receiver.received
    stamp = received.headers["webhook-timestamp"]
    assert int(stamp) == int(clock.now.timestamp())
    signed = f"{received.headers['webhook-id']}.{stamp}.".encode() + received.body
    wanted = base64.b64encode(hmac.new(b"the key of the tests", signed, hashlib.sha256).digest()).decode()
    assert received.headers["webhook-signature"] == f"v1,{wanted}"
    assert received.headers["content-type"] == "application/json"
    body = json.loads(received.body)
    assert (body["event"], body["ticket"]["number"], body["cause"]) == ("rule", number, "rule r0")
    assert make_calls(desk) == [] and len(receiver.received) == 1


def test_the_signature_of_the_specification_s_own_example() -> None:
    """Made with the reference library's published key, id, timestamp and payload."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = posting.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_name_that_is_looked_up_for_too_long_holds_nobody_up(
    desk: Desk, calling: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's resolver may take half a minute, and can't be told to stop."""
    released, ended = threading.Event(), list[bool]()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: ended.append(released.wait(30)))
    calling("https://crm.example.invalid/")
    [done] = make_calls(desk, seconds=0.2)
    assert (done.state, done.error, ended) == ("waiting", "no answer within 0.2 s", [])
    released.set()


def test_a_secret_may_come_from_a_command_and_without_one_nothing_is_signed(
    desk: Desk, calling: Any, receiver: Receiver
) -> None:
    calling(secret_command="echo plain words")
    calling(receiver.url + "?to=me")
    assert [one.state for one in make_calls(desk)] == ["sent", "sent"]
    first, second = receiver.received
    assert "webhook-signature" in first.headers and "webhook-signature" not in second.headers
    assert second.path == "/hook?to=me"


def test_what_fails_for_now_is_tried_again_with_the_same_id_and_body(
    desk: Desk, calling: Any, receiver: Receiver, clock: Any
) -> None:
    calling()
    receiver.script = [500, 503, (429, {"retry-after": "900"}), 408]
    pauses = []
    for _ in range(4):
        [done] = make_calls(desk)
        assert done.state == "waiting"
        [row] = rows(desk)
        pauses.append(row.next_at - clock.now)
        assert make_calls(desk) == []
        clock.now = row.next_at
    assert pauses == [timedelta(minutes=one) for one in (1, 2, 15, 15)]
    assert [one.state for one in make_calls(desk)] == ["sent"]
    assert len({(one.headers["webhook-id"], one.body) for one in receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.received}) == 5


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (404, "it answers 404 Not Found"),
        (410, "it answers 410 Gone"),
        ((302, {"location": "http://localhost:1/"}), "it answers 302 and sends us to http://localhost:1/"),
    ],
)
def test_what_is_refused_for_good_shows_on_the_ticket(
    desk: Desk, calling: Any, receiver: Receiver, answer: Any, words: str
) -> None:
    number = calling()
    receiver.script = [answer]
    [done] = make_calls(desk)
    assert done.state == "failed" and done.error.startswith(words)
    assert len(receiver.received) == 1
    assert told(desk, number)[0] is None and told(desk, number)[1].startswith(f"failed: {words}")
    assert make_calls(desk, now_all=True) == []


def test_a_receiver_that_stalls_or_is_away_holds_up_nobody_else(
    desk: Desk, calling: Any, receiver: Receiver, unused_port: int
) -> None:
    receiver.script = ["stall"]
    for which in ("pager", "pager", f"http://127.0.0.1:{unused_port}/", f"{receiver.url}2"):
        calling(which)
    stalled, away, taken = make_calls(desk, seconds=0.5)
    assert (stalled.state, stalled.error) == ("waiting", "no answer within 0.5 s")
    assert away.state == "waiting" and away.error
    assert taken.state == "sent"
    assert states(desk) == [("waiting", 1), ("waiting", 0), ("waiting", 1), ("sent", 1)]
    assert [one.state for one in make_calls(desk)] == ["sent"]  # the second call of the pager, not tried before


def test_a_certificate_is_verified(
    desk: Desk, calling: Any, tls_ca: str, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    from pathlib import Path

    secured = Receiver(Path(tls_ca).parent)
    try:
        calling(secured.url)
        [done] = make_calls(desk)
        assert done.state == "waiting" and "certificate" in done.error.lower()
        assert secured.received == []
        monkeypatch.setenv("SSL_CERT_FILE", tls_ca)
        posting.authorities.cache_clear()
        assert [one.state for one in make_calls(desk, now_all=True)] == ["sent"]
    finally:
        posting.authorities.cache_clear()
        secured.close()


def test_after_five_days_it_is_given_up(desk: Desk, calling: Any, receiver: Receiver, clock: Any) -> None:
    calling()
    receiver.script = [500, 500, 500]
    for passed in (timedelta(), timedelta(days=4, hours=23), timedelta(hours=1)):
        clock.now += passed
        make_calls(desk)
    assert states(desk) == [("failed", 3)]


def test_a_secret_that_cannot_be_had_waits_to_be_mended(
    desk: Desk, calling: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAGER_SECRET", raising=False)
    calling(secret_env="PAGER_SECRET")
    [done] = make_calls(desk)
    assert (done.state, done.error) == ("waiting", "webhook pager has no secret: $PAGER_SECRET is empty")
    monkeypatch.setenv("PAGER_SECRET", "whsec_not base64")
    [done] = make_calls(desk, now_all=True)
    assert "not base64" in done.error and receiver.received == []
    monkeypatch.setenv("PAGER_SECRET", SECRET)
    assert [one.state for one in make_calls(desk, now_all=True)] == ["sent"]


def test_a_call_whose_sender_died_is_made_when_its_lease_ends(
    desk: Desk, calling: Any, receiver: Receiver, clock: Any
) -> None:
    calling()
    with desk.store.transaction() as session:
        row = session.get_one(WebhookCall, 1)
        row.state, row.attempts, row.next_at = "sending", 1, clock.now + timedelta(minutes=2)
        session.add(row)
    assert make_calls(desk) == [] and make_calls(desk, now_all=True) == []
    clock.now += timedelta(minutes=2)
    assert [one.state for one in make_calls(desk)] == ["sent"]


def test_two_senders_make_each_call_once(desk: Desk, calling: Any, receiver: Receiver, location: Any) -> None:
    import threading

    from tkt.store.engine import Store

    for _ in range(6):
        calling()
    stores = [Store(location) for _ in range(3)]
    threads = [threading.Thread(target=make_calls, args=(Desk(one, now=desk.now),)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in stores:
        one.close()
    assert len(receiver.received) == len({one.headers["webhook-id"] for one in receiver.received}) == 6
    assert states(desk) == [("sent", 1)] * 6


def test_what_failed_is_listed_tried_again_or_let_be(desk: Desk, calling: Any, receiver: Receiver) -> None:
    receiver.script = [404, 404]
    calling()
    calling()
    make_calls(desk)
    assert [(one.id, one.webhook, one.state, one.error) for one in open_calls(desk)] == [
        (number, "pager", "failed", "it answers 404 Not Found") for number in (1, 2)
    ]
    assert (retry(desk, 1), drop(desk, 2)) == ("pager", "pager")
    assert [one.state for one in make_calls(desk)] == ["sent"]
    assert open_calls(desk) == []
    with pytest.raises(Conflict, match="taken already"):
        retry(desk, 1)
    with pytest.raises(NotFound):
        drop(desk, 3)
