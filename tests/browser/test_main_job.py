"""The main job with nothing faked: an answer of the embedded model in a notebook in a browser."""

from __future__ import annotations

import re
from typing import get_args

import pytest
from playwright.sync_api import expect

from .conftest import OpenNotebook, Pictures
from .driver import FrontEnd
from .lab import JupyterServer

LOAD = "%load_ext nbchat"
ASK = (
    "%%chat --temperature 0 --max-tokens 60\nWhat is a Jupyter notebook? Answer in two sentences."
)
CONTINUE = "%%chat --temperature 0 --max-tokens 80\nList three things people use it for."


@pytest.mark.model
@pytest.mark.parametrize("front", get_args(FrontEnd))
def test_an_answer_grows_and_survives_save_shutdown_and_reload(
    front: FrontEnd, open_notebook: OpenNotebook, jupyter: JupyterServer, pictures: Pictures
) -> None:
    tab = open_notebook(LOAD, ASK, CONTINUE, "", name=f"chat-in-{front}", front=front)
    tab.page.set_viewport_size({"width": 1000, "height": 600})
    tab.plain()
    tab.run(0)
    with tab.frames(1) as frames:
        tab.run(1)
        expect(tab.output(1).locator(".jupyter-widgets")).to_have_count(0)
    growing = {frame.text for frame in frames if frame.running and frame.live}
    assert len(growing) >= 3, "the answer came in one piece"

    answer = tab.output(1).locator(".nbchat-body").inner_text()
    footer = tab.output(1).locator(".nbchat-footer").inner_text()
    assert len(answer.split()) > 10
    assert re.search(r"smollm2.* \d+ in, \d+ out", footer)

    tab.run(2)
    tab.prompt(3).click()
    pictures(tab.page, {"lab": "jupyterlab", "notebook": "notebook"}[front])

    tab.save()
    saved = jupyter.read(tab.name).cells[1].outputs
    assert [sorted(output.data) for output in saved] == [["text/html", "text/plain"]]

    jupyter.shut_down(tab.name)
    tab.reload(kernel=False)
    assert tab.output(1).locator(".nbchat-body").inner_text() == answer
    assert tab.output(1).locator(".nbchat-footer").inner_text() == footer
