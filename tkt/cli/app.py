"""The Typer app: every verb with its options and its help.

Only the module of the verb that was called is imported, and only its command is built; help and mistakes build
them all.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import typer
from typer.exceptions import TyperException

from tkt.cli import output
from tkt.cli.shielding import shielded
from tkt.cli.verbs import TAKES_QUERY, VERBS
from tkt.errors import INTERRUPTED, UsageError


def run_command(verb: str | None, words: list[str]) -> int:
    """Run one command line, without its global options; its exit status. Raises TktError; UsageError for mistakes."""
    command = typer.main.get_command(build(verb))
    if verb in TAKES_QUERY or verb == "tag":
        words = shielded(words, _options_with_value(command))
    try:
        with command.make_context("tkt", words) as context:
            status = command.invoke(context)
    except typer.Exit as end:
        status = end.exit_code
    except typer.Abort:
        return INTERRUPTED
    except TyperException as error:
        raise UsageError(_sentence(error)) from error
    return status if isinstance(status, int) else 0


def build(verb: str | None) -> typer.Typer:
    """The app with this verb's command alone, or with all of them."""
    app = typer.Typer(
        name="tkt",
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback(invoke_without_command=True)(_queue)
    for name in [verb] if verb in VERBS else VERBS:
        module = import_module(f"tkt.cli.{VERBS[name]}")
        found = module.COMMANDS[name]
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            settings = getattr(module, "SETTINGS", {}).get(name, {})
            app.command(name, context_settings=settings)(found)
    return app


def _queue(
    context: typer.Context,
    serve: bool = typer.Option(False, "--serve", help="Run the scheduler inside the queue, for a desk of one."),
    desk: str = typer.Option("", "--desk", metavar="URL", help="The desk: a path, sqlite:///… or postgresql://…"),
    agent: str = typer.Option("", "--as", metavar="NAME", help="Who acts; else $TKT_AGENT, else you."),
    version: bool = typer.Option(False, "--version", help="Print the version."),
    completion: str = typer.Option(
        "", "--completion", metavar="SHELL", help="Print what bash, zsh or fish has to run."
    ),
) -> int:
    """The helpdesk in your terminal. Without a verb: the full-screen queue."""
    if context.invoked_subcommand is not None:
        return 0
    if version:
        from tkt import __version__

        output.line(f"tkt {__version__}")
        return 0
    if not (output.on_terminal() and sys.stdin.isatty()):
        output.line(_whole_help())
        return 0
    from tkt.cli.queue import open_queue

    return open_queue(serve=serve)


def _whole_help() -> str:
    command = typer.main.get_command(build(None))
    return command.get_help(typer.Context(command, info_name="tkt", help_option_names=["--help", "-h"]))


def _options_with_value(command: Any) -> set[str]:
    """The names of all options below this command that are no switches."""
    params = [one for one in command.params if one.param_type_name == "option" and not one.is_flag]
    below = [_options_with_value(one) for one in getattr(command, "commands", {}).values()]
    return {name for one in params for name in one.opts}.union(*below)


def _sentence(error: TyperException) -> str:
    words = " ".join(error.format_message().replace("\0", "").split()).rstrip(".")
    command: Any = getattr(error, "ctx", None)
    where = f" ('{command.command_path} --help' shows how)" if command else ""
    return f"{words[:1].lower()}{words[1:]}{where}"
