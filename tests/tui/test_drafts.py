from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tkt.store.location import Location
from tkt.tui.drafts import Drafts


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drafts:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Drafts(Location("sqlite", "/srv/desk.db"))


def test_a_draft_comes_back_until_it_is_dropped(drafts):
    drafts.keep(7, "reply", "Dear 王")
    assert drafts.read(7, "reply") == "Dear 王"
    assert drafts.read(7, "note") == "" and drafts.read(8, "reply") == ""
    drafts.drop(7, "reply")
    assert drafts.read(7, "reply") == ""
    drafts.drop(7, "reply")


def test_an_emptied_draft_leaves_nothing(drafts):
    drafts.keep(7, "note", "x")
    drafts.keep(7, "note", " \n")
    assert list(Path(drafts.folder).iterdir()) == []


def test_desks_do_not_share_drafts_and_nobody_else_reads_them(drafts):
    drafts.keep(7, "reply", "mine")
    assert Drafts(Location("sqlite", "/srv/other.db")).read(7, "reply") == ""
    file = next(Path(drafts.folder).iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(drafts.folder).stat().st_mode) == 0o700
