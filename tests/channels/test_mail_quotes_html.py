"""Quotes of HTML mails: what html_to_text makes of the clients' markup is folded like plain mail."""

from __future__ import annotations

import pytest

from tkt.channels.mail.folding.quotes import own_text
from tkt.channels.mail.reading.html_text import html_to_text

OWN = "It works now, thank you."
MAILS = {
    "gmail": f"""<div dir="ltr"><div>{OWN}</div></div><br><div class="gmail_quote gmail_quote_container">
<div dir="ltr" class="gmail_attr">On Mon, 2 Feb 2026 at 10:11, Support &lt;<a
href="mailto:support@desk.example">support@desk.example</a>&gt;
wrote:<br></div><blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid
rgb(204,204,204)">
<div>Please restart.<br><br>Does it work?</div></blockquote></div>""",
    "gmail in a language that we do not know": f"""<div>{OWN}</div><div class="gmail_quote"><div
class="gmail_attr">Vào Th 2,
2 thg 2, 2026 vào lúc 10:11 Support &lt;<a href="mailto:support@desk.example">support@desk.example</a>&gt; đã
viết:<br></div>
<blockquote class="gmail_quote">Please restart.</blockquote></div>""",
    "outlook web": f"""<body><div class="elementToProof">{OWN}</div><div id="appendonsend"></div>
<hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font><b>From:</b> Support
&lt;support@desk.example&gt;<br><b>Sent:</b> Monday, February 2, 2026 10:11 AM<br><b>To:</b> Ann
&lt;ann@example.com&gt;<br>
<b>Subject:</b> Re: VPN</font><div>&nbsp;</div></div><div>Please restart.</div></body>""",
    "outlook desktop": f"""<div class="WordSection1"><p class="MsoNormal">{OWN}<o:p></o:p></p><p
class="MsoNormal">&nbsp;</p>
<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm"><p
class="MsoNormal"><b>Von:</b> Support
&lt;support@desk.example&gt; <br><b>Gesendet:</b> Montag, 2. Februar 2026 10:11<br><b>An:</b>
Ann<br><b>Betreff:</b> VPN</p>
</div></div><p class="MsoNormal">Please restart.</p></div>""",
    "apple mail": f"""<html><body>{OWN}<br><div><br><blockquote type="cite"><div>On 2 Feb 2026, at 10:11, Support
&lt;support@desk.example&gt; wrote:</div><br><div>Please restart.</div></blockquote></div></body></html>""",
    "thunderbird": f"""<p>{OWN}</p><div class="moz-cite-prefix">On 02/02/2026 10:11, Support wrote:<br></div>
<blockquote type="cite" cite="mid:1@desk.example"><p>Please restart.</p></blockquote>""",
    "yahoo": f"""<div class="ydp1">{OWN}</div><div><br></div><div id="ydp2yahoo_quoted_1" class="yahoo_quoted">
<div>On Monday, February 2, 2026 at 10:11:12 AM GMT+1, Support &lt;support@desk.example&gt;
wrote:</div><div><br></div>
<div>Please restart.</div></div>""",
    "proton": f"""<div>{OWN}</div><div class="protonmail_signature_block"></div><div
class="protonmail_quote">On Monday, February
2nd, 2026 at 10:11 AM, Support &lt;support@desk.example&gt; wrote:<br><blockquote class="protonmail_quote"
type="cite">Please
restart.</blockquote></div>""",
    "gmx": f"""<div>{OWN}</div><div name="quote" style="margin:10px 5px 5px 10px;border-left:2px solid #C3D9E5;">
<div style="margin:0 0 10px 0;"><b>Gesendet:</b>&nbsp;Montag, 02. Februar 2026 um 10:11
Uhr<br><b>Von:</b>&nbsp;"Support"
&lt;support@desk.example&gt;<br><b>An:</b>&nbsp;ann@example.com<br><b>Betreff:</b>&nbsp;VPN</div><div>Please
restart.</div></div>""",
    "163": f"""<div>{OWN}</div><div id="ntes-pcmac-signature"></div><div><br></div><div
style="font-size:12px">---- Replied Message ----
</div><table><tr><td>From</td><td>Support&lt;support@desk.example&gt;</td></tr><tr><td>Date</td><td>02/02/2026
10:11</td></tr>
<tr><td>To</td><td>ann@mail.example</td></tr></table><div>Please restart.</div>""",
}


@pytest.mark.parametrize("client", MAILS)
def test_the_quote_of_an_html_mail_is_folded(client: str) -> None:
    assert own_text(html_to_text(MAILS[client]), "Re: VPN") == OWN


def test_a_forward_in_html_is_none() -> None:
    markup = """<div>Please see below.</div><div class="gmail_quote"><div class="gmail_attr">----------
Forwarded message
---------<br>From: Shop &lt;shop@vendor.example&gt;<br>Date: Mon, 2 Feb 2026 at 10:11<br>Subject: Order<br>To:
&lt;ann@example.com&gt;
<br></div><br>It is on its way.</div>"""
    assert "It is on its way." in own_text(html_to_text(markup), "Fwd: Order")
