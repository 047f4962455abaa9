"""Images that the model makes, through both magics."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.reply import Reply
from tests.support.server import ScriptedServer, Step, json_answer

DATA = "iVBORw0KGgo="
URL = f"data:image/png;base64,{DATA}"


def painted(magic: str) -> list[Step]:
    """Return an answer with a text and an image; on Responses more text follows."""
    if magic == "chat":
        image = {"type": "image_url", "image_url": {"url": URL}}
        message = {"role": "assistant", "content": "A sun:", "images": [image]}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return json_answer({"id": "c", "model": "m", "choices": [choice]})

    def said(number: int, text: str) -> dict[str, Any]:
        part = {"type": "output_text", "text": text, "annotations": []}
        return {"type": "message", "id": f"msg_{number}", "role": "assistant", "content": [part]}

    image = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": DATA}
    output = [said(0, "A sun:"), image, said(1, "It shines.")]
    return json_answer({"id": "r", "model": "m", "status": "completed", "output": output})


@pytest.mark.parametrize(
    ("magic", "text"), [("chat", "A sun:"), ("respond", "A sun:\n\nIt shines.")]
)
def test_an_image_stands_in_its_place(
    magic: str, text: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*painted(magic))
    reply: Reply = shell.run_line_magic(magic, "paint a sun")
    assert reply.text == text
    [image] = reply.images
    assert (image.url, image.offset) == (URL, len("A sun:"))
    page = reply._repr_mimebundle_()["text/html"]
    assert [page.count(URL), page.count("<img")] == [1, 1]
    assert page.index("A sun:") < page.index(URL)
    if magic == "respond":
        assert page.index(URL) < page.index("It shines.")


@pytest.mark.parametrize("magic", ["chat", "respond"])
def test_an_image_can_be_given_back(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*painted(magic))
    shell.user_ns["drawing"] = shell.run_line_magic(magic, "--once paint a sun")
    server.script(*painted(magic))
    shell.run_line_magic(magic, "--once describe {{ drawing.images[0] }}")
    assert str(server.exchanges[-1].json).count(URL) == 1
