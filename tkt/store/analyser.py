"""Text into search terms: the one analyser behind both engines, so that the same words find the same tickets.

How text becomes terms
- Compatibility forms, case and accents are folded: `Ärger`, `ärger` and `ARGER` are one term, `ß` is `ss`,
  full-width letters are plain ones. Vowel signs that carry meaning (Indic scripts, Japanese) stay.
- A term is a run of letters and digits. Whatever stands between splits, so that the parts of an address, a
  host name or an order number are found: `vpn-gw1.example.com` is `vpn gw1 example com`, in this order.
- Scripts written without spaces between words (Chinese, Japanese, Thai …), and Korean, whose words carry
  their particles, become overlapping pairs of characters, and each run ends with its last character alone:
  `登录失败` is `登录 录失 失败 败`. A line break between two Chinese or Japanese characters is no gap.
- `index_terms` appends every such character once, alone, so that a search for one character finds all.

The law: if `text` contains `phrase`, standing between word boundaries (in scripts without spaces: anywhere),
each list of `query_phrases(phrase)` stands in `index_terms(text)` as consecutive terms. The only looseness:
a lone last character of such a script is looked for anywhere in the text, not right after what precedes it.

Terms hold letters and digits of any script and marks upon them, never a space, a quote or an operator, and
are at most `TERM_LENGTH` characters (longer words are cut into pieces). FTS5 gets them joined by single
spaces and must use `FTS5_TOKENIZER`: it takes every character above ASCII as part of a term, while unicode61
knows an old Unicode and splits Hindi at its vowel signs.

Of a very long text only the beginning is indexed (`INDEXED_CHARACTERS`, `INDEXED_TERMS`). Patterns are given
to `re` as text: it compiles each at its first use and keeps it, so ASCII never pays for the other scripts.
"""

from __future__ import annotations

import re

FTS5_TOKENIZER = "ascii"

TERM_LENGTH = 64
INDEXED_CHARACTERS = 200_000
INDEXED_TERMS = 16_000
"""A tsvector counts positions to 16,383 and holds 1 MB: beyond, phrases would differ between the engines."""

_LONE_CHARACTERS = 4_000  # of INDEXED_TERMS; as many as a newspaper uses

UNSPACED = (
    r"\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U000323af"  # Han and kana
    r"\uac00-\ud7a3"  # Hangul
    r"\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf"  # Thai, Lao
    r"\u1000-\u103f\u1050-\u109d\u1780-\u17d3\u17dc\u17dd"  # Burmese, Khmer
)
"""Letters that stand next to each other without a space between words, as a regular expression's set."""

