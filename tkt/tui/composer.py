"""Where a reply or a note is written, below the conversation. The two never look alike: a reply says to whom it goes,
on a green head; a note says that no customer sees it, on a yellow one, with a barred edge.
"""

from __future__ import annotations

import os

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import TextArea

from tkt.safe_text import safe_block, safe_line
from tkt.tui import theme
from tkt.tui.acts import Recipients
from tkt.tui.columns import fitted
from tkt.tui.drafts import Draft
from tkt.tui.keymap import typed
from tkt.tui.text_lines import wrapped

HINTS = {
    "reply": "^s send  ^t send + status  ^r add cc  ^o attach  ^e $EDITOR  esc keep as draft",
    "note": "^s write it down  ^o attach  ^e $EDITOR  @NAME tells NAME  esc keep as draft",
}


class ComposerHead(Widget):
    """What is written and all who will see it; the files that go with it; then keys, or what must be known first."""

    DEFAULT_CSS = "ComposerHead { height: 2; }"

    def __init__(self, kind: str, number: int, files: tuple[str, ...]) -> None:
        super().__init__()
        self.kind = kind
        self.number = number
        self.files = files
        self.recipients: Recipients | None = None
        self.warning = ""
        self._lines: list[tuple[str, Style]] = []

    def show(
        self, *, files: tuple[str, ...] | None = None, recipients: Recipients | None = None, warning: str | None = None
    ) -> None:
        """Other files, recipients, or something that must be known before sending (an empty text takes it back)."""
        self.files = self.files if files is None else files
        self.recipients = recipients or self.recipients
        self.warning = self.warning if warning is None else safe_line(warning, 400)
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        head = theme.NOTE if self.kind == "note" else theme.REPLY_HEAD
        names = safe_line(", ".join(os.path.basename(path) for path in self.files), 400)
        last = (self.warning, theme.ERROR) if self.warning else (HINTS[self.kind], theme.DIM)
        parts = [(self._title(), head), (self._lost(), theme.LATE), (names and f"with {names}", theme.NUMBER), last]
        width = max(20, self.size.width - 1)
        self._lines = [(line, style) for text, style in parts if text for line in wrapped(text, width)]
        self.styles.height = len(self._lines)
        self.refresh()

    def _title(self) -> str:
        if self.kind == "note":
            return f"INTERNAL NOTE on #{self.number}: no customer sees this"
        if self.recipients is None:
            return f"REPLY on #{self.number}: PUBLIC"
        if not self.recipients.to:
            return f"REPLY on #{self.number}: PUBLIC, but the ticket has nobody to mail to"
        cc = f"  cc {', '.join(self.recipients.cc)}" if self.recipients.cc else ""
        return safe_line(f"REPLY on #{self.number}: PUBLIC, mailed to {', '.join(self.recipients.to)}{cc}", 2000)

    def _lost(self) -> str:
        """Whom of those who would get the reply mail does not reach."""
        lost = self.recipients.out_of_reach if self.recipients else {}
        return safe_line("; ".join(f"mail to {one} does not arrive: {why}" for one, why in lost.items()), 400)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text, style = self._lines[y] if y < len(self._lines) else ("", theme.PLAIN)
        return Strip([Segment(fitted(f" {text}", width), style)], width)


class ComposerText(TextArea, can_focus=False):
    """The text being written. It is given its keys, and shows its cursor, without Textual's focus."""

    DEFAULT_CSS = """
    ComposerText { border: none; padding: 0 1; height: 1fr; background: ansi_default; }
    ComposerText.note { border-left: wide ansi_yellow; }
    ComposerText.reply { border-left: wide ansi_green; }
    """

    ACTIONS = {key: binding.action for binding in TextArea.BINDINGS for key in binding.key.split(",")}  # type: ignore[union-attr]

    @property
    def _draw_cursor(self) -> bool:
        return True

    async def press(self, event: events.Key) -> None:
        """What a key does in a text."""
        action = self.ACTIONS.get(event.key)
        if action:
            await self.app.run_action(action, self)
        elif event.key == "enter":
            self.type("\n")
        elif typed(event):
            self.type(typed(event))

    @property
    def before_cursor(self) -> str:
        """What stands in the cursor's line before it."""
        row, column = self.cursor_location
        return self.document.get_line(row)[:column]

    def put_before_cursor(self, start: int, text: str) -> None:
        """Put a text in place of what stands in the cursor's line from `start` to the cursor."""
        row, column = self.cursor_location
        self.replace(text, (row, start), (row, column), maintain_selection_offset=False)

    def type(self, text: str) -> None:
        """Put a text at the cursor, over what is selected; it may come from a stranger."""
        self.replace(safe_block(text), *self.selection, maintain_selection_offset=False)


class Composer(Vertical):
    """On the screen while something is written."""

    DEFAULT_CSS = "Composer { height: 1fr; }"

    def __init__(self, kind: str, number: int, version: int, draft: Draft) -> None:
        super().__init__(id="composer")
        self.kind = kind
        self.number = number
        self.version = version
        self.cc = list(draft.cc)
        self.written = False
        """Whether the store has it: then it is no draft any more."""
        self.head = ComposerHead(kind, number, draft.files)
        self.area = ComposerText(
            safe_block(draft.text), soft_wrap=True, show_line_numbers=False, highlight_cursor_line=False, classes=kind
        )
        self.area.cursor_blink = False

    def compose(self) -> ComposeResult:
        yield self.head
        yield self.area

    def on_mount(self) -> None:
        self.area.move_cursor(self.area.document.end)

    @property
    def draft(self) -> Draft:
        """All that is written so far."""
        return Draft(self.area.text, tuple(self.cc), self.head.files)

    def put_text(self, text: str) -> None:
        """Another text in place of this one; the cursor goes to its end."""
        self.area.text = safe_block(text)
        self.area.move_cursor(self.area.document.end)

    def warn(self, words: str) -> None:
        """Say something that must be known before sending; an empty text takes it back."""
        self.head.show(warning=words)

    def turn_file(self, path: str) -> bool:
        """Attach a file, or take it off when it is attached already; whether it is attached now."""
        others = tuple(one for one in self.head.files if one != path)
        attached = path not in self.head.files
        self.head.show(files=(*others, path) if attached else others)
        return attached
