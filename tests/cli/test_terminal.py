"""What reaches a terminal: colour only there, and nothing of a stranger that could drive it."""

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

ATTACKS = (
    "\x1b[2J\x1b[H",  # clear the screen
    "\x1b]0;owned\x07",  # the window's title
    "\x1b]52;c;cm0gLXJmIC8=\x07",  # the clipboard
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",  # a link
    "\x1bP1$tx\x1b\\",  # DCS
    "\x9b31m\x9d0;owned\x9c",  # the 8-bit forms
    "\u202egpj.exe\u202c",  # right-to-left override
    "\u2066x\u2069\u200b\u00ad\U000e0041",  # isolates, and what can't be seen
    "a\rb\x08c\x7fd\x0be\x0c",
    "[bold red]markup[/] [link=https://evil.example]x[/link]",
    "fake\n#2 another ticket\tthat is none",
    "x" * 100_000,
)
ATTACK = "".join(ATTACKS[:-1])
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e0fff]"
)
OUR_STYLES = re.compile(r"\x1b\[(?:0|1|2|31|32|33|34|35|36)m")


@pytest.fixture
def attacked(desk_file: Path) -> str:
    """A ticket in which everything a stranger can write is an attack; its number."""
    store = Store(parse_location(str(desk_file)))
    desk = Desk(store, Actor("customer", f"mallory{ATTACK}"))
    upload = Upload(ATTACK, f"text/{ATTACK}", b"x")
    message = Message(
        ATTACK + ATTACKS[-1], f"Mallory {ATTACK}", "mallory@evil.example", reply_to=ATTACK, attachments=(upload,)
    )
    made = tickets.create(desk, ATTACK, message=message, channel="mail", category=ATTACK, type=ATTACK)
    conversation.receive(desk, made.number or 0, message._replace(machine=f"auto-reply: {ATTACK}"))
    store.close()
    return str(made.number)


