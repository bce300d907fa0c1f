"""Which charset unlabelled 8-bit text is in, told by the script that comes out: for header fields and bodies whose
label is missing, unknown or plainly wrong.

A word in another script than the Latin one is of high bytes throughout, a Western one has few: that alone keeps
Western text safe. Among the charsets that decode the bytes, the one whose result looks most like writing wins:
the letters that are frequent in the script's languages, small letters after capitals, no stray signs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

SAMPLE = 2048

_FLOOR = 0.55
_WORD = re.compile(r"[^\W\d_]+")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_WORD = re.compile(rb"[A-Za-z]*+[\x80-\xff][A-Za-z\x80-\xff]*+")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{3,}+")
# Bytes that are signs in Windows-1252 and letters in Windows-1250, between letters.
_CENTRAL_SIGN = re.compile(rb"[A-Za-z\xc0-\xff][\xa5\xaa\xaf\xb3\xb9\xba\xbc\xbe\xbf][A-Za-z\xc0-\xff]")


class _Script(NamedTuple):
    """Where a script's characters are, and the ones that make up most of its texts."""

    first: int
    last: int
    common: frozenset[str]


_CYRILLIC = _Script(0x0400, 0x045F, frozenset("оеаинтсрвлкмдпуяьы"))
_GREEK = _Script(0x0370, 0x03FF, frozenset("αοιετσνηυρπκμλςόίάήέ"))
_HEBREW = _Script(0x05D0, 0x05EA, frozenset("יוהלארתבשמנדע"))
_ARABIC = _Script(0x0600, 0x06FF, frozenset("اليمنوترهبعدسفكحقةأ"))
_THAI = _Script(0x0E00, 0x0E7F, frozenset("านรอกเงมยลวดทสตะปบคหแจพชขใไ่้ัี์ิื"))
_HAN_SIMPLE = frozenset(
    "的一是不了人我在有他这中大来上个国到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能"
    "好都然没日于起还发成事只作当想看文无开手用主行方又如前所本见经面公同三已从动两长知测试问题您请打印机网络法连接帮忙"
    "订单司电脑坏系统账号密码登录错误服务器件客户"
)
_HAN_FULL = frozenset(
    "的一是不了人我在有他這中大來上個國到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後小麼心多天而能"
    "好都然沒日於起還發成事只作當想看文無開手用主行方又如前所本見經面公同三已從動兩長知測試問題您請印表機網路法連線幫忙"
    "訂單司電腦壞系統帳號密碼登入錯誤服務伺器件客戶"
)
_SINGLE_BYTE = {
    "cp1251": _CYRILLIC,
    "koi8-r": _CYRILLIC,
    "iso8859-5": _CYRILLIC,
    "cp866": _CYRILLIC,
    "cp1253": _GREEK,
    "cp1255": _HEBREW,
    "cp1256": _ARABIC,
    "cp874": _THAI,
}


def likely_charset(data: bytes) -> str:
    """The codec that 8-bit `data` (no UTF-8) most likely needs; "" if it is Western or can't be told."""
    sample = data[:SAMPLE]
    high = len(_HIGH.findall(sample))
    if high < 4 or high < 0.5 * sum(map(len, _HIGH_WORD.findall(sample))):
        return "cp1250" if _CENTRAL_SIGN.search(sample) else ""
    scores = {}
    if _HIGH_RUN.search(sample):
        scores = {name: _single_byte_score(sample, name, script) for name, script in _SINGLE_BYTE.items()}
    scores |= {name: _chinese_score(sample, name) for name in ("gb18030", "big5hkscs")}
    scores |= {name: _japanese_score(sample, name) for name in ("cp932", "euc_jp")}
    scores["cp949"] = _korean_score(sample)
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= _FLOOR else ""


def _wide(sample: bytes, name: str) -> list[str]:
    """The characters beyond ASCII, none if the sample isn't in that charset; one cut off at the end is forgiven."""
    for cut in range(3 if len(sample) == SAMPLE else 1):
        try:
            return [one for one in sample[: len(sample) - cut].decode(name) if one > "\x7f" and one != "\xa0"]
        except UnicodeDecodeError:
            continue
    return []


def _share(wide: list[str], first: int, last: int) -> float:
    return sum(first <= ord(one) <= last for one in wide) / len(wide)


def _chinese_score(sample: bytes, name: str) -> float:
    """Characters of the first, common level; a few very common ones among them settle it."""
    wide = _wide(sample, name)
    if not wide:
        return 0.0
    lowest, highest, common = (0xB0, 0xD7, _HAN_SIMPLE) if name == "gb18030" else (0xA4, 0xC6, _HAN_FULL)
    leads = [one.encode(name)[0] for one in wide]
    usual = sum(lowest <= lead <= highest or lead in (0xA1, 0xA3) for lead in leads) / len(leads)
    return 0.6 * usual + 1.2 * sum(one in common for one in wide) / len(wide)


def _japanese_score(sample: bytes, name: str) -> float:
    """Japanese is never long without kana; half-width ones are what other charsets look like in it."""
    wide = _wide(sample, name)
    kana = _share(wide, 0x3040, 0x30FF) if wide else 0.0
    if kana < 0.15:
        return 0.0
    usual = kana + _share(wide, 0x3000, 0x303F) + _share(wide, 0x4E00, 0x9FFF)
    return usual * (0.4 + kana) if name == "euc_jp" else usual


def _korean_score(sample: bytes) -> float:
    """Syllables of KS X 1001, which every Korean charset begins with; each stands in a word of several."""
    wide = _wide(sample, "cp949")
    if not wide:
        return 0.0
    leads = [one.encode("cp949") for one in wide]
    usual = sum(0xB0 <= pair[0] <= 0xC8 and pair[-1] >= 0xA1 for pair in leads) / len(leads)
    return 0.9 * usual if usual > 0.8 else 0.3 * usual


def _single_byte_score(sample: bytes, name: str, script: _Script) -> float:
    wide = _wide(sample, name)
    if not wide:
        return 0.0
    letters = [one for one in wide if script.first <= ord(one) <= script.last]
    usual = sum(one.lower() in script.common for one in letters) / len(wide)
    inside = len(letters) / len(wide)
    if script is _THAI and len(wide) < 6:
        return 0.0  # without capitals too little tells it from the signs of Western text
    return inside**2 * (0.2 + usual) * _like_words(sample.decode(name, "replace"))


def _like_words(text: str) -> float:
    """1 for words in small letters or with a capital first, less for those in capitals, far less for odd ones."""
    words: list[str] = [word for word in _WORD.findall(text) if not word.isascii()]
    if not words:
        return 0.0
    mixed = sum(word[0].isascii() != word[-1].isascii() for word in words)
    odd = sum(word.lower() != word and not word[1:].islower() and not word.isupper() for word in words)
    loud = sum(word.lower() != word and word.isupper() for word in words)
    return max(0.0, 1 - (odd + mixed + 0.2 * loud) / len(words))
