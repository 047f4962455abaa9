from __future__ import annotations

import pytest

from nbchat.conversation.fold import Answer
from nbchat.errors import StreamError
from nbchat.messages import (
    Audio,
    AudioDelta,
    Citation,
    Cited,
    Connected,
    Failed,
    Finished,
    HostedTool,
    HostedToolDelta,
    ImageDelta,
    ItemDone,
    LogprobsDelta,
    Message,
    Notice,
    ReasoningDelta,
    ReasoningDone,
    Refusal,
    RefusalDelta,
    RefusalDone,
    ResponseSeen,
    Retrying,
    Started,
    StreamEvent,
    Text,
    TextDelta,
    TextDone,
    TextReplaced,
    ToolCall,
    ToolCallDelta,
    ToolCallDone,
    Usage,
    UsageSeen,
)
from nbchat.reply import Choice, GeneratedImage


def folded(*events: StreamEvent) -> Answer:
    answer = Answer()
    for event in events:
        answer.apply(event)
    return answer


def last(*events: StreamEvent) -> StreamEvent | None:
    """Return what the last event becomes for the view."""
    return folded(*events[:-1]).apply(events[-1])


class TestWhatTheViewSees:
    def test_a_delta_is_itself(self) -> None:
        event = TextDelta("a")
        assert last(event) is event
        assert last(TextDelta("b"), event) is event

    def test_an_empty_delta_is_nothing(self) -> None:
        assert last(TextDelta("")) is None
        assert last(RefusalDelta("")) is None
        assert last(ReasoningDelta("")) is None

    def test_a_done_that_repeats_is_nothing(self) -> None:
        assert last(TextDelta("Hel"), TextDelta("lo"), TextDone("Hello")) is None

    def test_a_done_that_has_more_is_the_rest(self) -> None:
        assert last(TextDelta("Hel"), TextDone("Hello")) == TextDelta("lo")

    def test_a_done_without_deltas_is_the_whole(self) -> None:
        assert last(TextDone("Hello", 1, "k")) == TextDelta("Hello", 1, "k")

    def test_a_done_that_has_less_is_nothing(self) -> None:
        assert last(TextDelta("Hello"), TextDone("Hel")) is None
        assert last(TextDelta("Hello"), TextDone("")) is None

    def test_a_done_that_differs_replaces_the_whole_choice(self) -> None:
        events = (TextDelta("One", key="a"), TextDelta("Tvo", key="b"))
        assert last(*events, TextDone("Two", key="b")) == TextReplaced("One\n\nTwo")

    def test_a_done_with_more_for_an_earlier_part_replaces(self) -> None:
        events = (TextDelta("On", key="a"), TextDelta("Two", key="b"))
        assert last(*events, TextDone("One", key="a")) == TextReplaced("One\n\nTwo")

    def test_another_item_begins_after_a_blank_line(self) -> None:
        assert last(TextDelta("One", key="a#0"), TextDelta("Two", key="b#0")) == TextDelta(
            "\n\nTwo", key="b#0"
        )
        assert last(TextDelta("One", key="a#0"), TextDone("Two", key="b#0")) == TextDelta(
            "\n\nTwo", key="b#0"
        )

    def test_another_part_of_an_item_follows_at_once(self) -> None:
        event = TextDelta("Two", key="a#1")
        assert last(TextDelta("One", key="a#0"), event) is event

    def test_a_delta_to_an_earlier_part_replaces(self) -> None:
        events = (TextDelta("On", key="a"), TextDelta("Two", key="b"))
        assert last(*events, TextDelta("e", key="a")) == TextReplaced("One\n\nTwo")

    def test_refusal_and_reasoning_are_told_alike(self) -> None:
        assert last(RefusalDelta("N"), RefusalDone("No")) == RefusalDelta("o")
        assert last(RefusalDelta("No"), RefusalDone("No")) is None
        assert last(RefusalDelta("Nu"), RefusalDone("No")) == RefusalDone("No")
        assert last(ReasoningDelta("h"), ReasoningDone("hm")) == ReasoningDelta("m")
        assert last(ReasoningDelta("hm"), ReasoningDone("hm")) is None
        events = (ReasoningDelta("a", key="x#s0"), ReasoningDelta("b", key="x#s1"))
        assert last(*events) == ReasoningDelta("\n\nb", key="x#s1")
        assert last(*events, ReasoningDone("A", key="x#s0")) == ReasoningDone("A\n\nb")

    def test_call_arguments_that_repeat_are_nothing(self) -> None:
        begun = ToolCallDelta("k", "c", "f", "{}")
        assert last(begun, ToolCallDone("k", "{}")) is None
        done = ToolCallDone("k", '{"a": 1}')
        assert last(begun, done) is done

    def test_a_source_or_an_image_that_repeats_is_nothing(self) -> None:
        cited = Cited(Citation("https://a.test", "A"))
        assert last(cited, cited) is None
        image = ImageDelta("k", "AAAA")
        assert last(image, image) is None

    def test_events_that_say_nothing_of_the_answer_pass(self) -> None:
        event = Retrying(1, 1, 2, "HTTP 503")
        assert last(event) is event

    def test_the_view_can_rebuild_the_text(self) -> None:
        events = (
            TextDelta("One", key="a"),
            TextDelta("Tw", key="b"),
            TextDone("Uno", key="a"),
            TextDone("Two", key="b"),
            TextDelta("Three", key="c"),
        )
        answer, shown = Answer(), ""
        for event in events:
            seen = answer.apply(event)
            if isinstance(seen, TextReplaced):
                shown = seen.text
            elif isinstance(seen, TextDelta):
                shown += seen.text
        assert shown == answer.choices[0].text == "Uno\n\nTwo\n\nThree"


