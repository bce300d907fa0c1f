"""HTML to text: what a reader would see is there, what is hidden is not, and it looks like plain mail."""

from __future__ import annotations

import sys

import pytest

from tkt.channels.mail.reading.html_text import HTML_LIMIT, TAGS_LIMIT, html_to_text


def test_paragraphs_breaks_and_entities() -> None:
    markup = "<p>Dear&nbsp;Bob,<br>it &lt;works&gt;</p><p>Bye</p>"
    assert html_to_text(markup) == "Dear Bob,\nit <works>\n\nBye"


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="https://x.org/y?z=1">the page</a>.', "the page (https://x.org/y?z=1)."),
        ('<a href="https://www.x.org/">www.x.org</a>', "www.x.org"),
        ('<a href="https://x.org/a">https://x.org/a</a>', "https://x.org/a"),
        ('<a href="mailto:b@x.org?subject=hi">b@x.org</a>', "b@x.org"),
        ('<a href="mailto:c@x.org">Carl</a>', "Carl (c@x.org)"),
        (
            '<a href="https://evil.example/">https://bank.example/</a>',
            "https://bank.example/ (https://evil.example/)",
        ),
        ('<a href="#top">up</a>', "up"),
        ('<a href="javascript:alert(1)">press</a>', "press"),
        ('<a href="https://x.org/"><img src="https://x.org/i.png"></a>text', "text"),
        ('<a href="https://x.org/"><img src="https://x.org/i.png" alt="Shop"></a>', "Shop"),
    ],
)
def test_links_keep_where_they_lead(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>bad()</script>",
        "<style>p { color: red }</style>",
        "<head><title>bad</title></head>",
        "<div style='display: none'>bad<p>bad</p></div>",
        "<span style='DISPLAY:NONE !important'>bad</span>",
        "<span style='visibility:hidden'>bad</span>",
        "<span style='font-size:0px'>bad</span>",
        "<div style='max-height:0; overflow:hidden'>bad</div>",
        "<div style='display:none;mso-hide:all'>bad</div>",
        "<div style='opacity:0'>bad</div>",
        "<p hidden>bad</p>",
        "<!-- bad -->",
        "<!--[if mso]><p>bad</p><![endif]-->",
        "<template>bad</template>",
        "<svg><text>bad</text></svg>",
        "<img src='https://t.example/pixel.gif' width=1 height=1 alt='bad'>",
    ],
)
def test_what_no_reader_sees_is_dropped(hidden: str) -> None:
    assert html_to_text(f"<p>before</p>{hidden}<p>after</p>").split() == ["before", "after"]


@pytest.mark.parametrize(
    "style",
    [
        "font-size:10px",
        "opacity:0.8",
        "display:block",
        "max-height:0.5em",
        "fill-opacity:0",
        "font-size:0.9em",
    ],
)
def test_what_only_looks_hidden_is_kept(style: str) -> None:
    assert html_to_text(f"<p style='{style}'>words</p>") == "words"


def test_lists_and_tables_stay_readable() -> None:
    text = html_to_text(
        "<ul><li>one</li><li>two<ol><li>a</li><li>b</li></ol></li></ul>"
        "<table><tr><th>Name</th><th>Count</th></tr><tr><td>apples</td><td>3</td></tr></table>"
    )
    assert [line.strip() for line in text.splitlines() if line] == [
        *("* one", "* two", "1. a", "2. b"),
        *("Name    Count", "apples  3"),
    ]


def test_quoted_blocks_look_like_quotes_in_plain_mail() -> None:
    text = html_to_text(
        "<div>new</div><blockquote><div>old</div><blockquote>older<br>oldest</blockquote></blockquote><p>end</p>"
    )
    assert [line for line in text.splitlines() if line] == ["new", "> old", ">", "> > older", "> > oldest", "end"]


def test_outlook_paragraphs() -> None:
    text = html_to_text(
        "<div class=WordSection1><p class=MsoNormal>Hello,<o:p></o:p></p>"
        "<p class=MsoNormal><o:p>&nbsp;</o:p></p>"
        "<p class=MsoNormal>it is <span style='color:red'>broken</span>.</p>"
        "<p><b>From:</b> Bob<br><b>To:</b> x</p></div>"
    )
    assert text == "Hello,\n\nit is broken.\n\nFrom: Bob\nTo: x"


def test_images_of_the_mail_itself_are_named() -> None:
    assert html_to_text('<p>see <img src="cid:1" alt="the error"> and <img src="cid:2">') == (
        "see [image: the error] and [image]"
    )


@pytest.mark.parametrize("markup", ["", " ", "<html></html>", "<p></p>", "<script>x</script>", "<!-- x"])
def test_markup_without_words_gives_nothing(markup: str) -> None:
    assert html_to_text(markup) == ""


def test_words_survive_markup_that_no_parser_can_nest() -> None:
    assert html_to_text("<div>" * 20_000 + "deep words").strip() == "deep words"


HOSTILE = [
    *("<div>", "<table><tr><td>", "<td>a", "<tr><td>a<td>b", "<td colspan=99999>x", "<ul><li>a", "<ol><li>a</ol>"),
    *(
        "<blockquote>a",
        "<a href=http://x.y/>z",
        "<a href=http://x.y/><b>z",
        "<img src=cid:a alt=x>",
        "<i hidden>x</i>y",
    ),
    *("&amp;", "&#x10ffff;", "<b>x", "<br>", "<", "<!--", "<!-- a -->b", "<pre>a\n", "<b><p>", "&nbsp;", "<svg><g>"),
    *(
        "<style>a{}</style>x",
        "<style>.a{display:none}</style>",
        "<table><tr><td>x</table>",
        "<![CDATA[",
        "<?a",
        "x",
        " ",
    ),
    *(
        '<p style="display:none">x</p>',
        '<p style="font-size:0">x</p>',
        "<select><option>a",
        "<dl><dd>a",
        "<q>",
        "\u200c ",
    ),
]


def calls(markup: str) -> int:
    """How many functions are called to read this: work, counted the same on every machine."""
    count = 0

    def tick(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(tick)
    try:
        html_to_text(markup)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("piece", HOSTILE)
def test_work_grows_with_the_length_of_hostile_markup(piece: str) -> None:
    html_to_text(piece)
    small, large = (calls(piece * (length // len(piece))) for length in (10_000, 40_000))
    assert large < 5 * small + 500


def test_too_many_tags_are_stripped() -> None:
    markup = "<style>p { x }</style><!-- c --><p>one<br>two</p>" + "<i>w</i>" * TAGS_LIMIT + "<script>x</script>&lt;end"
    text = html_to_text(markup)
    assert text.startswith("one\ntwo")
    assert text.endswith("w <end")


def test_markup_of_any_size_is_bounded() -> None:
    assert len(html_to_text("word " * (HTML_LIMIT // 2))) <= HTML_LIMIT
