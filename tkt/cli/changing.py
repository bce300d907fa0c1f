"""Commands that change tickets which exist: assign, take, set, tag, status and its short forms, spam, ham, undo.

Each takes several numbers (or `-`, from standard input): one transaction each. What fails is said per number, the
others are done all the same, and the exit status is the worst.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

from tkt.cli import context, output
from tkt.cli.remarks import remark
from tkt.cli.shielding import as_given
from tkt.errors import TktError, UsageError, worst

NUMBERS = typer.Argument(..., metavar="N…", help="Ticket numbers; '-' reads them from standard input.")
BODY = typer.Option(None, "-b", "--body", metavar="TEXT", help="An internal note that goes with it.")


def assign(
    words: list[str] = typer.Argument(..., metavar="N… AGENT", help="Numbers, then AGENT, me, auto or none."),
) -> int:
    """Give tickets to an agent.

    Example: tkt assign 12 13 bob
    """
    from tkt.desk import tickets

    *numbers, to = _at_least_two(words, "an agent, 'me', 'auto' or 'none'")
    desk = context.desk()
    return each(numbers, lambda number: f"#{number} → {tickets.assign(desk, number, to) or 'nobody'}")


def take(words: list[str] = NUMBERS) -> int:
    """Claim tickets for yourself.

    Example: tkt take 12
    """
    from tkt.desk import tickets

    desk = context.desk()

    def act(number: int) -> str:
        tickets.take(desk, number)
        return f"#{number} → {desk.actor.name}"

    return each(words, act)


def set_(
    words: list[str] = typer.Argument(..., metavar="N… KEY=VALUE…", help="Numbers, then what to set."),
) -> int:
    """Change fields. Known are priority, team, teams, category, type, subject, due, assignee, status, undelivered,
    field.NAME.

    Example: tkt set 12 priority=high team=network
    """
    from tkt.desk import tickets

    numbers = [word for word in words if "=" not in word]
    pairs = [word.partition("=") for word in words if "=" in word]
    if not numbers or not pairs:
        raise UsageError("give ticket numbers and KEY=VALUE, as in 'tkt set 12 priority=high'")
    values = {key: value for key, _, value in pairs}
    desk = context.desk()
    return each(numbers, lambda number: _changed(number, tickets.set_fields(desk, number, values)))


def tag(
    words: list[str] = typer.Argument(..., metavar="N… +TAG -TAG", help="Numbers, then +TAG or -TAG."),
) -> int:
    """Add and remove tags.

    Example: tkt tag 12 +vpn -new
    """
    from tkt.desk import tickets

    words = as_given(words)
    add = [word[1:] for word in words if word.startswith("+")]
    remove = [word[1:] for word in words if word.startswith("-") and word != "-"]
    numbers = [word for word in words if word == "-" or not word.startswith(("+", "-"))]
    if not numbers or not (add or remove):
        raise UsageError("give ticket numbers and +TAG or -TAG, as in 'tkt tag 12 +vpn'")
    desk = context.desk()
    return each(numbers, lambda number: _changed(number, tickets.tag(desk, number, add, remove)))


def status(
    words: list[str] = typer.Argument(..., metavar="N… STATUS", help="Numbers, then the status."),
) -> int:
    """Move tickets to a status.

    Example: tkt status 12 on-hold
    """
    *numbers, to = _at_least_two(words, "a status")
    return _move(numbers, to, None)


def wait(words: list[str] = NUMBERS, body: str | None = BODY) -> int:
    """Waiting for the customer; the clock of the resolution stops.

    Example: tkt wait 12
    """
    return _move(words, "waiting", body)


def resolve(words: list[str] = NUMBERS, body: str | None = BODY) -> int:
    """Solved.

    Example: tkt resolve 12
    """
    return _move(words, "resolved", body)


def close(words: list[str] = NUMBERS, body: str | None = BODY) -> int:
    """Closed, nothing more to do.

    Example: tkt list tag:spam --ids | tkt close -
    """
    return _move(words, "closed", body)


def reopen(words: list[str] = NUMBERS, body: str | None = BODY) -> int:
    """Open again.

    Example: tkt reopen 12 -b 'not solved after all'
    """
    return _move(words, "open", body)


def spam(
    words: list[str] = NUMBERS,
    domain: bool = typer.Option(False, "--domain", help="Block everybody at the sender's domain."),
) -> int:
    """Spam: tag it, close it, block its sender. A confirmation that waits is called back.

    Example: tkt list subject:casino --ids | tkt spam -
    """
    from tkt.desk.spam import spam as mark

    desk = context.desk()
    return each(words, lambda number: _done(number, mark(desk, number, domain=domain), "is spam already"))


def ham(words: list[str] = NUMBERS) -> int:
    """No spam after all. Open again, promises from now, the sender is heard again.

    Example: tkt ham 12
    """
    from tkt.desk.spam import ham as take_back

    desk = context.desk()
    return each(words, lambda number: _done(number, take_back(desk, number), "is no spam"))


def undo(
    number: str = typer.Argument("", metavar="[N]", help="The ticket; without it, your own last change."),
) -> int:
    """Take the last change (of yours; of that ticket) back.

    Example: tkt undo
    """
    from tkt.desk.undo import undo as take_back

    desk = context.desk()
    if number:
        return each([number], lambda one: f"taken back: {take_back(desk, one)}")
    output.line(f"taken back: {take_back(desk)}")
    return 0


def each(words: list[str], act: Callable[[int], str]) -> int:
    """Do it to every number named; print what was done, say what failed; the worst exit status."""
    failures: list[TktError] = []
    for word in context.number_words(words):
        try:
            output.line(act(context.number_of(word)))
        except TktError as error:
            failures.append(error)
            output.words(f"tkt: {_about(word, error)}")
    return worst(failures)


def _about(word: str, error: TktError) -> str:
    """The message, with the ticket it is about."""
    text, number = str(error), word.removeprefix("#")
    return text if f"#{number}" in text or f"'{word}'" in text else f"#{number}: {text}"


def _move(words: list[str], to: str, body: str | None) -> int:
    from tkt.desk import tickets

    desk = context.desk()

    def act(number: int) -> str:
        changed = tickets.set_status(desk, number, to, text=body or "")
        return f"#{number} {'→' if changed else 'is already'} {to}"

    status = each(words, act)
    remark(desk, body or "")
    return status


def _changed(number: int, fields: list[str]) -> str:
    return f"#{number} {', '.join(fields)} changed" if fields else f"#{number} unchanged"


def _done(number: int, done: list[str], else_said: str) -> str:
    return f"#{number} {', '.join(done) or else_said}"


def _at_least_two(words: list[str], what: str) -> list[str]:
    if len(words) < 2:
        raise UsageError(f"give ticket numbers and then {what}")
    return words


COMMANDS = {
    "assign": assign,
    "take": take,
    "set": set_,
    "tag": tag,
    "status": status,
    "wait": wait,
    "resolve": resolve,
    "close": close,
    "reopen": reopen,
    "spam": spam,
    "ham": ham,
    "undo": undo,
}
SETTINGS = {"tag": {"ignore_unknown_options": True}}
