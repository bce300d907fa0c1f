"""Vacation notices without any mark are known by their words; what a person writes is not."""

from __future__ import annotations

import pytest

from tkt.channels.mail.reading.parse import parse

OURS = "<tkt-r-1-0123456789ab-0123456789abcdef@desk.example>"
QUOTE = (
    "\n\nOn Mon, 2 Nov 2026 at 09:00, Example Support <support@desk.example> wrote:\n> Could you please send the log?\n"
)


def kind(text: str, *, subject: str = "Re: Broken [#1]", answers: str = OURS) -> str:
    head = f"From: carol@customer.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n"
    head += f"In-Reply-To: {answers}\n" if answers else ""
    machine = parse(f"{head}\n{text}\n".encode()).machine
    return machine.kind if machine else ""


NOTICES = [
    "Hello,\n\nI am out of the office until 16 November. In urgent cases please contact my colleague Bob "
    "Ray at +49 30 1.\n\nCarol",
    "Thank you for your email. I am currently on annual leave with limited access to email and will "
    "reply when I return.",
    "Thanks for your message!\nI'm on vacation until Monday and will get back to you as soon as I am back.",
    "This is an automated response. Your message has been received.",
    "I'm away from the office this week. If it is urgent, please call +44 20 1.",
    "Guten Tag,\n\nich bin vom 2.11. bis 13.11. nicht im Büro. Ihre E-Mail wird nicht "
    "weitergeleitet.\n\nMit freundlichen Grüßen\nCarol",
    "Vielen Dank für Ihre Nachricht. Ich bin derzeit im Urlaub. In dringenden Fällen wenden Sie sich "
    "bitte an Herrn Ray.",
    "Dies ist eine automatisch generierte Antwort. Ich bin ab Montag wieder da.",
    "Diese E-Mail wurde automatisch erstellt. Bitte antworten Sie nicht darauf.",
    "Bonjour,\n\nJe suis actuellement absente du bureau. En cas d'urgence, merci de contacter M. Ray.\n\nCordialement",
    "Merci pour votre message. Je suis en congés jusqu'au 16 novembre et vous répondrai à mon retour.",
    "Ceci est une réponse automatique. Je suis de retour lundi.",
    "Hola,\n\nEstoy de vacaciones hasta el 16 de noviembre. En caso de urgencia, contacte con Bob Ray.\n\nUn saludo",
    "Gracias por su mensaje. Me encuentro fuera de la oficina; responderé a mi regreso.",
    "Este es un mensaje automático. Hemos recibido su correo.",
    "Olá,\n\nEstou de férias até 16 de novembro. Em caso de urgência contacte o Bob.\n\nObrigada",
    "Obrigado pela sua mensagem. Estou atualmente ausente e respondo no meu regresso.",
    "Buongiorno,\n\nsono in ferie fino al 16 novembre. Per urgenze contattare Bob Ray.\n\nCordiali saluti",
    "Grazie per il tuo messaggio. Sono attualmente fuori ufficio, risponderò al mio rientro.",
    "Questo è un messaggio automatico. La sua richiesta è stata ricevuta.",
    "Beste,\n\nIk ben momenteel niet op kantoor. Voor dringende zaken kunt u mailen naar "
    "bob@customer.example.\n\nGroet",
    "Bedankt voor uw e-mail. Ik ben met vakantie tot 16 november.",
    "Dit is een automatisch antwoord. Uw bericht is ontvangen.",
    "Dzień dobry,\n\nprzebywam na urlopie do 16 listopada. W pilnych sprawach kontakt: bob@customer.example.",
    "Dziękuję za wiadomość. Jestem obecnie nieobecna w biurze, odpowiem po powrocie.",
    "Здравствуйте!\n\nЯ нахожусь в отпуске до 16 ноября. По срочным вопросам обращайтесь к Бобу Рэю.",
    "Спасибо за ваше письмо. Я сейчас отсутствую и отвечу после возвращения.",
    "Это автоматический ответ. Ваше письмо получено.",
    "您好！我目前正在休假，11月16日返回。如有紧急事宜，请联系同事李雷。",
    "您的邮件我已收到。我现在外出，回来后回复您。",
    "这是一封自动回复邮件。您的来信已收到。",
    "メールをいただきありがとうございます。11月16日まで休暇をいただいております。戻り次第ご連絡いたします。",
    "これは自動返信メールです。お問い合わせを受け付けました。",
    "안녕하세요. 11월 16일까지 휴가 중입니다. 급한 용무는 동료에게 연락해 주시기 바랍니다.",
    "메일을 보내 주셔서 감사합니다. 현재 부재중이오니 복귀 후 답변드리겠습니다.",
    "이 메일은 자동 회신 메일입니다.",
]