class TestStatus:
    def test_until_it_is_finished(self) -> None:
        assert folded(Started("r"), TextDelta("a")).status == "streaming"

    def test_when_all_choices_are_finished(self) -> None:
        answer = folded(TextDelta("a"), TextDelta("b", 1), Finished("stop"))
        assert answer.status == "streaming"
        answer.apply(Finished("length", 1))
        assert answer.status == "completed"
        assert [choice.finish_reason for choice in answer.reply_choices()] == ["stop", "length"]

    def test_another_choice_begins_after_the_first_is_finished(self) -> None:
        assert folded(TextDelta("a"), Finished("stop"), TextDelta("b", 1)).status == "streaming"

    @pytest.mark.parametrize("status", ["completed", "incomplete", "cancelled", "queued"])
    def test_as_the_server_says(self, status: str) -> None:
        assert folded(Finished("stop", status=status)).status == status

    @pytest.mark.parametrize(("cut", "status"), [(True, "cut"), (False, "failed")])
    def test_failed(self, cut: bool, status: str) -> None:
        error = StreamError("broke")
        answer = folded(TextDelta("a"), Failed(error, cut=cut))
        assert (answer.status, answer.error, answer.choices[0].text) == (status, error, "a")

    def test_failed_after_a_finish(self) -> None:
        assert folded(Finished("error"), Failed(StreamError("broke"))).status == "failed"


