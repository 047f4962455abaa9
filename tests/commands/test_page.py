"""Threads as HTML: nothing in them is a tag, or a formula."""

from __future__ import annotations

import html.parser

from nbchat.commands.page import thread_html, tree_html
from nbchat.conversation import Conversation
from nbchat.exchange.markdown import to_markdown

WORDS = "hello $name and {name}, it costs $5 or $6, \\(x\\) \\[y\\] \\begin{align}"


class Reader(html.parser.HTMLParser):
    """Collects the tags, the names of their attributes, and each stretch of text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_picture_of_a_tree_is_escaped() -> None:
    thread = Conversation("<script>alert(1)</script>")
    thread.say("user", '<img src=x onerror="alert(1)">')
    thread.say("assistant", "</div><script>")
    page = Reader(tree_html(thread))
    assert page.tags <= {"style", "div", "code", "span", "small"}
    assert page.names <= {"class"}
    text = "".join(page.texts)
    for said in ("<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "</div><script>"):
        assert said in text


def no_formula(page: str) -> bool:
    """Whether MathJax finds none: it looks within one stretch of text."""
    texts = Reader(page).texts
    return all(text in ("$", "\\") for text in texts if "$" in text or "\\" in text)


def test_dollars_and_backslashes_make_no_formula() -> None:
    thread = Conversation("a $ and a $")
    thread.say("user", WORDS + " long" * 400)
    thread.say("user", "the head")
    assert "$" in Reader(tree_html(thread)).texts
    assert no_formula(tree_html(thread))
    # What was said may hold formulas, but not what stands above it.
    heading, _, rest = thread_html(thread).partition("</h2>")
    summary, _, _ = rest.partition("</summary>")
    assert no_formula(heading.partition("<h2>")[2])
    assert "hello" in summary
    assert no_formula(summary)


def test_the_summary_of_a_folded_turn_has_no_fences() -> None:
    thread = Conversation("main")
    thread.say("user", "Run\n\n```python\nprint(1)\n```\n\n~~~\nthis\n~~~\n" + "and " * 600)
    thread.say("user", "the head")
    summary = thread_html(thread).partition("<summary>")[2].partition("</summary>")[0]
    assert summary.startswith("Run print(1) this and and")


def test_newlines_at_the_end_of_a_prompt_are_not_shown() -> None:
    """In a terminal a blank line ends a cell."""
    thread = Conversation("main")
    turn = thread.say("user", "one\n\ntwo\n\n")
    assert to_markdown(thread) == "# main\n\n**User**\n\n> one\n>\n> two\n"
    assert turn.prompt[0].text == "one\n\ntwo\n\n"
