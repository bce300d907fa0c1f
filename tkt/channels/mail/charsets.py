"""Bytes to text, whatever the label claims.

Mail carries labels that are wrong (gb2312 that is GBK, iso-8859-1 that is Windows-1252 or UTF-8), unknown or
missing. `decode` always gives an answer, and the answer never holds a NUL or a lone surrogate, so it can be
stored as UTF-8 anywhere. Labels follow the WHATWG Encoding Standard where it is wider than the label says.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso2022_jp": "iso2022_jp_ext",
}
_OTHER_NAMES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-sjis": "cp932",
    "x-x-big5": "big5hkscs",
    "x-euc-jp": "euc_jp",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "ansi_x3.4-1968": "cp1252",
    "ansi": "cp1252",
}
# Python codecs that are no charset of any mail: some interpret escapes, some take quadratic time.
_NO_CHARSET = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
# Charsets that write other scripts with ASCII bytes only.
_SEVEN_BIT = ("utf-7", "iso2022", "hz", "utf-16", "utf-32")

# Characters that no mail is written in, but that UTF-8 read as GB 18030 turns into.
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_HIGH_RUN = re.compile(rb"[\x80-\xff]+")
_HANZI_RUN = re.compile(rb"(?:[\xa1-\xf7][\xa1-\xfe])+")


@lru_cache(maxsize=256)
def codec_name(label: str) -> str:
    """Python's name of the charset `label`, widened to what senders really mean; "" if unknown."""
    found = _LABEL.match(label.strip(" \t\"'").lower())
    if found is None:
        return ""
    if found[0] in _OTHER_NAMES:
        return _OTHER_NAMES[found[0]]
    try:
        info = codecs.lookup(found[0])
        b"".decode(info.name)  # refuses codecs that don't make text, such as zlib
    except (LookupError, ValueError):
        return ""
    return "" if info.name in _NO_CHARSET else _WIDER.get(info.name, info.name)


def decode(data: bytes, label: str = "") -> str:
    """The text of `data`, which claims to be in the charset `label` (may be wrong or "")."""
    name = codec_name(label) if label else ""
    if data.isascii():
        return _seven_bit(data, name)
    if name in ("", "utf-8", "cp1252"):
        return _without_marks(_guess(data, name))
    return clean(_by_label(data, name))


def clean(text: str) -> str:
    """`text` without NUL, surrogates and byte-order mark: what UTF-8, SQLite and Postgres all can hold."""
    text = _without_marks(text)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        # Halves of a pair that UTF-7 or a broken escape left apart are joined, the rest is replaced.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _without_marks(text: str) -> str:
    return text.replace("\0", "").removeprefix("\ufeff")


def _seven_bit(data: bytes, name: str) -> str:
    if name.startswith(_SEVEN_BIT):
        return clean(data.decode(name, "replace"))
    if b"\x1b$" in data:
        return clean(data.decode("iso2022_jp_ext", "replace"))
    return data.decode("ascii").replace("\0", "")


def _by_label(data: bytes, name: str) -> str:
    """`name` if it fits; UTF-8 if that fits instead; else `name` with replacement characters."""
    try:
        text = data.decode(name)
        if not _PRIVATE.search(text):
            return text
    except ValueError:
        text = ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return text or data.decode(name, "replace")


def _guess(data: bytes, name: str) -> str:
    """8-bit text labelled as ASCII, Latin-1, UTF-8 or nothing: labels that are wrong most often."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if name != "cp1252" and _mostly_utf8(data):
        return data.decode("utf-8", "replace")
    if _looks_like_hanzi(data):
        return data.decode("gb18030", "replace")
    return data.decode("cp1252", "replace")


def _mostly_utf8(data: bytes) -> bool:
    """UTF-8 that was cut or damaged in few places, rather than another charset."""
    text = data[:65536].decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - damaged > damaged


def _looks_like_hanzi(data: bytes) -> bool:
    """High bytes only in pairs, most of them among GB 2312's common characters (rows 16 to 55)."""
    runs: list[bytes] = _HIGH_RUN.findall(data[:4096])
    if not all(_HANZI_RUN.fullmatch(run) for run in runs[:-1]):
        return False
    leads = [byte for run in runs for byte in run[::2]]
    return sum(0xB0 <= byte <= 0xD7 for byte in leads) > 0.6 * len(leads)
