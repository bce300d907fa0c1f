"""Folding: the writer's own words stay visible, quotes and signatures are told apart, nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.folding.quotes import fold, own_text

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


def visible(text: str) -> list[str]:
    return [line for line in own_text(text).splitlines() if line.strip()]


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


NOT_FOLDED = [
    "The steps:\n> Start > Settings > Network\n\ndo not exist here.",
    "Hi\n\n>enable\n>configure terminal\n>show run\n\nfails",
    "What I typed\n\n> SELECT * FROM t;\nerror",
    "The list:\n> bread\n> milk\nis missing",
    "From: 10:00\nTo: 12:00\nDate: tomorrow\nplease book room 3",
    "Message: the server\nFrom: the log\nDate: 2 Feb 2026\nSubject: disk full\nplease help",
    "On Monday I wrote to you at 10:11 on 02/02/2026: please fix it. You did not.",
    "Am 2. Februar 2026 um 10:11 schrieb der Server ins Log:\n\nVerbindung abgelehnt\n\nund blieb stehen.",
    "On 2 Feb 2026 at 10:11 the server said:\n\nconnection refused\n\nand stopped.",
    "bob@example.com wrote:\n\nI can't do it\n\nCan you?",
    "I got this mail:\n\nFrom: B <b@x.org>\nSent: Monday\nTo: x\nSubject: y\n\nold\n\nWhat is it?",
    "The log says\n----- 2026-02-02 -----\nerror\n----- end -----\nhelp",
    "Steps:\n1) a\n--\n2) b\nwhich fails every time.",
    "Table\n\n------\na@example.com 5\nb@example.com 7\n------",
    "Please add these\n=======\nAnna Meyer\nanna@example.com\n01632 960 001",
    "Please create an account for her.\n\nAnna Meyer\nMarketing\nTel: 01632 960 001\nanna@example.com",
    "Hi\n\nsent from my new phone it works, sent from my laptop it fails.",
    "Thanks,\n\nbut port 8080 is still closed.",
    "Best regards\n\nis what the form letter should say.",
    "Regards to your team.\nPlease tell Bob too.",
    "Hi,\n\nDisclaimer on our page is outdated.",
    "Hi,\n\nI received your mail in error, please delete this address.",
    "Hi,\n\nSale un error antes de imprimir el documento.",
    "Printer 7 needs toner.\n\nThanks,\nJane",
]


@pytest.mark.parametrize("text", NOT_FOLDED)
def test_what_only_looks_like_a_quote_or_a_signature_stays_visible(text: str) -> None:
    assert kinds(f"Good day\n\n{text}", "Help") == ["text"]


SIGNED = [
    "My VPN is broken.\n\nBest regards,\nBob\n\n",
    "My VPN is broken.\n\nKind regards\nBob Smith\nTel. +49 30 123456-0\n\n",
    "Das VPN geht nicht.\n\nMfG\nBob\n\n",
    "The VPN.\n\nMany thanks,\nBob\nbob@example.com\n\n",
]
SAID_AFTERWARDS = [
    "PS: call me",
    "P.S. The bulb is gone too",
    "Can I have a mouse too?",
    "Order no. 12345678",
    "S/N 4711-0815-22",
    "Serial number: 5CG1234XYZ",
    "Error code: 0x80070005",
    "10.0.0.1 does not answer",
    "Port 443 is closed",
    "Room 4.12 is cold",
    "Please write to anna@example.com instead",
    "The printer is at Main Street 5",
    "Address: the one in the tool is wrong",
    "https://status.example.com shows an error since noon",
    "New phone of Anna: +49 30 123456",
    "另外，三楼也坏了",
    "また、二階も同じです。",
]


@pytest.mark.parametrize("said", SAID_AFTERWARDS)
@pytest.mark.parametrize("signed", SIGNED)
def test_what_is_said_after_the_signature_stays_visible(signed: str, said: str) -> None:
    assert visible(f"{signed}{said}\n") == [signed.partition("\n")[0], said]


@pytest.mark.parametrize("said", ["PS: call me", "Can I have a mouse too?"])
def test_postscripts_and_questions_stay_visible_below_a_delimited_signature(said: str) -> None:
    text = f"The VPN.\n\n-- \nBob\nExample Ltd\n\n{said}\n\nWe make IT work.\n"
    assert visible(text) == ["The VPN.", said]


def test_a_quote_with_a_colon_before_it_is_one_in_a_reply() -> None:
    header = "From: B <b@x.org>\nSent: Monday\nTo: x\nSubject: y\n\nold\n"
    assert kinds(f"My answers:\n\n{header}", "RE: y") == ["text", "quote"]
    assert kinds(f"See this:\n\n{header}", "New") == ["text"]


def test_a_finnish_vs_is_a_reply_and_a_danish_one_a_forward() -> None:
    finnish = "Kiitos.\n\nLähettäjä: B <b@x.org>\nLähetetty: ma\nVastaanottaja: x\nAihe: y\n\nvanha\n"
    danish = "Se her.\n\nFra: B <b@x.org>\nSendt: mandag\nTil: x\nEmne: y\n\ngammel\n"
    assert (kinds(finnish, "VS: y"), kinds(danish, "VS: y")) == (["text", "quote"], ["text"])


HOSTILE = [
    "On Mon, 2 Feb 2026 at 10:11, Bob wrote",
    "On 2 Feb 2026 at 10:11 <a@b.c> x:",
    "From: a@b.c",
    "Sent: 2 Feb",
    "Thanks,",
    "Best regards",
    "-- ",
    "-" * 390,
    "&nbsp;" * 60,
    "> a",
    "",
    "am 1 schrieb 1 schrieb 1 schrieb",
    "confidential intended in error delete this",
]


@pytest.mark.parametrize("line", HOSTILE)
@pytest.mark.parametrize("between", ["\n", "\nwords\n\n", "\n> a\n"])
def test_many_lines_that_look_like_marks_are_read(line: str, between: str) -> None:
    """In a moment each; a pattern that backtracks, or quadratic time, would take minutes here."""
    text = "Own words.\n" + (line + between) * 2000
    assert "".join(piece.text for piece in fold(text)) == text


@pytest.mark.parametrize("text", ["words\n" * 100_000, "> quoted\n" * 100_000, "a b: " * 400_000, ">" * 2_000_000])
def test_huge_texts_are_left_whole_or_cut(text: str) -> None:
    assert "".join(piece.text for piece in fold(text)) == text


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
        "words:",
        "Is it so?",
        "PS: words",
        "Best regards,",
        "Thanks",
        "Bob Smith",
        "Tel: +49 30 123456",
        "=======",
        "This e-mail is confidential and intended for the addressee only, delete it if received in error.",
        "---------- Forwarded message ---------",
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
