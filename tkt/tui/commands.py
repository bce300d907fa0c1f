"""The one table of commands: it feeds the keys, the `:` line with its completion, and the help screen."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """`name` is what `:` and tkt.toml call it; `keys` are its usual keys, `words` what kinds of words its argument
    takes (for completion), `usage` the argument as help shows it."""

    name: str
    keys: tuple[str, ...]
    help: str
    usage: str = ""
    words: tuple[str, ...] = ()
    writes: bool = False

    @property
    def needs_desk(self) -> bool:
        """Whether it needs more than the list: names to choose from, or the desk to write to."""
        return self.writes or bool(self.words)


MOVE, LOOK, CHOOSE, ACT, REST = "Move", "Look", "Choose", "Act", "The queue itself"

TABLE: dict[str, tuple[Command, ...]] = {
    MOVE: (
        Command("down", ("j", "down"), "next ticket; in an opened one, next line"),
        Command("up", ("k", "up"), "ticket before; in an opened one, line before"),
        Command("half-down", ("ctrl+d",), "half a page down"),
        Command("half-up", ("ctrl+u",), "half a page up"),
        Command("page-down", ("pagedown", "ctrl+f"), "a page down"),
        Command("page-up", ("pageup", "ctrl+b"), "a page up"),
        Command("first", ("g", "home"), "first ticket"),
        Command("last", ("G", "end"), "last ticket"),
        Command("next", ("n",), "next ticket, also in an opened one"),
        Command("previous", ("N",), "ticket before, also in an opened one"),
        Command("go", (), "to a ticket by its number (also ':1042')", "NUMBER"),
    ),
    LOOK: (
        Command("open", ("enter",), "read the ticket on the whole screen"),
        Command("preview", ("p",), "preview beside or below the list, on and off"),
        Command("scroll-down", ("J",), "scroll the preview down"),
        Command("scroll-up", ("K",), "scroll the preview up"),
        Command("unfold", ("f",), "quotes and signatures: show, or fold again"),
        Command("history", ("h",), "the ticket's history instead of its conversation"),
        Command("promises", ("i",), "why its deadlines are what they are"),
        Command("filter", ("/",), "filter with the query language", "QUERY"),
        Command("view-before", ("[",), "the view before"),
        Command("view-after", ("]",), "the view after"),
        Command("view", (), "a view by its name", "NAME", ("view",)),
        Command("refresh", ("R", "ctrl+l"), "read again and draw anew"),
    ),
    CHOOSE: (
        Command("mark", ("space",), "mark the ticket and go to the next; commands then act on all marked ones"),
        Command("range", ("v",), "mark a range: start, move, and act or end with v"),
        Command("mark-all", ("V",), "mark all loaded tickets, or none"),
    ),
    ACT: (
        Command("assign", ("a",), "assign; without a name, choose", "AGENT|me|auto|none", ("assignee",), True),
        Command("take", ("t",), "take the ticket", writes=True),
        Command("reply", ("r",), "answer the customer", writes=True),
        Command("note", ("c",), "write an internal note (a comment)", writes=True),
        Command("edit", ("e",), "answer the customer in $EDITOR", writes=True),
        Command("status", ("s",), "set the status; without a word, choose", "STATUS", ("status",), True),
        Command("close", ("x",), "close", writes=True),
        Command("tag", ("L",), "add and remove tags (labels)", "+TAG -TAG", ("tag",), True),
        Command("macro", ("m",), "do what a macro says; without a name, choose", "NAME", ("macro",), True),
        Command("set", (), "set fields", "KEY=VALUE", ("field",), True),
        Command("follow", (), "follow the ticket, or let others", "AGENT ADDRESS", ("follower",), True),
        Command("unfollow", (), "follow it no longer", "AGENT ADDRESS", ("follower",), True),
        Command("merge", ("M",), "let the ticket end in another one", "NUMBER", (), True),
        Command("split", (), "its newest message gets a ticket of its own (or that ENTRY)", "ENTRY", (), True),
        Command("spam", (), "spam: tag, close, block the sender", writes=True),
        Command("ham", (), "no spam after all: open it, hear the sender again", writes=True),
        Command("undo", ("z",), "take your last change back", writes=True),
        Command("redo", ("Z",), "do it again", writes=True),
        Command("save", (), "write the ticket's attachments into a folder", "FOLDER", ("folder",)),
        Command("copy-number", ("y",), "copy the number"),
        Command("copy-text", ("Y",), "copy the newest message"),
    ),
    REST: (
        Command("command", (":",), "the command line"),
        Command("help", ("?",), "this page"),
        Command("back", ("escape",), "leave what is open: ticket, marks, filter"),
        Command("quit", ("q",), "back, or leave the queue"),
        Command("suspend", ("ctrl+z",), "to the shell; 'fg' comes back"),
    ),
}

COMMANDS: dict[str, Command] = {one.name: one for group in TABLE.values() for one in group}

SHORT = {"e!": "refresh", "q!": "quit", "h": "help", "label": "tag", "comment": "note", "exit": "quit"}
"""Other names that `:` understands."""


def find(word: str) -> Command | None:
    """The command of this name, or the only one that begins so."""
    word = SHORT.get(word, word)
    if word in COMMANDS:
        return COMMANDS[word]
    begun = [command for name, command in COMMANDS.items() if name.startswith(word)]
    return begun[0] if word and len(begun) == 1 else None
