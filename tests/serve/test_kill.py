"""kill -9 at random moments under load: every message is one ticket or one entry, every reply is sent.

The moments come from a fixed seed (TKT_KILL_SEED); TKT_KILLS sets how many there are, for a long run by hand.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import pytest

from tkt.store.location import Location

KILLS = int(os.environ.get("TKT_KILLS", "4"))
SEED = int(os.environ.get("TKT_KILL_SEED", "2026"))
MAILS = 40 * KILLS
REPLIES = 6 * KILLS

WRITER = """
import random, sys, time
from tkt.desk import conversation
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import parse_location
from tkt.store.read import open_reader
place = parse_location(sys.argv[1]); store = Store(place); desk = Desk(store, find_actor(store, "alice"))
reader = open_reader(place); chance = random.Random(int(sys.argv[3]))
for number in range(int(sys.argv[2])):
    while not (tickets := [row[0] for row in reader.rows("SELECT number FROM ticket")]):
        time.sleep(0.02)
    conversation.reply(desk, chance.choice(tickets), f"answer {number}")
"""
"""Another process, which answers tickets as they come."""


@pytest.fixture
def mails(letter: Callable[..., bytes]) -> list[bytes]:
    """New requests and customers' answers to them, each from its customer, in random order after its request."""
    chance, made, openers = random.Random(SEED), [], []
    for number in range(MAILS):
        if openers and chance.random() < 0.3:
            asked = chance.choice(openers)
            headers = {"In_Reply_To": f"<{asked}@customer.example>", "sender": f"c{asked}@customer.example"}
        else:
            asked = number
            headers = {"sender": f"c{asked}@customer.example"}
            openers.append(number)
        made.append(
            letter(f"Question {asked}", text=f"text {number}", Message_ID=f"<{number}@customer.example>", **headers)
        )
    return made


def arrive(imap: Any, mails: list[bytes]) -> threading.Thread:
    """Half of the mails lie there from the start, half come while the server is killed and started."""
    imap.deliver(*mails[: MAILS // 2])
    thread = threading.Thread(target=imap.deliver, args=mails[MAILS // 2 :])
    thread.start()
    return thread


def write_replies(location: Location) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, location.target, str(REPLIES), str(SEED)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_killed_at_random_moments_it_loses_and_doubles_nothing(
    engine: str,
    request: pytest.FixtureRequest,
    servers: Callable[..., Any],
    postman: Any,
    mails: list[bytes],
    configure: Callable[..., None],
    serve: Callable[..., Any],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    location = request.getfixturevalue(f"{engine}_location")
    imap, chance = servers("pymap").emptied(), random.Random(SEED)
    configure(location, {"support": imap.body() | postman.body()})
    delivery, writer = arrive(imap, mails), write_replies(location)

    for _ in range(KILLS):
        running = serve(location, hurried=True)
        until(lambda running=running: "serving" in running.log)
        time.sleep(chance.uniform(0.05, 1.2))  # not to wait for anything: this is the random moment
        assert running.end(signal.SIGKILL) == -signal.SIGKILL
        assert "Traceback" not in running.log

    delivery.join()
    last = serve(location, hurried=True)
    assert writer.communicate()[1] == b"" and writer.returncode == 0
    until(lambda: rows(location, "SELECT count(*) FROM intake WHERE state <> 'stored'") == [MAILS])
    until(lambda: rows(location, "SELECT count(*) FROM outbox WHERE state <> 'sent'") == [0])
    assert last.end() == 0
    assert serve(location, "--once").process.wait() == 0

    check_mails(rows, location, mails)
    assert len(imap.flags()) == MAILS and all(b"\\Seen" in flags for flags in imap.flags().values())
    check_replies(rows, location, postman)


def check_mails(rows: Callable[..., list[Any]], location: Location, mails: list[bytes]) -> None:
    """Each message of the mailbox is one ticket or one entry, and stands on the ticket that it belongs to."""
    wanted = Counter(str(message_from_bytes(mail)["Message-ID"]) for mail in mails)
    assert rows(location, "SELECT id, state, reason, attempts FROM intake WHERE state NOT IN ('ticket', 'entry')") == []
    assert Counter(rows(location, "SELECT message_id FROM intake WHERE state IN ('ticket', 'entry')")) == wanted
    assert Counter(rows(location, "SELECT message_id FROM entry WHERE kind = 'inbound'")) == wanted
    subjects = [str(message_from_bytes(mail)["Subject"]) for mail in mails]
    assert sorted(rows(location, "SELECT subject FROM ticket")) == sorted(set(subjects))
    inbound = "SELECT t.subject FROM entry e JOIN ticket t ON t.number = e.ticket WHERE e.kind = 'inbound'"
    assert Counter(rows(location, inbound)) == Counter(subjects)


def check_replies(rows: Callable[..., list[Any]], location: Location, postman: Any) -> None:
    """Each mail of the outbox has left; a second copy only of the one at hand when the sender was killed."""
    received = Counter(str(message_from_bytes(one.content)["Message-ID"]) for one in postman.received)
    assert set(received) == set(rows(location, "SELECT message_id FROM outbox"))
    assert received.total() - len(received) <= KILLS
    replies = rows(location, "SELECT message_id FROM entry WHERE kind = 'reply' AND delivery = 'sent'")
    assert len(replies) == REPLIES and set(replies) <= set(received)
    openers = rows(location, "SELECT count(*) FROM ticket")
    assert rows(location, "SELECT count(*) FROM outbox WHERE kind = 'confirmation' AND state = 'sent'") == openers
