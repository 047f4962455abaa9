"""The frame of a permanent answer, its style, and what importing the room costs."""

from __future__ import annotations

import html
import re
import subprocess
import sys

from markdown_it import MarkdownIt

from nbchat import render
from nbchat.render import STYLE, answer_html, escape


def test_exported_names_exist() -> None:
    for name in render.__all__:
        assert getattr(render, name) is not None


def test_escape_is_for_text_and_attributes() -> None:
    assert escape("<b a=\"c\" d='e'>&") == "&lt;b a=&quot;c&quot; d=&#x27;e&#x27;&gt;&amp;"


def test_an_answer_has_its_parts_in_order() -> None:
    page = answer_html(
        "<p>body</p>\n",
        reasoning_html="<p>why</p>\n",
        notices=["cut <here>", "and $there"],
        footer="model · 5 tokens",
    )
    assert page.startswith('<div class="nbchat">\n<style>')
    assert page.endswith("</div>")
    marks = [
        "nbchat-reasoning",
        "why",
        "body",
        "cut &lt;here&gt;",
        "<span>$</span>there",
        "model ·",
    ]
    places = [page.index(mark, page.index("</style>")) for mark in marks]
    assert places == sorted(places)


def test_an_answer_without_extras_has_none() -> None:
    page = answer_html("<p>body</p>\n").split("</style>")[1]
    assert page == '\n<div class="nbchat-body">\n<p>body</p>\n</div>\n</div>'


def test_no_blank_line_ends_the_html_in_markdown() -> None:
    code = "a\n\n    b\n  \n\n\nc\n"
    page = answer_html(render.render_markdown(f"```\n{code}```\n\n$$x\n\n= 1$$"), footer="end")
    assert not re.search(r"\n\s*\n", page)
    (shown,) = re.findall("<code>(.*?)</code>", page, re.S)
    assert html.unescape(shown) == code
    markdown = MarkdownIt("commonmark", {"html": True})
    assert [token.type for token in markdown.parse(page)] == ["html_block"]


def test_style_is_short_and_touches_nothing_else() -> None:
    assert len(STYLE.encode()) < 4_400
    assert "</" not in STYLE
    assert "/*" not in STYLE
    around: list[str] = []
    for words, brace in re.findall(r"([^{};]*)([{};])", STYLE):
        if brace == "}":
            around.pop()
        elif brace == "{":
            outermost = all(rule.startswith("@") for rule in around)
            for selector in [] if words.startswith("@") else re.split(r",(?![^()]*\))", words):
                if not outermost:
                    assert selector.startswith("&"), selector
                elif selector != ".jp-OutputArea-child:has(.nbchat)":
                    assert selector.startswith((".nbchat.nbchat", ":where(.nbchat")), selector
            around.append(words)
    assert not around


def test_style_speaks_of_every_class_that_answers_use() -> None:
    for name in ("table", "task", "todo", "math", "refused", "footnote", "reasoning", "notice"):
        assert f".nbchat-{name}" in STYLE


def test_importing_the_room_imports_no_parser_and_no_highlighter() -> None:
    program = (
        "import sys, nbchat.render\n"
        "print([name for name in ('markdown_it', 'pygments', 'mdurl') if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
