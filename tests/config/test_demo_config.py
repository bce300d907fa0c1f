"""The demo's desk.toml is right."""

from __future__ import annotations

from importlib.resources import files

from tkt.config.schema import check


def test_the_demo_passes_its_own_check() -> None:
    checked = check((files("tkt.demo") / "desk.toml").read_text("utf-8"))
    assert checked.problems == []
    assert checked.config is not None and checked.config.admins()
