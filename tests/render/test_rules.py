"""What nbchat adds to CommonMark: formulas, footnotes, tasks, addresses, images, code."""

from __future__ import annotations

import pytest

from nbchat.render import render_markdown
from nbchat.render.code import HIGHLIGHT_LIMIT, code_html, language_of

from .streams import pieces_of, stream

LINK = 'rel="noopener noreferrer nofollow" target="_blank"'


def inline(tex: str) -> str:
    return f'<span class="nbchat-math">\\({tex}\\)</span>'


def display(tex: str) -> str:
    return f'<div class="nbchat-math">\\[{tex}\\]</div>\n'


FORMULAS = {
    "$x$": f"<p>{inline('x')}</p>\n",
    "a $x < y$, b": f"<p>a {inline('x &lt; y')}, b</p>\n",
    "\\(x_1\\) and $x_2$": f"<p>{inline('x_1')} and {inline('x_2')}</p>\n",
    "$a*b$ and *c*": f"<p>{inline('a*b')} and <em>c</em></p>\n",
    "$\\$5$": f"<p>{inline(chr(92) + '$5')}</p>\n",
    "a \\[x\\] b": '<p>a <span class="nbchat-math">\\[x\\]</span> b</p>\n',
    "a $$x$$ b": '<p>a <span class="nbchat-math">\\[x\\]</span> b</p>\n',
    "$$\nx\n$$": display("x"),
    "$$ x $$": display(" x "),
    "\\[\nx\n\\]": display("x"),
    "\\[ x\n+ y \\]": display(" x\n+ y "),
    "\\begin{align*}\na\n\\end{align*}": display("\\begin{align*}\na\n\\end{align*}"),
    "$$\na\n\nb\n$$": display("a\n\nb"),
    "text\n$$\nx\n$$\nmore": f"<p>text</p>\n{display('x')}<p>more</p>\n",
    "> $$\n> x\n> $$": f"<blockquote>\n{display('x')}</blockquote>\n",
    "- $$\n  x\n  $$": f"<ul>\n<li>{chr(10)}{display('x')}</li>\n</ul>\n",
    "> $$\n> x\n\ny": (
        '<blockquote>\n<pre class="nbchat-math"><code>x\n</code></pre>\n</blockquote>\n<p>y</p>\n'
    ),
    "$$\nx": '<pre class="nbchat-math"><code>x\n</code></pre>\n',
    "$\\href{a}{b}$": "<p><code>\\href{a}{b}</code></p>\n",
    "`$x$`": "<p><code>$x$</code></p>\n",
}

ENVIRONMENTS = ["align", "alignat", "aligned", "alignedat", "cases", "eqnarray", "equation"]
ENVIRONMENTS += ["flalign", "gather", "gathered", "multline", "split"]

PROSE = [
    "$5 and then 10$",
    "between $5 and $10",
    "from $5-$10 per month",
    "US$ 5 and 6$",
    "a$b$c",
    "$HOME and $PATH",
    "a $ b $ c",
    "$x $ y",
    "one $ alone",
    "C:\\Users\\me",
    "\\ref{x}",
    "$$",
]


@pytest.mark.parametrize(("text", "expected"), FORMULAS.items())
def test_formulas(text: str, expected: str) -> None:
    assert render_markdown(text) == expected


