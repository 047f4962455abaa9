"""Images that a model makes: in their place while the answer comes, and afterwards."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.support.server import ScriptedServer, sse

from .conftest import OpenNotebook
from .looks import check_steady
from .samples import held

REPAINT = 100  # milliseconds


def png(colour: str) -> str:
    """Return a picture in one colour as base64."""
    buffer = io.BytesIO()
    Image.new("RGB", (240, 135), colour).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


PREVIEW, FINAL = png("#999"), png("#d33")


def frame(kind: str, **fields: Any) -> bytes:
    return sse({"type": f"response.{kind}", **fields})


def said(number: int, text: str) -> list[bytes]:
    """Return the frames of a message as the output item with this number."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": [part]}
    at = {"item_id": item["id"], "output_index": number, "content_index": 0}
    return [
        frame("output_item.added", output_index=number, item={**item, "content": []}),
        frame("output_text.delta", **at, delta=text),
        frame("output_item.done", output_index=number, item=item),
    ]


ITEM = {"id": "ig_1", "type": "image_generation_call"}
BEGUN = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []}


def test_an_image_stands_where_it_was_made(chat: OpenNotebook, model: ScriptedServer) -> None:
    created = frame("created", response=BEGUN)
    added = frame("output_item.added", output_index=1, item={**ITEM, "status": "in_progress"})
    at = {"item_id": "ig_1", "output_index": 1}
    preview = frame("image_generation_call.partial_image", **at, partial_image_b64=PREVIEW)
    finished = {**ITEM, "status": "completed", "result": FINAL}
    made = frame("output_item.done", output_index=1, item=finished)
    groups = [[created, *said(0, "A sun, as asked:")], [added, preview], [made], said(2, "Enjoy!")]
    steps, holds = held(*groups)
    done = {**BEGUN, "status": "completed", "output": []}
    model.script(*steps, frame("completed", response=done))
    tab = chat("%%respond\nPaint a sun.")
    output = tab.output(1)
    with tab.frames(1) as frames:
        tab.start(1)
        assert holds[0].reached.wait(20)
        expect(output).to_contain_text("as asked")
        holds[0].release()
        expect(output.locator(f'img[src$="{PREVIEW}"]')).to_be_visible()
        holds[1].release()
        expect(output.locator(f'img[src$="{FINAL}"]')).to_be_visible()
        expect(output.locator("img")).to_have_count(1)
        holds[2].release()
        expect(output).to_contain_text("Enjoy!")
        tab.page.wait_for_timeout(REPAINT)
        holds[3].release()
        tab.wait_done(1)
        expect(output.locator(".jupyter-widgets")).to_have_count(0)
        tab.page.wait_for_timeout(REPAINT)
    check_steady(frames)
    picture = output.locator("img")
    above, box = output.get_by_text("as asked").bounding_box(), picture.bounding_box()
    below = output.get_by_text("Enjoy!").bounding_box()
    assert above
    assert box
    assert below
    assert above["y"] < box["y"] < below["y"]
    assert (box["width"], box["height"]) == (240, 135)
    tab.save()
    tab.reload(kernel=False)
    expect(tab.output(1).locator(f'img[src$="{FINAL}"]')).to_be_visible()
