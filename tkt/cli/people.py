"""Commands for who works at the desk: team, agent. What they change is what desk.toml declares ('tkt config show')."""

from __future__ import annotations

import typer

from tkt.cli import context, output

agent = typer.Typer(help="Who works here: list, add, set, retire.", rich_markup_mode=None)
team = typer.Typer(help="Teams: list, add, join, leave, retire.", rich_markup_mode=None)

AS_JSON = typer.Option(False, "--json", help="One JSON document.")
NAME = typer.Argument(..., metavar="NAME")
KINDS = "mention, assigned, reply or sla"
AGENTS = typer.Argument(..., metavar="AGENT…")


@agent.command("list")
def agent_list(json: bool = AS_JSON) -> int:
    """List the agents.

    Example: tkt agent list
    """
    from tkt.store.read_people import agents

    with context.reader() as reader:
        show_rows([one._asdict() for one in agents(reader)], json)
    return 0


@agent.command("add")
def agent_add(
    name: str = NAME,
    email: str | None = typer.Option(None, "--email", metavar="ADDR", help="Where notifications go."),
    role: str = typer.Option("agent", "--role", help="admin, supervisor, agent or viewer."),
) -> int:
    """Add an agent, or bring a retired one back.

    Example: tkt agent add bob --email bob@example.com
    """
    from tkt.desk import configure

    configure.add_agent(context.desk(), name, email, role)
    article = "an" if role[0] in "aeiou" else "a"
    output.line(f"{name} is now {article} {role} of this desk")
    output.words(
        "note: the next 'tkt config apply' retires whom desk.toml does not name; 'tkt config show' prints it anew"
    )
    return 0


@agent.command("set")
def agent_set(
    name: str = typer.Argument(..., metavar="NAME", help="'me' is you."),
    email: str | None = typer.Option(None, "--email", metavar="ADDR"),
    role: str | None = typer.Option(None, "--role"),
    mute: list[str] = typer.Option([], "--mute", metavar="KIND", help=f"No notifications of this kind: {KINDS}."),
    unmute: list[str] = typer.Option([], "--unmute", metavar="KIND", help="These again."),
    quiet: str | None = typer.Option(
        None, "--quiet", metavar="HOURS", help="No notifications that may wait, such as 22:00-07:00; '' for never."
    ),
    zone: str | None = typer.Option(None, "--zone", help="Of the quiet hours; '' for the desk's."),
) -> int:
    """Change an agent's address, role or notifications. The first two are for admins, the last for everybody.

    Example: tkt agent set me --mute reply --quiet 22:00-07:00
    """
    from tkt.desk import configure

    desk = context.desk()
    if mute or unmute:
        muted = configure.mute(desk, name, mute, unmute)
        output.line(f"{desk.actor.name if name == 'me' else name}: muted {', '.join(muted) or 'nothing'}")
    hours = quiet is not None or zone is not None
    if hours:
        words = configure.be_quiet(desk, name, quiet, zone)
        output.line(f"{desk.actor.name if name == 'me' else name}: quiet {words or 'never'}")
    if email is not None or role is not None or not (mute or unmute or hours):
        configure.set_agent(desk, name, email, role)
        output.line(f"{name} changed")
    return 0


@agent.command("retire")
def agent_retire(name: str = NAME) -> int:
    """Retire an agent; history keeps the name.

    Example: tkt agent retire bob
    """
    from tkt.desk import configure

    configure.retire_agent(context.desk(), name)
    output.line(f"{name} is retired")
    return 0


@team.command("list")
def team_list(json: bool = AS_JSON) -> int:
    """List the teams with their members.

    Example: tkt team list
    """
    from tkt.store.read_people import teams

    with context.reader() as reader:
        show_rows([one._asdict() for one in teams(reader)], json)
    return 0


@team.command("add")
def team_add(
    name: str = NAME,
    member: list[str] = typer.Option([], "--member", metavar="AGENT", help="May be repeated."),
) -> int:
    """Add a team, or bring a retired one back.

    Example: tkt team add network --member alice --member bob
    """
    from tkt.desk import configure

    configure.add_team(context.desk(), name, member)
    output.line(f"team {name} added")
    return 0


@team.command("join")
def team_join(name: str = NAME, agents: list[str] = AGENTS) -> int:
    """Let agents join a team.

    Example: tkt team join network bob
    """
    from tkt.desk import configure

    configure.change_members(context.desk(), name, add=agents)
    output.line(f"{', '.join(agents)} joined {name}")
    return 0


@team.command("leave")
def team_leave(name: str = NAME, agents: list[str] = AGENTS) -> int:
    """Let agents leave a team.

    Example: tkt team leave network bob
    """
    from tkt.desk import configure

    configure.change_members(context.desk(), name, remove=agents)
    output.line(f"{', '.join(agents)} left {name}")
    return 0


@team.command("retire")
def team_retire(name: str = NAME) -> int:
    """Retire a team; its tickets keep it.

    Example: tkt team retire network
    """
    from tkt.desk import configure

    configure.retire_team(context.desk(), name)
    output.line(f"team {name} is retired")
    return 0


def show_rows(rows: list[dict[str, object]], json: bool) -> None:
    """Rows of named values as a table, or as JSON."""
    if json:
        output.as_json(rows)
    elif rows:
        shown = [
            [", ".join(map(str, one)) if isinstance(one, list) else str(one or "") for one in row.values()]
            for row in rows
        ]
        output.as_table(list(rows[0]), shown, stretch=len(rows[0]) - 1)


COMMANDS = {"team": team, "agent": agent}
