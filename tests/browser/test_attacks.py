"""Hostile answers in a real browser: nothing fires, and nothing is fetched from elsewhere.

What a page did is noticed by its `Tab` and held against each test when its notebook is closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import get_args

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.render import test_attacks as corpus
from tests.support.server import (
    DONE,
    Exchange,
    Head,
    Hold,
    ScriptedServer,
    Step,
    chat_chunk,
    chat_stream,
    error_answer,
    sse,
)

from .conftest import OpenNotebook
from .driver import FrontEnd, Tab
from .lab import JupyterServer

MARKDOWN = {
    "text": corpus.TEXT,
    "links": corpus.LINKS,
    "images": corpus.IMAGES,
    "fences": corpus.FENCES,
    "formulas": corpus.MATH,
    "tables": corpus.TABLES,
}
END = "The end of it."

CALL = "alert(__fired.push(1))"
"""What payloads call: a dialog, and a flag on the window."""

HTML = """\
"'></code></pre></div></style></script><script>alert(__fired.push('script'))</script>\
<img src=x onerror="alert(__fired.push('img'))"><img src="http://evil.test/beacon.gif">\
<svg onload="alert('svg')"></svg><iframe srcdoc="<script>parent.alert('frame')</script>"></iframe>\
<style>@import url(http://evil.test/a.css); * {background: url(http://evil.test/b.gif)}</style>\
<a href="javascript:alert('link')" autofocus onfocus="alert('focus')">x</a>\
[x](javascript:alert(1)) ![x](http://evil.test/c.gif) $\\href{javascript:alert(1)}{x}$ \\(x\\)"""
ALL = "\n".join([HTML, *corpus.PAYLOADS]).replace("alert(1)", CALL)
"""For the places where an answer brings plain text."""

# In a plain error JupyterLab itself makes links of whatever looks like an address.
_LINKED = re.compile(r"data:|\b(?!https?://)[a-z][\w+.-]*://", re.IGNORECASE)
ERROR = "\n".join(line for line in ALL.split("\n") if not _LINKED.search(line))
"""For error bodies."""


def test_the_watch_sees_what_it_should(context: BrowserContext, jupyter: JupyterServer) -> None:
    jupyter.write("bad.ipynb", f"from IPython.display import HTML\nHTML({HTML!r})")
    tab = Tab(context, jupyter, "bad.ipynb")
    tab.open()
    tab.run(0)
    expect(tab.output(0).locator("img").first).to_be_attached()
    tab.page.wait_for_timeout(500)
    assert {"script", "img"} <= set(tab.fired())
    jupyter.shut_down(tab.name)
    assert {"1", "2", "frame"} <= set(tab.dialogs)
    assert {"http://evil.test/beacon.gif", "http://evil.test/a.css"} <= set(tab.strangers)
    assert {"IFRAME", "IMG onerror", "A javascript:alert('link')"} <= set(
        _harmful(tab.page.locator("body"))
    )


@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_markdown(
    front: FrontEnd, chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    assert sum(map(len, MARKDOWN.values())) >= 60
    tab = chat(*(f"%%chat --once\n{kind}" for kind in MARKDOWN), front=front)
    for index, payloads in enumerate(MARKDOWN.values(), 1):
        frames = chat_stream(*_documents(payloads), END)
        hold = Hold()
        model.script(*frames[:-3], hold, *frames[-3:])
        tab.start(index)
        assert hold.reached.wait(20)
        expect(tab.output(index)).to_contain_text(END)
        assert _harmful(tab.output(index)) == [], "live"
        hold.release()
        tab.wait_done(index)
        expect(tab.output(index).locator(".jupyter-widgets")).to_have_count(0)
        assert _harmful(tab.output(index)) == [], "permanent"
    _open_again(tab, jupyter, len(MARKDOWN))


def test_everything_else_that_a_server_says(
    chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    answers = list(_elsewhere())
    tab = chat(*["%%chat --once\nSay it."] * len(answers))
    for index, (before, after) in enumerate(answers, 1):
        hold = Hold()
        model.script(*before, hold, *after)
        model.answer = partial(_again, after)  # a failure is tried again
        tab.start(index)
        assert hold.reached.wait(20)
        tab.page.wait_for_timeout(200)
        assert _harmful(tab.output(index)) == [], f"live {index}"
        hold.release()
        tab.wait_done(index)
        expect(tab.output(index).locator(".jupyter-widgets")).to_have_count(0)
        expect(tab.output(index)).to_contain_text("script")
        assert _harmful(tab.output(index)) == [], f"permanent {index}"
    _open_again(tab, jupyter, len(answers))


def test_what_a_tool_is_given_and_what_it_gives(
    chat: OpenNotebook, model: ScriptedServer, jupyter: JupyterServer
) -> None:
    function = {"name": "look", "arguments": json.dumps({"page": ALL})}
    call = {"index": 0, "id": ALL, "type": "function", "function": function}
    hold = Hold()
    model.script(chat_chunk({"tool_calls": [call]}), *chat_stream(finish="tool_calls")[1:])
    model.script(hold, *chat_stream(END))
    look = 'def look(page: str) -> str:\n    "Look."\n    return page'
    tab = chat("%%chat --once --tool look\nLook.", look)
    tab.run(2)
    tab.start(1)
    assert hold.reached.wait(20)
    tab.output(1).locator("summary").click()
    expect(tab.output(1)).to_contain_text("→")
    assert _harmful(tab.output(1)) == [], "live"
    hold.release()
    tab.wait_done(1)
    expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    tab.output(1).locator("summary").click()
    expect(tab.output(1)).to_contain_text("→")
    assert _harmful(tab.output(1)) == [], "permanent"
    _open_again(tab, jupyter, 1)


def _again(steps: list[Step], _: Exchange) -> list[Step]:
    return steps


def _documents(payloads: Sequence[str]) -> list[str]:
    """Put payloads into one answer; each has link labels of its own."""
    return [
        payload.replace("alert(1)", CALL).replace("[x]\n\n[x]:", f"[x{number}]\n\n[x{number}]:")
        + "\n\n***\n\n"
        for number, payload in enumerate(payloads)
    ]


def _elsewhere() -> list[tuple[list[Step], list[Step]]]:
    """Return answers that bring HTML outside of their text, each cut where the view is live."""
    named = [f.replace(b'"test-model"', json.dumps(ALL).encode()) for f in chat_stream("x")]
    function = {"name": ALL, "arguments": ALL}
    call = {"index": 0, "id": ALL, "type": "function", "function": function}
    broken = sse({"error": {"message": ERROR, "code": ERROR, "type": ERROR}})
    page = Head(502, {"content-type": "text/html"}, "close")
    return [
        ([chat_chunk({"reasoning_content": ALL})], [*chat_stream("script")]),
        ([chat_chunk({"refusal": ALL})], [*chat_stream()]),
        ([*named[:2]], [*named[2:]]),
        ([chat_chunk({"tool_calls": [call]})], [*chat_stream(finish="tool_calls")]),
        ([chat_chunk({"content": "x"})], [chat_chunk({}, finish_reason=ALL), DONE]),
        ([chat_chunk({"content": "x"})], [broken]),
        ([], error_answer(400, ERROR, code=ERROR, param=ERROR, type=ERROR)),
        ([], [page, f"<html>{ERROR}</html>".encode()]),
        ([], error_answer(429, ERROR, code="insufficient_quota")),
    ]


def _open_again(tab: Tab, jupyter: JupyterServer, count: int) -> None:
    """Look at the saved outputs, in the notebook itself and in a copy that isn't trusted."""
    tab.save()
    jupyter.shut_down(tab.name)
    for name in (tab.name, jupyter.copy_unsigned(tab.name)):
        tab.name = name
        tab.reload(kernel=False)
        for index in range(1, count + 1):
            tab.output(index).scroll_into_view_if_needed()
            expect(tab.output(index)).not_to_be_empty()
            assert _harmful(tab.output(index)) == [], f"{name}: {index}"


def _harmful(output: Locator) -> list[str]:
    """Return the elements and attributes that an answer must not bring."""
    found: list[str] = output.evaluate(_HARMFUL)
    return found


_HARMFUL = """
output => {
  const tags = 'SCRIPT IFRAME FRAME OBJECT EMBED FORM INPUT TEXTAREA LINK META BASE AUDIO VIDEO';
  const forbidden = new Set(tags.split(' ')), found = [];
  // In an error's plain text JupyterLab 4.4 itself makes links of what looks like a path.
  const own = '.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"] a';
  const links = window.jupyterapp.version.startsWith('4.4.');
  const open = /^(https?:|mailto:)/, path = /^(?![/][/])[^:]*$/;
  const picture = /^data:image\\/(png|gif|jpeg|webp);base64,/;
  for (const element of output.querySelectorAll('*')) {
    const tag = element.tagName.toUpperCase();
    if (forbidden.has(tag)) found.push(tag);
    for (const {name, value} of element.attributes) {
      if (name.startsWith('on')) found.push(`${tag} ${name}`);
      const loads = ['src', 'srcset', 'poster', 'background', 'data'].includes(name);
      if (loads && !picture.test(value)) found.push(`${tag} ${value}`);
      const opens = open.test(value) || (links && element.matches(own) && path.test(value));
      if (name.endsWith('href') && !opens) found.push(`${tag} ${value}`);
      if (name === 'style' && value.includes('url(')) found.push(`${tag} ${value}`);
    }
  }
  return found;
}
"""
