"""Colours and Textual styles. Only the terminal's own sixteen colours: they follow the user's light or dark scheme and
cost five bytes instead of twenty. Every meaning also has a word or a sign, so none of them is needed.
"""

from __future__ import annotations

from rich.style import Style

PLAIN = Style()
DIM = Style(color="bright_black")
HEAD = Style(bold=True, underline=True)
TITLE = Style(bold=True, reverse=True)
CURRENT = Style(reverse=True)
NUMBER = Style(color="cyan")
UNREAD = Style(bold=True)
MARK = Style(color="magenta", bold=True)
MINE = Style(color="green")
LATE = Style(color="red", bold=True)
SOON = Style(color="yellow", bold=True)
IN_TIME = Style(color="green")
GOOD = Style(color="green")
ERROR = Style(color="red", bold=True)
NOTICE = Style(color="yellow")

STATUS = {
    "open": Style(color="blue"),
    "waiting": Style(color="yellow"),
    "resolved": Style(color="green"),
    "closed": DIM,
}
PRIORITY = {"urgent": LATE, "high": Style(color="yellow"), "low": DIM, "normal": DIM}

CUSTOMER = Style(color="cyan", bold=True)
REPLY = Style(color="green", bold=True)
REPLY_HEAD = Style(color="black", bgcolor="green")
NOTE = Style(color="black", bgcolor="yellow", bold=True)
NOTE_TEXT = Style(color="yellow")
MENTIONED = Style(color="yellow", bold=True, underline=True)
MACHINE = Style(color="bright_black", bold=True)
FOLDED = Style(color="bright_black", italic=True)

CSS = """
Screen { layout: vertical; layers: below above; background: ansi_default; overflow: hidden; }
#title { height: 1; }
#work { height: 1fr; layout: vertical; }
#work.beside { layout: horizontal; }
#queue { height: 1fr; width: 1fr; }
#reading { height: 1fr; width: 1fr; }
#work.beside #queue { width: 11fr; }
#work.beside #reading { width: 9fr; }
#work.short #queue { height: 11fr; }
#work.short #reading { height: 10fr; }
#message { height: 1; }
#work.composing #queue, #work.open #queue { display: none; }
#work.alone #reading { display: none; }
#prompt { layer: above; dock: bottom; height: 3; display: none; background: ansi_default; }
#composer .text-area--cursor { color: ansi_default; background: ansi_default; text-style: reverse; }
#help { layer: above; width: 1fr; height: 1fr; display: none; background: ansi_default; }
#picker { layer: above; dock: bottom; height: 10; display: none; background: ansi_default; }
"""
