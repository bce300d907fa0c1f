from __future__ import annotations

import pytest
from textual import events

from tkt.tui.terminal import KeyParser


def parsed(*reads: str) -> list[str]:
    parser = KeyParser()
    found = [event for read in (*reads, "") for event in parser.feed(read)]
    return [event.key if isinstance(event, events.Key) else f"paste {event.text}" for event in found]


@pytest.mark.parametrize(
    ("reads", "keys"),
    [
        (["\x1b"], ["escape"]),
        (["\x1bj"], ["escape", "j"]),
        (["a\x1b", ":q"], ["a", "escape", "colon", "q"]),
        (["\x1b1\x1b\x1b/"], ["escape", "1", "escape", "escape", "slash"]),
        (["\x1b\r"], ["escape", "enter"]),
        (["\x1b" + "j" * 40], ["escape", *"j" * 40]),
        (["\x1b[A\x1b[", "Bx"], ["up", "down", "x"]),
        (["\x1bOP\x1b[5~"], ["f1", "pageup"]),
        (["\x1b[200~a\x1bb\x1b[201~c"], ["paste a\x1bb", "c"]),
        (["\x1b[20", "0~\x1b:\x1b[201~\x1b:"], ["paste \x1b:", "escape", "colon"]),
    ],
)
def test_an_escape_is_an_escape_and_sequences_are_sequences(reads, keys):
    assert parsed(*reads) == keys
