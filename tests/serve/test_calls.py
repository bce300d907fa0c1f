"""`tkt serve` makes the calls of webhooks: once a receiver is there, each once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mail_servers.receiver import Receiver

from tkt.store.location import Location

RULE = """
[[webhook]]
name = "pager"
url = "{}"

[[rule]]
name = "r"
on = "created"
do = ["webhook:pager"]
"""


def test_serve_calls(
    sqlite_location: Location,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    tkt: Callable[..., Any],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    receiver = Receiver()
    try:
        configure(sqlite_location, {}, RULE.format(receiver.url))
        running = serve(sqlite_location, hurried=True)
        for subject in ("VPN", "Printer"):
            assert tkt(sqlite_location, "new", subject).returncode == 0
        until(lambda: rows(sqlite_location, "SELECT state FROM webhook_call") == ["sent", "sent"])
        assert [json.loads(one.body)["ticket"]["number"] for one in receiver.received] == [1, 2]
        assert running.end() == 0
        assert running.count("webhooks: pager about #") == 2
    finally:
        receiver.close()
