"""The words by which people sign: sign-offs, contact lines, postscripts.

For the languages of `quote_marks`. Every pattern is for one line of bounded length.
"""

from __future__ import annotations

import re

STRICT = re.compile(r"-- ")
"""RFC 3676 section 4.3."""
LOOSE = re.compile(r"\s*(?:--|—|––|__|-- )\s*")
RULE = re.compile(r"\s*[-=_*~+#・━─―–—◆◇■□☆★.:]{6,200}\s*")

# Sign-offs ----------------------------------------------------------------------------------------------------------

_WELL = r"""
    (?:with\ |my\ )?(?:(?:very\ )?(?:best|kind|kindest|warm|warmest|many)\ )?regards | (?:with\ )?(?:best|warm
    |good)\ wishes | cheers | best
    | all\ the\ best | (?:yours\ )?(?:sincerely|faithfully|truly|respectfully)(?:\ yours)? | cordially | [bk]r
    | rgds | warmly
    | (?:mit\ )?(?:freundlich\w*|best\w*|herzlich\w*|lieb\w*|viel\w*|sonnig\w*|sch[öo]n\w*)\ (?:gr(?:ü|ue)(?:ß
    |ss)\w*|gru(?:ß|ss))(?:\ (?:aus|von|nach)\ .{2,30})?
    | gr(?:ü|ue)(?:ß|ss)e | gru(?:ß|ss) | (?:lg|mfg|vg|bg|mit\ besten\ empfehlungen|hochachtungsvoll|herzlichst)
    | (?:bien\ |très\ )?cordialement | (?:(?:mes|nos)\ )?(?:sincères\ |meilleures\
    |cordiales\ )?salutations(?:\ distinguées)? | amicalement
    | bien\ (?:à\ vous|à\ toi|amicalement) | respectueusement | cdlt | cdt | bonne\ (?:journée|soirée
    |fin\ de\ journée|réception)
    | (?:un\ )?(?:cordial(?:es)?\ )?saludos?(?:\ cordial(?:es)?)? | (?:muy\ )?atentamente | atte
    | (?:un\ )?(?:fuerte\ )?abrazo
    | atenciosamente | att | (?:com\ os\ )?(?:melhores\ )?cumprimentos | abraços? | saudações(?:\ cordiais)?
    | cordialmente
    | (?:(?:cordiali|distinti|cari|migliori|i\ miei)\ )?saluti(?:\ cordiali)? | un(?:\ cordiale)?\ saluto
    | buona\ giornata
    | (?:met\ )?(?:vriendelijke|hartelijke|beste)\ groet(?:en)? | (?:hartelijke\ )?groet(?:en|jes)? | mvg
    | hoogachtend
    | z\ (?:poważaniem|wyrazami\ szacunku|pozdrowieniami) | (?:serdecznie\ )?pozdrawiam(?:\ serdecznie)?
    | (?:serdeczne\ )?pozdrowienia
    | с\ (?:глубоким\ )?уважением | с\ наилучшими\ пожеланиями | всего\ (?:доброго|хорошего) | с\ приветом
    | [зi]\ повагою | [зi]\ найкращими\ побажаннями
    | s\ (?:pozdravem|úctou|přáním\ (?:pěkného|hezkého)\ dne) | (?:hezký|pěkný)\ den
    | (?:szívélyes\ |baráti\ )?üdvözlettel | üdv | tisztelettel
    | (?:en\ iyi\ dileklerimle|saygılarımla|saygılarımızla|iyi\ çalışmalar|sevgiler|selamlar)
    | (?:med\ )?(?:vänlig\w*|bästa|varma|venn?lig\w*|beste?|hjertelig\w*)?\ ?(?:hälsning(?:ar)?|hilsen
    |hilsner) | mvh | vh
    | (?:ystävällisin|parhain|lämpimin|kunnioittavasti)\ ?(?:terveisin)? | terveisin | t\.
    | 此致 | 敬[礼禮] | 此致敬[礼禮] | 祝好 | 祝\S{0,6}(?:愉快|顺利|順利|安康|健康)
    | [顺順]?[祝颂頌]?[祝颂頌]?商[祺安] | 敬祝 | 敬上 | [谨謹][启啟致]
    | 敬具 | 以上 | 草々 | かしこ
    | 안녕히\ 계(?:십시오|세요) | 수고하(?:십시오|세요) | 좋은\ 하루\ (?:되세요|보내세요)"""
