"""A line is exactly as wide as asked, says everything without colour, and lets nothing of a stranger through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tkt.store.read_tickets import TicketRow
from tkt.tui.columns import SECOND, Context, deadline, fitted, layout

NOW = 1_800_000_000 * SECOND


def row(**values: object) -> TicketRow:
    plain = dict.fromkeys(TicketRow._fields)
    texts = dict.fromkeys(("type", "category", "team", "assignee", "company", "tier"), "")
    facts = {"number": 42, "subject": "VPN", "status": "open", "status_kind": "open", "priority": "high",
             "requester_name": "Ann", "requester_email": "ann@acme.example", "channel": "mail", "created_at": NOW,
             "updated_at": NOW, "unread": False, "undelivered": False, "breached": False, "attachments": 0,
             "version": 1}  # fmt: skip
    return TicketRow(**{**plain, **texts, **facts, **values})


def line(ticket: TicketRow, width: int, **context: object) -> str:
    segments = layout(width).line(ticket, Context(NOW, **context), current=False)
    return "".join(segment.text for segment in segments)


@given(
    width=st.integers(40, 220),
    number=st.integers(1, 99_999_999),
    subject=st.text(),
    name=st.text(max_size=60),
    due=st.none() | st.integers(-(10**15), 10**15),
)
def test_lines_are_as_wide_as_asked_and_harmless(width, number, subject, name, due):
    ticket = row(number=number, subject=subject, requester_name=name, due_at=None if due is None else NOW + due)
    shown = "".join(
        segment.text for segment in layout(width, len(str(number))).line(ticket, Context(NOW), current=True)
    )
    assert cell_len(shown) == width
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in shown)
    assert "\u202e" not in shown


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_what_triage_needs_is_there_at_every_width(width):
    shown = line(row(subject="S" * 300, due_at=NOW + 5 * 3600 * SECOND), width)
    assert all(word in shown for word in ("42", "S" * 28, "Ann", "open", "high", "5h00m"))


def test_wide_lists_show_team_and_assignee():
    shown = line(row(team="network", assignee="bob"), 120)
    assert "network" in shown and "bob" in shown


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"due_at": None}, "-"),
        ({"due_at": NOW + 3 * 86400 * SECOND}, "3d0h"),
        ({"due_at": NOW + 5 * 3600 * SECOND + 60 * SECOND}, "5h01m"),
        ({"due_at": NOW + 42 * 60 * SECOND}, "! 42m"),
        ({"due_at": NOW + 63 * SECOND}, "! 60s"),
        ({"due_at": NOW - 2 * 3600 * SECOND}, "late 2h"),
        ({"due_at": NOW + 3 * 3600 * SECOND, "breached": True}, "x 3h00m"),
        ({"due_at": None, "breached": True}, "breached"),
        ({"due_at": NOW - 1, "status_kind": "closed"}, "-"),
    ],
)
def test_deadlines_say_in_words_what_the_colour_says(values, words):
    assert deadline(row(**values), Context(NOW)).text == words


def test_marks_are_signs():
    shown = line(row(unread=True, undelivered=True, assignee="alice"), 80, me="alice", marked=frozenset((42,)))
    assert shown.startswith("✓●✗@")
    assert line(row(assignee="bob"), 80, me="alice").startswith("   ·")


@given(st.text(alphabet="aü中🙂e\u0301 "), st.integers(1, 30))
def test_fitted_text_has_the_width(text, width):
    assert cell_len(fitted(text, width)) == width == cell_len(fitted(text, width, right=True))
