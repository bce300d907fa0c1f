"""The words by which mailers mark what they quote, forward and sign, in the languages that we know.

English, German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Chinese, Japanese, Korean.
Adding a language means adding its words here; `quotes` has the logic. Every pattern is for one line, or for
the few lines of one attribution joined by spaces, and none of them backtracks over more than that.
"""

from __future__ import annotations

import re

ATTRIBUTION_LINES = 4
ATTRIBUTION_LENGTH = 400

# Attributions. The verb ends the line, or stands before the name (German, Dutch).
WROTE = re.compile(
    r"""(?ix) (?: (?<![^\W\d_]) (?: wrote | writes | said | schrieb | a\ [ée]crit | escribi[óo]
        | escreveu | ha\ scritto | schreef | het\ volgende\ geschreven | napisał(?:\(a\)|a)? | pisze
        | написал(?:\(а\)|а)? | пишет )
    |   写道 | 寫道 | 写到 | 来信 | のメール | さんは書きました | が書きました | 님이\ 작성 | 작성
    |   님이\ 쓴\ 글 )
    [^:：]{0,30} [:：] \s* \Z""",
)
WROTE_BEFORE_NAME = re.compile(
    r"(?i)[\s>*_]*(?:am|op|[^:]{1,80} schrieb am)\b.{0,120}(?:schrieb|schreef|\d{4}).{0,200}:\s*\Z"
)
# Any language: an address and a colon end the line, as Gmail writes it.
ENDS_IN_ADDRESS = re.compile(r"[<(][^\s<>()@]{1,120}@[^\s<>()@]{1,200}[>)]\s*[,，]?\s*\w{0,20}\s*[:：]\s*\Z")
TWO_NUMBERS = re.compile(r"\d[^\d]{1,40}\d")
YEAR_AND_TIME = re.compile(r"\d{4}.{1,60}\d[:.h]\d\d")

ORIGINAL_MESSAGE = re.compile(
    r"""(?ix) [\s>*]* [-_=]{3,40} \s*
    (?: original(?:\ (?:message|appointment|e-?mail))? | (?:urspr[üu]ngliche|original)\s?-?(?:nachricht|mail)
    |   message\ d['’]origine | courriel\ original | mensaje\ original | mensagem\ original
    |   messaggio\ originale
    |   oorspronkelijk\ bericht | (?:wiadomość\ oryginalna|oryginalna\ wiadomość)
    |   (?:исходное|оригинальное)\ сообщение
    |   原始邮件 | 原邮件 | 原始郵件 | 原始信件 | 元のメッセージ | 원본\ 메[시세]지 | reply\ message
    ) \s* [-_=]{3,40} \s*""",
)
FORWARDED = re.compile(
    r"""(?ix) [\s>*]* (?: [-_=]{2,40} \s*
        (?: forwarded\ (?:message|by\b.{0,80}|mail) | (?:weitergeleitete|weitergeleitet)\b.{0,40}
        |   message\ (?:transféré|transfere)\b.{0,20} | mensaje\ reenviado | mensagem\ encaminhada
        |   messaggio\ inoltrato | doorgestuurd\ bericht
        |   (?:przekazana\ wiadomość|wiadomość\ przekazana).{0,40}
        |   пересылаемое\ сообщение | (?:переслан\w*\ сообщение) | пересланное\ сообщение
        |   转发的邮件 | 转发邮件信息 | 转发邮件 | 轉寄的郵件 | 轉寄郵件 | 転送(?:された)?メッセージ
        |   전달된\ 메[시세]지.{0,20}
        ) \s* [-_=]{2,40}
    |   begin\ forwarded\ message\s?: | anfang\ der\ weitergeleiteten\ (?:nachricht|e-mail)\s?:
    |   début\ du\ (?:message\ (?:réexpédié|transféré)|courriel\ transféré)\s?:
    |   inicio\ del\ mensaje\ reenviado\s?:
    |   início\ da\ mensagem\ (?:re)?encaminhada\s?:
    |   inizio\ (?:del\ )?messaggio\ inoltrato\s?:
    |   begin\ doorgestuurd\ bericht\s?: | początek\ przekazywanej\ wiadomości\s?:
    |   начало\ переадресованного\ сообщения\s?:
    |   (?:以下是转发的邮件|下面是被转发的邮件|開始轉寄郵件)\s?[:：] | 転送(?:された)?メッセージ[:：]
    |   전달된\ 메시지\s?[:：]
    ) \s*""",
)
FORWARD_SUBJECT = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|doorst|pd|fs|转发|轉寄|転送|전달|пересл)\s*[:：]", re.IGNORECASE)