_THANKS = r"""
    (?:many\ |very\ many\ )?thanks?(?:\ (?:you|a\ lot|so\ much|in\ advance|again|very\ much))* | thx | ty
    | (?:vielen|besten|herzlichen|lieben)\ dank(?:\ im\ voraus)? | danke(?:\ (?:schön|sehr|im\ voraus|vorab))?
    | (?:un\ grand\ )?merci(?:\ (?:d['’]avance|beaucoup|par\ avance|bien))?
    | (?:muchas\ )?gracias(?:\ (?:de\ antemano|por\ todo))?
    | (?:muito\ )?obrigad[oa]s? | grazie(?:\ (?:mille|in\ anticipo))? | (?:alvast\ )?bedankt
    | (?:hartelijk\ )?dank(?:\ (?:u|je)\ wel)?
    | (?:z\ góry\ )?dziękuj[ęe](?:my)? | (?:заранее\ )?спасибо(?:\ заранее)? | дякую | děkuji | köszönöm
    | teşekkürler | teşekkür\ ederim
    | (?:med\ )?(?:på\ forhånd\ )?(?:tack|takk|tak)(?:\ på\ förhand)? | kiitos(?:\ etukäteen)?
    | (?:非常|十分)?[谢謝][谢謝] | 多[谢謝] | 感[谢謝]
    | .{0,14}(?:よろしく|宜しく)(?:お願い|御願い)?(?:いた|致)?(?:し|申し上げ)?(?:ます)?
    | (?:どうも)?ありがとう(?:ございま(?:す|した))?
    | (?:대단히\ )?감사합니다 | 고맙습니다 | 감사드립니다"""
_NAME = r"(?:[,，]\s*[^\W\d_][\w.'’-]*(?:\ [^\W\d_][\w.'’-]*){0,2})?"
_END = r"[\s,.!:;，。！：、-]*"
FAREWELL = re.compile(rf"(?ix) \s* (?:{_WELL}) {_NAME} {_END}")
"""A sign-off that is nothing but one: what follows is a name."""
THANKS = re.compile(rf"(?ix) \s* (?:{_THANKS}) {_END}")
"""Thanks may be meant: they open a signature only if contact lines follow."""
AND = re.compile(r"(?i)\s*[/|&+,、，]\s*|\s(?:and|und|et|y|e|en|i|и)\s")
"""What joins two sign-offs on one line."""
POSTSCRIPT = re.compile(
    r"""(?ix) \s* (?: p\.?\s?p?\.?\s?s\b | p\.?\s?d\b | n\.?\s?b\b | p/s\b | nachtrag\b | пс\b | зы\b | з\.ы\.
    | [附又]言 | 又及
    | 追伸 | 추신 )"""
)

# Contact lines ------------------------------------------------------------------------------------------------------

_LABELS = r"""(?:
    tel(?:e(?:f[oó]n[eo]?|phone|foon))? | t[eé]l[eé]phone | tél | phone | ph | mobile? | mob | fon | tlf
    | port | handy | mobiel
    | cell(?:ulare|ular)? | celular | móvil | telem[oó]vel | portable | fax | direct | durchwahl | dw
    | ext(?:ension)?
    | office | büro | switchboard | zentrale | e-?mail | mail | courriel | correo | web(?:site|seite)? | internet
    | skype | teams | linkedin | xing | twitter | facebook | whatsapp | wechat | signal | kom | puh(?:elin)?
    | gsm | mobil
    | desk | room | raum | address | anschrift | adres(?:se)? | dirección | indirizzo | endereço | adresa
    | adress | cím | osoite
    | тел(?:ефон)? | моб | факс | доб | почта | сайт | адрес
    | 電話(?:番号)? | 携帯 | ファックス | メール | 住所 | 内線 | 电话 | 手机 | 传真 | 邮箱 | 邮编 | 地址
    | 网址 | 微信 | 手機 | 傳真
    | 信箱 | 網址 | 전화 | 휴대폰 | 팩스 | 이메일 | 메일 | 주소 | 내선
    | [tmdfpeowhca] )"""
