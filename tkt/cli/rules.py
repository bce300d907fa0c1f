"""`tkt rule`: a rule is tried on past tickets before it is switched on."""

from __future__ import annotations

import typer

from tkt.cli import context, output
from tkt.cli.progress import bar

app = typer.Typer(help="Rules: try them on the past.")
COMMANDS = {"rule": app}


@app.callback()
def _rules() -> None:
    """Rules: try them on the past."""


@app.command("try")
def try_rules(
    file: str = typer.Argument(..., metavar="FILE", help="A desk.toml that is not applied yet."),
    names: list[str] = typer.Argument(None, metavar="[NAME]…", help="Rules of it. Default: the new and changed ones."),
    start: str = typer.Option("", "--from", metavar="TIME", help="A date, or how long ago (7d). Default: 30d."),
    end: str = typer.Option("", "--to", metavar="TIME", help="Up to, not including, this moment. Default: now."),
    limit: int = typer.Option(20, "-n", metavar="N", min=0, help="So many firings of each rule; 0 means all."),
    json: bool = typer.Option(False, "--json", help="One JSON document, with every firing."),
) -> int:
    """What would these rules have done? Tries them on the real history, before they are applied. Changes nothing.

    Each rule is tried on what really happened: no other rule and nobody answers it.

    Example: tkt rule try new.toml "vpn to network" --from 90d
    """
    from tkt.cli.configuring import checked_text
    from tkt.cli.moments import past_period
    from tkt.config.schema import read
    from tkt.desk.trying import text
    from tkt.desk.trying.run import run
    from tkt.store.read_desk import setting

    context.stay()
    config = read(checked_text(file))
    with context.reader() as reader:
        zone = setting(reader, "desk.timezone", "UTC")
    period = past_period(start, end, zone)
    with bar("trying") as progress:
        result = run(context.location(), config, names or [], *period, progress)
    told = text.Told(result, file, *period, zone, limit)
    if json:
        output.as_json(text.document(told))
        return 0
    for line in text.lines(told, output.width()):
        output.line(line)
    return 0
