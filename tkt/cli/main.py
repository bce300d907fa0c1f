"""From the command line to one verb and its exit status; the one place that catches errors.

Only the module of the verb that was called is imported, and only its command is built: a script that calls `tkt
list` in a loop pays for `list`. Help and mistakes build them all.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from importlib import import_module
from typing import Any

import typer
from typer.exceptions import TyperException

from tkt import errors
from tkt.cli import output
from tkt.cli.context import Chosen
from tkt.cli.verbs import TAKES_QUERY, VERBS

_GLOBAL = {"--desk": "desk", "--as": "agent"}
_QUERY_TERM = re.compile(r"-(?!n\d*$)[^-\s].+", re.DOTALL)


def run(arguments: list[str]) -> int:
    """Run one command line; its exit status. Never raises, never shows a traceback."""
    output.prepare()
    try:
        status = _explained(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        output.give_up()  # whoever read our output has stopped (`tkt list | head`): not an error
        return 0
    except OSError as error:  # a full disk behind `>`; all else has been explained already
        output.give_up()
        output.words(f"tkt: standard output can't be written: {error.strerror}")
        return errors.TktError.exit_status
    except KeyboardInterrupt:
        return errors.INTERRUPTED


def _explained(arguments: list[str]) -> int:
    """Run it; an error becomes a sentence and its exit status."""
    try:
        return _run(arguments)
    except errors.TktError as error:
        _explain(error)
        return error.exit_status
    except (typer.Abort, KeyboardInterrupt):
        return errors.INTERRUPTED
    except TyperException as error:
        output.words(f"tkt: {_sentence(error)}")
        return errors.UsageError.exit_status
    except Exception as error:  # a bug of ours: the user gets one sentence, the traceback goes to a file
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
            raise
        return _report_bug(error)


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


def _run(arguments: list[str]) -> int:
    rest = _take_global_options(arguments)
    verb = next((word for word in rest if not word.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        raise errors.UsageError(f"there is no verb '{verb}'{_nearest(verb)}; 'tkt --help' lists them")
    command = typer.main.get_command(build(verb))
    if verb in TAKES_QUERY or verb == "tag":
        rest = _shielded(rest, _options_with_value(command))
    try:
        with command.make_context("tkt", rest) as context:
            status = command.invoke(context)
    except typer.Exit as end:
        status = end.exit_code
    return status if isinstance(status, int) else 0


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
    return command.get_help(typer.Context(command, info_name="tkt"))


def _take_global_options(arguments: list[str]) -> list[str]:
    """Take --desk and --as out, wherever they stand before a "--"; the rest."""
    Chosen.desk = Chosen.agent = None
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if word == "--":
            return [*rest, word, *words]
        if name not in _GLOBAL:
            rest.append(word)
            continue
        given = value if equals else next(words, "")
        if not given:
            raise errors.UsageError(f"{name} needs a value")
        setattr(Chosen, _GLOBAL[name], given)
    return rest


def _shielded(words: list[str], with_value: set[str]) -> list[str]:
    """The words with those that begin with '-' and are no options so marked that the option parser lets them pass; see
    `unshielded`. A word after an option that takes a value (`--sort -priority`) is that value.
    """
    before = ["", *words]
    return [
        f"\0{word}" if _QUERY_TERM.fullmatch(word) and before[at] not in with_value else word
        for at, word in enumerate(words)
    ]


def _options_with_value(command: Any) -> set[str]:
    """The names of all options below this command that are no switches."""
    params = [one for one in command.params if one.param_type_name == "option" and not one.is_flag]
    below = [_options_with_value(one) for one in getattr(command, "commands", {}).values()]
    return {name for one in params for name in one.opts}.union(*below)


def unshielded(words: list[str] | None) -> str:
    """The query that stood on the command line."""
    return " ".join(as_given(words))


def as_given(words: list[str] | None) -> list[str]:
    """The words as they stood on the command line; bytes that were no UTF-8 become question marks."""
    return [word.removeprefix("\0").encode("utf-8", "replace").decode() for word in words or []]


def _nearest(verb: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(verb, VERBS, n=1)
    return f", did you mean '{close[0]}'?" if close else ""


def _explain(error: errors.TktError) -> None:
    if isinstance(error, errors.QueryError):
        from tkt.query.caret import point

        output.words(point(error))
    output.words(f"tkt: {error}")


def _sentence(error: TyperException) -> str:
    words = " ".join(error.format_message().replace("\0", "").split()).rstrip(".")
    command: Any = getattr(error, "ctx", None)
    where = f" ('{command.command_path} --help' shows how)" if command else ""
    return f"{words[:1].lower()}{words[1:]}{where}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _report_bug(error: Exception) -> int:
    import traceback

    if os.environ.get("TKT_DEBUG"):
        traceback.print_exception(error)
        return errors.TktError.exit_status
    folder = os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "tkt")
    path = os.path.join(folder, "crash.log")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        path = "nowhere: the state folder can't be written"
    output.words(f"tkt: this is a bug in tkt ({type(error).__name__}); nothing was half done, details are in {path}")
    return errors.TktError.exit_status