class TestValues:
    def test_what_the_server_says_of_itself(self) -> None:
        answer = folded(
            Connected(200, "req_1"),
            Started("r1", "m"),
            Started("", "m-2026", 17.0, "fp", "flex"),
            Notice("sent again"),
        )
        assert (answer.id, answer.model, answer.created) == ("r1", "m-2026", 17.0)
        assert (answer.system_fingerprint, answer.service_tier) == ("fp", "flex")
        assert (answer.request_id, answer.notices) == ("req_1", ["sent again"])

    def test_nothing(self) -> None:
        answer = Answer()
        assert answer.reply_choices() == (Choice(),)
        assert answer.message() == Message("assistant")
        assert (answer.images, answer.items, answer.raw) == ((), (), None)

    def test_choices_come_by_index(self) -> None:
        answer = folded(TextDelta("b", 1), TextDelta("a"))
        assert [choice.text for choice in answer.reply_choices()] == ["a", "b"]
        assert answer.message(1).text == "b"

    def test_a_choice_has_everything(self) -> None:
        entry = {"token": "a", "logprob": -0.5, "top_logprobs": []}
        answer = folded(
            ReasoningDelta("hm"),
            TextDelta("a"),
            RefusalDelta("no"),
            LogprobsDelta([entry]),
            LogprobsDelta([entry]),
            Cited(Citation("https://a.test")),
            AudioDelta("UklG", "Hel", "a1", 9),
            AudioDelta("RgAA", "lo"),
            ToolCallDelta("k", "c1", "get", '{"a"', extra={"x": 1}),
            ToolCallDelta("k", arguments=":1}", extra={"y": 2}),
            UsageSeen(Usage(3, 4)),
            Finished("tool_calls"),
        )
        call = ToolCall("c1", "get", '{"a":1}', extra={"x": 1, "y": 2})
        audio = Audio("UklGRgAA", "wav", "Hello", "a1", 9)
        assert answer.reply_choices() == (
            Choice(
                text="a",
                reasoning="hm",
                refusal="no",
                finish_reason="tool_calls",
                tool_calls=(call,),
                citations=(Citation("https://a.test"),),
                audio=audio,
                logprobs=(entry, entry),
            ),
        )
        assert answer.usage == Usage(3, 4)
        assert answer.message() == Message("assistant", (Text("a"), Refusal("no"), audio), (call,))

    def test_reasoning_is_not_sent_back(self) -> None:
        assert folded(ReasoningDelta("hm"), TextDelta("a")).message() == Message.of(
            "assistant", "a"
        )

    def test_calls_without_an_id_get_one(self) -> None:
        answer = folded(ToolCallDelta("a", name="f"), ToolCallDelta("b", name="g"))
        assert [call.id for call in answer.choices[0].tool_calls] == ["call_0", "call_1"]

    def test_the_kind_of_a_call_comes_with_its_name(self) -> None:
        answer = folded(
            ToolCallDone("k", "SELECT 1"), ToolCallDelta("k", "c", "sql", kind="custom")
        )
        assert answer.choices[0].tool_calls == (ToolCall("c", "sql", "SELECT 1", "custom"),)

    def test_whole_arguments_win(self) -> None:
        answer = folded(ToolCallDelta("k", "c", "f", "{"), ToolCallDone("k", "{}"))
        assert answer.choices[0].tool_calls[0].arguments == "{}"

    def test_offsets_of_sources_count_in_the_whole_text(self) -> None:
        answer = folded(
            TextDelta("One", key="a#0"),
            TextDelta("Two", key="b#0"),
            Cited(Citation("https://a.test", start=0, end=3), key="b#0"),
            Cited(Citation("https://b.test"), key="b#0"),
        )
        [first, second] = answer.choices[0].citations
        assert answer.choices[0].text[first.start : first.end] == "Two"
        assert (second.start, second.end) == (None, None)

    def test_an_image_takes_the_place_of_its_previews(self) -> None:
        preview = ImageDelta("k", "AAAA", partial=True)
        answer = folded(preview, ImageDelta("k", "BBBB", partial=True))
        assert answer.images == (GeneratedImage("data:image/png;base64,BBBB"),)
        answer.apply(ImageDelta("k", "CCCC", "webp"))
        answer.apply(ImageDelta("other", "DDDD"))
        assert [image.url for image in answer.images] == [
            "data:image/webp;base64,CCCC",
            "data:image/png;base64,DDDD",
        ]

    def test_an_image_stands_after_the_text_that_came_before_it(self) -> None:
        answer = folded(
            ImageDelta("first", "AAAA"),
            TextDelta("Rain", key="m1#0"),
            ImageDelta("second", "BBBB", partial=True),
            TextDelta("Cloud", key="m2#0"),
            ImageDelta("second", "CCCC"),
            ImageDelta("third", "DDDD"),
            TextDone("Rain!", key="m1#0"),
            TextDelta("And sun", key="m3#0"),
        )
        assert answer.choices[0].text == "Rain!\n\nCloud\n\nAnd sun"
        assert [(image.url[-4:], image.offset) for image in answer.images] == [
            ("AAAA", 0),
            ("CCCC", len("Rain!")),
            ("DDDD", len("Rain!\n\nCloud")),
        ]

    def test_hosted_tools(self) -> None:
        answer = folded(
            HostedTool("k", "code_interpreter_call", "in_progress"),
            HostedToolDelta("k", "code_interpreter_call", "print"),
            HostedToolDelta("k", "code_interpreter_call", "(1)"),
            HostedTool("k", "code_interpreter_call", "completed", "done"),
        )
        [state] = answer.hosted.values()
        assert (state.status, state.detail, state.text) == ("completed", "done", "print(1)")


THOUGHT = {"type": "reasoning", "id": "rs"}
SAID = {"type": "message", "id": "msg"}


class TestItems:
    def test_by_their_place(self) -> None:
        answer = folded(ItemDone(SAID, 1, "b"), ItemDone(THOUGHT, 0, "a"))
        assert answer.items == (THOUGHT, SAID)
        assert answer.message().items == ()  # there is no choice yet
        answer.apply(TextDelta("a", key="b#0"))
        assert answer.message().items == (THOUGHT, SAID)

    def test_none_if_one_is_not_whole(self) -> None:
        events = (ItemDone(THOUGHT, 0, "a"), TextDelta("Hel", key="b#0"))
        assert folded(*events).items == ()
        assert folded(*events).message() == Message.of("assistant", "Hel")
        assert folded(*events, ItemDone(SAID, 1, "b")).items == (THOUGHT, SAID)

    def test_the_output_of_the_response_wins(self) -> None:
        output = [THOUGHT, SAID]
        done = ItemDone(SAID, 0, "b")
        assert folded(done, ResponseSeen({"output": output})).items == tuple(output)
        assert folded(done, ResponseSeen({"output": []})).items == (SAID,)
        assert folded(done, ResponseSeen({"output": None})).items == (SAID,)

    def test_they_belong_to_the_first_choice(self) -> None:
        answer = folded(TextDelta("a", key="b#0"), TextDelta("b", 1), ItemDone(SAID, 0, "b"))
        assert answer.message(1).items == ()
