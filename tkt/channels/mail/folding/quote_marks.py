"""The words by which mailers mark what they quote and forward, in the languages that we know.

English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Ukrainian, Czech, Hungarian, Turkish,
Swedish, Danish, Norwegian, Finnish, Chinese (both scripts), Japanese, Korean. Adding a language means adding its words
here; `quoted_lines` and `quotes` have the logic. Every pattern is for one line of at most LINE_LENGTH characters, or
for the few lines of one attribution joined by spaces, and none of them backtracks over more than that.
"""

from __future__ import annotations

import re

ATTRIBUTION_LINES = 4
LINE_LENGTH = 400
"""Characters of a line that are looked at: no mailer's mark is longer."""

# Attributions -------------------------------------------------------------------------------------------------------

_NOT_NAME = r"(?!\ (?:der|die|das|ein|eine|de|het|een|den|det|en|ett)\ )"
"""Not a verb of an attribution: "schrieb der Server ins Log"."""
_VERBS = r"""wrote | writes | schrieb | geschrieben | a\ [ée]crit | escribi[óo] | escreveu | ha\ scritto | schreef
    | napisał(?:\(a\)|a)? | pisze | nadesłał(?:a)? | написал(?:\(а\)|а)? | пишет | пише | написав(?:ла)?
    | napsal(?:\(a\)|a)?
    | skrev | kirjoitti | yazdı | ezt\ írta"""
WROTE = re.compile(
    rf"""(?ix) (?: (?<![^\W\d_]) (?: {_VERBS} ) {_NOT_NAME}
    |   写道 | 寫道 | 写到 | 来信 | のメール | さんは書きました | が書きました | 님이\ 작성 | 작성 | 쓴\ 글 )
    [^:：]{{0,30}} [:：] \s* \Z""",
)
"""The verb and the colon end the line."""
WROTE_BEFORE_NAME = re.compile(
    rf"""(?ix) [\s>*_]* (?: (?:am|op|den)\ .{{0,120}} (?:schrieb|schreef|skrev) {_NOT_NAME}
    |   [^:]{{1,80}}\ (?:schrieb|wrote)\ (?:am|on)\ .{{0,120}} \d{{4}}
    |   .{{0,30}} \d .{{0,40}}\ skrev {_NOT_NAME} ) .{{0,200}} : \s* \Z"""
)
"""German, Dutch, Scandinavian: the verb stands before the name or the date."""
WROTE_AND_TEXT = re.compile(rf"(?ix) [>)] \s? (?: {_VERBS} ) \s? : \s")
"""Yahoo on a phone: the quoted text begins on the attribution's own line."""
DASHES = "-‐–—"
"""`---- On … wrote ----`, as Zoho writes it."""
OPENER = re.compile(
    r"""(?ix) [\s>*"]* (?: (?: on | at | am | le | el | em | no\ dia | il | op | w\ dniu | dnia | den | dne
    | på | wiadomość )
    \s | [在于於] \s? \d? | \d{4}[-./年] | \d{1,2}[./]\s?\d{1,2}[./] | \w{2,4}[.,]{1,2}\s\d )"""
)
"""How an attribution begins."""
BRACKETED_ADDRESS = re.compile(r"[<(\[]\s?(?:mailto:)?[^\s<>()@]{1,120}@[^\s<>()@]{1,200}[>)\]]")
TWO_NUMBERS = re.compile(r"\d[^\d]{1,40}\d")
TIME = re.compile(r"\d{1,2}[:.h時时点시]\s?\d\d")
FULL_DATE = re.compile(r"(?<!\d)\d{4}(?!\d)|(?<!\d)\d{1,2}([./-])\d{1,2}\1\d\d(?!\d)")

# Separators ---------------------------------------------------------------------------------------------------------

