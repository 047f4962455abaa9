"""What the widgets of a live answer send to the front end, and what it then shows."""

from __future__ import annotations

import html
import itertools
import os
import re
import signal
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import comm
import comm.base_comm
import pytest

from nbchat.messages import (
    Idle,
    ImageDelta,
    Notice,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    TextReplaced,
    ToolAsked,
    ToolFinished,
    ToolStarted,
)
from nbchat.render import render_markdown
from nbchat.reply import Choice, GeneratedImage, Reply
from nbchat.view import chunks, widgets
from nbchat.view.chunks import CHUNK, LONGEST, SHORTEST, Pace
from nbchat.view.permanent import bundle
from nbchat.view.widgets import WidgetScreen

WORDS = "Some words of an answer, with `code` and **weight**, and so on until it is long.\n\n"


class FrontEnd:
    """Keeps the models of the widgets as a front end does, from the messages alone."""

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str]] = []
        self.displays: list[dict[str, Any]] = []
        self.comms: dict[str, Any] = {}
        self.on_message: Callable[[], None] = lambda: None

    def message(self, sender: Any, kind: str, data: dict[str, Any]) -> None:
        self.on_message()
        self.sent.append((kind, sender.comm_id))
        if kind == "comm_open":
            self.comms[sender.comm_id] = sender
            self.models[sender.comm_id] = dict(data["state"])
        elif kind == "comm_msg":
            self.models[sender.comm_id].update(data["state"])
        else:
            del self.models[sender.comm_id]

    def display(self, data: dict[str, Any], metadata: Any, **options: Any) -> None:
        self.displays.append({**options, "data": data})

    def children(self, model: str) -> list[str]:
        return [c.removeprefix("IPY_MODEL_") for c in self.models[model].get("children", ())]

    def inside(self, model: str) -> list[str]:
        """A widget and all that is in it, in the order of the page."""
        return [model, *itertools.chain.from_iterable(map(self.inside, self.children(model)))]

    @property
    def root(self) -> str:
        return str(self.displays[0]["data"][widgets.VIEW]["model_id"])

    def find(self, css: str) -> list[str]:
        """The widgets on the page that have a CSS class."""
        return [m for m in self.inside(self.root) if css in self.models[m].get("_dom_classes", ())]

    def chunks(self, box: str) -> list[str]:
        return [m for m in self.inside(box) if self.models[m]["_model_name"] == "HTMLMathModel"]

    def text(self, box: str) -> str:
        """The HTML that a reader sees in a box: of a chunk with one after it, no open end."""
        *before, last = [self.models[m]["value"] for m in self.chunks(box)]
        closed = [
            re.sub(r'<div class="[^"]*nbchat-open">.*', "", value, flags=re.S) for value in before
        ]
        return "".join(re.sub(r'<div class="nbchat[^"]*">|</div>', "", v) for v in [*closed, last])

    def since(self, number: int) -> list[str]:
        """The models that messages came for since the one with this number."""
        return [model for _, model in self.sent[number:]]


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> FrontEnd:
    front = FrontEnd()

    class Comm(comm.base_comm.BaseComm):
        def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **__: Any) -> None:
            front.message(self, msg_type, data)

    monkeypatch.setattr(comm, "create_comm", Comm)
    monkeypatch.setattr(widgets, "publish_display_data", front.display)
    return front


