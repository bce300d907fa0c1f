"""Where a reply or a note is written, below the conversation. The two never look alike: a reply says to whom it goes,
on a green head; a note says that no customer sees it, on a yellow one, with a barred edge.
"""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import TextArea

from tkt.safe_text import safe_block, safe_line
from tkt.tui import theme
from tkt.tui.acts import Recipients
from tkt.tui.columns import fitted

KEYS = "^s send · esc keep the draft · ^e $EDITOR"


class ComposerHead(Widget):
    """Two lines: what is written and who will see it; then keys, or what must be known before sending."""

    DEFAULT_CSS = "ComposerHead { height: 2; }"

    def __init__(self, kind: str, number: int) -> None:
        super().__init__()
        self.kind = kind
        self.number = number
        self.recipients: Recipients | None = None
        self.warning = ""

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            style = theme.NOTE if self.kind == "note" else theme.REPLY_HEAD
            return Strip([Segment(fitted(f" {self.title()}", width), style)], width)
        if self.warning:
            return Strip([Segment(fitted(f" {self.warning}", width), theme.ERROR)], width)
        return Strip([Segment(fitted(f" {KEYS}", width), theme.DIM)], width)

    def title(self) -> str:
        if self.kind == "note":
            return f"INTERNAL NOTE on #{self.number}: no customer sees this"
        if self.recipients is None:
            return f"REPLY on #{self.number}: PUBLIC"
        if not self.recipients.to:
            return f"REPLY on #{self.number}: PUBLIC, but the ticket has nobody to mail to"
        cc = f"  cc {', '.join(self.recipients.cc)}" if self.recipients.cc else ""
        return safe_line(f"REPLY on #{self.number}: PUBLIC, mailed to {', '.join(self.recipients.to)}{cc}", 400)


class ComposerText(TextArea):
    """The text being written. Keys that leave it are the composer's."""

    DEFAULT_CSS = """
    ComposerText, ComposerText:focus { border: none; padding: 0 1; height: 1fr; background: ansi_default; }
    ComposerText.note, ComposerText.note:focus { border-left: wide ansi_yellow; }
    ComposerText.reply, ComposerText.reply:focus { border-left: wide ansi_green; }
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.key in Composer.KEYS:
            return  # goes on to the composer
        await super()._on_key(event)

    async def _on_paste(self, event: events.Paste) -> None:
        """What is pasted may come from a stranger."""
        event.stop()
        event.prevent_default()
        await super()._on_paste(events.Paste(safe_block(event.text)))


class Composer(Vertical):
    """Mounted while something is written. Tells `Send`, `Kept` (esc), `Editor` (^e) and `Typed`."""

    KEYS = {"ctrl+s": "send", "ctrl+enter": "send", "escape": "keep", "ctrl+e": "editor"}
    DEFAULT_CSS = "Composer { height: 1fr; }"

    class Wanted(Message):
        """`what`: send, keep, editor or typed."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    def __init__(self, kind: str, number: int, version: int, text: str) -> None:
        super().__init__(id="composer")
        self.kind = kind
        self.number = number
        self.version = version
        self.head = ComposerHead(kind, number)
        self.area = ComposerText(
            text, soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, classes=kind
        )
        self.area.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.area

    def on_mount(self) -> None:
        self.area.move_cursor(self.area.document.end)
        self.area.focus()

    @property
    def text(self) -> str:
        return self.area.text

    def warn(self, words: str) -> None:
        """Say something that must be known before sending; an empty text takes it back."""
        self.head.warning = safe_line(words, 400)
        self.head.refresh()

    def show_recipients(self, recipients: Recipients) -> None:
        self.head.recipients = recipients
        self.head.refresh()

    def on_key(self, event: events.Key) -> None:
        event.stop()
        what = self.KEYS.get(event.key)
        if what:
            event.prevent_default()
            self.post_message(self.Wanted(what))

    def on_text_area_changed(self) -> None:
        self.post_message(self.Wanted("typed"))