_DASHES = r"[-_=‐–—]"
ORIGINAL_MESSAGE = re.compile(
    rf"""(?ix) [\s>*]* {_DASHES}{{2,40}} \s*
    (?: original(?:\ (?:message|appointment|e-?mail))? | repl(?:y|ied)\ message
    | urspr[üu]nglich\w*\s?-?(?:nachricht|mail)
    |   original-?(?:nachricht|mail) | antwort\ nachricht | message\ d['’]origine | (?:courriel|message
    |mail)\ original
    |   mensaje\ original | mensagem\ original | messaggio\ originale | (?:oorspronkelijk|origineel)\ bericht
    |   wiadomość\ (?:oryginalna|pierwotna) | oryginalna\ wiadomość | (?:исходное|оригинальное)\ (?:сообщение
    |письмо)
    |   (?:вихідне|оригінальне)\ повідомлення | původní\ (?:zpráva|e-?mail) | eredeti\ üzenet | (?:orijinal
    |özgün)\ (?:mesaj|ileti|e-?posta)
    |   ursprungligt\ meddelande | originalmeddelande | (?:oprindelig|opprinnelig)\ (?:meddelelse|melding|besked)
    |   alkuperäinen\ viesti | 原始邮件 | 原邮件 | 回复的原邮件 | 原始郵件 | 原始信件 | 原信件 | 元のメッセージ
    |   원본\ ?(?:메[시세]지|메일|이메일)
    ) \s* {_DASHES}{{2,40}} \s*""",
)
FORWARDED = re.compile(
    rf"""(?ix) [\s>*]* (?: {_DASHES}{{2,40}} \s*
        (?: forwarded\ (?:message|by\b.{{0,80}}|mail) | (?:weitergeleitete|weitergeleitet)\b.{{0,40}}
        |   message\ (?:transféré|transfere)\b.{{0,20}} | mensaje\ reenviado | mensagem\ (?:re)?encaminhada
        |   messaggio\ inoltrato | doorgestuurd\ bericht
        |   (?:przekazana\ wiadomość|wiadomość\ przekazana).{{0,40}}
        |   пересылаемое\ сообщение | (?:переслан\w*\ (?:сообщение|письмо)) | переслане\ повідомлення
        |   přeposlaná\ zpráva | továbbított\ üzenet | (?:yönlendirilen|iletilen)\ (?:ileti|mesaj)
        |   vidarebefordrat\ meddelande | videresend[te]{{1,2}}\ (?:meddelelse|melding) | välitetty\ viesti
        |   转发的邮件 | 转发邮件信息 | 转发邮件 | 轉寄的郵件 | 轉寄郵件 | 転送(?:された)?メッセージ
        |   (?:전달된|전달)\ ?메[시세]지.{{0,20}}
        ) \s* {_DASHES}{{2,40}}
    |   begin\ forwarded\ message\s?: | anfang\ der\ weitergeleiteten\ (?:nachricht|e-mail)\s?:
    |   début\ du\ (?:message\ (?:réexpédié|transféré)|courriel\ transféré)\s?:
    |   inicio\ del\ mensaje\ reenviado\s?:
    |   início\ da\ mensagem\ (?:re)?encaminhada\s?:
    |   inizio\ (?:del\ )?messaggio\ inoltrato\s?:
    |   begin\ doorgestuurd\ bericht\s?: | początek\ przekazywanej\ wiadomości\s?:
    |   начало\ переадресованного\ (?:сообщения|письма)\s?: | vidarebefordrat\ brev\s?:
    | start\ på\ videresendt\ \w+\s?:
    |   (?:以下是转发的邮件|下面是被转发的邮件|開始轉寄郵件|開始轉寄訊息)\s?[:：] | 転送(?:された)?メッセージ[:：]
    |   전달된\ 메시지\s?[:：]
    ) \s*""",
)
_TAGS = r"\s*(?:\[[^\]]{1,40}\]\s*)*"
FORWARD_SUBJECT = re.compile(
    rf"{_TAGS}(?:fwd?|wg|tr|rv|enc|i|doorst|pd|vb|vs|vl|fs|i̇?lt|továbbítás|转发|轉寄|転送|전달|пересл|пер)\s*[:：]",
    re.IGNORECASE,
)
REPLY_SUBJECT = re.compile(
    rf"{_TAGS}(?:re|aw|antw|sv|odp|ynt|res|r|rif|回复|回覆|答复|返信|답장|отв)(?:\[\d+\])?\s*[:：]", re.IGNORECASE
)
FINNISH_REPLY = re.compile(r"\s*vs\s*:", re.IGNORECASE)
FINNISH_SENDER = "Lähettäjä:"
"""`VS:` is a forward in Danish and Norwegian, a reply in Finnish."""
RULE = re.compile(rf"\s*{_DASHES}{{5,200}}\s*")

