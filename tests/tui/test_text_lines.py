from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tkt.tui.text_lines import hanging, wrapped


@given(st.text(alphabet=st.sampled_from("ab ü中文🙂\n"), max_size=200), st.integers(2, 40))
def test_no_line_is_wider_and_no_letter_is_lost(text, width):
    lines = list(wrapped(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_stay_whole_and_indentation_is_kept():
    assert list(wrapped("  one two three", 9)) == ["  one two", "three"]
    assert list(wrapped("a\n\nb", 9)) == ["a", "", "b"]
    assert list(wrapped("abcdefghij", 4)) == ["abcd", "efgh", "ij"]


@given(st.text(alphabet=st.sampled_from("ab ü中文🙂"), max_size=200), st.integers(8, 40))
def test_an_outline_stays_within_its_width_and_loses_no_letter(text, width):
    lines = list(hanging(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_what_does_not_fit_into_a_line_of_an_outline_stands_further_in():
    assert list(hanging("  step +2h: fired now", 12)) == ["  step +2h:", "    fired", "    now"]
    assert list(hanging("  short", 12)) == ["  short"]
