"""Threads: where prompts go, moving in the tree, and what the model sees."""

from __future__ import annotations

import pytest

from nbchat.conversation import Conversation, Threads, Turn
from nbchat.conversation.picture import text
from nbchat.conversation.window import estimate, fit
from nbchat.errors import UsageError
from nbchat.messages import (
    Audio,
    File,
    Finished,
    Image,
    Message,
    Refusal,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
)


def ask(
    thread: Conversation,
    prompt: str,
    cell: str = "",
    execution: str = "",
    *,
    responses: bool = False,
    answer: str | None = None,
) -> Turn:
    """Ask and answer as a session does."""
    turn = Turn(
        (Message.of("user", prompt),),
        "responses" if responses else "chat",
        cell=cell,
        execution=execution,
    )
    thread.open(turn, thread.place(cell, execution).parent)
    turn.answer.apply(Started(f"id-of-{prompt}"))
    turn.answer.apply(TextDelta(prompt.upper() if answer is None else answer))
    turn.answer.apply(Finished("stop"))
    return turn


def said(thread: Conversation) -> str:
    return " ".join(message.text for message in thread.history())


class TestPlace:
    def test_running_a_cell_again_replaces_its_turn(self) -> None:
        thread = Conversation("main")
        for number, cell in enumerate("abc"):
            ask(thread, cell, cell, f"run {number}")
        place = thread.place("a", "run 3")
        assert place.note == "replaces this cell's earlier answer; 2 later turns set aside"
        ask(thread, "a2", "a", "run 3")
        assert said(thread) == "a2 A2"
        assert len(thread.turns) == 4

    def test_running_the_following_cells_rebuilds_the_thread(self) -> None:
        thread = Conversation("main")
        for number, cell in enumerate("abc"):
            ask(thread, cell, cell, f"run {number}")
        ask(thread, "a2", "a", "run 3")
        assert thread.place("b", "run 4").note == ""
        ask(thread, "b", "b", "run 4")
        ask(thread, "c", "c", "run 5")
        assert said(thread) == "a2 A2 b B c C"

    def test_prompts_of_one_run_follow_each_other(self) -> None:
        thread = Conversation("main")
        for prompt in "xyz":
            ask(thread, prompt, "loop", "run 1")
        ask(thread, "after", "b", "run 2")
        assert thread.place("loop", "run 3").note == (
            "replaces this cell's 3 earlier answers; 1 later turn set aside"
        )
        for prompt in "uv":
            ask(thread, prompt, "loop", "run 3")
        assert said(thread) == "u U v V"

    def test_a_prompt_and_its_rounds_of_tools_are_one_answer(self) -> None:
        thread = Conversation("main")
        for cell in "ab":
            first = ask(thread, cell, cell, f"run {cell}")
            first.answer.apply(ToolCallDelta("0", "call_1", "f", "{}"))
            result = Message("tool", (Text("1"),), tool_call_id="call_1")
            thread.open(Turn((result,), "chat", cell=cell, execution=f"run {cell}"), first)
        assert thread.place("a", "run c").note == (
            "replaces this cell's earlier answer; 1 later turn set aside"
        )

    def test_a_prompt_of_the_same_run_follows_where_the_run_went(self) -> None:
        thread = Conversation("main")
        first = ask(thread, "a", "a", "run 1")
        ask(thread, "a2", "a", "run 2")
        thread.goto(first.id)
        assert thread.place("a", "run 2").parent is first

    def test_the_last_cell_sets_nothing_aside(self) -> None:
        thread = Conversation("main")
        ask(thread, "a", "a", "run 1")
        assert thread.place("a", "run 2").note == "replaces this cell's earlier answer"

    @pytest.mark.parametrize(
        ("cell", "execution", "append"), [("", "r", False), ("a", "", False), ("a", "r", True)]
    )
    def test_what_appends(self, cell: str, execution: str, append: bool) -> None:
        thread = Conversation("main")
        turn = ask(thread, "a", "a", "run 1")
        ask(thread, "no cell")
        last = thread.head
        assert last is not turn
        assert thread.place(cell, execution, append=append).parent is last

    def test_a_failed_run_leaves_everything_as_it_was(self) -> None:
        thread = Conversation("main")
        ask(thread, "a", "a", "run 1")
        ask(thread, "b", "b", "run 2")
        head = thread.head
        turn = Turn((Message.of("user", "a2"),), "chat", cell="a", execution="run 3")
        thread.open(turn, thread.place("a", "run 3").parent)
        thread.discard(turn, back_to=head)
        assert said(thread) == "a A b B"
        assert thread.place("a", "run 3").replaced == 1


