"""What mailers, virus scanners, lists and lawyers add below a mail.

For the languages of `quote_marks`. Patterns are for one line of at most 160 characters, notices for one paragraph.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_DEVICE = r"(?:iphone|ipad|ipod|android|galaxy|samsung|huawei|xiaomi|pixel|blackberry|スマートフォン|携帯)"
MOBILE = re.compile(
    rf"""(?ix) \s* (?: [-–—<(]{{1,3}}\s* )?
    (?: sent\ (?:from|via|with|using)\ (?: my\ [^.:,]{{2,30}}
        |   [^.:,]{{0,30}}(?:mail|outlook|phone|ipad|android|mobile|device|windows|galaxy|pixel|app|
            thunderbird|proton) [^.:,]{{0,30}} ) [.,]? (?:\ (?:please\ )?excuse.{{0,80}})?
    |   get\ outlook\ for\ .{{2,30}} | sent\ from\ yahoo.{{0,40}}
    |   (?:von|vom)\ (?:meinem?|unterwegs)\b.{{0,60}}gesendet.{{0,20}} | gesendet\ (?:von|mit|über|aus)\b .{{2,60}}
    |   (?:diese\ (?:nachricht|e-?mail|mail)\ wurde|von\ mobil).{{0,60}}gesendet.{{0,30}}
    |   outlook\ für\ .{{2,30}}(?:beziehen|herunterladen|holen).{{0,20}}
    |   envoyé\ (?:de|depuis|à\ partir\ de|avec|via)\b.{{2,60}} | (?:obtenez|télécharger)\ outlook\ pour\ .{{2,30}}
    |   enviado\ (?:desde|do|de|a\ partir\ do|pelo|con|com)\b.{{2,60}}
    |   (?:obtener|obtenha|obter)\ (?:o\ )?outlook\ para\ .{{2,30}}
    |   inviato\ (?:da(?:l|lla)?|con)\b.{{2,60}} | (?:ottieni|scarica)\ outlook\ per\ .{{2,30}}
    |   (?:verstuurd|verzonden)\ (?:vanaf|vanuit|met|via)\b.{{2,60}} | (?:download|haal)\ outlook\ voor\ .{{2,30}}
    |   outlook\ voor\ .{{2,20}}\ (?:downloaden|ophalen)
    |   wysłan[eoy]\ (?:z|ze|za\ pomocą)\b.{{2,60}} | (?:pobierz|uzyskaj)\ (?:program\ )?outlook\ dla\ .{{2,30}}
    |   отправлено\ (?:с|из|от)\b.{{2,60}} | скачать\ outlook\ для\ .{{2,30}} | надіслано\ (?:з|із|від)\b.{{2,60}}
    |   (?:skickat|sendt)\ (?:från|fra|via|med)\b.{{2,60}} | (?:hämta|hent|skaff\ deg)\ outlook\ (?:för|til
    |for)\ .{{2,30}}
    |   (?:lähetetty|hanki\ outlook)\ .{{2,60}} | odesláno\ (?:z|ze|pomocí)\b.{{2,60}} | (?:získat
    |stáhnout)\ outlook\ pro\ .{{2,30}}
    |   .{{0,30}}{_DEVICE}.{{0,20}}\ gönderildi\.? | {_DEVICE}.{{0,20}}\ készülékemről\ küldve
    |   (?:发自|送自|發自|寄自|来自我的|來自我的)\s?.{{1,30}} | [从從]我的.{{1,20}}(?:发送|發送|傳送|寄出)
    |   (?:获取|取得|下载|下載)\ ?(?:适用于.{{1,20}}的\ ?|.{{1,10}}版\ ?)?outlook.{{0,20}}
    |   (?:{_DEVICE}).{{0,10}}から送信.{{0,10}} | .{{0,20}}を使用して送信.{{0,10}}
    | .{{0,12}}outlook\ ?を(?:入手|ダウンロード).{{0,6}}
    |   (?:나의|내)\ .{{2,30}}에서\ (?:보냄|전송됨).{{0,5}} | .{{0,12}}outlook\ (?:다운로드|받기|가져오기)
    ) \s* (?:<?\(?https?://\S+>?)? \s*""",
)
SCANNED = re.compile(
    r"""(?ix) \s* (?:\[image[^\]]{0,40}\]\s*)? (?: virus[-\ ]?free | virenfrei | garanti\ sans\ virus
    | sans\ virus | libre\ de\ virus | livre\ de\ vírus
    | (?:mail\ )?priva\ di\ virus | virusvrij | wolny\ od\ wirusów | без\ вирусов | 没有病毒
    | ウイルス\ ?フリー | 바이러스\ 없음 | bez\ virů | virusfri )
    \W{0,3} (?:<?(?:https?://)?www\.(?:avast|avg)\.\w+.{0,120})? \s*
    | .{0,80}(?:checked\ for\ viruses|auf\ viren\ (?:geprüft|überprüft)|contre\ les\ virus|sin\ virus
    |ohne\ viren).{0,60}
    | \s*<?(?:https?://)?www\.(?:avast|avg)\.(?:com|de|fr|es|it)\S{0,200}\s* | \s*<\#[0-9A-F-]{36}>\s*"""
)
LINK_ONLY = re.compile(r"\s*(?:<?\(?https?://\S{1,390}>?\)?|\[(?:image|cid|logo)[^\]]{0,80}\])\s*", re.IGNORECASE)

LIST_FOOTER = re.compile(
    r"(?i)mailing ?list|mailingliste?|@lists?\.|/(?:mailman|listinfo)\b|google groups|liste de diffusion"
)

# Legal notices ------------------------------------------------------------------------------------------------------

NOTICE_HEADING = re.compile(
    r"""(?ix) \W{0,4} (?: disclaimer | confidentiality | (?:legal|privacy)\ notice | haftungsausschluss
    | vertraulichkeitshinweis
    | datenschutzhinweis | avis\ de\ confidentialité | aviso\ (?:legal|de\ confidencialidade?) | avvertenza
    | 免责声明 | 免責聲明
    | 保密 ) \b"""
)
ENVIRONMENT = re.compile(
    r"""(?ix) (?:consider|think\ of)\ the\ environment\ before | (?:bevor\ sie
    |ob\ sie)\ diese\ e?-?mail\ (?:wirklich\ )?(?:aus)?drucken
    | n['’]imprimez\ ce\ (?:mail|message|courriel) | antes\ de\ imprimir\ est[ea]\ (?:e-?mail|correo|mensaje
    |mensagem)
    | prima\ di\ stampare\ quest[ao] | denk\ aan\ het\ milieu\ voor"""
)


class Said(NamedTuple):
    """One thing that legal notices say: beginnings of words in lower case with | between them, and a pattern for what
    these can't tell, which is tried where `hint` stands. Looking for words one by one takes a tenth of what a pattern
    of them all would take, and every paragraph of a mail is asked.
    """

    beginnings: str
    hint: str = ""
    pattern: str = ""

    def is_in(self, lower: str) -> bool:
        """Whether this text, in lower case, says it."""
        if any(word in lower for word in self.beginnings.split("|")):
            return True
        return self.hint != "" and self.hint in lower and re.search(self.pattern, lower) is not None


NOTICE_WORDS = (
    Said(
        "confidential|vertraulich|confidentiel|confidencia|riservat|vertrouwelijk|poufn|конфиденциальн|конфіденційн|保密"
        "|机密|機密|기밀|důvěrn|gizli|konfidentiell|fortrolig|luottamuksel|bizalmas|privileged|geschützte informationen"
    ),
    Said(
        "intended only|intended solely|intended recipient|intended for|solely for the|addressee|adressat|empfänger"
        "|destinata|intention exclusive|geadresseerde|bestemd voor|adresat|адресат|收件人|收信人|仅限|僅供|수신자"
        "|受信者|příjemc|alıcı|mottagare|modtager|mottaker|vastaanottaj|címzett"
    ),
    Said(
        "in error|not the intended|irrtümlich|versehentlich|par erreur|por erro|por engano|non è il|pervenut"
        "|onterecht|abusievelijk|przez pomyłkę|nie są państwo|по ошибке|помилково|错收|誤って|误|誤|잘못|omylem"
        "|yanlışlıkla|av misstag|ved en fejl|ved en feil|erehdyksessä|no es el destinatario|si usted no",
        hint="error",
        pattern=r"received (?:this|it)\b.{0,40}error",
    ),
    Said(
        "delete this|delete it|delete the|notify sender|notify the sender|destroy|vernichten|löschen|informieren sie"
        "|détrui|avertir|supprim|elimin|comunique|avvisar|verwijder|usunięci|powiadomi|удалит|сообщите|видал|删除|刪除"
        "|削除|삭제|smaž|silin|radera|poist",
        hint="slet",
        pattern=r"slet\b",
    ),
)
"""How confidential it is, for whom it was, that it may have gone astray, what to do then."""