# Header blocks ------------------------------------------------------------------------------------------------------

LABEL = re.compile(r"[\s>*|]{0,12}([^\W\d_][^:：|*]{0,24}?)[\s*]{0,12}[:：|]\**[ \t\u3000]*(\S.*)?\Z", re.DOTALL)
"""`From: Bob`, `*From:* Bob`, `| From | Bob |`: the label and its value."""
SENDER, RECEIVER, DATE, SUBJECT = "sender", "receiver", "date", "subject"
_LABELS = {
    SENDER: """from von de da van od от отправитель від feladó kimden gönderen från fra lähettäjä 发件人 寄件者
        寄件人 差出人 送信者 보낸사람 보낸이 발신 발신자 mittente remitente expéditeur afzender nadawca""",
    RECEIVER: """to an à para a aan do кому komu címzett kime alıcı till til vastaanottaja 收件人 收件者 宛先
        받는사람 받은사람 수신 cc copieà copie kopie kopia kopi másolat bilgi 抄送 抄送至 副本 копия копія dw
        참조 destinatario destinatário destinataire kopio cópia""",
    DATE: """sent date gesendet datum envoyé envoyéle enviado enviadoel enviadoem enviada enviadaem fecha data
        inviato verzonden wysłano wysłane отправлено дата надіслано odesláno odoslané elküldve dátum gönderildi
        gönderme tarih skickat sendt dato lähetetty päivämäärä päiväys 发送时间 发送日期 日期 时间 寄件日期
        傳送時間 時間 送信日時 日時 日付 보낸날짜 날짜""",
    SUBJECT: """subject betreff objet asunto assunto oggetto onderwerp temat тема předmět predmet tárgy konu
        ämne emne aihe 主题 主旨 主題 件名 제목""",
}
LABELS = {word: kind for kind, words in _LABELS.items() for word in words.split()}
"""What a label, lower-cased and without spaces, names."""

# What looks like a quote and is none --------------------------------------------------------------------------------

MACHINE_LINE = re.compile(
    r"""(?ix) \s? (?: \[?\d{2,4}[-/.:]\d\d[-/.:]\d\d | (?:error|warn(?:ing)?|info|debug|fatal|trace|notice|err)\b
    | [$\#%~]\s | [\w.@~-]{0,40}[$\#]\s | [a-z]:\\ | / \w | (?:sudo|ping|tracert|traceroute|ssh|curl|wget|cd|ls
    |dir|cat|git|
    npm|pip|docker|kubectl|ipconfig|ifconfig|nslookup|dig|systemctl|show|select|update|insert|import|from|def
    |print|for|
    if|return|let|const|var|enable|configure|exit|reboot)\b | .{0,80}(?:[{};=]\s?\Z|=>|==|\(\)|\s--?\w+\b) )"""
)
"""A log line, a prompt's input, code."""
PROMPT = re.compile(r">>>(?:\s|\Z)")
"""Python's prompt."""
SENTENCE_END = re.compile(r"[.!?,;。？！、，…]['\"”»)\]]{0,2}\s*\Z")
ARROWS = re.compile(r"\S\s?(?:>|→|->)\s?\S")
PROSE_LENGTH = 60