_PHONE = r"\+?\(?\d(?:[\ ()./+-]{0,3}\d){5,16}"
REACH = re.compile(
    rf"""(?ix) (?<!\w)(?:{_LABELS})\s?\.?\s?[:：/]\s?(?=\S) | (?<!\w)(?:{_LABELS})\.?\s{{0,3}}{_PHONE}
    | (?<!\w)(?:ext(?:ension)?|доб|dw|durchwahl|内線|내선)\.?\s?\d{{1,5}}\Z
    | [\w.+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,5}} | \bwww\.[\w./-]{{1,200}} | https?://\S{{1,390}}
    | \A(?:[\w-]{{1,40}}\.){{1,3}}(?:com|org|net|de|at|ch|eu|fr|it|es|pt|nl|be|pl|ru|cn|jp|kr|uk|io|example)\Z
    | (?:\A|[|·•/]\ )(?:\+|00|\(?0)\d[\d\ ()./-]{{6,30}} | 〒\s?\d{{3}}-?\d{{4}}"""
)
"""How to reach somebody: a label with its value, a number, an address, a link."""
REGISTERED = re.compile(
    r"""(?ix) \b(?: amtsgericht | hrb | sitz\ der\ gesellschaft | vorstand | aufsichtsrat
    | gesch[äa]ftsf[üu]hrer(?:in)? | ust-?id
    | vat | siret | rcs | si[èe]ge\ social | p\.?\s?iva | nip | krs | инн | kvk | cif | nif | cnpj
    | registered\ (?:in|office) )\b | \[(?:image|cid|logo|bild|imagen|imagem|immagine)\b[^\]]{0,80}\]"""
)
"""What firms must print on their letters; a logo."""
PLACE = re.compile(
    r"""(?x) \b(?: GmbH | AG | KG | OHG | e\.\s?V\. | Ltd | LLC | LLP | Inc | Corp | plc | SARL | S\.A\.R\.L
    | SAS | S\.L\. | S\.r\.l
    | SRL | SpA | S\.p\.A | Ltda | Lda | B\.?V | N\.?V | [Ss]p\.\s?z\s?o\.\s?o | ООО | ОАО | ЗАО | АО | ТОВ
    | s\.\s?r\.\s?o | a\.\s?s\.
    | A\.Ş | Kft | Zrt | A/S | ApS | Oyj? | AB )(?!\w) | 有限公司 | 株式会社 | 合同会社 | 주식회사
    | (?: [Ss]tra(?:ß|ss)e | [Ss]tr\. | [Ww]eg | [Pp]latz | [Aa]llee | Street | St\. | Road | Rd\. | Avenue
    | Ave\. | Calle | Plaza
    | Via | Rua | straat | laan | plein | ul\. | ул\. | gatan | [Vv]ej | katu | ulice | utca | Sokak
    | Caddesi )\W{0,3}\D{0,20}\d
    | \d{1,4},?\ (?: rue | avenue | boulevard | \w+\ Street | \w+\ Road )\b | 丁目 | 都.{1,10}区
    | [路街]\d{1,5}号"""
)
"""A firm, a street: as short as a name, with figures that a name has not."""
COLUMNS = re.compile(r"\S\s[|·•¦]\s?\S")
"""A title and a company on one line; a table too."""
ON_BEHALF = re.compile(r"(?i)(?:(?:i\.\s?[av]\.|ppa\.?|p\.\s?p\.|dr\.|prof\.|dipl\.-\w+\.?|mrs?\.?|ms\.?|ing\.)\s*)+")
SHORT_ASIAN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
DATA = re.compile(r"\A[^:：]{2,40}[:：#](?:\s?\S|\s*\Z)|\d{4}")
ENDS_SENTENCE = re.compile(r"[.!?;。？！…][\"'»”)]{0,2}\s*\Z")
QUESTION = re.compile(r"\w\W{0,3}[?？]")
