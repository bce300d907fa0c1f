"""Whoever writes to an address that mail does not reach is told before sending."""

from __future__ import annotations

from tkt.desk import standing
from tkt.desk.unit import Desk


async def test_the_composer_names_whom_it_will_not_reach(small_desk, running):
    with small_desk.system.change() as change:
        standing.unreachable(change, change.ticket(2), "wang@example.cn", "550 no such user \x1b[2J")
    async with running() as queue:
        await queue.burst("jr")
        assert "mail to wang@example.cn does not arrive: 550 no such user" in queue.text()
        assert "\x1b" not in queue.text()


def test_a_desk_knows_nothing_of_an_address_it_never_heard_of(small_desk):
    desk: Desk = small_desk.system
    with desk.look() as change:
        assert standing.out_of_reach(change, ["nobody@example.org"]) == {}
