"""A storm: five hundred promises broken at once are one mail to each person, and five hundred tickets' histories."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest

from tkt.channels.mail.sending.deliver import deliver
from tkt.desk import sla_check, tickets
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store

TICKETS = 500
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

PROMISE = """
[[agent]]
name = "bob"
email = "bob@desk.example"

[[agent]]
name = "sue"
email = "sue@desk.example"
role = "supervisor"

[[team]]
name = "network"
members = ["bob"]

[[sla]]
name = "all"
[sla.targets]
default = { first_response = "1h" }
[[sla.steps]]
metric = "first_response"
at = "+0m"
every = "1h"
do = ["notify:supervisor", "notify:team", "notify:boss@other.example"]
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_storm_is_one_mail_to_each(
    engine: str,
    request: pytest.FixtureRequest,
    postman: Any,
    configure: Callable[..., None],
    rows: Callable[..., list[Any]],
) -> None:
    location = request.getfixturevalue(f"{engine}_location")
    configure(location, {"support": postman.body()}, PROMISE)
    now, store = NOW, Store(location)
    alice, desk = Desk(store, find_actor(store, "alice"), lambda: now), Desk(store, now=lambda: now)
    with alice.change():  # all in one: five hundred commits would say nothing more
        for number in range(1, TICKETS + 1):
            tickets.create(alice, f"Printer {number}", team="network")
    now += timedelta(hours=1)
    assert len(sla_check.check(desk)) == 2 * TICKETS
    told = "SELECT count(*) FROM event WHERE verb = 'sla' AND CAST(new AS TEXT) LIKE '%step +0m every 1h%'"
    assert rows(location, told) == [TICKETS]
    assert rows(location, "SELECT count(DISTINCT ticket) FROM event WHERE verb = 'sla'") == [TICKETS]
    now += timedelta(seconds=30)
    deliver(desk)
    store.close()
    mails = [message_from_bytes(one.content, policy=policy.default) for one in postman.received]
    assert sorted(mail["To"] for mail in mails) == ["bob@desk.example", "boss@other.example", "sue@desk.example"]
    for mail in mails:
        assert mail["Subject"].startswith("500 tickets: #1 Printer 1, #2 Printer 2") and len(mail["Subject"]) <= 100
        body = mail.get_content()
        assert all(f"#{number}" in body for number in range(1, TICKETS + 1)) and len(body) < 20_000
        assert body.count("SLA all, first_response +0m every 1h") == 115  # in full and in a line; then numbers
