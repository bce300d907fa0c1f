"""The analyser: what is folded, what is split, and the law that a text is found by every phrase in it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tkt.store.analyser import (
    FTS5_TOKENIZER,
    INDEXED_TERMS,
    TERM_LENGTH,
    index_terms,
    query_phrases,
    query_terms,
)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The VPN is down", "the vpn is down"),
        ("Ärger mit Größe", "arger mit grosse"),
        ("A\u0308RGER", "arger"),
        ("Øresund Łódź Čeština Đorđe Ægir cœur", "oresund lodz cestina dorde aegir coeur"),
        ("İstanbul ILICA ılıca", "istanbul ilica ilica"),
        ("Ελλάδα ΣΊΣΥΦΟΣ σίσυφος", "ελλαδα σισυφοσ σισυφοσ"),
        ("Ёлка", "елка"),
        ("ＶＰＮ ﬁle m² Ⅷ", "vpn file m2 viii"),
        ("vpn-gw1.example.com", "vpn gw1 example com"),
        ("<Alice.Smith+x@Example.COM>", "alice smith x example com"),
        ("[#1042] ORD-2024_0012/7", "1042 ord 2024 0012 7"),
        ("don't don’t", "don t don t"),
        ("re\xadstart\u200bed", "restarted"),
        ("هَاتِف أهلا ٣٤", "هاتف اهلا 34"),
        ("हिन्दी में।", "हिन्दी में"),
        ("ქართული 👍 ok", "ქართული ok"),
    ],
)
def test_words_are_folded_and_split(text: str, terms: str) -> None:
    assert index_terms(text) == query_terms(text) == terms.split()


@pytest.mark.parametrize(
    ("text", "stream", "lone"),
    [
        ("登录失败", "登录 录失 失败 败", "登 录 失 败"),
        ("我的VPN连接", "我的 的 vpn 连接 接", "我 的 连 接"),
        ("型", "型", "型"),
        ("パスワード・がぎ", "パス スワ ワー ード ド がぎ ぎ", "パ ス ワ ー ド が ぎ"),
        ("ﾊﾟｽ", "パス ス", "パ ス"),
        ("로그인 실패", "로그 그인 인 실패 패", "로 그 인 실 패"),
        ("ไทย", "ไท ทย ย", "ไ ท ย"),
        ("无法连\r\n接", "无法 法连 连接 接", "无 法 连 接"),
        ("好。\n好", "好 好", "好"),
    ],
)
def test_scripts_without_spaces_become_pairs_and_lone_characters(text: str, stream: str, lone: str) -> None:
    assert index_terms(text) == stream.split() + lone.split()


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("登录失败", [["登录", "录失", "失败"]]),
        ("录", [["录"]]),
        ("的vpn", [["的", "vpn"]]),
        ("VPN连接", [["vpn", "连接"]]),
        ("A型", [["a"], ["型"]]),
        ("error 42", [["error", "42"]]),
        ("…", []),
        ("", []),
        ("—！", []),
    ],
)
def test_a_phrase_becomes_lists_of_consecutive_terms(text: str, phrases: list[list[str]]) -> None:
    assert query_phrases(text) == phrases


def holds(terms: list[str], phrase: list[str]) -> bool:
    return any(terms[n : n + len(phrase)] == phrase for n in range(len(terms)))


words = st.text(
    st.sampled_from("aZéßøΣςйİ0٣ﬁ\u0301ي") | st.characters(categories=("L", "Nd"), max_codepoint=0x6FF),
    max_size=80,
)
unspaced = st.text(st.sampled_from("登录失败型パがｶﾞ로그인𠀀々ไทย"), max_size=6)
spaced = st.sampled_from([" ", "-", "@", ". ", "\n", "_", "/", "，", "\u200b "])


@settings(deadline=None)
@given(st.lists(st.tuples(words, spaced), max_size=8), st.data())
def test_a_text_is_found_by_every_phrase_between_word_boundaries(
    parts: list[tuple[str, str]], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(parts)))
    last = data.draw(st.integers(first, len(parts)))
    text, phrase = ("".join(word + gap for word, gap in some) for some in (parts, parts[first:last]))
    stored = index_terms(text)
    assert all(holds(stored, terms) for terms in query_phrases(phrase))
    assert set(query_terms(phrase)) <= set(stored)


@settings(deadline=None)
@given(st.lists(st.tuples(unspaced, st.sampled_from(["", " ", "vpn", "，", "7"])), max_size=8), st.data())
def test_a_text_without_spaces_is_found_by_every_part_of_it(parts: list[tuple[str, str]], data: st.DataObject) -> None:
    text = "".join(word + gap for word, gap in parts)
    starts = [n for n in range(len(text) + 1) if not (0 < n < len(text) and text[n - 1 : n + 1].isascii())]
    first = data.draw(st.sampled_from(starts))
    last = data.draw(st.sampled_from([n for n in starts if n >= first]))
    if text[first:last].startswith("ﾞ"):  # half of a letter
        return
    stored = index_terms(text)
    if text[last : last + 1] != "ﾞ":
        assert all(holds(stored, terms) for terms in query_phrases(text[first:last]))


@settings(deadline=None)
@given(st.text(max_size=200))
def test_terms_are_safe_tokens(text: str) -> None:
    for term in index_terms(text) + query_terms(text):
        assert 0 < len(term) <= TERM_LENGTH
        ascii_part = "".join(c for c in term if c.isascii())
        assert not ascii_part or (ascii_part.isalnum() and ascii_part == ascii_part.lower())
        assert not any(c.isspace() for c in term)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_letters_are_folded_once_and_for_all(text: str) -> None:
    terms = query_terms(text)
    assert [t for term in terms for t in query_terms(term)] == terms


@settings(deadline=None)
@given(st.text(max_size=80))
def test_the_case_of_a_query_does_not_matter(text: str) -> None:
    assert query_terms(text.upper()) == query_terms(text.upper().casefold())


def test_a_long_word_is_cut_into_pieces_that_follow_each_other() -> None:
    assert index_terms("x" * 150) == ["x" * 64, "x" * 64, "x" * 22]
    assert index_terms("é" * 150) == ["e" * 64, "e" * 64, "e" * 22]
    assert [len(term) for term in index_terms("कि" * 50)] == [64, 36]


@pytest.mark.parametrize("word", ["word ", "wörd ", "登录失败", "\ufdfa", "x"])
def test_a_huge_text_makes_a_bounded_list(word: str) -> None:
    terms = index_terms(word * 1_000_000)
    assert 0 < len(terms) <= INDEXED_TERMS
    assert sum(len(term.encode()) for term in terms) < 900_000  # a tsvector takes 1 MB


def test_the_lone_characters_of_a_long_text_are_kept() -> None:
    assert index_terms("失败" * 20_000)[-2:] == ["失", "败"]


@pytest.fixture
def search() -> Iterator[sqlite3.Connection]:
    store = sqlite3.connect(":memory:")
    store.execute(f"CREATE VIRTUAL TABLE search USING fts5(terms, tokenize='{FTS5_TOKENIZER}')")
    store.execute("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(search, 'row')")
    yield store
    store.close()


SAMPLES = [
    "vpn-gw1.example.com refuses alice@example.com",
    "Größe, Øresund AND OR NOT near",
    "登录失败 VPN连接",
    "𠀀𠀁 𰀀𰀁",
    "हिन्दी में",
    "ภาษาไทย",
    "로그인 실패",
    "ქართული ᏣᎳᎩ",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_fts5_keeps_every_term_whole(search: sqlite3.Connection, text: str) -> None:
    search.execute("INSERT INTO search VALUES (?)", (" ".join(index_terms(text)),))
    kept = {term for (term,) in search.execute("SELECT term FROM vocabulary")}
    assert kept == set(index_terms(text))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gw1.example", {0}),
        ("example gw1", set()),
        ("GROSSE", {1}),
        ("and or", {1}),
        ("录失", {2}),
        ("录", {2}),
        ("失败 vpn", {2}),
        ("登败", set()),
        ("PN连", set()),
        ("vpn连", {2}),
        ("𰀁", {3}),
        ("हिन्दी", {4}),
        ("हिन", set()),
        ("ไทย", {5}),
        ("그인", {6}),
        ("ᏣᎳᎩ", {7}),
    ],
)
def test_fts5_finds_phrases(search: sqlite3.Connection, query: str, found: set[int]) -> None:
    rows = [(n, " ".join(index_terms(text))) for n, text in enumerate(SAMPLES)]
    search.executemany("INSERT INTO search (rowid, terms) VALUES (?, ?)", rows)
    match = " AND ".join(f'"{" ".join(terms)}"' for terms in query_phrases(query))
    hits = search.execute("SELECT rowid FROM search WHERE search MATCH ?", (match,))
    assert {number for (number,) in hits} == found


def test_ascii_text_never_loads_the_unicode_tables() -> None:
    code = "import sys; from tkt.store.analyser import index_terms; index_terms('a b'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"unicodedata", "typing", "sqlite3"} & set(loaded)
