"""What is written reads back as the same value."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tkt.config import toml_text

_values = st.recursive(
    st.text(max_size=12) | st.booleans() | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(st.text(max_size=6), _values, max_size=5))
def test_a_table_reads_back(table: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text.table("[a]", table.items())) == {"a": table}


@given(st.text(alphabet='\n\r\t "\\a\x7f'))
def test_texts_of_several_lines_read_back(text: str) -> None:
    assert tomllib.loads(toml_text.table("[a]", [("t", text)])) == {"a": {"t": text}}


def test_short_tables_stand_on_one_line() -> None:
    written = toml_text.table("[sla.targets]", [("urgent", {"first_response": "15m", "resolution": "4h"})])
    assert written == '[sla.targets]\nurgent = { first_response = "15m", resolution = "4h" }\n'
