from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tkt.store.location import Location
from tkt.tui.drafts import Draft, Drafts


@pytest.fixture
def drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drafts:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Drafts(Location("sqlite", "/srv/desk.db"))


def test_a_draft_comes_back_until_it_is_dropped(drafts):
    drafts.keep(7, "reply", Draft("Dear 王"))
    assert drafts.read(7, "reply") == Draft("Dear 王")
    assert drafts.read(7, "note").empty and drafts.read(8, "reply").empty
    drafts.drop(7, "reply")
    assert drafts.read(7, "reply").empty
    drafts.drop(7, "reply")


@pytest.mark.parametrize("text", ["", "x", "\n\nx\n\ny", "Cc: not@a.head\n\nx", "\n"])
@pytest.mark.parametrize(("cc", "files"), [((), ()), (("a@b.c",), ()), (("a@b.c",), ("/tmp/a: b.txt", "/c"))])
def test_every_part_of_a_draft_comes_back(drafts, text, cc, files):
    draft = Draft(text, cc, files)
    drafts.keep(7, "note", draft)
    assert drafts.read(7, "note") == (Draft() if draft.empty else draft)


def test_it_is_known_which_tickets_have_a_draft(drafts):
    drafts.keep(7, "note", Draft("x"))
    drafts.keep(12, "reply", Draft("x"))
    again = Drafts(Location("sqlite", "/srv/desk.db"))
    assert again.kinds() == {7: ["note"], 12: ["reply"]}
    again.drop(7, "note")
    assert again.kinds() == {12: ["reply"]}


def test_an_emptied_draft_leaves_nothing(drafts):
    drafts.keep(7, "note", Draft("x"))
    drafts.keep(7, "note", Draft(" \n"))
    assert list(Path(drafts.folder).iterdir()) == []


def test_desks_do_not_share_drafts_and_nobody_else_reads_them(drafts):
    drafts.keep(7, "reply", Draft("mine"))
    assert Drafts(Location("sqlite", "/srv/other.db")).read(7, "reply").empty
    file = next(Path(drafts.folder).iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(drafts.folder).stat().st_mode) == 0o700
