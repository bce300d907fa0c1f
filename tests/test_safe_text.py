"""Nothing a stranger writes drives a terminal, hides in it or leaves a folder: real attacks, and the laws."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tkt.safe_text import FILENAME_BYTES, MARKS_PER_BASE, safe_block, safe_filename, safe_line

ATTACKS = {
    "colour": ("\x1b[31mred\x1b[0m", "red"),
    "title set": ("\x1b]0;pwned\x07Hello", "Hello"),
    "title reported back as input": ("\x1b]2;;rm -rf ~;\x1b\\\x1b[21tHello", "Hello"),
    "clipboard (OSC 52)": ("a\x1b]52;c;cm0gLXJmIH4=\x07b", "ab"),
    "link that lies (OSC 8)": (
        "\x1b]8;;https://evil.example/\x1b\\https://bank.example/\x1b]8;;\x1b\\",
        "https://bank.example/",
    ),
    "DECRQSS, echoed back": ('x\x1bP$q";id;"\x1b\\y', "xy"),
    "sixel picture": ("x\x1bPq#0;2;0;0;0~~\x1b\\y", "xy"),
    "kitty graphics (APC)": ("x\x1b_Ga=T;AAAA\x1b\\y", "xy"),
    "privacy message": ("x\x1b^hidden\x1b\\y", "xy"),
    "start of string": ("x\x1bXhidden\x1b\\y", "xy"),
    "8-bit CSI": ("\x9b31mred", "red"),
    "8-bit OSC and ST": ("a\x9d0;title\x9cb", "ab"),
    "8-bit DCS": ("a\x90$qm\x9cb", "ab"),
    "full reset": ("\x1bcgone", "gone"),
    "character set": ("\x1b(0lqqk", "lqqk"),
    "alternate screen": ("\x1b[?1049h\x1b[2J\x1b[Hfake prompt", "fake prompt"),
    "answerback": ("\x05hello", "hello"),
    "backspace overwrite": ("safe\b\b\b\bevil", "safeevil"),
    "bidi override of an extension": ("invoice\u202efdp.exe", "invoicefdp.exe"),
    "bidi isolate": ("a\u2066b\u2069c\u200fd\u061ce", "abcde"),
    "NUL": ("pass\x00word", "password"),
    "DEL": ("a\x7fb", "ab"),
    "zero width": ("pay\u200bpal\ufeff \u2060x\xad", "paypal x"),
    "tag characters": ("hi\U000e0069\U000e0067\U000e006e", "hi"),
    "interlinear annotation": ("\ufff9base\ufffanote\ufffb", "basenote"),
    "blank letters": ("\u3164\u115f\u1160\uffa0x", "x"),
    "lone surrogate": ("a\ud83db", "a\ufffdb"),
    "undecodable byte": ("a\udc9bb", "a\ufffdb"),
    "introducer split by a sequence": ("\x1b\x1b[0m[31mx", "[31mx"),
    "introducer split by NUL": ("\x1b\x00[31mx", "[31mx"),
    "unterminated title": ("\x1b]0;important text", "0;important text"),
    "escape at the end": ("bye\x1b", "bye"),
    "CSI at the end": ("bye\x1b[", "bye"),
}


@pytest.mark.parametrize(("attack", "shown"), ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("clean", [safe_line, safe_block])
def test_an_attack_is_defused(clean: object, attack: str, shown: str) -> None:
    assert clean(attack) == shown  # type: ignore[operator]


def test_a_carriage_return_overwrites_nothing() -> None:
    assert safe_line("rm -rf /\rls") == "rm -rf / ls"
    assert safe_block("rm -rf /\rls") == "rm -rf /\nls"


def test_an_unterminated_string_does_not_swallow_the_next_lines() -> None:
    assert safe_block("\x1b]0;x\nsecond\x07 line") == "0;x\nsecond line"
    assert safe_block("\x1bPx\r\nkept\x1b\\") == "x\nkept"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_end_is_one(end: str) -> None:
    assert safe_block(f"a{end}b") == "a\nb"
    assert safe_line(f"a{end}{end}b") == "a b"


def test_tabs_become_spaces() -> None:
    assert safe_line("a\t\tb") == "a b"
    assert safe_block("a\tb\n\tc") == "a       b\n        c"


@pytest.mark.parametrize(
    "markup", ["[red]x[/red]", "[link=https://evil.example]y[/link]", "[/]", "[@click=app.quit]z[/]", r"\[b]"]
)
def test_markup_stays_text(markup: str) -> None:
    assert safe_line(markup) == safe_block(markup) == markup


@pytest.mark.parametrize(
    "text",
    [
        "Re: VPN does not connect – since 09:00 …",
        "Übergröße: 12 € für „Köln“",
        "无法连接到公司的虚拟专用网络，请帮忙看一下。",
        "パスワードを忘れました・ヘルプ",
        "می‌خواهم",
        "क्ष हिन्दी में",
        "👨‍👩‍👧‍👦 ❤️ 👍🏽 🏳️‍🌈 🇩🇪 1️⃣",
        "e\u0301 Z\u0324\u0307 Việt Nam",
        "——————————————————————————————",
        "████████████░░░░ ┌─────────────┐",
        "שלום عليكم",
        "no-break\xa0space\u3000wide",
    ],
)
def test_clean_text_is_unchanged(text: str) -> None:
    assert safe_line(text) == text
    assert safe_block(f"{text}\n\n{text}") == f"{text}\n\n{text}"


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\ufe0f", "\u200d", "\u0e49"])
def test_piled_up_marks_are_capped(mark: str) -> None:
    assert safe_line(f"a{mark * 500}b{mark * 3}") == f"a{mark * MARKS_PER_BASE}b{mark * 3}"


def test_marks_can_not_hide_behind_what_is_dropped() -> None:
    pile = ("\u0301" * MARKS_PER_BASE + "\u200b") * 50
    assert safe_line("a" + pile) == "a" + "\u0301" * MARKS_PER_BASE


def test_a_limit_counts_characters_and_marks_the_cut() -> None:
    assert safe_line("abcdef", 6) == "abcdef"
    assert safe_line("abcdefg", 6) == "abcde…"
    assert safe_line("\x1b[1mabcdef\x1b[0m", 6) == "abcdef"
    assert safe_block("ab\ncd\nef", 6) == "ab\ncd…"
    assert (safe_line("abc", 1), safe_line("abc", 0), safe_line("", 0)) == ("…", "", "")


def test_a_long_line_that_begins_with_rubbish_is_marked_as_cut() -> None:
    assert safe_line("\x1b[0m" * 100_000 + "tail", 20) == "…"
    assert safe_line("x" * 10_000_000, 20) == "x" * 19 + "…"


@pytest.mark.parametrize(
    "rubbish", ["\x9d", "\x1b]", "\x1b[", "\x1b", "\x9b1;", "\x1bP0", "\u0301", "\x1b ", "\x90\x9d\x1b_"]
)
def test_endless_rubbish_leaves_nothing_that_acts(rubbish: str) -> None:
    assert_harmless(safe_block(rubbish * 50_000))


noise = st.text(
    st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x9c\x07\\[]PX^_;0mc \n\r\t\b\u202e\u200d\u0301\ufe0f\ud800"),
        st.characters(),
    ),
    max_size=60,
)
HIDDEN = set("\u061c\u200b\u200e\u200f\ufeff\xad\u3164\u034f") | {
    chr(n)
    for first, last in [
        (0x202A, 0x202E),
        (0x2060, 0x206F),
        (0xFFF9, 0xFFFB),
        (0xE0000, 0xE007F),
        (0xFE00, 0xFE0D),
    ]
    for n in range(first, last + 1)
}


def assert_harmless(text: str) -> None:
    assert not HIDDEN & set(text)
    row = 0
    for character in text:
        kind = unicodedata.category(character)
        assert kind not in ("Cc", "Cs", "Zl", "Zp") or character == "\n"
        row = row + 1 if kind in ("Mn", "Me") or character in "\u200c\u200d" else 0
        assert row <= MARKS_PER_BASE


@settings(deadline=None)
@given(noise, st.none() | st.integers(0, 40))
@example("\x1b" + "\x1b[0m" + "[31m", None)
def test_the_laws_of_a_line(text: str, limit: int | None) -> None:
    line = safe_line(text, limit)
    assert_harmless(line)
    assert "\n" not in line
    assert limit is None or len(line) <= limit
    assert safe_line(line, limit) == line


@settings(deadline=None)
@given(noise, st.none() | st.integers(0, 40))
def test_the_laws_of_a_block(text: str, limit: int | None) -> None:
    block = safe_block(text, limit)
    assert_harmless(block)
    assert limit is None or len(block) <= limit
    assert safe_block(block, limit) == block


def test_every_single_character_is_harmless_alone() -> None:
    for n in range(0x110000):
        assert_harmless(safe_line(chr(n)))


@settings(deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=60))
def test_letters_digits_punctuation_and_symbols_are_never_lost(text: str) -> None:
    blank = set("\u115f\u1160\u3164\uffa0")
    assert safe_line(text) == "".join(c for c in text if c not in blank)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"),
        ("Übersicht 2026 – 报告.pdf", "Übersicht 2026 – 报告.pdf"),
        ("../../etc/passwd", "passwd"),
        ("/etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\Users\\bob\\a.pdf", "a.pdf"),
        ("C:evil.exe", "evil.exe"),
        ("notes.txt:hidden", "notes.txt_hidden"),
        ("folder/", "folder"),
        (".bashrc", "bashrc"),
        ("-rf", "rf"),
        ("..", "attachment"),
        ("", "attachment"),
        (" . / .. ", "attachment"),
        ("a\x00b\n.txt", "ab .txt"),
        ("\x1b]0;x\x07a.txt", "a.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("fraction\u2044slash\uff0fname.txt", "name.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Com1 .tar.gz", "_Com1 .tar.gz"),
        ("console.txt", "console.txt"),
        ('a<b>"c|d?.txt', "a_b__c_d_.txt"),
        ("dots... ", "dots"),
    ],
)
def test_a_file_name_stays_in_its_folder(name: str, safe: str) -> None:
    assert safe_filename(name) == safe


def test_a_long_file_name_keeps_its_extension() -> None:
    assert safe_filename("a" * 300 + ".pdf") == "a" * (FILENAME_BYTES - 4) + ".pdf"
    chinese = safe_filename("文件" * 100 + ".docx")
    assert chinese.endswith("文.docx") or chinese.endswith("件.docx")
    assert FILENAME_BYTES - 4 <= len(chinese.encode()) <= FILENAME_BYTES
    assert len(safe_filename("x." + "y" * 300).encode()) <= FILENAME_BYTES


@settings(deadline=None)
@given(
    st.text(
        st.sampled_from("./\\:-~ aCON1x\u202e\x1b\x00\ud800文é\u200d\u0301?*\t") | st.characters(),
        max_size=200,
    )
)
def test_the_laws_of_a_file_name(name: str) -> None:
    safe = safe_filename(name)
    assert safe and len(safe.encode()) <= FILENAME_BYTES
    assert not set('/\\:*?"<>|\n\t') & set(safe)
    assert ".." not in safe
    assert safe[0] not in ".- " and safe[-1] not in ". "
    assert_harmless(safe)
    assert safe_filename(safe) == safe
