"""What a command imports is what it costs: reading stays light, and the layers point one way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tkt.desk import tickets
from tkt.desk.configure import make_desk
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import parse_location

ROOT = Path(__file__).parent.parent

PROBE = """
import os, sys
sys.argv = ["tkt", *sys.argv[1:]]
from tkt.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
os.write(2, " ".join(sys.modules).encode())
"""

WRITE_SIDE = {"sqlmodel", "sqlalchemy", "pydantic", "alembic", "jinja2", "tkt.store.tables", "tkt.desk"}
HEAVY = {"textual", "imapclient", "apscheduler", "holidays", "psycopg", "email", "asyncio", "smtplib", "tomllib", "ssl"}
"""Nothing that shows a list has to do with these."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("layers") / "desk.db"
    location = parse_location(str(path))
    make_desk(location, "Support", "alice", "", "UTC")
    store = Store(location)
    acting = Desk(store, find_actor(store, "alice"))
    tickets.create(acting, "VPN is down", text="since nine", requester=("", "ann@customer.example"))
    store.close()
    return path


@pytest.fixture
def imported(desk: Path, tmp_path: Path) -> Callable[..., set[str]]:
    """The modules that are loaded when a command has run."""

    def imported(*words: str) -> set[str]:
        environment = {**os.environ, "TKT_DESK": str(desk), "TKT_AGENT": "alice", "XDG_CONFIG_HOME": str(tmp_path)}
        command = [sys.executable, "-c", PROBE, *words]
        found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True, timeout=60)
        return set(found.stderr.decode().splitlines()[-1].split())

    return imported


def test_the_version_costs_nothing(imported: Callable[..., set[str]]) -> None:
    modules = imported("--version")
    assert {name for name in modules if name.startswith("tkt")} == {"tkt", "tkt.__main__"}
    assert modules & (WRITE_SIDE | HEAVY | {"typer", "rich", "click", "sqlite3", "typing", "re", "inspect"}) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["list"], ["list", "--json"], ["list", "--csv", "vpn", "created<7d"], ["show", "1"], ["show", "1", "--json"],
        ["log", "1"], ["events"], ["_complete", "list", ""],
    ],
    ids=" ".join,
)  # fmt: skip
def test_reading_is_light(imported: Callable[..., set[str]], words: list[str]) -> None:
    modules = imported(*words)
    assert modules & (WRITE_SIDE | HEAVY) == set()
    assert {name for name in modules if name.split(".")[0] == "rich"} <= {"rich", "rich.cells"} | {
        name for name in modules if name.startswith("rich._unicode_data") or name == "rich._cell_widths"
    }


@pytest.mark.parametrize("words", [["new", "x"], ["take", "1"], ["note", "1", "-b", "x"], ["undo"]], ids=" ".join)
def test_writing_loads_what_it_needs(imported: Callable[..., set[str]], words: list[str]) -> None:
    brought_along = {"email", "asyncio", "ssl"}  # by SQLAlchemy and pydantic
    unwanted = HEAVY - brought_along | {"alembic", "rich", "jinja2"}
    assert imported(*words) & unwanted == set()


def test_the_layers_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every contract of [tool.importlinter] in pyproject.toml."""
    program = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stdout
    assert "0 broken" in found.stdout
