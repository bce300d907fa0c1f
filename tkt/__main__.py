"""The `tkt` command. `--version` and shell completion answer before the command line library is loaded."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit status."""
    if sys.argv[1:] == ["--version"]:
        from tkt import __version__

        print(f"tkt {__version__}")
        return
    if sys.argv[1:2] == ["_complete"]:
        from tkt.cli.completion import complete

        complete(sys.argv[2:])
        return
    if sys.argv[1:2] == ["--completion"]:
        from tkt.cli.completion import script

        print(script("".join(sys.argv[2:])), end="")
        return
    # Start-up makes many objects and no garbage: the collector would only walk them (COSTS.md: 10-20% of start-up).
    import gc

    gc.disable()
    from tkt.cli.main import run

    status = run(sys.argv[1:])
    gc.freeze()  # the interpreter's last collection would walk everything once more
    _leave(status)


def _leave(status: int) -> None:
    """End the process: without the interpreter's taking itself apart where threads were left that wait for a server or
    the name of one. One that wakes up in the middle of it crashes (the `threading` module's documentation: daemon
    threads are stopped abruptly). What was written is flushed by then; the commands that they wait for end with us.
    """
    threading = sys.modules.get("threading")
    if threading is not None:
        others = [one for one in threading.enumerate() if one is not threading.main_thread()]
        if others and all(one.daemon for one in others):
            commands = sys.modules.get("tkt.channels.secret_command")
            if commands is not None:
                commands.end_all()
            os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
