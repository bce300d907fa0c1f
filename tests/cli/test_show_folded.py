"""What `tkt show` folds: quotes, signatures and logos on a terminal; nothing in a pipe, with --full, or as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.unit import Actor, Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location

LOGO = Upload("image001.png", "image/png", b"\x89PNG logo", inline=True, content_id="image001.png@01")
MAIL = """It works now.

Best regards
Ann Miller
Tel: 01632 960001

From: Support <support@desk.example>
Sent: Monday, 2 March 2026 09:00
To: Ann
Subject: VPN

old words
"""


@pytest.fixture
def answered(desk_file: Path) -> str:
    """A ticket with an answer that quotes and signs; its number."""
    store = Store(parse_location(str(desk_file)))
    desk = Desk(store, Actor("customer", "ann@acme.example"))
    message = Message("It is down.", "Ann", "ann@acme.example", attachments=(LOGO,))
    made = tickets.create(desk, "FW: VPN", message=message, channel="mail")
    files = (LOGO, LOGO._replace(name="image002.png"), Upload("log.txt", "text/plain", b"x"))
    conversation.receive(desk, made.number or 0, message._replace(text=MAIL, attachments=files))
    store.close()
    return str(made.number)


def plain(written: bytes) -> str:
    return re.sub(r"\x1b\[\d+m", "", written.decode()).replace("\r\n", "\n")


def test_a_terminal_gets_it_folded_in_dim_lines(terminal: Any, answered: str) -> None:
    _, written = terminal("show", answered)
    shown = plain(written)
    assert "It works now." in shown and "log.txt" in shown
    assert "… 3 signature lines (--full)" in shown and "… 6 quoted lines (--full)" in shown and "+2 logos" in shown
    assert "old words" not in shown and "Ann Miller" not in shown and "image002.png" not in shown
    assert "\x1b[2m… 6 quoted lines" in written.decode()


def test_full_shows_everything(terminal: Any, answered: str) -> None:
    _, written = terminal("show", answered, "--full")
    shown = plain(written)
    assert "old words" in shown and "Tel: 01632 960001" in shown and "…" not in shown
    assert "image002.png (image/png, 9 bytes, a signature's logo)" in shown


def test_a_pipe_gets_everything(tkt: Any, answered: str) -> None:
    piped = tkt("show", answered).out
    assert "old words" in piped and "image002.png" in piped and "…" not in piped
    assert tkt("show", answered, "--full").out == piped
    files = json.loads(tkt("show", answered, "--json").out)["entries"][1]["attachments"]
    assert [file.get("logo", False) for file in files] == [True, True, False]


def test_saving_keeps_the_logos(tkt: Any, answered: str, tmp_path: Path) -> None:
    tkt("show", answered, "--save", str(tmp_path / "files"))
    assert len(list((tmp_path / "files").iterdir())) == 4
