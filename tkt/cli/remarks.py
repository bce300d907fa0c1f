"""What somebody should know who has just written a text, on standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.cli import output

if TYPE_CHECKING:
    from tkt.desk.unit import Desk


def remark(desk: Desk, text: str, kind: str = "note") -> None:
    """Say whom this note (or reply) mentions to no effect."""
    if "@" not in text:
        return
    from tkt.desk.mentions import remarks

    for words in remarks(desk, text, kind):
        output.words(f"tkt: {words}")