class Driver:
    """A screen with a clock that stands still except to let each event be painted."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, subshells: bool = True, choices: int = 1
    ) -> None:
        self.now = 0.0
        monkeypatch.setattr(widgets, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.stops: list[str] = []
        kernel = SimpleNamespace(_supports_kernel_subshells=subshells)
        self.screen = WidgetScreen(lambda: self.stops.append("stop"), kernel, choices=choices)
        self.screen.open()

    def take(self, *events: StreamEvent) -> None:
        for event in events:
            self.now += LONGEST
            self.screen.event(event)

    def write(self, text: str, step: int = 7, choice: int = 0) -> None:
        for at in range(0, len(text), step):
            self.take(TextDelta(text[at : at + step], choice))


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch, front: FrontEnd) -> Driver:
    return Driver(monkeypatch)


# --- The text -------------------------------------------------------------------------------


def test_the_chunks_together_are_the_answer(front: FrontEnd, driver: Driver) -> None:
    text = WORDS * 60 + "- one\n- two\n\n" + WORDS * 20 + "The end."
    driver.write(text)
    (body,) = front.find("nbchat-body")
    assert len(front.chunks(body)) > 3
    assert front.text(body) == render_markdown(text)


def test_a_settled_chunk_is_not_sent_again(front: FrontEnd, driver: Driver) -> None:
    (body,) = front.find("nbchat-body")
    written = 0
    while not written or len(front.chunks(body)) < 2:
        driver.write(WORDS)
        written += 1
    first, second = front.chunks(body)
    before = len(front.sent)
    driver.write(WORDS * 5)
    assert first not in front.since(before)
    assert second in front.since(before)


def test_a_late_definition_sends_the_chunk_that_it_changes(
    front: FrontEnd, driver: Driver
) -> None:
    driver.write("See [the page].\n\n" + WORDS * 60)
    (body,) = front.find("nbchat-body")
    first, second, *_ = front.chunks(body)
    before = len(front.sent)
    driver.write("[the page]: https://example.org\n\nThe end.\n\nReally.\n\nYes.")
    assert first in front.since(before)
    assert second not in front.since(before)
    assert 'href="https://example.org"' in front.models[first]["value"]


def test_a_corrected_answer_takes_the_place_of_the_other(front: FrontEnd, driver: Driver) -> None:
    driver.write(WORDS * 60)
    driver.take(TextReplaced("Only *this*."))
    (body,) = front.find("nbchat-body")
    assert front.text(body) == "<p>Only <em>this</em>.</p>\n"
    driver.write("\n\nAnd more.")
    assert front.text(body) == "<p>Only <em>this</em>.</p>\n<p>And more.</p>\n"


def test_a_refusal_looks_the_same_live_and_permanent(front: FrontEnd, driver: Driver) -> None:
    text = "I *can not* say how $x$ costs \\ref{y}."
    driver.take(RefusalDelta(text))
    (body,) = front.find("nbchat-body")
    shown = front.text(body)
    assert shown == render_markdown(text)
    assert shown in bundle(Reply(choices=(Choice(refusal=text),)))["text/html"]


def test_an_image_shows_in_its_place_and_is_left_alone(front: FrontEnd, driver: Driver) -> None:
    preview, image = "AAAA" * CHUNK, "BBBB" * CHUNK
    driver.take(TextDelta("It rains", key="m1"), ImageDelta("i", preview, partial=True))
    (body,) = front.find("nbchat-body")
    assert preview in front.text(body)
    driver.take(ImageDelta("i", image))
    driver.take(TextDelta("and", key="m2"))
    before = len(front.sent)
    words = " then the sun shines, all in one line" * 9
    driver.take(*(TextDelta(f" {word}", key="m2") for word in words.split()))
    assert not [m for m in front.since(before) if image in str(front.models[m])]
    assert preview not in front.text(body)
    choice = Choice(text="It rains\n\nand" + words)
    picture = GeneratedImage(f"data:image/png;base64,{image}", offset=len("It rains"))
    permanent = bundle(Reply(choices=(choice,), images=(picture,)))["text/html"]
    assert front.text(body) in permanent


def test_an_image_of_a_corrected_answer_stays(front: FrontEnd, driver: Driver) -> None:
    driver.take(TextDelta("It rain"), ImageDelta("i", "AAAA"), TextReplaced("It *rains*."))
    (body,) = front.find("nbchat-body")
    assert front.text(body).startswith("<p>It <em>rains</em>.</p>\n<p><img ")


def test_choices_stand_side_by_side(front: FrontEnd, driver: Driver) -> None:
    driver.write("First. ")
    driver.write("Second.", choice=1)
    driver.write("More.")
    boxes = front.find("nbchat-choice")
    assert [front.text(box) for box in boxes] == ["<p>First. More.</p>\n", "<p>Second.</p>\n"]
    assert len({front.models[box]["_model_name"] for box in boxes}) == 1


def test_columns_that_were_asked_for_stay_where_they_are(
    front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(monkeypatch, choices=3)
    columns = front.find("nbchat-choice")
    assert len(columns) == 3
    driver.write("Second.", choice=1)
    driver.write("First.")
    assert front.find("nbchat-choice") == columns
    assert "<p>Second.</p>" in front.text(columns[1])
    # A server may send more than that.
    driver.write("Fourth.", choice=3)
    assert front.find("nbchat-choice")[:3] == columns
    assert len(front.find("nbchat-choice")) == 4


def test_the_fold_of_the_reasoning_is_left_alone(front: FrontEnd, driver: Driver) -> None:
    driver.take(ReasoningDelta("First I "))
    (fold,) = front.find("nbchat-think")
    (thought,) = front.find("nbchat-thought")
    before = len(front.sent)
    driver.take(ReasoningDelta("think."))
    assert front.text(thought) == "<p>First I think.</p>\n"
    (chunk,) = front.chunks(thought)
    assert chunk in front.since(before)
    before = len(front.sent)
    driver.write(WORDS)
    # Not sent again, a fold stays as the reader has it; and what is thought is not sent either.
    assert not {fold, front.root, chunk} & set(front.since(before))


# --- What is sent ---------------------------------------------------------------------------


def test_nothing_is_sent_when_nothing_changed(front: FrontEnd, driver: Driver) -> None:
    driver.write("A text.")
    before = len(front.sent)
    driver.take(*[Idle()] * 5)
    assert front.sent[before:] == []


def test_a_repaint_of_text_is_one_message(front: FrontEnd, driver: Driver) -> None:
    driver.write("A text that ")
    before = len(front.sent)
    driver.take(TextDelta("goes on"))
    assert len(front.sent) == before + 1


def test_events_wait_for_the_next_repaint(front: FrontEnd, driver: Driver) -> None:
    driver.write("A text")
    before = len(front.sent)
    for _ in range(50):
        driver.screen.event(TextDelta(" more"))
    assert front.sent[before:] == []
    driver.take(Notice("a note"))
    assert "<p>A text" + " more" * 50 in front.text(front.find("nbchat-body")[0])


def test_words_and_calls_stand_as_they_will_in_the_permanent_output(
    front: FrontEnd, driver: Driver
) -> None:
    call = ToolFinished("c1", "look", '{"far": 1}', 0.5, "a *ship*")
    driver.write("I look.")
    driver.take(ToolStarted("c1", "look", '{"far": 1}'), call)
    driver.write("I saw *it*.")
    (body,) = front.find("nbchat-body")
    values = [str(front.models[m].get("value", "")) for m in front.inside(body)]
    shown = re.sub(r'<div class="nbchat[^"]*">', "", "".join(values)).replace("</div>", "")
    assert "<details" in shown
    assert "look(far=1)</code> · 0.5 s</summary>" in shown
    assert '{"far": 1}\n→ a *ship*' in html.unescape(shown)
    reply = Reply(choices=(Choice(text="I saw *it*."),), steps=("I look.", call))
    page = re.sub(r"<div>|</div>", "", bundle(reply)["text/html"])
    assert shown in page


def test_a_call_shows_before_its_function_takes_the_thread(
    front: FrontEnd, driver: Driver
) -> None:
    driver.write("I look.")
    driver.screen.event(ToolAsked("look"))
    assert "asking whether look may run" in str(front.models)
    driver.screen.event(ToolStarted("c1", "look", '{"far": 1}'))
    assert "look(far=1)" in str(front.models)


def test_of_long_code_the_end_alone_is_sent(front: FrontEnd, driver: Driver) -> None:
    line = "    value = compute(1, 'two')  # three\n"
    driver.write("```python\n" + line * 40)
    (body,) = front.find("nbchat-body")
    early = front.chunks(body)
    assert len(early) > 4
    before = len(front.sent)
    driver.write(line * 10)
    assert not set(early[:-2]) & set(front.since(before))
    assert all(len(front.models[chunk]["value"]) < 4 * CHUNK for chunk in front.chunks(body))
    # Closed, it stays as it is.
    driver.write("```\n")
    chunks = Counter(front.chunks(body))
    before = len(front.sent)
    driver.write("\nThe end.\n\nReally.")
    assert not set(list(chunks)[:-2]) & set(front.since(before))


def test_all_widgets_share_a_layout_and_each_kind_a_style(front: FrontEnd, driver: Driver) -> None:
    driver.take(ReasoningDelta("Hm."))
    driver.write(WORDS * 60)
    driver.write("Another.", choice=1)
    kinds = Counter(state["_model_name"] for state in front.models.values())
    assert kinds["HTMLMathModel"] > 4
    assert kinds["LayoutModel"] == 1
    assert {kind: n for kind, n in kinds.items() if kind.endswith("StyleModel")} == {
        kind: 1 for kind in kinds if kind.endswith("StyleModel")
    }


def test_repaints_are_rarer_the_more_they_cost_and_send() -> None:
    pace, widget = Pace(), SimpleNamespace(value="")
    with pace.repaint():
        pace.set(widget, "a short text")
    assert pace.interval == SHORTEST
    with pace.repaint():
        pace.set(widget, "a" * 10_000)
    sends_much = pace.interval
    assert sends_much > SHORTEST
    with pace.repaint():
        pace.set(widget, "b" * 20_000)
    assert sends_much < pace.interval < LONGEST
    with pace.repaint():
        for text in "abc":
            pace.set(widget, text)
    assert pace.interval == pytest.approx(3 * SHORTEST)
    with pace.repaint():
        pace.set(widget, "c" * 10_000_000)
    assert pace.interval == LONGEST
    with pace.repaint():  # what is not sent costs nothing
        pace.set(widget, widget.value)
    assert pace.interval == SHORTEST


def test_repaints_are_rarer_the_more_they_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(chunks, "time", SimpleNamespace(thread_time=lambda: clock.now))
    pace = Pace()
    for cost, interval in ((0.0, SHORTEST), (0.02, 0.25), (0.04, 0.5), (60.0, LONGEST)):
        with pace.repaint():
            clock.now += cost
        assert pace.interval == pytest.approx(interval)


def test_a_repaint_waits_for_its_interval_and_what_had_come_for_no_more(
    front: FrontEnd, driver: Driver
) -> None:
    driver.take(TextDelta("word " * 10_000))  # to send that again takes more than a second
    before = len(front.sent)
    driver.now += 1.0
    driver.screen.event(TextDelta("and more"))
    assert front.sent[before:] == []
    driver.now += 1.0
    driver.screen.event(Idle())
    assert "word and more" in front.text(front.find("nbchat-body")[0])


# --- The end --------------------------------------------------------------------------------


def test_the_permanent_output_takes_the_place_and_no_widget_is_left(
    front: FrontEnd, driver: Driver
) -> None:
    driver.take(ReasoningDelta("Hm."))
    driver.write(WORDS * 60)
    driver.write("Another.", choice=1)
    driver.take(TextReplaced("Corrected."))
    reply = Reply(choices=(Choice(text="Corrected."), Choice(text="Another.")))
    driver.screen.close(reply)
    driver.screen.close(reply)
    first, last = front.displays
    assert (first["update"], last["update"]) == (False, True)
    assert first["transient"] == last["transient"]
    assert last["data"]["text/plain"] == "--- choice 1\nCorrected.\n\n--- choice 2\nAnother."
    assert front.models == {}


def test_without_a_reply_nothing_is_left(front: FrontEnd, driver: Driver) -> None:
    driver.screen.close(None)
    assert front.displays[-1]["data"] == {"text/plain": ""}
    assert front.models == {}


def test_an_output_that_can_not_be_published_leaves_no_widget(
    front: FrontEnd, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("the socket is closed")

    monkeypatch.setattr(widgets, "publish_display_data", refuse)
    with pytest.raises(OSError, match="socket"):
        driver.screen.close(Reply(choices=(Choice(text="Hi."),)))
    assert front.models == {}


def test_a_screen_that_was_never_opened_is_closed(front: FrontEnd) -> None:
    WidgetScreen(lambda: None, SimpleNamespace()).close(None)
    assert front.displays == []


def test_an_interrupt_waits_for_the_repaint(front: FrontEnd, driver: Driver) -> None:
    def strike() -> None:
        front.on_message = lambda: None
        os.kill(os.getpid(), signal.SIGINT)

    front.on_message = strike
    with pytest.raises(KeyboardInterrupt):
        driver.write(WORDS, step=len(WORDS))
    assert "<p>Some words" in front.text(front.find("nbchat-body")[0])
    driver.screen.close(None)
    assert front.models == {}


# --- Stop -----------------------------------------------------------------------------------


def test_the_button_stops(front: FrontEnd, driver: Driver) -> None:
    (button,) = front.find("nbchat-stop")
    data = {"method": "custom", "content": {"event": "click"}}
    front.comms[button].handle_msg({"content": {"data": data}, "buffers": []})
    assert driver.stops == ["stop"]


def test_without_subshells_the_toolbar_is_named(
    front: FrontEnd, monkeypatch: pytest.MonkeyPatch
) -> None:
    Driver(monkeypatch, subshells=False)
    assert front.find("nbchat-stop") == []
    assert "■ in the toolbar stops" in str(front.models)
