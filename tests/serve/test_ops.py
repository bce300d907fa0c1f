"""The deployment examples in docs/ops work as they stand: the systemd unit is valid, the crontab's commands run."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tkt.cli.app import build
from tkt.store.location import Location

OPS = Path(__file__).parents[2] / "docs" / "ops"
UNIT = (OPS / "tkt.service").read_text()
SETTING = re.compile(r"(?m)^([A-Za-z]+)=(.*)$")
ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)")
LINE = re.compile(r"((?:\S+ +){5})(.+)")


def fake_tkt(folder: Path) -> Path:
    """A `tkt` of this source tree, as an installation would have it."""
    program = folder / "tkt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tkt "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return program


def test_the_unit_starts_the_scheduler_and_knows_its_exit_statuses() -> None:
    settings = dict(SETTING.findall(UNIT))
    program, *arguments = settings["ExecStart"].split()
    assert Path(program).name == "tkt" and arguments == ["serve"]
    assert "serve" in {command.name for command in build(None).registered_commands}
    assert settings["Restart"] == "on-failure" and "75" not in settings["RestartPreventExitStatus"].split()
    assert {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "DynamicUser": "yes"}.items() <= settings.items()
    assert settings["Environment"] == f"TKT_DESK=/var/lib/{settings['StateDirectory']}/desk.db"


def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    """Where there is a systemd; each option is then one that it knows."""
    names = [name for name, _ in SETTING.findall(UNIT)]
    assert len(names) == len(set(names))
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    unit = tmp_path / "tkt.service"
    unit.write_text(UNIT.replace("/usr/local/bin/tkt", str(fake_tkt(tmp_path))))
    done = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert "tkt.service" not in done.stderr
    assert done.returncode == 0


def crontab() -> tuple[dict[str, str], list[str]]:
    """Its variables, and its commands in order."""
    variables, commands = {}, []
    for line in (OPS / "crontab").read_text().splitlines():
        if found := ASSIGNMENT.fullmatch(line):
            variables[found[1]] = found[2]
        elif line and not line.startswith("#"):
            commands.append(re.fullmatch(LINE, line)[2])  # type: ignore[index]
    return variables, commands


def run(command: str, location: Location, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """As cron does: by sh, with a bare environment and what stands in the crontab."""
    variables, _ = crontab()
    fake_tkt(tmp_path)
    variables |= {"TKT_DESK": location.target, "PATH": f"{tmp_path}:{variables['PATH']}", "HOME": str(tmp_path)}
    variables |= {name: os.environ[name] for name in ("TKT_TEST_PASSWORD",)}
    return subprocess.run(["/bin/sh", "-c", command], env=variables, capture_output=True, text=True, check=False)


def test_the_crontabs_commands_do_their_work(
    sqlite_location: Location,
    tmp_path: Path,
    maildir: Any,
    postman: Any,
    configure: Callable[..., None],
    letter: Callable[..., bytes],
    rows: Callable[..., list[Any]],
) -> None:
    configure(sqlite_location, {"support": {"imap": f"maildir:{maildir.path}"} | postman.body()})
    maildir.deliver(letter("Printer"))
    _, (round_, report) = crontab()
    done = run(round_, sqlite_location, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # cron would mail it
    assert rows(sqlite_location, "SELECT subject FROM ticket") == ["Printer"] and len(postman.received) == 1
    assert "pull: mailbox support: 1 fetched" in Path(f"{sqlite_location.target}.log").read_text()

    done = run(report, sqlite_location, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    run(round_, sqlite_location, tmp_path)
    assert postman.received[-1].rcpt_tos == ["boss@example.com"]


def test_cron_mails_what_somebody_has_to_mend_and_nothing_else(
    sqlite_location: Location,
    tmp_path: Path,
    gate: Callable[..., Any],
    servers: Callable[..., Any],
    configure: Callable[..., None],
) -> None:
    _, (round_, _) = crontab()
    away = gate(None)
    login = {"imap": f"imap+plain://somebody@localhost:{away.port}", "password_env": "TKT_TEST_PASSWORD"}
    configure(sqlite_location, {"support": login})
    done = run(round_, sqlite_location, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")  # it will be back

    away.target = servers("pymap").plain_port
    done = run(round_, sqlite_location, tmp_path)
    assert "refuses the login: check user and password" in done.stdout


def test_two_rounds_do_not_overlap(sqlite_location: Location, tmp_path: Path) -> None:
    import fcntl

    _, (round_, _) = crontab()
    with open(f"{sqlite_location.target}.round", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run(round_, sqlite_location, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert Path(f"{sqlite_location.target}.log").read_text() == ""
