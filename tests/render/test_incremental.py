from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbchat.render import IncrementalMarkdown, render_markdown

from .streams import ANSWER, SNIPPETS, documents, pieces_of, stream

STEPS = (1, 4, 7)

# Documents in which a later line reaches far: definitions, containers, line ends, halves.
FAR_REACHING = [
    ANSWER,
    ANSWER.replace("\n", "\r\n"),
    "see [a] and [b]\n\ntext\n\n[a]: http://x.y\n\nmore\n\n[b]: http://z.w\n'title'\n",
    "> quote [a\n> b]\n\ntext\n\n[a b]: http://x.y\n",
    "| [a] |\n|---|\n| [a] |\n\ntext\n\n[a]: http://x.y\n\nend",
    "[a]: http://x.y\n'a title\nover lines'\nparagraph\n",
    "[a]: http://x.y\n'no title\n\nparagraph [a]\n",
    "> [a]: http://x.y\nlazy [a]\n\n[a]\n",
    "note[^n]\n\ntext\n\n[^n]: the note\n\n    goes on\n\nend[^n]",
    "[^n]: [a]\n\n[a]: http://x.y\n\n[a]: http://other\n\n[a]",
    "- a\n\n- b\n\n  c\n\nd\n\n1. e\n",
    "$$\na\n\nb\n\n$$\ntext\n\\[ c\n\\]\nd",
    "\ud83d\ude00 \ud83d and \ude00\n\n\ud83d",
]


@pytest.mark.parametrize("step", STEPS)
def test_examples_and_fixtures_end_as_rendered_at_once(step: int) -> None:
    assert len(documents()) == 652 + 307
    for text in documents():
        assert "".join(stream(pieces_of(text, step))) == render_markdown(text), text


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("text", FAR_REACHING)
def test_far_reaching_documents_end_as_rendered_at_once(text: str, step: int) -> None:
    assert "".join(stream(pieces_of(text, step))) == render_markdown(text)


SOURCES = st.one_of(
    st.sampled_from(SNIPPETS),
    st.sampled_from(documents()),
    st.text("*_`~$\\[]()<>!|:-+=#.0a \t\n\r", max_size=10),
)


@st.composite
def mutations(draw: st.DrawFn) -> str:
    """Concatenate sources, some of them cut short."""
    sources = draw(st.lists(st.tuples(SOURCES, st.integers(0, 60)), min_size=1, max_size=6))
    return "".join(source if cut > 30 else source[:cut] for source, cut in sources)


@settings(
    max_examples=6_500,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(text=mutations())
def test_mutated_documents_end_as_rendered_at_once(text: str) -> None:
    expected = render_markdown(text)
    for step in STEPS:
        assert "".join(stream(pieces_of(text, step))) == expected


def test_settled_blocks_arrive_while_the_last_one_is_open() -> None:
    md = IncrementalMarkdown()
    md.feed("# Title\n\nFirst\nline, *op")
    update = md.tick()
    assert update.new == ["<h1>Title</h1>\n"]
    assert update.tail == "<p>First\nline, <em>op</em></p>\n"
    md.feed("en*")
    assert md.finish().new == ["<p>First\nline, <em>open</em></p>\n"]


def test_a_later_definition_changes_the_blocks_that_name_it_and_no_others() -> None:
    md = IncrementalMarkdown()
    md.feed("[here]\n\n[there]\n\nnowhere\n\n")
    assert len(md.tick().new) == 2
    md.feed("[there]: http://x.y\n\nend\n\nof text")
    update = md.tick()
    ((index, html),) = update.changed
    assert index == 1
    assert 'href="http://x.y"' in html


def test_nothing_is_fed_or_ticked_in_vain() -> None:
    md = IncrementalMarkdown()
    md.feed("")
    assert (md.tick().new, md.tick().tail) == ([], "")
    assert md.finish().new == []
    assert md.html == render_markdown("") == ""


def test_half_a_line_end_and_half_a_character_wait() -> None:
    md = IncrementalMarkdown()
    md.feed("one  \r")
    assert md.tick().tail == "<p>one</p>\n"
    md.feed("\ntwo \ud83d")
    assert md.tick().tail == "<p>one<br>\ntwo</p>\n"
    md.feed("\ude00")
    md.finish()
    assert md.html == "<p>one<br>\ntwo \U0001f600</p>\n"


def test_cost_is_what_the_last_tick_took() -> None:
    md = IncrementalMarkdown()
    assert md.cost == 0.0
    md.feed(ANSWER)
    md.tick()
    assert md.cost > 0.0


def test_remote_images_are_the_readers_choice() -> None:
    text = "![a](https://x.y/i.png)\n"
    md = IncrementalMarkdown(allow_images=True)
    md.feed(text)
    md.finish()
    assert md.html == render_markdown(text, allow_images=True)
    assert "<img" in md.html
    assert "<img" not in render_markdown(text)


def test_a_definition_in_the_open_end_is_seen_there() -> None:
    md = IncrementalMarkdown()
    md.feed("- see [a]\n")
    assert "<a" not in md.tick().tail
    md.feed("- more\n\n  [a]: http://x.y\n")
    assert '<a href="http://x.y"' in md.tick().tail
