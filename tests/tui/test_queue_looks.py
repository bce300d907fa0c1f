"""What the queue looks like, held against pictures in `golden/`. `TKT_WRITE_GOLDEN=1` writes them anew: then look at
them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
SIZES = [(80, 24), (120, 36), (160, 40)]


def compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TKT_WRITE_GOLDEN"):
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_queue(small_desk, running, width, height):
    async with running(width, height) as queue:
        compare(f"queue-{width}x{height}", queue.text())


async def test_without_colour_it_says_the_same(small_desk, running, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(80, 24) as queue:
        compare("queue-80x24", queue.text())
        strips = queue.app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert all(style.bgcolor is None or style.bgcolor.is_default for style in styles)
        assert any(style.reverse for style in styles)


async def test_ticket_on_the_whole_screen(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("enter")
        compare("ticket-80x24", queue.text())


async def test_reply_and_note_do_not_look_alike(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("r")
        compare("reply-80x24", queue.text())
        await queue.press("escape", "c")
        compare("note-80x24", queue.text())


async def test_help(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("question_mark")
        compare("help-80x24", queue.text())


async def test_empty_desk_tells_the_next_step(writer, running):
    async with running(80, 24) as queue:
        compare("empty-80x24", queue.text())


async def test_nothing_of_a_strangers_escapes_is_left(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("G", "k", "enter")
        shown = queue.text()
        assert not any(letter in shown for letter in "\x1b\x07\u202e") and "owned" not in shown
        while queue.number != 7:
            await queue.press("N")
        assert "Laptop red [bold]markup[/bold] evil" in queue.text()


async def test_nothing_harmful_is_pasted_into_a_text(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("c")
        await queue.type("a\x1b]52;c;aGk=\x07\u202eb\tc\nd")
        assert queue.app.screen.query_one("#composer").draft.text == "ab      c\nd"


async def test_resizing_rearranges(small_desk, running):
    async with running(80, 24) as queue:
        await queue.pilot.resize_terminal(160, 40)
        await queue.settle()
        compare("queue-160x40", queue.text())
        await queue.pilot.resize_terminal(40, 10)
        await queue.settle()
        assert all(len(line) <= 40 for line in queue.lines())
