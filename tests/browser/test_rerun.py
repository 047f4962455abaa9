"""A conversation follows its notebook: cells are edited and run again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.server import ScriptedServer

from .conftest import OpenNotebook
from .driver import Tab


def edit(tab: Tab, index: int, source: str) -> None:
    """Replace the source of a cell, as one who types."""
    tab.cells.nth(index).locator(".cm-content").click()
    tab.page.keyboard.press("Control+a")
    tab.page.keyboard.insert_text(source)


def prompts(model: ScriptedServer) -> list[list[str]]:
    """The user's words in each request."""
    return [
        [message["content"] for message in exchange.json["messages"] if message["role"] == "user"]
        for exchange in model.exchanges
    ]


def test_an_edited_cell_replaces_its_turn(chat: OpenNotebook, model: ScriptedServer) -> None:
    tab = chat("%%chat\none", "%%chat\ntwo", "%%chat\nthree")
    tab.run(1, 2, 3)
    edit(tab, 2, "%%chat\ntwo, better")
    tab.run(2)
    expect(tab.output(2).locator(".nbchat-footer")).to_contain_text(
        "replaces this cell's earlier answer; 1 later turn set aside"
    )
    tab.run(3)
    assert prompts(model) == [
        ["one"],
        ["one", "two"],
        ["one", "two", "three"],
        ["one", "two, better"],
        ["one", "two, better", "three"],
    ]
    assert tab.output(2).locator(".nbchat-body").inner_text() == "echo: two, better"