COMMANDS = [
    ["list"], ["list", "--tsv"], ["list", "--csv"], ["list", "--json"], ["list", "--jsonl"], ["show", "1"],
    ["show", "1", "--json"], ["log", "1"], ["log", "1", "--json"], ["events"], ["events", "--json"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_attack_reaches_a_pipe(tkt: Any, attacked: str, words: list[str]) -> None:
    status, out, err = tkt(*words)
    assert (status, err) == (0, "")
    assert FORBIDDEN.findall(out.replace("\r\n", "\n") if "--csv" in words else out) == []
    assert "[bold red]markup[/]" in out  # markup is text, and stays


@pytest.mark.parametrize("words", [["list"], ["show", "1"], ["log", "1"], ["events"], ["list", "--json"]], ids=" ".join)
def test_no_attack_reaches_a_terminal(terminal: Any, attacked: str, words: list[str]) -> None:
    status, written = terminal(*words)
    shown = OUR_STYLES.sub("", written.decode().replace("\r\n", "\n"))
    assert status == 0
    assert FORBIDDEN.findall(shown) == []


def test_json_keeps_what_was_written_exactly(tkt: Any, attacked: str) -> None:
    ticket = json.loads(tkt("show", attacked, "--json").out)
    assert ticket["entries"][0]["text"].startswith(ATTACK.replace("\0", "\ufffd"))


def test_one_ticket_is_one_line(tkt: Any, attacked: str) -> None:
    for words in (["list"], ["list", "--jsonl"], ["list", "--ids"]):
        assert len(tkt(*words).out.splitlines()) == (2 if words == ["list"] else 1)
    assert all(re.match(r"\d+ \d{4}-", line) for line in tkt("events").out.split("\n")[:-1])


@pytest.mark.parametrize(
    "words",
    [
        ["show", ATTACK], [ATTACK], ["list", ATTACK], ["list", f"subject:{ATTACK}("], ["new", "x", "-p", ATTACK],
        ["take", "1", "--as", ATTACK], ["list", f"--{ATTACK}"], ["tag", "1", f"+{ATTACK}"],
    ],
)  # fmt: skip
def test_what_an_agent_types_is_no_attack_either(tkt: Any, words: list[str]) -> None:
    status, out, err = tkt(*words)
    assert status in (0, 2, 3, 4) and FORBIDDEN.findall(out + err) == []


ODD = b"\xff\xfe".decode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    "words",
    [
        ["take", "1", "--as", ODD], ["note", "1", "-F", ODD], ["set", "1", f"team={ODD}"], ["tag", "1", f"+{ODD}"],
        ["list", "--desk", ODD], ["list", f"team:{ODD}"], ["list", "--sort", ODD],
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_no_bug(tkt: Any, words: list[str]) -> None:
    assert tkt("new", ODD, "-b", ODD, "-c", ODD, "--type", ODD, "--key", ODD).out == "1\n"
    assert tkt("list", "--ids", f"vpn{ODD}") == (0, "", "")
    found = tkt(*words)
    assert found.status in (2, 3, 4) and "bug" not in found.err, found


# --- colour -----------------------------------------------------------------------------------------------------------


def test_colour_only_on_a_terminal(new: Any, tkt: Any, terminal: Any) -> None:
    new("VPN", "-p", "urgent", "--from", "ann@c.example", "-b", "help")
    for words in (["list"], ["show", "1"]):
        assert "\x1b" not in tkt(*words).out
        assert b"\x1b[" in terminal(*words)[1]
        assert b"\x1b" not in terminal(*words, NO_COLOR="1")[1]
        assert b"\x1b" not in terminal(*words, TERM="dumb")[1]
    assert b"\x1b[" in terminal("list", NO_COLOR="")[1]  # no-color.org: an empty one counts as none


def test_a_table_fits_its_terminal(new: Any, terminal: Any) -> None:
    new("密码错误" * 30, "--from", "ann@c.example")
    new("x" * 300)
    from rich.cells import cell_len

    _, written = terminal("list", NO_COLOR="1", COLUMNS="100")
    lines = written.decode().splitlines()
    assert len(lines) == 3 and "…" in lines[1]
    assert max(map(cell_len, lines)) <= 100


def test_on_a_terminal_new_names_the_ticket(terminal: Any) -> None:
    assert terminal("new", "VPN is down")[1] == b"#1 VPN is down\r\n"


# --- the editor -------------------------------------------------------------------------------------------------------


def editor(tmp_path: Path, script: str) -> str:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_the_editor_shows_what_was_said_and_gives_the_text(new: Any, tkt: Any, terminal: Any, tmp_path: Path) -> None:
    new("VPN", "--from", "ann@c.example", "-b", "since nine")
    command = editor(tmp_path, f'cp "$1" {tmp_path}/seen; (echo "Try again."; cat "$1") > x; mv x "$1"')
    status, written = terminal("reply", "1", VISUAL=command)
    assert (status, b"#1 to ann@c.example; leaves in 20s" in written) == (0, True)
    assert "since nine" in (tmp_path / "seen").read_text()
    assert json.loads(tkt("show", "1", "--json").out)["entries"][-1]["text"] == "Try again."


def test_nothing_written_is_nothing_sent(new: Any, terminal: Any, tmp_path: Path) -> None:
    new()
    assert terminal("reply", "1", TKT_EDITOR="true", EDITOR="false")[0] == 1
    status, written = terminal("note", "1", EDITOR="false")
    assert status == 1 and b"ended with status 1" in written
    status, written = terminal("note", "1", EDITOR="no-such-editor")
    assert status == 1 and b"set $EDITOR" in written


def test_a_text_is_not_lost_when_the_ticket_changed_meanwhile(new: Any, terminal: Any, tmp_path: Path) -> None:
    import sys

    new()
    script = f'echo "A long answer." > "$1"; "{sys.executable}" -m tkt --as bob set 1 priority=high'
    status, written = terminal("reply", "1", EDITOR=editor(tmp_path, script), TMPDIR=str(tmp_path))
    text = written.decode()
    assert status == 5 and "bob, priority: normal → high" in text
    kept = re.search(r"your text is kept in (\S+)", text)
    assert kept is not None and Path(kept[1]).read_text() == "A long answer."
    assert Path(kept[1]).stat().st_mode & 0o077 == 0
