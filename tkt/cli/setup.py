"""Commands for the desk as a whole: init, demo, doctor."""

from __future__ import annotations

import os

import typer

from tkt.cli import context, output

STARTER_FILE = "desk.toml"


def init(
    name: str = typer.Option("Support", "--name", help="What customers read as the desk's name."),
) -> int:
    """Make a desk and a starter desk.toml in this folder. You are its first admin.

    Example: tkt init --name 'Example Support'
    """
    import tzlocal

    from tkt.desk.configure import make_desk

    place, admin = context.location(), context.agent_name()
    text = make_desk(place, name, admin, "", tzlocal.get_localzone_name() or "UTC")
    output.line(f"made the desk at {place.shown}; {admin} is its admin")
    _write_starter(text)
    return 0


def demo(
    folder: str = typer.Option(
        "", "--keep", metavar="FOLDER", help="Keep the demo desk there; else it is thrown away."
    ),
) -> int:
    """A throw-away desk of sample mail, and its queue.

    Example: tkt demo
    """
    from tkt.cli.demonstration import demonstrate

    return demonstrate(folder)


def doctor(
    upgrade: bool = typer.Option(False, "--upgrade", help="Bring the store to this tkt's schema."),
    json: bool = typer.Option(False, "--json"),
) -> int:
    """Look whether everything is in order. Where it is not, say what to do.

    Example: tkt doctor
    """
    from tkt.cli.examination import examine, upgrade_store

    if upgrade:
        upgrade_store()
    return examine(as_json=json)


def _write_starter(text: str) -> None:
    """Write desk.toml where none is; an existing one is the user's."""
    try:
        with open(STARTER_FILE, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        output.words(
            f"{os.path.abspath(STARTER_FILE)} is there already and was left alone; 'tkt config show' prints a new one"
        )
    except OSError as error:
        output.words(f"desk.toml can't be written here ({error.strerror}); 'tkt config show' prints it")
    else:
        output.line("wrote desk.toml: edit it, then 'tkt config plan desk.toml' and 'tkt config apply desk.toml'")


COMMANDS = {"init": init, "demo": demo, "doctor": doctor}
