from __future__ import annotations

import pytest

from tkt.errors import UsageError
from tkt.tui.commands import COMMANDS, TABLE, find
from tkt.tui.keymap import keymap


def test_every_key_of_the_table_is_one_commands_alone():
    keys = [key for command in COMMANDS.values() for key in command.keys]
    assert len(keys) == len(set(keys))
    assert sum(len(group) for group in TABLE.values()) == len(COMMANDS)


def test_users_keys_replace_those_of_the_table():
    keys = keymap({"take": "T", "close": ["^x", "F5"], "copy-text": ""})
    assert keys["T"] == "take" and "t" not in keys
    assert keys["ctrl+x"] == keys["f5"] == "close" and "x" not in keys and "Y" not in keys
    assert keys["j"] == "down"


def test_a_key_is_taken_from_the_command_that_had_it():
    keys = keymap({"take": "a"})
    assert keys["a"] == "take" and "assign" not in keys.values()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"tkae": "T"}, "no command 'tkae', did you mean 'take'?"),
        ({"take": "hyper+q"}, "'hyper+q' is no key"),
        ({"take": 3}, "a key like"),
        ({"take": "Q", "close": "Q"}, "both 'take' and 'close'"),
        ({"quit": ""}, "no key is left for 'quit'"),
        ("x", "must be a table"),
    ],
)
def test_mistakes_are_told(wanted, words):
    with pytest.raises(UsageError, match="tkt.toml") as raised:
        keymap(wanted)
    assert words in str(raised.value)


def test_commands_are_found_by_name_and_by_beginning():
    assert find("assign") is COMMANDS["assign"]
    assert find("ass") is COMMANDS["assign"]
    assert find("view") is COMMANDS["view"]
    assert find("s") is None and find("") is None and find("nonsense") is None
