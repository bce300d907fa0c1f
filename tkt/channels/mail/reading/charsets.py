"""Bytes to text, whatever the label claims.

Mail carries labels that are wrong (gb2312 that is GBK, iso-8859-1 that is Windows-1252, Windows-1251 or UTF-8),
unknown, misspelt or missing. `decode` always gives an answer, and the answer never holds a NUL or a lone surrogate, so
it can be stored as UTF-8 anywhere. Labels follow the WHATWG Encoding Standard where it is wider than the label says;
what has no usable label is told by `scripts`.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from tkt.channels.mail.reading.scripts import likely_charset

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
    "iso2022_jp_1": "iso2022_jp_ext",
    "iso2022_jp_2": "iso2022_jp_2004",
    "iso2022_jp_3": "iso2022_jp_2004",
}
# What else a text under that label may be, when it doesn't fit.
_RELATIVES = {
    "big5hkscs": ("cp950",),
    "cp932": ("shift_jis_2004",),
    "euc_jp": ("euc_jis_2004",),
    "iso2022_jp_ext": ("iso2022_jp_2004",),
    "cp949": ("johab",),
}
_OTHER_NAMES = {
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ksc5601": "cp949",
    "x-gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "cswindows31j": "cp932",
    "x-ms-cp932": "cp932",
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
    "x-windows-949": "cp949",
    "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-ce": "mac_latin2",
    "euc-cn": "gb18030",
    "x-euc-cn": "gb18030",
    "utf8mb4": "utf-8",
    "unicode": "",
}
_MISSPELT = (
    (re.compile(r"(?:x-)?(?:cp|windows|win|ibm)[-_ ]?(\d{3,5})(?:http.*)?\Z"), r"cp\1"),
    (re.compile(r"iso[-_ ]?8859[-_ ]?(\d{1,2})\Z"), r"iso8859-\1"),
    (re.compile(r"utf[-_ ]?(\d{1,2})\Z"), r"utf-\1"),
    (re.compile(r"koi8[-_ ]?([rut])\Z"), r"koi8-\1"),
    (re.compile(r"(?:charset|x-unknown)[-=:](.+)"), r"\1"),
)
# Python codecs that are no charset of any mail: some interpret escapes, some take quadratic time.
_NO_CHARSET = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
# Charsets that write other scripts with ASCII bytes only.
_WIDE = ("utf-16", "utf-32")
_SEVEN_BIT = ("utf-7", "iso2022", "hz", *_WIDE)

# Characters that no mail is written in, but that UTF-8 read as GB 18030 turns into.
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+= -]{0,39}")
_UTF8_RUN = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
_JIS_ESCAPE = re.compile(rb"\x1b(?:\$\([@-H]|\$[@AB]|\([@-Z])")


@lru_cache(maxsize=256)
def codec_name(label: str) -> str:
    """Python's name of the charset `label`, widened to what senders really mean; "" if unknown."""
    found = _LABEL.match(label.strip(" \t\"'=").lower())
    if found is None:
        return ""
    name = found[0].strip()
    return _known(name) or next((_known(right.sub(to, name)) for right, to in _MISSPELT if right.match(name)), "")


def _known(name: str) -> str:
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    try:
        info = codecs.lookup(name)
        b"a".decode(info.name, "ignore")  # refuses codecs that don't make text, such as zlib
    except (LookupError, ValueError):
        return ""
    return "" if info.name.replace("-", "_") in _NO_CHARSET else _WIDER.get(info.name, info.name)


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
    if b"\x1b" in data and (b"\x1b$" in data or b"\x1b(" in data):
        return clean(_from_jis(data, name if name.startswith("iso2022") else "iso2022_jp_ext"))
    if name.startswith(_SEVEN_BIT) and (b"\0" in data or not name.startswith(_WIDE)):
        return clean(data.decode(name, "replace"))
    return data.decode("ascii").replace("\0", "")


def _from_jis(data: bytes, name: str) -> str:
    """ISO-2022 text; what Japanese mailers add to it (NEC's and IBM's characters) is read as Shift JIS has it."""
    try:
        return data.decode(name)
    except UnicodeDecodeError:
        pass
    if not name.startswith("iso2022_jp"):
        return data.decode(name, "replace")
    text, charset, at = [], b"\x1b(B", 0
    for escape in _JIS_ESCAPE.finditer(data):
        text.append(_jis_run(data[at : escape.start()], charset))
        charset, at = escape[0], escape.end()
    return "".join([*text, _jis_run(data[at:], charset)])


def _jis_run(run: bytes, charset: bytes) -> str:
    """What stands between two escape sequences."""
    if charset in (b"\x1b$B", b"\x1b$@", b"\x1b$(B"):
        return _shift(run).decode("cp932", "replace")
    if charset == b"\x1b(I":
        return bytes(byte | 0x80 for byte in run).decode("cp932", "replace")
    if charset == b"\x1b$(D":
        return (b"\x1b$(D" + run + b"\x1b(B").decode("iso2022_jp_ext", "replace")
    return run.decode("ascii", "replace")


def _shift(run: bytes) -> bytes:
    """Pairs of JIS X 0208 as Shift JIS writes them."""
    out = bytearray()
    for first, second in zip(run[::2], run[1::2], strict=False):
        if not (0x21 <= first <= 0x7E and 0x21 <= second <= 0x7E):
            out += bytes((first, second)) if first < 0x21 else b"?"
            continue
        lead = (first + 1) // 2 + (0x70 if first < 0x5F else 0xB0)
        out.append(lead)
        out.append(second + (0x1F if second < 0x60 else 0x20) if first % 2 else second + 0x7E)
    return bytes(out)


def _by_label(data: bytes, name: str) -> str:
    """`name` if it fits; UTF-8 if that fits instead; else a relative; else `name` with replacement characters."""
    if name.startswith(_WIDE) and b"\0" not in data and _is_utf8(data):
        return data.decode("utf-8")
    try:
        text = data.decode(name)
        if not _PRIVATE.search(text) and not (_is_single_byte(name) and _is_surely_utf8(data)):
            return text
    except ValueError:
        text = ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return text or _by_relative(data, name)


def _by_relative(data: bytes, name: str) -> str:
    for other in _RELATIVES.get(name, ()):
        try:
            return data.decode(other)
        except ValueError:
            continue
    if name.startswith("iso2022"):
        return _guess(data, "")
    return data.decode(name, "replace")


@lru_cache(maxsize=256)
def _is_single_byte(name: str) -> bool:
    return len(bytes(range(0xC0, 0x100)).decode(name, "ignore")) > 40


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_surely_utf8(data: bytes) -> bool:
    """Several characters beyond ASCII, all of them whole in UTF-8: by chance that is no other charset."""
    return len(_UTF8_RUN.findall(data[:4096])) >= 3 and _is_utf8(data)


def _guess(data: bytes, name: str) -> str:
    """8-bit text labelled as ASCII, Latin-1, UTF-8 or nothing: labels that are wrong most often."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if name != "cp1252" and _mostly_utf8(data):
        return data.decode("utf-8", "replace")
    return data.decode(likely_charset(data) or "cp1252", "replace")


def _mostly_utf8(data: bytes) -> bool:
    """UTF-8 that was cut or damaged in few places, rather than another charset."""
    text = data[:65536].decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return len(text) - len(text.encode("ascii", "ignore")) - damaged > damaged
