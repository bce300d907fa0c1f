"""Commands for desk.toml: check, plan, apply, show, history."""

from __future__ import annotations

import os

import typer

from tkt.cli import context, output
from tkt.cli.progress import bar
from tkt.errors import ConfigError, UsageError

config = typer.Typer(help="The desk as a file: check, plan, apply, show, history.", rich_markup_mode=None)

RECONSIDERING = "deadlines of open tickets"
FILE = typer.Argument("desk.toml", metavar="FILE")


@config.command("check")
def config_check(file: str = FILE) -> int:
    """Is the file right? Points at line and column of every mistake.

    Example: tkt config check desk.toml
    """
    from tkt.config.schema import check, decode

    text = decode(context.read_file(file))
    problems = check(text).problems
    for problem in problems:
        output.words(pointed(problem, file, text))
    if not problems:
        output.line(f"{file}: in order")
    return UsageError.exit_status if problems else 0


@config.command("plan")
def config_plan(file: str = FILE, json: bool = typer.Option(False, "--json")) -> int:
    """What would applying it change, in words.

    Example: tkt config plan desk.toml
    """
    from tkt.desk.configure import plan_config

    changes, warnings = plan_config(context.desk(), checked_text(file))
    if json:
        output.as_json([change._asdict() for change in changes])
    for change in () if json else changes:
        output.line(str(change))
    for warning in warnings:
        output.words(f"tkt: note: {warning}")
    if not changes:
        output.words("nothing to change")
    return 0


@config.command("apply")
def config_apply(file: str = FILE) -> int:
    """Make the desk what the file says. In one transaction; then open tickets are held to what it promises.

    Example: tkt config apply desk.toml
    """
    from tkt.desk.configure import apply_config

    desk, text = context.desk(), checked_text(file)
    with bar(RECONSIDERING) as progress:
        changes = apply_config(desk, text, progress)
    for change in changes:
        output.line(str(change))
    count = len(changes)
    output.words(f"{count} change{'s' * (count != 1)} applied" if changes else "nothing to change")
    return 0


@config.command("show")
def config_show() -> int:
    """The desk.toml that describes the desk as it is.

    Example: tkt config show > desk.toml
    """
    from tkt.desk.configure import shown_config

    output.line(shown_config(context.desk()).rstrip("\n"))
    return 0


@config.command("history")
def config_history() -> int:
    """Who applied what, and when.

    Example: tkt config history
    """
    from tkt.cli.moments import local
    from tkt.store.read_people import config_versions

    with context.reader() as reader:
        rows = [[str(one.id), local(one.at), one.actor, "; ".join(one.plan)] for one in config_versions(reader)]
    output.as_table(("version", "when", "who", "changes"), rows, stretch=3)
    return 0


def pointed(problem: ConfigError, file: str, text: str) -> str:
    """A mistake with its place: "desk.toml:12:8: …", the line, and a caret under the column."""
    place = f"{os.path.basename(file)}:{problem.line}:{problem.column}: {problem}"
    lines = text.splitlines()
    if not 0 < problem.line <= len(lines):
        return place
    line = lines[problem.line - 1].replace("\t", " ")
    return f"{place}\n  {line}\n  {' ' * (problem.column - 1)}^"


def checked_text(file: str) -> str:
    """The file's text, checked: its first mistake is raised with its place."""
    from tkt.config.schema import check, decode

    text = decode(context.read_file(file))
    problems = check(text).problems
    if problems:
        more = f" (and {len(problems) - 1} more; 'tkt config check {file}' shows all)" if len(problems) > 1 else ""
        raise ConfigError(pointed(problems[0], file, text) + more)
    return text


COMMANDS = {"config": config}