class TestMoving:
    def test_undo_and_redo(self) -> None:
        thread = Conversation("main")
        for prompt in "abc":
            ask(thread, prompt)
        assert [turn.prompt[0].text for turn in thread.undo(2)] == ["b", "c"]
        thread.undo()
        assert said(thread) == ""
        thread.redo()
        assert said(thread) == "a A"
        thread.redo()
        assert said(thread) == "a A b B c C"
        with pytest.raises(UsageError, match="nothing to redo"):
            thread.redo()

    def test_a_new_prompt_ends_what_can_be_redone_but_a_failed_one_does_not(self) -> None:
        thread = Conversation("main")
        ask(thread, "a")
        thread.undo()
        failed = thread.open(Turn((Message.of("user", "f"),), "chat"), None)
        with pytest.raises(UsageError):
            thread.redo()
        thread.discard(failed, back_to=None)
        thread.redo()
        assert said(thread) == "a A"
        thread.undo()
        ask(thread, "b")
        with pytest.raises(UsageError):
            thread.redo()
        thread.undo()
        thread.redo()
        assert said(thread) == "b B"

    @pytest.mark.parametrize("count", [0, -1, 2])
    def test_undo_of_what_is_not_there(self, count: int) -> None:
        thread = Conversation("main")
        ask(thread, "a")
        with pytest.raises(UsageError, match="has 1 on its current path"):
            thread.undo(count)
        assert said(thread) == "a A"

    def test_new_begins_a_path_and_redo_returns(self) -> None:
        thread = Conversation("main")
        ask(thread, "a")
        thread.new()
        assert thread.history() == []
        thread.redo()
        assert said(thread) == "a A"

    def test_goto_takes_the_beginning_of_an_id(self) -> None:
        thread = Conversation("main")
        first, second = ask(thread, "a"), ask(thread, "b")
        first.id, second.id = "abcde0", "abcdf0"
        assert thread.goto("ABCDE") is first
        assert said(thread) == "a A"
        assert (thread.short(first), thread.short(second)) == ("abcde", "abcdf")
        for ref in ("abc", "f", ""):
            with pytest.raises(UsageError):
                thread.goto(ref)
        assert thread.head is first

    def test_a_fork_shares_turns_and_nothing_else(self) -> None:
        thread = Conversation("main", "be brief")
        first, second = ask(thread, "a"), ask(thread, "b")
        thread.hide(first.id)
        thread.edit(second.id, "edited")
        fork = thread.fork("other", second.id)
        assert (fork.system, said(fork)) == ("be brief", "b edited")
        fork.unhide(first.id)
        ask(fork, "c")
        assert said(fork) == "a A b edited c C"
        assert said(thread) == "b edited"
        assert said(thread.fork("early", first.id)) == ""

    def test_a_fork_leaves_out_an_answer_under_way(self) -> None:
        thread = Conversation("main")
        ask(thread, "a")
        running = thread.open(Turn((Message.of("user", "b"),), "chat"), thread.head)
        assert said(thread.fork("other")) == "a A"
        with pytest.raises(UsageError, match="still being answered"):
            thread.fork("other", running.id)


