"""Subjects and messages of a generated desk: English, German and Chinese, about the same dozen topics.

Every text holds the word `MARK`, which the generator replaces by a reference of its own, so that each ticket can be
found by something that only it has. Words are drawn from a vocabulary with a long tail, as in real mail.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

MARK = "xqmark"
"""Stands for a ticket's own reference; one term to the analyser, and nothing else is spelt so."""
RARE_WORD = "zeppelin"
"""In about `RARE_TICKETS` tickets of any desk."""
RARE_TICKETS = 20
COMMON_WORD = "vpn"
"""In about one ticket of six."""
LANGUAGES = {"en": 5, "de": 2, "zh": 1}
"""The languages of a desk, and how many of eight tickets are written in each."""


class Topic(NamedTuple):
    """What a ticket is about: its category, tags, and its subject in each language."""

    number: int
    category: str
    tags: tuple[str, ...]
    en: str
    de: str
    zh: str

    def subject(self, language: str) -> str:
        return {"en": self.en, "de": self.de, "zh": self.zh}[language]


TOPICS = (
    Topic(0, "network/vpn", ("vpn",), "VPN drops every hour", "VPN bricht stündlich ab", "VPN 每小时断线"),
    Topic(1, "network/vpn", ("vpn", "login"), "VPN login failed", "VPN-Anmeldung scheitert", "VPN 登录失败"),
    Topic(2, "network/wifi", ("wifi",), "No wifi in the hall", "Kein WLAN in der Halle", "大厅没有无线网络"),
    Topic(3, "hardware/laptop", (), "Laptop does not start", "Laptop startet nicht", "笔记本电脑无法启动"),
    Topic(4, "hardware/printer", ("printer",), "Printer jams", "Drucker klemmt", "打印机卡纸"),
    Topic(5, "accounts/password", ("login",), "Password reset", "Passwort vergessen", "忘记密码"),
    Topic(6, "accounts/access", ("access",), "Access to the wiki", "Zugang zum Wiki", "申请访问权限"),
    Topic(7, "billing/invoice", ("invoice",), "Wrong amount", "Falscher Betrag", "发票金额错误"),
    Topic(8, "billing/refund", ("invoice", "refund"), "Refund please", "Bitte um Erstattung", "申请退款"),
    Topic(9, "orders/delivery", (), "Parcel is late", "Paket kommt nicht an", "包裹延误"),
    Topic(10, "software/office", (), "Spreadsheet crashes", "Tabelle stürzt ab", "表格程序崩溃"),
    Topic(11, "software/mail", ("mail",), "Mails arrive twice", "Mails kommen doppelt", "邮件重复收到"),
)

_SENTENCES = {
    "en": (
        "Since this morning the {} in our {} does not answer any more.",
        "We have tried the {} from the manual, but the {} stays the same.",
        "My colleague has the same {} with another {}.",
        "The message says: {} not available, ask your {}.",
        "Could you please look at the {} before the {}?",
    ),
    "de": (
        "Seit heute früh antwortet {} in der {} nicht mehr.",
        "Wir haben {} nach Anleitung versucht, aber {} bleibt so.",
        "Eine Kollegin hat mit {} und {} dieselben Schwierigkeiten.",
        "Es erscheint die Meldung: {} nicht verfügbar, fragen Sie {}.",
        "Könnten Sie sich {} bitte vor {} ansehen? Danke für Ihre Mühe!",
    ),
    "zh": (
        "从今天早上开始，{} 和 {} 一直没有反应。",
        "我们已经按照说明书重新启动了 {}，但是 {} 的问题仍然存在。",
        "另一位同事的 {} 也出现了同样的情况，请检查 {}。",
        "请尽快处理，客户正在等待 {}，谢谢您的帮助 {}。",
    ),
}
_GREETINGS = {"en": ("Hello,", "Kind regards"), "de": ("Guten Tag,", "Viele Grüße"), "zh": ("您好！", "此致敬礼")}
_SYLLABLES = ("ba", "ren", "tos", "li", "mar", "qui", "sten", "vo", "dru", "kel", "an", "por", "fi", "gus", "hem")


class Writer:
    """Draws texts; the same `random` gives the same texts."""

    def __init__(self, random: Random, words: int = 4_000) -> None:
        self._random = random
        self._words = ["".join(random.choices(_SYLLABLES, k=random.randint(2, 4))) for _ in range(words)]
        self._weights = [1.0 / (rank + 3) for rank in range(words)]

    def message(self, language: str, topic: Topic, sentences: int) -> str:
        """A mail's text of this many sentences, with MARK in it."""
        hello, bye = _GREETINGS[language]
        shapes = self._random.choices(_SENTENCES[language], k=sentences)
        drawn = iter(self._random.choices(self._words, self._weights, k=2 * sentences))
        lines = [shape.format(next(drawn), next(drawn)) for shape in shapes]
        return "\n".join((hello, "", topic.subject(language), *lines, f"Ref: {MARK}", "", bye))
