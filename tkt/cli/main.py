"""From the command line to one verb and its exit status; the one place that catches errors.

What a script calls in a loop and an agent all day (`list`, `show`) is read here without the command line library, which
would be most of its cost; everything else, help and mistakes go to `app`.
"""

from __future__ import annotations

import errno
import os
import sys

from tkt import errors
from tkt.cli import context, output
from tkt.cli.context import Chosen
from tkt.cli.quick import QUICK, run_quick
from tkt.cli.verbs import VERBS
from tkt.store.location import state_folder

_GLOBAL = {"--desk": "desk", "--as": "agent"}


def run(arguments: list[str]) -> int:
    """Run one command line; its exit status. Never raises, never shows a traceback."""
    output.prepare()
    try:
        try:
            status = _explained(arguments)
        finally:
            context.close()
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
    except KeyboardInterrupt:
        return errors.INTERRUPTED
    except Exception as error:  # a bug of ours: the user gets one sentence, the traceback goes to a file
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC):
            raise
        return _report_bug(error)


def _run(arguments: list[str]) -> int:
    words = _take_global_options(arguments)
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is not None and verb not in VERBS:
        raise errors.UsageError(f"there is no verb '{verb}'{_nearest(verb)}; 'tkt --help' lists them")
    if verb in QUICK and (status := run_quick(verb, words)) is not None:
        return status
    from tkt.cli.app import run_command

    return run_command(verb, words)


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


def _nearest(verb: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(verb, VERBS, n=1)
    return f", did you mean '{close[0]}'?" if close else ""


def _explain(error: errors.TktError) -> None:
    if isinstance(error, errors.QueryError):
        from tkt.query.caret import point

        output.words(point(error))
        output.words(f"tkt: {error}" + (f"; did you mean '{error.hint}'?" if error.hint else ""))
        return
    output.words(f"tkt: {error}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _report_bug(error: Exception) -> int:
    import traceback

    if os.environ.get("TKT_DEBUG"):
        traceback.print_exception(error)
        return errors.TktError.exit_status
    folder = state_folder()
    path = os.path.join(folder, "crash.log")
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="backslashreplace", opener=_private) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        path = "nowhere: the state folder can't be written"
    output.words(f"tkt: this is a bug in tkt ({type(error).__name__}); nothing was half done, details are in {path}")
    return errors.TktError.exit_status
