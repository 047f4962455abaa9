"""Moving in the tree of a thread, and changing what the model sees of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from nbchat.errors import UsageError
from tests.support.calls import calls
from tests.support.server import Hold, ScriptedServer, chat_stream

Run = Callable[[str], str]
Sent = Callable[[], list[str]]


def ids(run: Run) -> list[str]:
    """The short ids of the turns in the tree, from the top."""
    return re.findall(r"[●○*o] ([0-9a-f]{4,}) ", run("%nbchat tree"))


def test_undo_and_redo(run: Run, sent: Sent) -> None:
    run("%chat one\n%chat two\n%chat three")
    assert run("%nbchat undo 2").startswith("took 2 turns off: ")
    assert sent() == ["one", "echo: one"]


ADD = """
def add(a: int, b: int) -> int:
    'Add two numbers.'
    return a + b
"""


@pytest.fixture
def with_tool(run: Run, server: ScriptedServer) -> None:
    """A thread of three prompts, of which the second called a tool twice, in two rounds."""
    run(ADD)
    run("%chat one")
    server.script(*calls("chat", ("add", {"a": 1, "b": 2})))
    server.script(*calls("chat", ("add", {"a": 3, "b": 4})))
    server.script(*chat_stream("That is ten."))
    run("%chat --tool add sum")
    run("%chat three")


SUM = ["sum", None, "3", None, "7", "That is ten."]


@pytest.mark.usefixtures("with_tool")
def test_a_prompt_with_tools_is_one_turn(run: Run) -> None:
    assert run("%nbchat threads") == "* main  3 turns  one\n"
    assert "main · 3 turns\n" in run("%nbchat tree")
    (whole,) = (line for line in run("%nbchat usage").splitlines() if line.startswith("total"))
    assert whole.split()[1] == "3"


@pytest.mark.usefixtures("with_tool")
def test_undo_takes_a_prompt_with_its_tools(run: Run, sent: Sent) -> None:
    with pytest.raises(UsageError, match="can't undo 4 turns: the thread main has 3"):
        run("%nbchat undo 4")
    assert run("%nbchat undo 2").startswith("took 2 turns off: ")
    run("%nbchat redo")
    run("%nbchat undo")
    assert sent() == ["one", "echo: one", *SUM]
    run("%nbchat undo")
    assert sent() == ["one", "echo: one"]


@pytest.mark.usefixtures("with_tool")
@pytest.mark.parametrize("place", [1, 2, 3])
def test_calls_and_results_stay_together(run: Run, sent: Sent, place: int) -> None:
    turn = ids(run)[place]
    assert "goes on after 2 turns: " in run(f"%nbchat goto {turn}")
    assert sent() == ["one", "echo: one", *SUM]
    run(f"%nbchat fork other --at {turn}\n%nbchat switch other")
    assert sent() == ["one", "echo: one", *SUM]
    run(f"%nbchat hide {turn}")
    assert sent() == ["one", "echo: one"]


def test_redo_returns_to_where_undo_began(run: Run, sent: Sent) -> None:
    run("%chat one\n%chat two")
    run("%nbchat undo")
    assert "after 2 turns" in run("%nbchat redo")
    assert sent() == ["one", "echo: one", "two", "echo: two"]
    with pytest.raises(UsageError, match="can't undo 5 turns"):
        run("%nbchat undo 5")
    with pytest.raises(UsageError, match="a number of turns"):
        run("%nbchat undo x")


def test_new_begins_the_thread_again(run: Run, sent: Sent) -> None:
    run("%chat one")
    run("%nbchat new")
    assert sent() == []
    run("%nbchat new")
    with pytest.raises(UsageError, match="nothing to redo"):
        run("%nbchat redo\n%nbchat redo\n%nbchat redo")


@pytest.mark.parametrize(
    "command",
    ["new", "undo", "redo", "goto 1", "say user x", "edit 1 user x", "delete main", "forget main"],
)
def test_a_thread_that_answers_in_the_background_stays_where_it_is(
    run: Run, server: ScriptedServer, command: str
) -> None:
    hold = Hold()
    server.script(hold, *chat_stream("Hello."))
    run("%chat --bg one")
    with pytest.raises(UsageError, match="thread main is still answering"):
        run(f"%nbchat {command}")
    hold.release()
    run("%chat two")  # waits for the first
    assert [message["content"] for message in server.exchanges[-1].json["messages"]] == [
        "one",
        "Hello.",
        "two",
    ]


def test_forks_go_their_own_ways(run: Run, sent: Sent) -> None:
    run("%chat one\n%chat two")
    first, _ = ids(run)
    assert "2 turns of main" in run("%nbchat fork both")
    assert "1 turn of main" in run(f"%nbchat fork early --at {first}")
    run("%nbchat switch early")
    run("%chat other")
    assert sent() == ["one", "echo: one", "other", "echo: other"]
    run("%nbchat switch main")
    assert sent() == ["one", "echo: one", "two", "echo: two"]
    with pytest.raises(UsageError, match="named 'early' already"):
        run("%nbchat fork early")
    with pytest.raises(UsageError, match=r"fork NAME \[--at TURN\]"):
        run(f"%nbchat fork another {first}")


def test_going_to_another_branch(run: Run, sent: Sent) -> None:
    run("%chat one\n%chat two")
    run("%nbchat undo")
    run("%chat other")
    picture = run("%nbchat tree")
    assert "3 turns, 2 branches" in picture
    two = next(line for line in picture.splitlines() if "two" in line)
    run("%nbchat goto " + re.findall("[0-9a-f]{4,}", two)[0])
    assert sent() == ["one", "echo: one", "two", "echo: two"]
    with pytest.raises(UsageError, match="no turn of the thread main"):
        run("%nbchat goto zzzz")


def test_the_tree_is_drawn_as_html_too(run: Run, shell: InteractiveShell) -> None:
    run("%chat <b>bold</b>")
    with capture_output() as captured:
        shell.run_cell("%nbchat tree")
    (shown,) = captured.outputs
    assert "&lt;b&gt;bold" in shown.data["text/html"]
    assert "● " in shown.data["text/plain"]


def test_threads_are_renamed_deleted_and_brought_back(run: Run, sent: Sent) -> None:
    run("%chat one")
    assert "is poems now" in run("%nbchat rename main poems")
    assert run("%nbchat threads") == "* poems  1 turn  one\n"
    assert "%nbchat undelete poems" in run("%nbchat delete poems")
    assert "no threads yet" in run("%nbchat threads")
    run("%nbchat undelete")
    run("%nbchat switch poems")
    assert sent() == ["one", "echo: one"]
    with pytest.raises(UsageError, match="no thread is named 'nope'"):
        run("%nbchat delete nope")


def test_threads_are_listed_in_columns(run: Run) -> None:
    run("%chat -t poems one\n%chat -t poems two\n%chat three")
    assert run("%nbchat threads").splitlines() == [
        "  poems  2 turns  one",
        "* main   1 turn   three",
    ]


def test_the_current_thread_is_listed_before_it_begins(run: Run) -> None:
    run("%chat one\n%nbchat switch fresh")
    assert run("%nbchat threads").splitlines() == ["  main   1 turn   one", "* fresh  0 turns"]


def test_a_thread_that_does_not_exist_begins_with_its_first_prompt(run: Run) -> None:
    assert "begins with its first prompt" in run("%nbchat switch fresh")
    assert "no threads yet" in run("%nbchat threads")
    run("%chat hello")
    assert run("%nbchat threads") == "* fresh  1 turn  hello\n"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('%nbchat say user "an example"', "an example"),
        ('%nbchat say user what\'s up, "doc"?', 'what\'s up, "doc"?'),
        ("%nbchat say user 'tis  spaced", "'tis  spaced"),
        ("%nbchat say user a\\nb {x} $HOME %d", "a\\nb {x} $HOME %d"),
        ('%%nbchat say user\none\n  "two"\n', 'one\n  "two"'),
        ("%%nbchat say user first\nsecond", "first\nsecond"),
    ],
)
def test_what_is_said_by_hand_is_sent_as_it_stands(
    run: Run, sent: Sent, cell: str, text: str
) -> None:
    run(cell)
    assert sent() == [text]


def test_examples_for_the_model(run: Run, server: ScriptedServer) -> None:
    run('%nbchat say user "2+2"\n%nbchat say assistant "4"')
    run("%chat 3+3")
    roles = [(m["role"], m["content"]) for m in server.exchanges[0].json["messages"]]
    assert roles == [("user", "2+2"), ("assistant", "4"), ("user", "3+3")]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%nbchat say system x", "-s TEXT"),
        ("%nbchat say user", "nothing to say"),
        ("%nbchat say", r"%nbchat say user\|assistant TEXT"),
        ("%nbchat edit", r"%nbchat edit TURN user\|assistant TEXT"),
        ("%nbchat edit x words", "not 'words'"),
        ("%nbchat hide", r"%nbchat hide TURN \.\.\."),
        ("%nbchat fork x --at", r"%nbchat fork NAME \[--at TURN\]"),
        ("%nbchat fork x --to y", r"%nbchat fork NAME \[--at TURN\]"),
        ("%nbchat threads x", "it is called as %nbchat threads"),
        ("%nbchat forkk", "did you mean fork"),
        ("%%nbchat tree\ntext", "takes no text in the cell"),
    ],
)
def test_a_wrong_command_says_what_is_right(run: Run, cell: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        run(cell)
    assert len(str(caught.value).splitlines()) <= 3


def test_hidden_turns_are_not_sent(run: Run, sent: Sent) -> None:
    run("%chat one\n%chat two\n%chat three")
    one, two, _ = ids(run)
    assert run(f"%nbchat hide {one} {two}").count("hidden: ") == 2
    assert sent() == ["three", "echo: three"]
    with pytest.raises(UsageError, match="no turn"):
        run(f"%nbchat unhide {one} zzzz")
    assert sent() == ["three", "echo: three"]
    run(f"%nbchat unhide {one}")
    assert sent() == ["one", "echo: one", "three", "echo: three"]


def test_edited_turns_are_sent_as_edited(run: Run, sent: Sent) -> None:
    run("%chat one")
    (turn,) = ids(run)
    run(f"%nbchat edit {turn} assistant it's better")
    run(f"%%nbchat edit {turn} user\ntwo\nlines")
    assert sent() == ["two\nlines", "it's better"]
    run(f"%nbchat unedit {turn}")
    assert sent() == ["one", "echo: one"]


def test_the_context_is_what_is_sent(run: Run, server: ScriptedServer) -> None:
    server.script(*chat_stream("x" * 1000))
    run("%chat -s Brief. one")
    run("%chat two")
    run("%nbchat hide " + ids(run)[1])
    lines = run("%nbchat context").splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["system", "user", "assistant"]
    assert lines[2].endswith(" " + "x" * 1000)
    assert lines[3] == "(1 hidden turn left out)"
    assert re.match(r"≈\d+ tokens; the window of lab-model is not known", lines[5])


def test_the_context_of_another_thread(run: Run) -> None:
    run("%chat -t poems -s Brief. one\n%chat two")
    said = run("%nbchat context poems").splitlines()
    assert said[:3] == ["system:    Brief.", "user:      one", "assistant: echo: one"]
    with pytest.raises(UsageError, match="no thread is named 'nope'"):
        run("%nbchat context nope")


@pytest.mark.usefixtures("with_tool")
def test_the_context_shows_calls_whole(run: Run, server: ScriptedServer) -> None:
    arguments = {"a": 1, "b": 2, "c": "x" * 200}
    server.script(*calls("chat", ("add", arguments)))
    run("%chat --tool add more")
    assert f"[calls add({json.dumps(arguments)})]" in run("%nbchat context")


@pytest.mark.usefixtures("with_tool")
def test_a_hidden_prompt_with_its_tools_is_one(run: Run) -> None:
    run("%nbchat hide " + ids(run)[1])
    lines = run("%nbchat context").splitlines()
    assert not any("add(" in line for line in lines)
    assert "(1 hidden turn left out)" in lines


def test_the_context_keeps_the_lines_of_a_message(run: Run, server: ScriptedServer) -> None:
    server.script(*chat_stream("def f():\n    return 1"))
    run("%%chat\nHello.\n\n  two  spaces")
    assert run("%nbchat context").splitlines()[:5] == [
        "user:      Hello.",
        "           ",
        "             two  spaces",
        "assistant: def f():",
        "               return 1",
    ]


def test_the_window_of_a_known_model_is_named_as_a_listing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    run("%nbchat set provider=openai model=gpt-4o")
    assert re.search(r"of 128000 that gpt-4o is listed with", run("%nbchat context"))
    run("%nbchat set provider=local model=")
    assert "≈0 tokens of 8192" in run("%nbchat context")


def test_a_thread_is_shown_whole_with_long_turns_folded(
    run: Run, server: ScriptedServer, shell: InteractiveShell
) -> None:
    server.script(*chat_stream("*long* " + "words " * 400))
    server.script(*chat_stream("<script>alert(1)</script> **short**"))
    run("%chat -s Brief. one\n%chat two")
    with capture_output() as captured:
        shell.run_cell("%nbchat show")
    (shown,) = captured.outputs
    page = shown.data["text/html"]
    assert page.count("<details>") == 1
    assert "<em>long</em>" in page
    assert "<strong>short</strong>" in page
    assert "<script>" not in page
    assert "> Brief." in shown.data["text/plain"]
    assert "has no turns" in run("%nbchat switch empty\n%nbchat show")
    with pytest.raises(UsageError, match="no thread is named"):
        run("%nbchat show nothing")
