"""Threads go out to files, and come in again as they were."""

from __future__ import annotations

import json as standard_json
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbchat.conversation import Conversation, Turn
from nbchat.errors import UsageError
from nbchat.exchange import export, import_file
from nbchat.exchange.markdown import closed
from nbchat.messages import (
    File,
    Finished,
    Image,
    Message,
    RefusalDelta,
    Text,
    TextDelta,
    ToolCallDelta,
)
from tests.support.threads import plain, threads

# The folder may hold the files of several examples: each is written anew.
many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def answered(prompt: str, answer: str, **given: Any) -> Turn:
    turn = Turn((Message.of("user", prompt),), **{"endpoint": "chat", **given})
    turn.answer.apply(TextDelta(answer))
    turn.answer.apply(Finished("stop"))
    return turn


@pytest.fixture
def thread() -> Conversation:
    """Two turns, one of them hidden, and a branch."""
    thread = Conversation("physics", "Be brief.\nBe right.")
    given = {"provider": "openai", "base_url": "https://api.openai.com/v1", "model": "gpt-5.1"}
    first = thread.open(answered("Why is the sky blue?", "Rayleigh.", **given), None)
    first.request = {"model": "gpt-5.1", "temperature": 0.5, "max_completion_tokens": 9}
    thread.open(answered("aside", "another branch", **given), first)
    hidden = thread.open(answered("hidden", "H"), first)
    thread.hide(hidden.id)
    thread.open(answered("And at dusk?", "```text\nRed.", endpoint="responses", **given), hidden)
    return thread


class TestJSON:
    @many
    @given(thread=threads())
    def test_nothing_is_lost(self, tmp_path: Path, thread: Conversation) -> None:
        (copy,) = import_file(export(thread, tmp_path / "thread.json", force=True))
        assert plain(copy) == plain(thread)

    def test_a_copy_has_ids_of_its_own(self, tmp_path: Path, thread: Conversation) -> None:
        (copy,) = import_file(export(thread, tmp_path / "thread.json"))
        ids = {turn.id for turn in thread.turns}
        assert copy.id != thread.id
        assert not ids & ({turn.id for turn in copy.turns} | copy.hidden)

    @many
    @given(thread=threads(), data=st.data())
    def test_a_damaged_file_is_refused_or_read(
        self, tmp_path: Path, thread: Conversation, data: st.DataObject
    ) -> None:
        file = export(thread, tmp_path / "thread.json", force=True)
        text = file.read_text("utf-8")
        start = data.draw(st.integers(0, len(text) - 1))
        end = data.draw(st.integers(start, min(len(text), start + 40)))
        put = data.draw(st.sampled_from(["", "null", "1", '"x"', "[]", "{}", "\x00"]))
        file.write_text(text[:start] + put + text[end:], "utf-8")
        with suppress(UsageError):
            import_file(file)[0].history()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[]", "no thread of nbchat"),
            ("{", "can't be imported"),
            ('{"format": "nbchat thread", "version": 2}', "newer nbchat"),
            ('{"format": "nbchat thread", "version": 1}', "no thread and turns"),
            ("[" * 100_000, "can't be imported"),
            ("\udcff", "can't be imported"),
        ],
    )
    def test_other_files_are_refused(self, tmp_path: Path, text: str, words: str) -> None:
        file = tmp_path / "thread.json"
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(UsageError, match=words):
            import_file(file)


