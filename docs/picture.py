"""The picture in the README: the real queue on the demo desk, as `docs/queue.svg`.

    .venv/bin/python docs/picture.py [FILE]

It fills a demo desk as `tkt demo` does, opens the queue without a terminal, presses a few keys and exports what the
screen shows. Run it again when the queue looks different; the times in the list depend on when it is run.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from tkt.demo.fill import fill
from tkt.store.location import Location, parse_location
from tkt.tui.app import QueueApp

FILE = Path(__file__).with_name("queue.svg")
SIZE = (110, 32)
AGENT = "alice"
KEYS = ("n", "n", "n", "n")
"""To a ticket whose conversation shows a customer's message and an internal note."""

_OF_THE_NET = re.compile(r"@font-face \{.*?\}\s*|font-variant-east-asian: full-width;\s*", re.DOTALL)
"""A plain page loads no fonts, and what the reader's own font makes of the second is not the picture of a terminal."""


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="tkt-picture-") as folder:
        desk = parse_location(str(Path(folder) / "desk.db"))
        fill(desk, folder, AGENT, lambda _done, _total: None)
        picture = asyncio.run(draw(desk))
    (Path(arguments[0]) if arguments else FILE).write_text(picture, "utf-8")


async def draw(desk: Location) -> str:
    """The queue on this desk as SVG, in the reader's own monospaced font."""
    app = QueueApp(desk, AGENT)
    async with app.run_test(size=SIZE) as pilot:
        for key in ("", *KEYS):
            await pilot.press(*filter(None, [key]))
            await pilot.pause()
            await app.workers.wait_for_complete()
            await pilot.pause()
        return _OF_THE_NET.sub("", app.export_screenshot(title="tkt"))


if __name__ == "__main__":
    main(sys.argv[1:])
