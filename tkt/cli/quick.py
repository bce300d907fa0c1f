"""`list` and `show` without the command line library, which costs more than reading a page of a million tickets.

Only what is plainly right is read here. Anything else, a mistake or --help, is left to `app`, which knows the same
options and says what is wrong; a test runs command lines through both.
"""

from __future__ import annotations

from typing import Any

from tkt.cli.shielding import as_given, is_term

QUICK = ("list", "show")

_SWITCHES = {"list": ("--ids", "--json", "--jsonl", "--csv", "--tsv"), "show": ("--json", "--raw", "--full")}
_VALUES = {"list": {"--sort": "sort", "-n": "limit", "--columns": "columns"}, "show": {"--save": "save"}}
_MOST_ROWS = 10**9


def run_quick(verb: str, words: list[str]) -> int | None:
    """Run the command line; None where it is not plainly right. Raises TktError."""
    read = _read(verb, words)
    if read is None:
        return None
    arguments, options = read
    if verb == "list":
        from tkt.cli.listing import list_tickets

        return list_tickets(" ".join(as_given(arguments)), **options)
    if len(arguments) != 1:
        return None
    from tkt.cli.showing import show_ticket

    return show_ticket(arguments[0], **options)


def _read(verb: str, words: list[str]) -> tuple[list[str], dict[str, Any]] | None:
    """(arguments, options by their parameter's name)."""
    arguments: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(words[words.index(verb) + 1 :] if words[0] == verb else ["--help"])
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        if word in _SWITCHES[verb]:
            options[word[2:]] = True
        elif name in _VALUES[verb]:
            given = value if equals else next(rest, None)
            if given is None:
                return None
            options[_VALUES[verb][name]] = given
        elif word.startswith("-") and word != "-" and not is_term(word):
            return None
        else:
            arguments.append(word)
    return (arguments, options) if _number_read(options) else None


def _number_read(options: dict[str, Any]) -> bool:
    """Make the limit a number; whether that is possible."""
    limit = options.get("limit")
    if limit is None:
        return True
    if not (limit.isascii() and limit.isdigit()) or int(limit) > _MOST_ROWS:
        return False
    options["limit"] = int(limit)
    return True