class TestSeen:
    def test_hidden_turns_are_left_out(self) -> None:
        thread = Conversation("main")
        turn = ask(thread, "a")
        ask(thread, "b")
        thread.hide(turn.id)
        assert said(thread) == "b B"
        thread.unhide(turn.id)
        assert said(thread) == "a A b B"

    def test_a_tool_call_is_hidden_with_its_result(self) -> None:
        thread = Conversation("main")
        call = Turn((Message.of("user", "weather?"),), "chat")
        thread.open(call, None)
        call.answer.apply(ToolCallDelta("0", "c1", "weather", "{}"))
        result = Turn((Message("tool", (Text("rain"),), tool_call_id="c1"),), "chat")
        thread.open(result, call)
        last = ask(thread, "b")
        for turn in (call, result):
            assert thread.hide(turn.id) == [call, result]
            assert said(thread) == "b B"
            thread.unhide(turn.id)
        assert thread.hide(last.id) == [last]

    def test_an_edit_changes_what_the_model_sees_and_not_what_was_said(self) -> None:
        thread = Conversation("main")
        picture = Image("https://example.com/a.png")
        turn = Turn((Message("user", (Text("what?"), picture)),), "responses")
        thread.open(turn, None)
        turn.answer.apply(TextDelta("A cat."))
        thread.edit(turn.id, "What is this?", "user")
        thread.edit(turn.id, "A dog.")
        assert thread.history() == [
            Message("user", (Text("What is this?"), picture)),
            Message.of("assistant", "A dog."),
        ]
        assert turn.messages[1].text == "A cat."
        thread.unedit(turn.id)
        assert thread.history() == list(turn.messages)

    def test_an_edit_can_answer_what_was_not_answered(self) -> None:
        thread = Conversation("main")
        turn = thread.say("user", "2+2?")
        thread.edit(turn.id, "4")
        assert said(thread) == "2+2? 4"

    def test_examples_by_hand_belong_to_their_cell(self) -> None:
        thread = Conversation("main")
        for execution in ("run 1", "run 2"):
            thread.say("user", "2+2?", cell="a", execution=execution)
            thread.say("assistant", "4", cell="a", execution=execution)
        assert said(thread) == "2+2? 4"
        assert thread.turns[2].answer.notices == ["replaces this cell's 2 earlier answers"]

    @pytest.mark.parametrize(("role", "words"), [("system", "x"), ("user", " ")])
    def test_what_can_not_be_said(self, role: str, words: str) -> None:
        with pytest.raises(UsageError):
            Conversation("main").say(role, words)


class TestChained:
    """`previous_response_id` may be used only if the server saw what the thread now shows."""

    @pytest.fixture
    def thread(self) -> Conversation:
        thread = Conversation("main", "be brief")
        ask(thread, "a", "a", "run 1")
        ask(thread, "b", responses=True)
        ask(thread, "c", responses=True)
        return thread

    def test_an_unbroken_path(self, thread: Conversation) -> None:
        assert thread.chained(thread.head, "be brief") is thread.head
        assert thread.chained(thread.turns[1], "be brief") is thread.turns[1]

    def test_a_changed_system_message(self, thread: Conversation) -> None:
        assert thread.chained(thread.head, "be verbose") is None

    def test_a_hidden_turn_before(self, thread: Conversation) -> None:
        thread.hide(thread.turns[0].id)
        assert thread.chained(thread.head, "be brief") is None
        thread.unhide(thread.turns[0].id)
        assert thread.chained(thread.head, "be brief") is thread.head

    def test_a_hidden_last_turn_leaves_the_one_before(self, thread: Conversation) -> None:
        thread.hide(thread.turns[2].id)
        assert thread.chained(thread.head, "be brief") is thread.turns[1]

    @pytest.mark.parametrize("place", [0, 1, 2])
    @pytest.mark.parametrize("role", ["user", "assistant"])
    def test_an_edit(self, thread: Conversation, place: int, role: str) -> None:
        thread.edit(thread.turns[place].id, "other words", role)
        assert thread.chained(thread.head, "be brief") is None

    def test_a_turn_asked_while_another_was_hidden(self, thread: Conversation) -> None:
        thread.hide(thread.turns[0].id)
        last = ask(thread, "d", responses=True)
        assert thread.chained(last, "be brief") is last
        thread.unhide(thread.turns[0].id)
        assert thread.chained(last, "be brief") is None

    def test_a_choice_that_was_changed_later(self, thread: Conversation) -> None:
        first = thread.turns[0]
        first.answer.apply(TextDelta("another answer", 1))
        assert thread.chained(thread.head, "be brief") is thread.head
        first.picked = 1
        assert thread.chained(thread.head, "be brief") is None

    def test_turns_that_no_server_stores(self, thread: Conversation) -> None:
        assert thread.chained(thread.turns[0], "be brief") is None  # chat
        thread.say("user", "by hand")
        assert thread.chained(thread.head, "be brief") is None
        assert thread.chained(None, "be brief") is None

    def test_a_turn_that_was_cut(self, thread: Conversation) -> None:
        thread.turns[2].answer.status = "stopped"
        assert thread.chained(thread.head, "be brief") is None

    def test_a_fork_goes_on_with_the_same_response(self, thread: Conversation) -> None:
        assert thread.fork("other").chained(thread.head, "be brief") is thread.head