_SENDER_LABELS = (
    "from|von|de|da|van|od|от(?:\\ кого)?|发件人|寄件者|寄件人|差出人|送信者|보낸\\ ?사람|보낸이|"
    "mittente|remitente|expéditeur|afzender|nadawca"
)
_OTHER_LABELS = (
    "sent|date|gesendet|datum|envoyé|enviado(?:\\ el|\\ em)?|enviada(?:\\ em)?|fecha|data|inviato|verzonden|"
    "wysłano|отправлено|дата|发送时间|发送日期|日期|时间|寄件日期|傳送時間|送信日時|日時|"
    "日付|보낸\\ ?날짜|날짜|"
    "subject|betreff|objet|asunto|assunto|oggetto|onderwerp|temat|тема|主题|主旨|主題|件名|제목"
)
_RECEIVER_LABELS = "to|an|à|para|a|aan|do|кому|收件人|收件者|宛先|받는\\ ?사람|cc|kopie|抄送|副本|копия|dw|참조"
SENDER_LABEL = re.compile(rf"(?ix) [\s>]* \*? (?:{_SENDER_LABELS}) \s? (?:\*\s?)? [:：] \*? \s* \S .*")
DETAIL_LABEL = re.compile(rf"(?ix) [\s>]* \*? (?:{_OTHER_LABELS}) \s? (?:\*\s?)? [:：] .*")
RECEIVER_LABEL = re.compile(rf"(?ix) [\s>]* \*? (?:{_RECEIVER_LABELS}) \s? (?:\*\s?)? [:：] .*")
RULE = re.compile(r"\s*[_\-=—]{5,200}\s*")

SIGNATURE_STRICT = re.compile(r"-- ")
SIGNATURE_LOOSE = re.compile(r"(?:--|—|––|__|-- )\s*")
MOBILE = re.compile(
    r"""(?ix) \s* (?: [-–—]{1,3}\s* )?
    (?: sent\ (?:from|via|with|using)\ (?: my\ [^.:]{2,40}
        |   [^.:]{0,30}(?:mail|outlook|phone|ipad|android|mobile|device|windows|galaxy|pixel|app|
            thunderbird|proton) [^.:]{0,40} ) \.? (?:\ please\ excuse.{0,80})?
    |   get\ outlook\ for\ .{2,30} | sent\ from\ yahoo.{0,40}
    |   (?:von|vom)\ (?:meinem?|unterwegs)\b.{0,60}gesendet.{0,20} | gesendet\ (?:von|mit|über|aus)\b .{2,60}
    |   (?:diese\ nachricht\ wurde|von\ mobil).{0,60}gesendet.{0,30}
    |   outlook\ für\ .{2,30}(?:beziehen|herunterladen|holen).{0,20}
    |   envoyé\ (?:de|depuis|à\ partir\ de)\b.{2,60} | (?:obtenez|télécharger)\ outlook\ pour\ .{2,30}
    |   enviado\ (?:desde|do|de|a\ partir\ do|pelo)\b.{2,60}
    |   (?:obtener|obtenha)\ (?:o\ )?outlook\ para\ .{2,30}
    |   inviato\ da(?:l|lla)?\b.{2,60} | (?:ottieni|scarica)\ outlook\ per\ .{2,30}
    |   (?:verstuurd|verzonden)\ (?:vanaf|vanuit|met|via)\b.{2,60} | (?:download|haal)\ outlook\ voor\ .{2,30}
    |   wysłan[eoy]\ (?:z|ze|za\ pomocą)\b.{2,60} | (?:pobierz|uzyskaj)\ (?:program\ )?outlook\ dla\ .{2,30}
    |   отправлено\ (?:с|из|от)\b.{2,60} | скачать\ outlook\ для\ .{2,30}
    |   (?:发自|发送自|發自|寄自|来自我的)\s?.{1,30} | [从從]我的.{1,20}(?:发送|傳送|發送|寄出)
    |   获取\ ?(?:适用于.{1,20}的\ ?)?outlook.{0,20}
    |   (?:iphone|ipad|android|スマートフォン|携帯).{0,10}から送信.{0,10} | .{0,20}を使用して送信.{0,10}
    |   (?:나의|내)\ .{2,30}에서\ 보냄.{0,5}
    ) \s* (?:<?https?://\S+>?)? \s*""",
)
