from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tkt.tui.text_lines import wrapped


@given(st.text(alphabet=st.sampled_from("ab ü中文🙂\n"), max_size=200), st.integers(2, 40))
def test_no_line_is_wider_and_no_letter_is_lost(text, width):
    lines = list(wrapped(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_words_stay_whole_and_indentation_is_kept():
    assert list(wrapped("  one two three", 9)) == ["  one two", "three"]
    assert list(wrapped("a\n\nb", 9)) == ["a", "", "b"]
    assert list(wrapped("abcdefghij", 4)) == ["abcd", "efgh", "ij"]