class TestThreads:
    def test_rename_keeps_place_and_current(self) -> None:
        threads = Threads()
        for name in ("main", "b", "c"):
            threads.add(Conversation(name))
        threads.rename("main", "first")
        assert list(threads) == ["first", "b", "c"]
        assert threads.current == threads["first"].name == "first"
        with pytest.raises(UsageError, match="named 'b' already"):
            threads.rename("c", "b")
        with pytest.raises(UsageError, match="There are first, b, c"):
            threads.rename("main", "x")

    def test_delete_can_be_undone(self) -> None:
        threads = Threads()
        thread = threads.add(Conversation("work"))
        threads.switch("work")
        threads.delete("work")
        assert ("work" in threads, threads.current) == (False, "main")
        threads.add(Conversation("work"))
        assert threads.undelete() is thread
        assert thread.name == "work-2"
        with pytest.raises(UsageError):
            threads.undelete("work")

    @pytest.mark.parametrize("name", ["", "two words", "a\n"])
    def test_names_that_are_none(self, name: str) -> None:
        with pytest.raises(UsageError):
            Threads().switch(name)


class TestPicture:
    def test_text(self) -> None:
        thread = Conversation("main")
        first = ask(thread, "a", "a", "run 1", answer="<b>A</b>\nmore")
        ask(thread, "b", "b", "run 2")
        ask(thread, "c", "c", "run 3")
        ask(thread, "b2", "b", "run 4")
        ask(thread, "b3", "b", "run 5")
        thread.hide(first.id)
        for number, turn in enumerate(thread.turns, 1):
            turn.id = str(number) * 4
        thread.hidden = {first.id}
        assert text(thread).splitlines() == [
            "main · 5 turns, 3 branches",
            "● 1111  a → <b>A</b> more  (hidden)",
            "├─○ 2222  b → B",
            "│ ○ 3333  c → C",
            "├─○ 4444  b2 → B2",
            "● 5555  b3 → B3  (head)",
        ]
        assert text(thread, ascii=True).isascii()

    def test_a_long_thread(self) -> None:
        thread = Conversation("main")
        for number in range(3000):
            ask(thread, str(number))
        assert len(text(thread).splitlines()) == 3001


class TestFit:
    @staticmethod
    def turn(length: int, *, tool: bool = False) -> list[Message]:
        role = "tool" if tool else "user"
        return [Message(role, (Text("x" * length),))]

    def test_all_fits(self) -> None:
        history = [self.turn(40), self.turn(40)]
        assert fit(history, [], 28) == ([*history[0], *history[1]], 0)

    def test_the_oldest_turns_go_first(self) -> None:
        history = [self.turn(40), self.turn(400), self.turn(40)]
        assert fit(history, self.turn(4), 30) == (history[2], 2)

    def test_a_result_goes_with_its_call(self) -> None:
        history = [self.turn(400), self.turn(4, tool=True), self.turn(4)]
        assert fit(history, [], 50) == (history[2], 2)

    def test_nothing_fits(self) -> None:
        assert fit([self.turn(4)], self.turn(400), 50) == ([], 1)

    def test_the_estimate_counts_every_part(self) -> None:
        plain = estimate([Message("user")])
        for part, tokens in (
            (Text("12345"), 2),
            (Refusal("1234"), 1),
            (Image("data:image/png;base64," + "A" * 10**6), 765),
            (Image("https://example.com", "low"), 85),
            (Audio("A" * 64000), 10),
            (File(data="A" * 128_000), 2000),
        ):
            assert estimate([Message("user", (part,))]) - plain == tokens
        call = ToolCall("c", "f", '{"a": 1}')
        assert estimate([Message("assistant", tool_calls=(call,))]) - plain == 3