PEOPLE = [
    "I am out of office next week, please move the appointment.",
    "I'm on vacation from Friday. Could you finish the printer before that?",
    "I am on leave until Monday, so Bob will let your engineer in.",
    "I'm away until Tuesday. The log is attached.",
    "I was out of the office yesterday, sorry for the late answer. The printer still does not work.",
    "Thank you for your email. The printer works again!",
    "Thank you for your message. I tried it, and it still prints nothing.",
    "Thanks for your mail, in urgent cases I use the old printer.",
    "I got an automatic reply from your colleague that says she is out of the office. Who takes over?",
    "Your automatic reply says 24 hours, it has been three days.",
    "This is an urgent message: the server is down.",
    "If it is urgent for you too, call me on 030 1.",
    "I will reply when I return from the customer's site, around noon.",
    "Our office is closed on Friday, so please come on Thursday.",
    "My out of office notice is broken: it says I am on vacation, but I am here. Thank you for your email yesterday.",
    "Please note: I'm out of the office from Monday, can you call me today?",
    "Ich bin nächste Woche im Urlaub, bitte verschieben Sie den Termin.",
    "Ich bin derzeit nicht im Büro, können Sie mich mobil anrufen?",
    "Vielen Dank für Ihre Nachricht. Es geht wieder, der Vorgang kann geschlossen werden.",
    "Ich bin ab Montag im Urlaub, mein Kollege Ray testet weiter.",
    "Die automatische Antwort kommt bei jedem Kunden doppelt an.",
    "In dringenden Fällen klappt der Druck über USB, aber das ist keine Lösung.",
    "Je suis absente la semaine prochaine, pourriez-vous déplacer le rendez-vous ?",
    "Merci pour votre message, cela fonctionne maintenant.",
    "Je suis en congés vendredi, mon collègue ouvrira la porte.",
    "Estoy de vacaciones la próxima semana; mi compañera probará la impresora.",
    "Gracias por su mensaje, ya funciona.",
    "¿Es urgente? Estoy fuera de la oficina hasta las tres.",
    "Estou de férias na próxima semana, o Bob vai testar.",
    "Obrigado pela sua mensagem, já imprime.",
    "Sono in ferie la prossima settimana, può venire oggi?",
    "Grazie per il tuo messaggio, adesso funziona.",
    "Ik ben volgende week op vakantie, kunt u de afspraak verzetten?",
    "Bedankt voor uw e-mail, het werkt weer.",
    "Jestem na urlopie od poniedziałku, proszę przełożyć wizytę.",
    "Dziękuję za wiadomość, drukarka już działa.",
    "Я в отпуске со следующей недели, можете перенести встречу?",
    "Спасибо за ваше письмо, всё заработало.",
    "我下周休假，请把预约改到下个月。",
    "您的邮件我已收到，问题解决了，谢谢。",
    "我在出差，打印机还是不行。",
    "来週は休暇をいただいております。予約を変更していただけますか。",
    "メールをいただきありがとうございます。直りました。",
    "다음 주에 휴가 중이니 일정을 변경해 주세요.",
    "메일을 보내 주셔서 감사합니다. 이제 잘 됩니다.",
]


@pytest.mark.parametrize("text", NOTICES)
def test_a_notice_in_answer_to_ours(text: str) -> None:
    assert kind(text + QUOTE) == "auto-reply"
    assert kind(text, answers="") == "auto-reply"  # by its subject alone


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_stays_a_person(text: str) -> None:
    assert kind(text) == ""
    assert kind(text + QUOTE) == ""


@pytest.mark.parametrize("text", NOTICES[:3])
def test_only_an_answer_counts(text: str) -> None:
    assert kind(text, subject="Broken", answers="") == ""


def test_a_long_letter_is_no_notice() -> None:
    letter = NOTICES[0] + "\n" + "The printer in the hall prints every second page upside down. " * 20
    assert kind(letter) == ""


def test_a_question_is_no_notice() -> None:
    assert kind(NOTICES[1] + "\n\nBy the way: which toner do I need?") == ""


def test_what_is_quoted_says_nothing() -> None:
    assert kind("It works now.\n\nAm 02.11.2026 schrieb Support:\n> Dies ist eine automatische Antwort.\n") == ""


@pytest.mark.parametrize(
    "text",
    ["ich bin " + "bis ab " * 120, "ik ben " + "tot van " * 100, "I am " * 180, "on " * 290 + "wrote"],
    ids=["german", "dutch", "english", "quote"],
)
def test_text_made_to_take_long_is_read_at_once(text: str) -> None:
    assert kind(text) == ""


def test_a_notice_in_html() -> None:
    head = (
        f"From: carol@customer.example\nSubject: Re: Broken\nReferences: {OURS}\nContent-Type: text/html; charset=utf-8"
    )
    body = (
        "<html><head><style>p{}</style></head><body><p>Ich bin nicht im&nbsp;Büro.</p><p>In dringenden Fällen: Ray</p>"
    )
    machine = parse(f"{head}\n\n{body}\n".encode()).machine
    assert machine is not None and machine.kind == "auto-reply"
