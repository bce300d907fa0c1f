"""Folding: the writer's own words stay visible, quotes and signatures are told apart, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.quotes import fold, own_text

ATTRIBUTIONS = [
    "On Mon, 2 Feb 2026 at 10:11, Bob <bob@x.org> wrote:",
    "On Mon, 2 Feb 2026 at 10:11, Bob With A Long Name\n<bob@x.org> wrote:",
    "On 02/02/2026 10:11, Bob wrote:",
    "On Feb 2, 2026, at 10:11 AM, Bob <bob@x.org> wrote:",
    "Am 02.02.26 um 10:11 schrieb Bob:",
    "Am Mo., 2. Feb. 2026 um 10:11 Uhr schrieb Bob <bob@x.org>:",
    "Bob <bob@x.org> schrieb am Mo., 2. Feb. 2026, 10:11:",
    "Le lun. 2 févr. 2026 à 10:11, Bob <bob@x.org> a écrit :",
    "Le 02/02/2026 à 10:11, Bob a écrit :",
    "El lun, 2 feb 2026 a las 10:11, Bob (<bob@x.org>) escribió:",
    "Em seg., 2 de fev. de 2026 às 10:11, Bob <bob@x.org> escreveu:",
    "Il giorno lun 2 feb 2026 alle ore 10:11 Bob <bob@x.org> ha scritto:",
    "Op ma 2 feb 2026 om 10:11 schreef Bob <bob@x.org>:",
    "pon., 2 lut 2026 o 10:11 Bob <bob@x.org> napisał(a):",
    "W dniu 2.02.2026 o 10:11, Bob pisze:",
    "пн, 2 февр. 2026 г. в 10:11, Bob <bob@x.org>:",
    "02.02.2026 10:11, Bob пишет:",
    "Bob <bob@x.org> 于2026年2月2日周一 10:11写道：",
    '在 2026-02-02 10:11:00，"Bob" <bob@x.org> 写道：',
    "2026年2月2日(月) 10:11 Bob <bob@x.org>:",
    "2026/02/02 10:11、Bob <bob@x.org>のメール:",
    "2026년 2월 2일 (월) 오전 10:11, Bob <bob@x.org>님이 작성:",
]
HEADER_BLOCKS = [
    "-----Original Message-----",
    "-----Ursprüngliche Nachricht-----",
    "-----Message d'origine-----",
    "------------------ 原始邮件 ------------------",
    "From: Bob\nSent: Monday\nTo: x\nSubject: y",
    "*From:* Bob <b@x.org>\n*Sent:* Monday\n*To:* x\n*Subject:* y",
    "________________________________\nFrom: Bob <b@x.org>\nSent: Monday\nTo: x\nSubject: y",
    "Von: Bob\nGesendet: Montag, 2. Februar\nAn: x\nBetreff: y",
    "De : Bob\nEnvoyé : lundi\nÀ : x\nObjet : y",
    "De: Bob\nEnviado el: lunes\nPara: x\nAsunto: y",
    "De: Bob\nEnviada em: segunda\nPara: x\nAssunto: y",
    "Da: Bob\nInviato: lunedì\nA: x\nOggetto: y",
    "Van: Bob\nVerzonden: maandag\nAan: x\nOnderwerp: y",
    "Od: Bob\nWysłano: poniedziałek\nDo: x\nTemat: y",
    "От: Bob\nОтправлено: 2026\nКому: x\nТема: y",
    "发件人: Bob\n发送时间: 2026\n收件人: x\n主题: y",
    "差出人: Bob\n送信日時: 2026\n宛先: x\n件名: y",
    "보낸 사람: Bob\n보낸 날짜: 2026\n받는 사람: x\n제목: y",
]


def kinds(text: str, subject: str = "") -> list[str]:
    return [piece.kind for piece in fold(text, subject)]


@pytest.mark.parametrize("mark", ATTRIBUTIONS + HEADER_BLOCKS)
@pytest.mark.parametrize("quoted", ["> old\n>\n> older\n", "old\n\nolder\n"])
def test_what_follows_an_attribution_is_quoted(mark: str, quoted: str) -> None:
    text = f"New words.\n\n{mark}\n\n{quoted}"
    assert [piece for piece in fold(text) if piece.kind == "text"][0].text == "New words.\n\n"
    assert kinds(text) == ["text", "quote"]


@pytest.mark.parametrize("mark", ATTRIBUTIONS)
def test_answers_below_the_quote_stay_visible(mark: str) -> None:
    assert own_text(f"{mark}\n> old\n\nMy answer.\n") == "My answer."


def test_answers_between_quoted_lines_stay_visible() -> None:
    text = "> first?\nyes\n\n> second?\n>\n> more\n\nno\n"
    assert own_text(text).split() == ["yes", "no"]
    assert kinds(text) == ["quote", "text", "quote", "text"]


@pytest.mark.parametrize(
    "sentence",
    [
        "In 2024 the vendor wrote:",
        "Please check on Monday:",
        "On 2 machines it fails:",
        "He wrote:",
        "From: here\nTo: there\nit is far",
        "The steps at 10:30 were these:",
    ],
)
def test_sentences_are_no_attributions(sentence: str) -> None:
    assert kinds(f"Hello,\n\n{sentence}\n\nand so on\n") == ["text"]


@pytest.mark.parametrize(
    "mark",
    [
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "-------- Weitergeleitete Nachricht --------",
        "Anfang der weitergeleiteten Nachricht:",
        "---------- Message transféré ---------",
        "---------- 转发的邮件 ----------",
    ],
)
def test_a_forward_is_no_quote(mark: str) -> None:
    text = f"See below.\n\n{mark}\nFrom: Bob <b@x.org>\nDate: Monday\nSubject: y\nTo: x\n\n"
    text += "On 1 Feb 2026 10:00, A wrote:\nold\n"
    assert kinds(text) == ["text"]


def test_a_forward_by_its_subject_is_no_quote() -> None:
    text = "Please help him.\n\nFrom: Bob\nSent: Monday\nTo: x\nSubject: y\n\nIt is broken.\n"
    assert kinds(text, "FW: y") == ["text"]
    assert kinds(text, "WG: y") == ["text"]
    assert kinds(text, "RE: y") == ["text", "quote"]


def test_a_mail_without_own_words_keeps_what_it_brings() -> None:
    assert kinds("From: Bob\nSent: Monday\nTo: x\nSubject: y\n\nIt is broken.\n") == ["text"]
    assert kinds("-- \nBob\nExample Ltd\n") == ["text"]


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nBob\nExample Ltd\n",
        "--\nBob\n",
        "Sent from my iPhone\n",
        "Get Outlook for iOS<https://aka.ms/o0ukef>\n",
        "Von meinem iPhone gesendet\n",
        "Gesendet mit der GMX Mail App\n",
        "Envoyé de mon iPhone\n",
        "Enviado desde mi iPhone\n",
        "Inviato da iPhone\n",
        "Verstuurd vanaf mijn iPhone\n",
        "Wysłane z iPhone'a\n",
        "Отправлено с iPhone\n",
        "发自我的iPhone\n",
        "iPhoneから送信\n",
        "나의 iPhone에서 보냄\n",
    ],
)
def test_signatures(signature: str) -> None:
    assert fold(f"Hello\n\n{signature}")[-1] == ("signature", signature)
    answer = f"Hello\n\n{signature}\nOn 1 Feb 2026 10:00, Bob wrote:\n> old\n"
    assert kinds(answer) == ["text", "signature", "quote"]


@pytest.mark.parametrize("line", ["Sent from the wrong office, sorry.", "来自北京的客户", "a -- b", "---"])
def test_what_is_no_signature(line: str) -> None:
    assert kinds(f"Hello\n{line}\n") == ["text"]


LINES = st.sampled_from(
    [
        *ATTRIBUTIONS,
        *HEADER_BLOCKS,
        "> old",
        ">> older",
        "",
        "words",
        "-- ",
        "Sent from my iPhone",
        "\x0c",
        "a\x1cb",
        "\u2028",
    ]
)


@given(st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=30), st.sampled_from(["\n", "\r\n", "\r"]))
def test_the_pieces_joined_are_the_text(lines: list[str], line_end: str) -> None:
    text = line_end.join(lines)
    pieces = fold(text)
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)
    assert all(left.kind != right.kind for left, right in zip(pieces, pieces[1:], strict=False))


@given(st.lists(LINES, max_size=20))
def test_folding_what_is_visible_hides_no_plain_line(lines: list[str]) -> None:
    text = "my own first line\n" + "\n".join(lines)
    assert fold(text)[0].kind == "text"
    assert fold(text)[0].text.startswith("my own first line\n"[: len(text)])