@pytest.mark.parametrize("star", ["", "*"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_environments_are_formulas_from_their_first_line_on(name: str, star: str) -> None:
    begin, end = f"\\begin{{{name}{star}}}", f"\\end{{{name}{star}}}"
    tex = f"{begin}\na &= b\n\nc{end}"
    assert render_markdown(f"{tex}\ntext") == f"{html_of(tex)}<p>text</p>\n"
    # Without an end it is no paragraph either: nothing that comes later changes what it is.
    open_end = render_markdown(f"{begin}\na *b*\n\n# c\n")
    assert open_end.startswith('<pre class="nbchat-math"><code>')
    assert "<em>" not in open_end
    assert "<h1>" not in open_end
    for size in (1, 4, 7):
        for text in (f"a\n{tex}\nb", f"{begin}\na *b*\n\n# c\n"):
            assert "".join(stream(pieces_of(text, size))) == render_markdown(text)


def html_of(tex: str) -> str:
    return display(tex.replace("&", "&amp;"))


@pytest.mark.parametrize("text", PROSE)
def test_prose_stays_prose_and_is_kept_from_mathjax(text: str) -> None:
    html = render_markdown(text)
    assert 'class="nbchat-math">\\' not in html
    rest = html.replace("<span>$</span>", "").replace("<span>\\</span>", "")
    assert "$" not in rest
    assert "\\" not in rest


MARKUP = {
    "a[^1] b[^x]\n\n[^x]: *note*\n\n    more\n": (
        "<p>a<sup>1</sup> b<sup>x</sup></p>\n"
        '<div class="nbchat-footnote"><sup>x</sup>\n<p><em>note</em></p>\n<p>more</p>\n</div>\n'
    ),
    "[^a-z] in prose": "<p>[^a-z] in prose</p>\n",
    "- [x] a\n- [ ] b\n- [y] c": (
        '<ul>\n<li class="nbchat-todo"><span class="nbchat-task" role="img" aria-label="done">'
        '☑\ufe0e</span> a</li>\n<li class="nbchat-todo"><span class="nbchat-task" role="img" '
        'aria-label="to do">☐\ufe0e</span> b</li>\n<li>[y] c</li>\n</ul>\n'
    ),
    "~~a~~": "<p><s>a</s></p>\n",
    "|a|\n|:-:|\n|b|": (
        '<div class="nbchat-table"><table>\n<thead>\n<tr>\n<th style="text-align:center">a</th>\n'
        '</tr>\n</thead>\n<tbody>\n<tr>\n<td style="text-align:center">b</td>\n</tr>\n</tbody>\n'
        "</table></div>\n"
    ),
    '[a](http://b.c "d")': f'<p><a href="http://b.c" title="d" {LINK}>a</a></p>\n',
    "<mailto:a@b.c>": f'<p><a href="mailto:a@b.c" {LINK}>mailto:a@b.c</a></p>\n',
    "[a](/b)": '<p><span class="nbchat-refused" title="/b">a</span></p>\n',
    "![a](http://b.c)": (
        f'<p><a class="nbchat-image" href="http://b.c" {LINK}>[image: a]</a></p>\n'
    ),
    "![](/b)": '<p><span class="nbchat-image">[image]</span></p>\n',
    "[![a](http://b.c)](http://d.e)": (
        f'<p><a href="http://d.e" {LINK}><span class="nbchat-image">[image: a]</span></a></p>\n'
    ),
    "<b>a</b>": "<p>&lt;b&gt;a&lt;/b&gt;</p>\n",
}


@pytest.mark.parametrize(("text", "expected"), MARKUP.items())
def test_markup(text: str, expected: str) -> None:
    assert render_markdown(text) == expected


ADDRESSES = {
    "see https://a.b/c_d_e.": "https://a.b/c_d_e",
    "(https://a.b/c)": "https://a.b/c",
    "https://a.b/(c)": "https://a.b/(c)",
    "**http://a.b**": "http://a.b",
    "https://a.b/?c=d&e": "https://a.b/?c=d&amp;e",
    "在 https://a.b/c。": "https://a.b/c",
    "| https://a.b |\n|-|": "https://a.b",
}


@pytest.mark.parametrize(("text", "address"), ADDRESSES.items())
def test_bare_addresses_are_links(text: str, address: str) -> None:
    assert f'<a href="{address}" {LINK}>{address}</a>' in render_markdown(text)


@pytest.mark.parametrize(
    "text", ["xhttps://a.b", "https://", "http:/a.b", "ftp://a.b", "`http://a`"]
)
def test_other_text_is_no_address(text: str) -> None:
    assert "<a" not in render_markdown(text)


def test_images_whose_bytes_are_here_are_shown() -> None:
    html = render_markdown("![a](data:image/png;base64,iVBORw0KGgo=)")
    assert '<img src="data:image/png;base64,iVBORw0KGgo=" alt="a"' in html


def test_remote_images_are_shown_when_allowed_and_say_nothing_of_the_notebook() -> None:
    html = render_markdown("![a](https://b.c/d.png)", allow_images=True)
    assert (
        '<img src="https://b.c/d.png" alt="a" loading="lazy" referrerpolicy="no-referrer">' in html
    )


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("python", "python"),
        (" c++ title=x", "c++"),
        ("C#", "C#"),
        ("objective-c", "objective-c"),
        ("python{1,3}", "python"),
        ('"><b>', ""),
        ("", ""),
        ("a" * 99, "a" * 40),
    ],
)
def test_languages_are_safe_characters(info: str, language: str) -> None:
    assert language_of(info) == language


def test_code_is_highlighted_by_its_language() -> None:
    html = code_html("def f():\n", "python")
    assert html.startswith(
        '<div class="highlight"><pre><code class="language-python"><span class="k"'
    )
    assert html.endswith("\n</code></pre></div>\n")


def test_code_in_no_known_language_is_escaped() -> None:
    for info in ("", "no-such-language", "mermaid;"):
        assert "a &lt; b" in code_html("a < b\n", info)


def test_a_growing_block_is_highlighted_in_chunks_and_keeps_its_text() -> None:
    code = "x = 1  # one\n" * 500
    growing, settled = (code_html(code, "python", growing=growing) for growing in (True, False))
    assert growing == settled


def test_enormous_code_is_not_highlighted() -> None:
    assert "<span" not in code_html("x = 1\n" * HIGHLIGHT_LIMIT, "python")
