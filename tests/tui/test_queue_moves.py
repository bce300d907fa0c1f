"""Moving, views, filter, marks, reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

MANY = 350


async def test_the_cursor_moves_and_the_preview_follows(small_desk, running):
    async with running() as queue:
        assert queue.number == 1 and "INTERNAL NOTE" in queue.text()
        await queue.press("j")
        assert queue.number == 2 and "发票 4711 打不开" in queue.text()
        await queue.press("k", "k", "k")
        assert queue.number == 1
        await queue.press("G")
        assert queue.number == 5
        await queue.press("g")
        assert queue.number == 1


async def test_a_list_of_many_pages_is_walked_from_both_ends(writer, running):
    writer.many(MANY)
    async with running() as queue:
        window = queue.screen.queue.window
        assert len(window.rows) < MANY
        await queue.press("p")
        await queue.press("G")
        assert queue.number == MANY and window.at_end and not window.at_start
        await queue.press("g")
        assert queue.number == 1 and window.at_start
        for _ in range(18):
            await queue.press("pagedown")
        assert queue.number == MANY
        for _ in range(18):
            await queue.press("pageup")
        assert queue.number == 1
        await queue.until(lambda: "1/350" in queue.lines()[0])


async def test_views_turn_and_name_what_they_show(small_desk, running):
    async with running() as queue:
        assert "tkt  Open" in queue.text()
        await queue.press("]")
        assert "tkt  Mine" in queue.text() and queue.number == 4
        await queue.press("[", "[", "[")
        assert "tkt  All" in queue.text() and queue.number == 8
        await queue.press("colon")
        await queue.type("view vpn\n")
        assert "tkt  VPN" in queue.text()
        assert {row.number for row in queue.screen.queue.window.rows} == {1, 2}


async def test_a_filter_narrows_and_escape_widens_again(small_desk, running):
    async with running() as queue:
        await queue.press("slash")
        await queue.type("tag:vpn team:billing\n")
        assert queue.number == 2 and len(queue.screen.queue.window.rows) == 1
        assert "kind:open tag:vpn team:billing" in queue.lines()[0]
        await queue.press("escape")
        assert len(queue.screen.queue.window.rows) == 6


async def test_a_wrong_filter_is_pointed_at_under_the_input(small_desk, running):
    async with running() as queue:
        await queue.press("slash")
        await queue.type("statsu:open\n")
        assert queue.lines()[-3] == "/kind:open statsu:open"
        assert queue.lines()[-2].startswith("           ^^^^^^")
        assert "statsu" in queue.lines()[-1]
        assert len(queue.screen.queue.window.rows) == 6
        await queue.press("ctrl+w")
        await queue.type("has:attachment\n")
        assert not queue.screen.prompt.is_open and queue.number == 3


async def test_the_filters_history_comes_back_with_the_arrows(small_desk, running):
    async with running() as queue:
        await queue.press("slash", "ctrl+u")
        await queue.type("tag:vpn\n")
        await queue.press("slash", "ctrl+u", "up")
        assert queue.screen.prompt.text == "tag:vpn"
        await queue.press("escape")
        assert not queue.screen.prompt.is_open


async def test_nothing_found_says_so(small_desk, running):
    async with running(query="tag:nowhere") as queue:
        assert "No ticket matches." in queue.text()
        await queue.press("j", "enter", "t", "space", "V", "r")
        assert "No ticket matches." in queue.text()


async def test_the_command_line_completes_and_goes_to_a_number(small_desk, running):
    async with running() as queue:
        await queue.press("colon")
        await queue.type("assign b")
        await queue.press("tab")
        assert queue.screen.prompt.text == "assign bob "
        await queue.press("escape", "colon")
        await queue.type("8\n")
        assert queue.number == 8
        await queue.press("colon")
        await queue.type("nonsense\n")
        assert "there is no command 'nonsense'" in queue.text()


async def test_commands_without_their_argument_ask_for_it(small_desk, running):
    async with running(keys={"go": "#"}) as queue:
        await queue.press("colon")
        await queue.type("assign\n")
        assert "Assign #1" in queue.text()
        await queue.press("escape", "L")
        assert queue.screen.prompt.text == "tag "
        await queue.press("escape", "number_sign")
        assert queue.screen.prompt.text == "go "
        await queue.type("abc\n")
        assert "go where?" in queue.text() and queue.screen.prompt.text == "go abc"
        await queue.press("ctrl+w")
        await queue.type("999\n")
        assert queue.message == "there is no ticket 999"


async def test_opening_scrolling_folding_history(small_desk, running):
    async with running(80, 24) as queue:
        await queue.press("enter")
        assert "[signature: 3 lines, f shows]" in queue.text() and "Acme" not in queue.text()
        await queue.press("f")
        assert "Acme" in queue.text()
        await queue.press("h")
        assert "bob, status: new → open" in queue.text()
        await queue.press("h", "n")
        assert "发票 4711 打不开" in queue.text()
        await queue.press("q")
        assert "SUBJECT" in queue.text() and queue.number == 2


async def test_why_a_deadline_is_what_it_is_stands_behind_a_key(small_desk, running):
    async with running(100, 30) as queue:
        await queue.press("enter", "i")
        assert "#1 promises" in queue.text() and "Policy:" in queue.text()
        await queue.press("h")
        assert "#1 history" in queue.text() and "Policy:" not in queue.text()
        await queue.press("i", "i")
        assert "[signature: 3 lines, f shows]" in queue.text()


async def test_marks_ranges_and_all(small_desk, running):
    async with running() as queue:
        await queue.press("space", "space")
        assert queue.screen.marked == {1, 2} and "2 marked" in queue.lines()[0]
        await queue.press("escape", "g", "v", "j", "j")
        assert queue.screen.marked == {1, 2, 3}
        await queue.press("k", "v", "j", "j")
        assert queue.screen.marked == {1, 2}
        await queue.press("V")
        assert len(queue.screen.marked) == 6
        await queue.press("V")
        assert queue.screen.marked == set()


async def test_the_preview_can_be_put_away(small_desk, running):
    async with running() as queue:
        await queue.press("p")
        assert "#1 VPN is down" not in queue.text() and queue.screen.queue.size.height == 22
        await queue.press("p")
        assert "#1 VPN is down" in queue.text()


async def test_copying_puts_number_and_text_into_the_clipboard(small_desk, running):
    async with running() as queue:
        await queue.press("y")
        assert queue.app.clipboard == "1"
        await queue.press("j", "Y")
        assert queue.app.clipboard == "发票 4711 打不开\n\n> 谢谢"


async def test_deadlines_count_down_without_a_key(small_desk, running):
    async with running() as queue:
        assert "! 12m" in queue.text()
        queue.screen.session.now = lambda: NOW + timedelta(minutes=3)
        queue.screen.tick()
        await queue.settle()
        assert "! 9m" in queue.text() and "! 12m" not in queue.text()
