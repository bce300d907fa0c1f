"""The configuration of a generated desk, applied like any other desk.toml."""

from __future__ import annotations

from tkt.desk.configure import apply_config, make_desk
from tkt.desk.unit import Actor, Desk
from tkt.store.engine import Store
from tkt.store.location import Location

ADMIN = "alice"
TEAMS = ("network", "desktop", "billing", "field")
AGENTS = ("alice", "bob", "carla", "deng", "erik", "fatima", "gert", "hua", "ines", "jon", "kim", "lena")
MAILBOX = "support"
ADDRESS = "support@example.com"
POLICY = "standard"
CALENDAR = "office"

_HEAD = """\
[desk]
name = "Bench"
timezone = "Europe/Berlin"
[[calendar]]
name = "office"
timezone = "Europe/Berlin"
[calendar.hours]
mon = ["08:00-18:00"]
tue = ["08:00-18:00"]
wed = ["08:00-18:00"]
thu = ["08:00-18:00"]
fri = ["08:00-18:00"]
[[sla]]
name = "vip"
match = "customer.tier:vip"
calendar = "24x7"
pause = ["waiting"]
targets = { default = { first_response = "1h", next_response = "2h", resolution = "8h" } }
[[sla]]
name = "standard"
match = ""
calendar = "office"
pause = ["waiting"]
targets = { default = { first_response = "4h", next_response = "8h", resolution = "24h" } }
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["notify:supervisor"]
"""


def desk_toml(maildir: str = "") -> str:
    """The desk.toml; with `maildir`, its mailbox is read from there."""
    agents = [f'[[agent]]\nname = "{name}"\nemail = "{name}@desk.example"\nrole = "{_role(name)}"' for name in AGENTS]
    teams = [
        f'[[team]]\nname = "{name}"\nmembers = [{_quoted(AGENTS[at :: len(TEAMS)])}]\ncalendar = "{CALENDAR}"'
        for at, name in enumerate(TEAMS)
    ]
    source = f'imap = "maildir:{maildir}"\n' if maildir else ""
    box = f'[[mailbox]]\nname = "{MAILBOX}"\naddress = "{ADDRESS}"\nteam = "network"\n{source}'
    return "\n".join((_HEAD, *agents, *teams, box, 'smtp = "smtp+plain://127.0.0.1:2525"\n'))


def make(location: Location, maildir: str = "") -> None:
    """Make an empty desk with this configuration."""
    make_desk(location, "Bench", ADMIN, f"{ADMIN}@desk.example", "Europe/Berlin")
    store = Store(location)
    try:
        apply_config(Desk(store, Actor("agent", ADMIN, 1, "admin")), desk_toml(maildir))
    finally:
        store.close()


def _role(name: str) -> str:
    return "admin" if name == ADMIN else "supervisor" if name == AGENTS[1] else "agent"


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
