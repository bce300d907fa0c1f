"""Which of the languages that we have templates for a text is written in: a guess from common words."""

from __future__ import annotations

import re

SAMPLE = 800

_HAN = re.compile("[\u4e00-\u9fff]")
_KANA_OR_HANGUL = re.compile("[\u3040-\u30ff\uac00-\ud7af]")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


_ENGLISH = _words(
    "the and is are was you your we our i my to of for with this that have has not can please hello hi dear",
    "thanks thank regards does from it be would when what how",
)
_GERMAN = _words(
    "der die das und ist sind war sie ihr ihre wir unser ich mein zu von für mit dieser dass habe hat nicht",
    "kann bitte hallo guten tag danke grüße grüßen freundlichen viele wie ein eine einen auf dem den es bei",
    "wenn noch seit kein keine geht",
)
# Common words of neighbours, which share some with English or German.
_OTHER = _words(
    "le la les et est des une vous nous je pour avec dans que qui el los las y es una por con para como il",
    "che di sono per non het een en van ik niet dat voor met o os um uma não com det och att jag som på",
    "nie jest się na w z do",
)


def guess_language(text: str) -> str:
    """ "en", "de", "zh", or "" when the text is too short, mixed, or in another language."""
    sample = text[:SAMPLE]
    words = set(sample.lower().replace(",", " ").split())
    if not sample.isascii() and _HAN.search(sample):
        if _KANA_OR_HANGUL.search(sample):
            return ""
        if 4 * len(_HAN.findall(sample)) > len(words):
            return "zh"
    english, german = len(words & _ENGLISH), len(words & _GERMAN)
    best = max(english, german)
    if best < 2 or english == german or len(words & _OTHER) >= best:
        return ""
    return "en" if english == best else "de"
