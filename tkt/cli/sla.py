"""`tkt sla`: the check for cron, the report for a manager, and why a due time is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, output, sla_match, sla_rebuild, sla_report, sla_simulate
from tkt.cli.progress import bar

if TYPE_CHECKING:
    from tkt.desk.sla_check import Fired

app = typer.Typer(help="Promises: report, explain, match, simulate …")
COMMANDS = {"sla": app}
app.command()(sla_match.match)
app.command()(sla_rebuild.rebuild)
app.command()(sla_simulate.simulate)
app.command()(sla_report.report)

AS_JSON = typer.Option(False, "--json", help="One JSON document.")


@app.command()
def check(json: bool = AS_JSON) -> int:
    """Mark breaches, fire what is due. For cron; `tkt serve` does it by itself.

    Example: tkt sla check
    """
    from tkt.desk import reconsidering, sla_check

    desk = context.system_desk()
    with bar("deadlines after a change of desk.toml") as progress:
        reconsidering.settle(desk, progress)
    fired = sla_check.check(desk)
    if json:
        output.as_json([_fired_document(one) for one in fired])
        return 0
    for one in fired:
        output.line(_fired_line(one))
    return 0


@app.command()
def explain(number: str = typer.Argument(..., metavar="N", help="The ticket's number."), json: bool = AS_JSON) -> int:
    """Why a ticket is due when it is, checkable with a pencil.

    Example: tkt sla explain 42
    """
    from tkt.sla.explain import document
    from tkt.sla.explain import explain as explained
    from tkt.sla.explain_text import lines

    return sla_match.tell(number, explained, document if json else lines)


def _fired_document(one: Fired) -> dict[str, Any]:
    from tkt.times import rfc3339

    return one._asdict() | {"due_at": rfc3339(one.due_at), "actions": list(one.actions)}


def _fired_line(one: Fired) -> str:
    from tkt.safe_text import safe_line
    from tkt.sla.steps import time_in_words
    from tkt.times import format_duration, rfc3339

    step = f"step {time_in_words(one.what, one.n, one.missed)}: {', '.join(one.actions)}"
    what = "breached" if one.what == "breached" else step
    late = f" ({format_duration(one.late_seconds)} late)" if one.is_late else ""
    return safe_line(f"#{one.ticket} {one.metric} ({one.policy}) {what}, due {rfc3339(one.due_at)}{late}")