# Vowel signs of scripts with spaces: no \w, yet part of the word. (Their blocks without the punctuation.)
_VOWEL_SIGNS = (
    r"\u0711\u0730-\u074a\u07a6-\u07b0\u07eb-\u07f3\u07fd\u0816-\u082d\u0859-\u085b\u0900-\u0963\u0966-\u096f"
    r"\u0971-\u0df3\u0f18\u0f19\u0f35\u0f37\u0f39\u0f3e-\u0f84\u0f86-\u0fbc\u0fc6\u1712-\u1734\u1752\u1753"
    r"\u1772\u1773\u1885\u1886\u18a9\u1920-\u193b\u1a17-\u1a1b\u1a55-\u1a7f\u1b00-\u1b4b\u1b80-\u1bf3"
    r"\u1c00-\u1c37\ua802-\ua827\ua880-\ua8c5\ua8e0-\ua8f7\ua926-\ua953\ua980-\ua9c0\uaa29-\uaa4d\uaa7b-\uaabf"
    r"\uaaeb-\uaaef\uaaf5\uaaf6\uabe3-\uabea\uabec\uabed"
)
# Accents of Latin, Greek, Cyrillic; points of Hebrew, Arabic, Ethiopic; the invisible (soft hyphen, joiners).
_DROPPED = (
    r"[\xad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640"
    r"\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"
    r"\u0898-\u089f\u08ca-\u08e1\u08e3-\u08ff\u135d-\u135f\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff"
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20f0"
    r"\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U000e0100-\U000e01ef]+"
)
# Letters that Unicode does not decompose though people type them without the stroke; other scripts' digits.
_REWRITTEN = {
    **{"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "ı": "i"},
    **{chr(zero + digit): str(digit) for zero in (0x660, 0x6F0, 0x966) for digit in range(10)},
}
_REWRITE = f"[{''.join(_REWRITTEN)}]"
_HAN_OR_KANA = r"[\u2e80-\u9fff\U00020000-\U000323af]"
_WRAPPED = rf"(?<={_HAN_OR_KANA})[ \t]*\r?\n[ \t\u3000]*(?={_HAN_OR_KANA})"

_ASCII_TERMS = rf"[a-z0-9]{{1,{TERM_LENGTH}}}"
_SIMPLE_TERMS = rf"[^\W_]{{1,{TERM_LENGTH}}}"
_NOT_SIMPLE = r"[^\x00-\u06ff\u1e00-\u2bff\U0001f000-\U0001faff]"  # beyond: vowel signs and missing spaces
_RUN = rf"([{UNSPACED}]+)|(?:[^\W_{UNSPACED}]++|[{_VOWEL_SIGNS}]++)+"


def index_terms(text: str) -> list[str]:
    """What is stored for a text, in order: its terms, then each lone character of a script without spaces."""
    terms: list[str] = []
    lone: dict[str, None] = {}
    for unspaced, run in _runs(text):
        terms += run
        if unspaced:
            lone.update(dict.fromkeys(pair[0] for pair in run))
    characters = list(lone)[:_LONE_CHARACTERS]
    return terms[: INDEXED_TERMS - len(characters)] + characters


def query_terms(text: str) -> list[str]:
    """The terms that a text must hold to contain this word or phrase: `query_phrases`, joined."""
    return [term for phrase in query_phrases(text) for term in phrase]


def query_phrases(text: str) -> list[list[str]]:
    """The lists of terms, each to be found as consecutive ones, in texts that contain this word or phrase.

    Mostly one list; empty where the text holds no letter and no digit, so that nothing can be searched for.
    """
    runs = _runs(text)
    if not runs:
        return []
    unspaced, last = runs.pop()
    phrase = [term for _, run in runs for term in run]
    if not unspaced:
        return [phrase + last]
    if len(last) > 1:  # the text may go on where the query ends: its last character need not end a run
        return [phrase + last[:-1]]
    return [phrase, last] if phrase else [last]


def _runs(text: str) -> list[tuple[bool, list[str]]]:
    """The terms run by run, each with whether its script is one without spaces. Plain words make one run."""
    text = text[:INDEXED_CHARACTERS]
    if text.isascii():
        words = re.findall(_ASCII_TERMS, text.lower())
        return [(False, words)] if words else []
    folded = _folded(text)[:INDEXED_CHARACTERS]
    if not re.search(_NOT_SIMPLE, folded):
        words = re.findall(_SIMPLE_TERMS, folded)
        return [(False, words)] if words else []
    return [_run(match) for match in re.finditer(_RUN, folded)]


def _folded(text: str) -> str:
    from unicodedata import normalize  # a megabyte that an ASCII desk never loads

    decomposed = re.sub(_DROPPED, "", normalize("NFKD", text)).casefold()
    rewritten = re.sub(_REWRITE, lambda letter: _REWRITTEN[letter[0]], decomposed)
    return re.sub(_WRAPPED, "", normalize("NFC", rewritten))


def _run(match: re.Match[str]) -> tuple[bool, list[str]]:
    run = match[0]
    if match[1]:
        return True, [run[n : n + 2] for n in range(len(run))]
    return False, [run[n : n + TERM_LENGTH] for n in range(0, len(run), TERM_LENGTH)]