class TestTraining:
    def test_the_form(self, tmp_path: Path, thread: Conversation) -> None:
        file = export(thread, tmp_path / "thread.jsonl")
        (line,) = file.read_text("utf-8").splitlines()
        assert standard_json.loads(line) == {
            "messages": [
                {"role": "system", "content": "Be brief.\nBe right."},
                {"role": "user", "content": "Why is the sky blue?"},
                {"role": "assistant", "content": "Rayleigh."},
                {"role": "user", "content": "And at dusk?"},
                {"role": "assistant", "content": "```text\nRed."},
            ]
        }

    def test_what_the_form_holds_comes_back(self, tmp_path: Path) -> None:
        thread = Conversation("t", "system \u2028 message")
        image = Image("data:image/png;base64,AAAA", "low")
        call = thread.open(Turn((Message("user", (Text("What?"), image)),), "chat"), None)
        call.answer.apply(TextDelta("Let me look."))
        call.answer.apply(ToolCallDelta("0", "c1", "look", '{"a": 1}', extra={"sign": "x"}))
        call.answer.apply(ToolCallDelta("1", "c2", "run", "free text", kind="custom"))
        results = tuple(Message("tool", (Text(id),), tool_call_id=id) for id in ("c1", "c2"))
        after = thread.open(Turn(results, "chat"), call)
        after.answer.apply(TextDelta("A cat."))
        thread.open(Turn((Message("user", (File(file_id="file-1"),)),), "chat"), after)
        file = export(thread, tmp_path / "thread.jsonl")
        (copy,) = import_file(file)
        assert (copy.name, copy.system) == ("thread", thread.system)
        assert copy.history() == thread.history()
        before = file.read_bytes()
        assert export(copy, file, force=True).read_bytes() == before

    @many
    @given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(min_size=1))))
    def test_messages_come_back(self, tmp_path: Path, said: list[tuple[str, str]]) -> None:
        thread = Conversation("t")
        for role, text in said:
            turn = Turn((Message.of("user", text),) if role == "user" else (), "chat")
            if role == "assistant":
                turn.answer.apply(TextDelta(text))
            thread.open(turn, thread.head)
        (copy,) = import_file(export(thread, tmp_path / "thread.jsonl", force=True))
        assert [(message.role, message.text) for message in copy.history()] == said

    def test_many_lines_are_many_threads(self, tmp_path: Path) -> None:
        file = tmp_path / "set.jsonl"
        messages = [
            {"role": "developer", "content": "S"},
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": "A", "weight": 0},
        ]
        line = standard_json.dumps({"messages": messages})
        file.write_text(f"{line}\n\n{line}\n", "utf-8")
        copies = import_file(file)
        assert [copy.name for copy in copies] == ["set", "set-2"]
        assert [(m.role, m.text) for m in copies[1].history()] == [
            ("user", "q"),
            ("assistant", "A"),
        ]
        assert copies[1].system == "S"

    def test_a_refusal_is_what_was_said(self, tmp_path: Path) -> None:
        thread = Conversation("t")
        thread.open(Turn((Message.of("user", "q"),), "chat"), None).answer.apply(
            RefusalDelta("No.")
        )
        (copy,) = import_file(export(thread, tmp_path / "thread.jsonl"))
        assert [message.text for message in copy.history()] == ["q", "No."]

    @pytest.mark.parametrize(
        "message",
        [
            5,
            {"role": "pirate"},
            {"role": "user", "content": 5},
            {"role": "user", "content": [{"type": "smell"}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": "x"}]},
            {"role": "assistant", "tool_calls": 5},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": 5},
        ],
    )
    def test_other_messages_are_refused(self, tmp_path: Path, message: Any) -> None:
        file = tmp_path / "t.jsonl"
        good = {"messages": [{"role": "user", "content": "q"}]}
        lines = [good, {"messages": [message]}]
        file.write_text("\n".join(map(standard_json.dumps, lines)), "utf-8")
        with pytest.raises(UsageError, match="line 2: "):
            import_file(file)


class TestMarkdown:
    def test_the_page(self, tmp_path: Path, thread: Conversation) -> None:
        page = export(thread, tmp_path / "thread.md").read_text("utf-8")
        assert page == (
            "# physics\n\n**System**\n\n> Be brief.\n> Be right.\n\n"
            "**User**\n\n> Why is the sky blue?\n\n**gpt-5.1**\n\nRayleigh.\n\n"
            "**User** *(hidden from the model)*\n\n> hidden\n\n"
            "**Assistant** *(hidden from the model)*\n\nH\n\n"
            "**User**\n\n> And at dusk?\n\n**gpt-5.1**\n\n```text\nRed.\n```\n"
        )

    @pytest.mark.parametrize(
        ("text", "end"),
        [
            ("plain", "plain"),
            ("```\nx\n```", "```"),
            ("~~~~\nx\n~~~", "~~~~"),
            ("```a`b\nx", "x"),
            ("```\n```python", "```"),
        ],
    )
    def test_open_code_is_closed(self, text: str, end: str) -> None:
        assert closed(text).splitlines()[-1] == end


class TestNotebook:
    def test_the_cells(self, tmp_path: Path, thread: Conversation) -> None:
        notebook = nbformat.read(export(thread, tmp_path / "thread.ipynb"), as_version=4)
        nbformat.validate(notebook)
        assert [cell.source for cell in notebook.cells] == [
            "%load_ext nbchat\nsystem = 'Be brief.\\nBe right.'",
            "%%chat -p openai -m gpt-5.1 -s $system --temperature 0.5 --max-tokens 9\n"
            "Why is the sky blue?",
            "%%respond -p openai -m gpt-5.1\nAnd at dusk?",
        ]
        assert notebook.cells[1].outputs[0].data["text/plain"] == "Rayleigh."

    def test_what_a_cell_can_not_carry_stands_before_it(self, tmp_path: Path) -> None:
        thread = Conversation("main")
        image = Image("https://example.com/cat.png")
        thread.open(Turn((Message("user", (Text("What?"), image)),), "chat"), None)
        notebook = nbformat.read(export(thread, tmp_path / "t.ipynb"), as_version=4)
        assert [cell.source for cell in notebook.cells[1:]] == [
            "![image](https://example.com/cat.png)",
            "%%chat\nWhat?",
        ]


class TestFiles:
    def test_a_wrong_ending(self, thread: Conversation, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"must end in \.md, \.ipynb, \.jsonl, \.json"):
            export(thread, tmp_path / "thread.txt")
        with pytest.raises(UsageError, match=r"must end in \.jsonl, \.json"):
            import_file(tmp_path / "thread.md")

    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="No such file"):
            import_file(tmp_path / "thread.json")

    def test_a_folder_that_is_not_there(self, thread: Conversation, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="can't be written: No such file"):
            export(thread, tmp_path / "nowhere" / "thread.json")

    def test_an_export_that_fails_leaves_the_earlier_one(
        self, thread: Conversation, tmp_path: Path
    ) -> None:
        file = export(thread, tmp_path / "thread.jsonl")
        before = file.read_bytes()
        thread.open(Turn((Message("user", (File(url="https://x/y.pdf"),)),), "chat"), thread.head)
        with pytest.raises(UsageError, match="no file by its URL"):
            export(thread, file, force=True)
        assert file.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == ["thread.jsonl"]
