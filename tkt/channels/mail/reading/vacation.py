"""Automatic replies that carry no mark of one: the words of a vacation notice, read with great caution.

A person's mail that is taken for a machine's would be overlooked; an automatic reply that is taken for a person's only
costs a glance. So a text counts only if the mail answers one of ours, is short, asks nothing, and near its start either
says itself that it is automatic, or says that its writer is away together with a sentence that such notices have and
letters have not. Twelve languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tkt.channels.mail.reading.bounce_texts import readable_text
from tkt.channels.mail.reading.headers import Headers
from tkt.channels.mail.reading.mime import Part

TEXT_LIMIT = 900
"""Characters of a notice, without what it quotes."""

START = 350
"""Within so many characters the notice says what it is."""

SIZE_LIMIT = 60_000
"""Bytes of a message that is looked into: whoever sends more is no short notice."""

_OURS = re.compile(r"<?tkt-[a-z]-\d{1,18}-[0-9a-z]{1,32}-[0-9a-f]{16}@")
_ANSWER = re.compile(
    r"\s*(?:re|aw|antw|sv|vs|r|rif|res|odp|resp|ynt|tr|ref|ha|отв|ответ|回复|回覆|答复|返信|回信|회신|답장)\s*(?:\[\d+\])?\s*[:：]|"
    r".*\[#\d{1,15}\]",
    re.IGNORECASE,
)
_QUOTED = re.compile(
    r"^(?:>|\s*-{3,}\s*(?:original|ursprüng|mensaje|message d|messaggio|oryginalna|исходн|原始|元の|원본)|_{10,}|"
    r"(?:on|am|le|el|em|il|op|w dniu)\b.{4,120}(?:wrote|schrieb|écrit|escribió|escreveu|scritto|schreef|"
    r"napisał).{0,20}:?\s*$|"
    r"(?:from|von|de|da|van|od|от|发件人|寄件者|差出人|보낸 사람)\s?[:：].{0,120}@)",
    re.IGNORECASE | re.MULTILINE,
)

_SAYS_SO = (
    r"this is an? (?:auto(?:mated|matic|matically generated|-?generated)?[ -])(?:reply|response|e-?mail reply|"
    r"message)",
    r"(?:dies|das) ist eine (?:automatische|automatisch (?:generierte|erstellte|erzeugte))[nr]? (?:antwort|"
    r"nachricht|e-?mail|mail|abwesenheit)",
    r"diese (?:e-?mail|nachricht|antwort) wurde automatisch (?:erstellt|generiert|erzeugt|versendet|verschickt)",
    r"(?:ceci|il s.agit|c.est) (?:est )?(?:d.)?une? (?:réponse|message) automatique",
    r"(?:este|esta|ésta) es una? (?:respuesta|mensaje) (?:automátic[oa]|generad[oa] automáticamente)",
    r"(?:esta|este) é uma? (?:resposta|mensagem) (?:automátic[oa]|gerada automaticamente)",
    r"(?:questa|questo) è una? (?:risposta|messaggio) (?:automatic[oa]|generat[oa] automaticamente)",
    r"dit is een (?:automatisch(?:e)? (?:antwoord|bericht|reactie)|automatisch gegenereerd)",
    r"(?:to jest |jest to )?(?:wiadomość (?:została )?wygenerowana automatycznie|automatyczna (?:odpowiedź|"
    r"wiadomość))",
    r"(?:это|данное) (?:письмо |сообщение )?(?:автоматический ответ|автоматическое (?:сообщение|уведомление)|"
    r"(?:отправлено|создано) автоматически)",
    r"(?:这是|此(?:邮件)?[为是]|本邮件[为是])(?:一封)?(?:系统)?自动(?:回复|答复|发送)|這是自動回覆",
    r"(?:これは|このメールは|本メールは)?自動(?:返信|応答|送信)(?:メール|メッセージ)?(?:です|にて|で|され|により)",
    r"(?:이 (?:메일|메시지)은?는? )?자동 ?(?:회신|응답|답장|발송)(?:된)? ?(?:메일|메시지|입니다)",
)
"""Sentences by which a reply itself says that nobody wrote it."""

_ABSENT = (
    r"(?:i am|i'm|i’m|i will be|i'll be|we are) (?:currently |presently |away |now )?(?:out of (?:the )?(?:office|"
    r"town|country)|on (?:my )?"
    r"(?:annual |parental |maternity |paternity |sick |medical )?(?:leave|vacation|holidays?)|away from (?:the|"
    r"my) (?:office|desk|e-?mail)|away (?:until|from))",
    r"ich bin (?:derzeit |zurzeit |zur zeit |momentan |aktuell |vom [\d. ]+bis [\d. ]+|bis [^.]{2,30}|"
    r"ab [^.]{2,30}){0,2}(?:nicht (?:im (?:büro|haus|hause|dienst)|erreichbar)|"
    r"im urlaub|abwesend|außer haus|nicht am arbeitsplatz|in elternzeit)",
    r"je suis (?:actuellement |présentement )?(?:absente?|en (?:congés?|vacances|déplacement)|hors du bureau)|"
    r"je serai (?:absente?|en congés?)",
    r"(?:estoy|me encuentro|estaré) (?:actualmente |ahora )?(?:fuera de (?:la )?oficina|de vacaciones|ausente|"
    r"de baja)",
    r"(?:estou|estarei|encontro-me) (?:atualmente |no momento |de momento )?(?:fora do escritório|ausente|"
    r"de férias|em férias)",
    r"(?:sono|sarò) (?:attualmente |al momento )?(?:fuori (?:ufficio|sede)|assente|in ferie|in vacanza)",
    r"ik ben (?:momenteel |op dit moment |tot [^.]{2,30}|van [^.]{2,30}){0,2}(?:niet (?:op kantoor|aanwezig|"
    r"bereikbaar)|afwezig|met (?:vakantie|verlof)|op vakantie)",
    r"(?:jestem|przebywam|będę) (?:obecnie |aktualnie )?(?:nieobecn[ya]|na urlopie|poza biurem)|przebywam "
    r"(?:obecnie )?na urlopie",
    r"(?:я )?(?:сейчас |в настоящее время )?(?:нахожусь |буду )?(?:в отпуске|отсутствую|вне офиса|не в офисе|"
    r"буду отсутствовать)",
    r"我(?:现在|目前|正|将|于)?[^。，]{0,20}(?:休假|不在办公室|外出|出差|度假|年假)|正在休假|目前不在办公室",
    r"(?:不在に?して(?:おります|います)|休暇(?:中|を(?:頂い|いただい|取得))|出張(?:中|して)|お休みを(?:いただ|頂)いて)",
    r"(?:부재\s?중|휴가 ?(?:중|로|기간)|출장 ?중|자리를 비)",
)
"""Sentences by which somebody says that they are away, in letters too."""

_AS_NOTICES_DO = (
    r"(?:will|shall|'ll) (?:reply|respond|answer|get back|read|process|attend)[^.]{0,60}(?:return|back|as soon as|"
    r"am back)",
    r"(?:in|for|if) (?:(?:case of )?(?:urgent|emergenc)|an? (?:urgent|emergency))|if (?:it is|it's|your (?:matter|"
    r"request|inquiry|message) is) urgent",
    r"(?:limited|no|without|not have) access to (?:my )?(?:e-?mails?|inbox)|(?:e-?mails?|messages?) (?:is|are|"
    r"will) not (?:be )?(?:being )?(?:forwarded|read|monitored)",
    r"thank(?:s| you) for your (?:e-?mail|message|mail)",
    r"(?:ihre|deine) (?:e-?mail|mail|nachricht)(?:en)? (?:wird|werden) (?:nicht|weder) (?:weitergeleitet|gelesen|"
    r"bearbeitet)|(?:vielen )?dank für (?:ihre|deine|die) (?:e-?mail|mail|nachricht)|"
    r"in dringenden (?:fällen|angelegenheiten)|nach meiner rückkehr|keinen zugriff auf (?:meine )?e-?mails?",
    r"(?:en cas d.urgence|pour toute (?:urgence|demande urgente))|(?:à|dès) mon retour|merci (?:de|pour) votre "
    r"(?:e-?mail|message|courriel)",
    r"en caso (?:de urgencia|urgente)|para (?:cualquier )?(?:asuntos? urgentes?|urgencia)|a mi (?:regreso|vuelta)|"
    r"gracias por (?:su|tu) (?:mensaje|correo|e-?mail)",
    r"em caso de urgência|(?:para )?assuntos urgentes|(?:no|após o) meu (?:regresso|retorno)|obrigad[oa] (?:pela|"
    r"por) (?:sua|seu)? ?(?:mensagem|e-?mail|contacto)",
    r"(?:in caso di|per) (?:urgenze|urgenza|necessità urgenti|comunicazioni urgenti)|al mio (?:rientro|ritorno)|"
    r"grazie per (?:il (?:tuo|suo|vostro) messaggio|la (?:tua|sua|vostra) e-?mail)",
    r"(?:in|voor) (?:dringende|spoedeisende) (?:gevallen|zaken|vragen)|bij (?:spoed|dringende)|na mijn terugkeer|"
    r"(?:bedankt|dank) voor (?:uw|je) (?:e-?mail|bericht|mail)",
    r"w (?:pilnych|nagłych) (?:sprawach|przypadkach)|po (?:moim )?powrocie|dziękuję za (?:wiadomość|e-?mail|maila|"
    r"państwa)",
    r"(?:по|в случае) (?:срочн\w+|экстренн\w+|неотложн\w+)|после возвращения|по возвращени[ию]|(?:спасибо|"
    r"благодарю) за (?:ваше |твоё )?(?:письмо|сообщение|обращение)",
    r"如(?:有|遇)?(?:紧急|急事|要事)|(?:回来|返回|上班|回到办公室)后[^。]{0,12}(?:回复|处理|答复)|(?:您的|你的|来)(?:邮件|信)?(?:我)?(?:已收到|已经收到)|"
    r"感谢您的(?:来信|邮件)",
    r"(?:お急ぎ|緊急|至急)の(?:場合|方|際|ご用件)|(?:戻り|帰社|休み明け|出社)(?:次第|後)|メールを?(?:いただき|頂き)",
    r"(?:급한|긴급한?) (?:용무|일|사항|문의|용건|경우)|(?:복귀|돌아온|출근) ?(?:후|하여)|"
    r"메일(?:을)? (?:보내 ?주셔서|주셔서)",
)
"""Sentences that notices have besides, and letters seldom."""

_SAID_SO = re.compile("|".join(_SAYS_SO), re.IGNORECASE)
_AWAY = re.compile("|".join(_ABSENT), re.IGNORECASE)
_USUAL = re.compile("|".join(_AS_NOTICES_DO), re.IGNORECASE)
_ASKING = re.compile(
    r"[?？؟](?:\s|$)|(?:か|ますか|까)[。.?？]|(?:请问|吗[。？]?)|"
    r"\b(?:could|can|would) you\b|please (?!contact|call|e-?mail|write|direct|note|be advised|reach|send (?:your|"
    r"urgent)|get in touch|refer|do not|address|allow|accept|feel|turn|expect|bear|ask|try)|"
    r"\b(?:move|reschedule|postpone|cancel|change) (?:the|my|our|it)\b|"
    r"bitte (?:verschieben|verlegen|stornieren|ändern|schicken sie mir|senden sie mir|löschen|rufen sie mich|"
    r"prüfen)|(?:können|könnten) (?:sie|wir) |"
    r"(?:pouvez|pourriez)-vous|(?:puede|podría|pueden) usted|(?:pode|poderia)m? (?:você|enviar|adiar|mudar)|"
    r"(?:può|potete|potrebbe) |"
    r"(?:kunt|kan|zou) u\b(?! (?:mailen|bellen|contact|terecht|zich))|kun je|"
    r"(?:proszę|prosimy) (?:o (?!kontakt)|przesun|przełoż|zmien|wysł|przesła)|"
    r"(?:можете|могли бы|прошу перенести|перенесите|пожалуйста, (?:перенес|пришл|отправ|измен))|"
    r"(?:请(?:把|帮|将|给我|改|推迟|安排|尽快|发))|(?:て(?:いただけ|もらえ)(?:ます|ない))|"
    r"(?:해 ?주(?:세요|시겠|실 수))",
    re.IGNORECASE,
)
_LATIN_AND_CYRILLIC = "\u2e80"
"""Letters below stand in scripts with spaces between words."""

_FOR_URGENT = re.compile(r"연락해 ?주(?:세요|시기)|联系|連絡")


def vacation_words(message: Part, subject: str) -> str:
    """Why the text looks like an automatic reply to a mail of ours, or "". Raises nothing."""
    if len(message.body()) > SIZE_LIMIT or not _answers_us(message.headers, subject):
        return ""
    text = _own_words(readable_text(message))
    if not 0 < len(text) <= TEXT_LIMIT or _asks(text):
        return ""
    start = text[:START]
    if _SAID_SO.search(start):
        return "the text says itself that it is automatic"
    if _says_away(start) and _USUAL.search(text):
        return "the text is a vacation notice's"
    return ""


def _answers_us(headers: Headers, subject: str) -> bool:
    """Whether it names one of our Message-IDs, or its subject is that of an answer."""
    named: Iterable[str] = (*headers.raw_all("in-reply-to"), *headers.raw_all("references"))
    return any(_OURS.search(value) for value in named) or _ANSWER.match(subject) is not None


def _own_words(text: str) -> str:
    """What stands before the quoted mail, on one line, with a mark between paragraphs."""
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()] if quoted else text
    return " ".join(re.sub(r"\n\s*\n", " | ", own.strip()).split())


def _says_away(start: str) -> bool:
    """Whether a sentence begins with the writer's being away; "it says I am on vacation" is about something else."""
    before = (start[: found.start()].rstrip()[-1:] for found in _AWAY.finditer(start))
    return any(not one.isalnum() or one > _LATIN_AND_CYRILLIC for one in before)


def _asks(text: str) -> bool:
    """Whether somebody wants something of us; "contact my colleague" is what notices say."""
    return any(
        not _FOR_URGENT.search(text[max(0, found.start() - 12) : found.end()]) for found in _ASKING.finditer(text)
    )
