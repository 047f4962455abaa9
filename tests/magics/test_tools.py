"""Tools through both magics: what is called, what is told to the model, what stays."""

from __future__ import annotations

import html
import os
import re
import signal
import threading
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import Interrupted, NbchatError, ToolError, UsageError
from nbchat.reply import Reply
from tests.support.calls import calls, streamed_calls
from tests.support.cells import bodies, outputs, run, said, script, streamed
from tests.support.server import PATIENCE, Hold, ScriptedServer, error_answer

SETUP = '''
import threading

def add(a: int, b: int = 1) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    ran.append((a, b))
    return a + b

def broken(a: int) -> int:
    """Fail."""
    raise ValueError("no such luck")

async def later(a: int) -> int:
    """Take one's time."""
    ran.append(a)
    return a

def stop(a: int) -> int:
    """Be interrupted."""
    raise KeyboardInterrupt

def meet(me: str, other: str) -> str:
    """Wait for the other one."""
    begun[me].set()
    return me if begun[other].wait(20) else "alone"

class Shop:
    """Sells things."""

    def price(self, thing: str) -> float:
        """Return a price."""
        return {"pear": 0.5}[thing]

shop = Shop()
several = [add, shop.price]
begun = {"left": threading.Event(), "right": threading.Event()}
ran = []
INTERRUPTED = "interrupted by the user"
'''


@pytest.fixture(autouse=True)
def functions(shell: InteractiveShell) -> None:
    run(shell, SETUP)


def offered(body: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request says of each tool."""
    return [spec.get("function", spec) for spec in body.get("tools", ())]


# --- The way of a call ------------------------------------------------------------------------


def test_calls_are_run_until_the_model_answers(
    magic: str, shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    script(
        server,
        magic,
        streamed_calls(magic, ("add", {"a": 1, "b": 2}), ("later", {"a": 7}), text="I add."),
        calls(magic, ("add", {"a": "10"})),
        streamed(magic, "It is ", "11."),
    )
    reply: Reply = run(shell, f"%{magic} --tool add --tool later what is it?")
    assert reply.text == "It is 11."
    assert sorted(map(str, shell.user_ns["ran"])) == ["(1, 2)", "(10, 1)", "7"]
    first, _ = offered(bodies(server)[0])
    assert (first["name"], first["description"]) == ("add", "Add two numbers.")
    assert first["parameters"]["required"] == ["a"]
    assert first["parameters"]["properties"]["b"]["description"] == "the second."
    assert outputs(bodies(server)[1]) == [("call_0", "3"), ("call_1", "7")]
    assert reply.steps[0] == "I add."
    assert [step.result for step in reply.steps[1:]] == ["3", "7", "11"]
    page = reply._repr_mimebundle_()["text/html"]
    assert page.index("I add.") < page.index("add(a=1, b=2)") < page.index("It is 11.")
    lines = re.findall(r"<summary><code>(.*?)</code> · \d+\.\d s</summary>", page)
    assert lines == ["add(a=1, b=2)", "later(a=7)", "add(a=&#x27;10&#x27;)"]
    folded = re.findall(r"</summary>\s*<div[^>]*>(.*?)</div>", page, re.S)
    assert [html.unescape(one).splitlines()[-1] for one in folded] == ["→ 3", "→ 7", "→ 11"]
    assert html.unescape(folded[0]).splitlines()[0] == '{"a": 1, "b": 2}'
    shown = capsys.readouterr().out
    assert shown.index("I add.") < shown.index("[add(a=1, b=2) ") < shown.index("It is")
    # The thread goes on with a history that has all of it.
    run(shell, f"%{magic} thanks")
    assert len(outputs(bodies(server)[-1])) == 3


def test_tools_are_functions_methods_and_lists(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, ("price", {"thing": "pear"})), streamed(magic, "Cheap."))
    run(shell, f"%{magic} --tool several --tool shop.price --tool {{{{ later }}}} and now?")
    assert [spec["name"] for spec in offered(bodies(server)[0])] == ["add", "price", "later"]
    assert outputs(bodies(server)[1]) == [("call_0", "0.5")]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (("add", {"a": "many"}), "a: Input should be a valid integer"),
        (("add", {"b": 2}), "a: Missing required"),
        (("add", "{not json"), "JSON"),
        (("broken", {"a": 1}), "ValueError: no such luck"),
        (("os_system", {"a": 1}), "there is no tool os_system; there are: add, broken"),
    ],
)
def test_failures_are_told_to_the_model(
    magic: str, wanted: Any, told: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, wanted), streamed(magic, "I see."))
    reply = run(shell, f"%{magic} --tool add --tool broken do it")
    assert reply.text == "I see."
    ((_, output),) = outputs(bodies(server)[1])
    assert told in output
    assert reply.steps[0].failed
    assert shell.user_ns["ran"] == []


def test_hosted_tools_and_functions_are_offered_together(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, ("add", {"a": 2})), streamed(magic, "3."))
    hosted = '[{"type": "code_interpreter"}]'
    run(shell, f"%{magic} --tool add --set tools={hosted} what is 2 + 1?")
    for body in bodies(server):
        assert [tool["type"] for tool in body["tools"]] == ["function", "code_interpreter"]
    assert outputs(bodies(server)[1]) == [("call_0", "3")]


def test_only_named_tools_are_offered(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match="nothing"):
        run(shell, f"%{magic} --tool nothing do it")
    # IPython has an `open` there.
    with pytest.raises(UsageError, match=r"opinion is not defined$"):
        run(shell, f"%{magic} --tool opinion do it")
    for thing in ("ran2 = 5", "ran2 = Shop", "def ran2(a: threading.Event): ..."):
        run(shell, thing)
        with pytest.raises(ToolError):
            run(shell, f"%{magic} --tool ran2 do it")
    assert server.exchanges == []


def test_calls_that_nobody_offered_are_not_run(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, ("add", {"a": 1})))
    reply = run(shell, f"%{magic} do it")
    assert [call.name for call in reply.tool_calls] == ["add"]
    assert shell.user_ns["ran"] == []
    assert len(bodies(server)) == 1


# --- Its options ------------------------------------------------------------------------------


def test_calls_run_beside_each_other_if_that_is_allowed(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Each waits for the other, so that they end only if both have begun."""
    wanted = [(a, b) for a, b in (("left", "right"), ("right", "left"))]
    asked = calls(magic, *(("meet", {"me": a, "other": b}) for a, b in wanted))
    script(server, magic, asked, streamed(magic, "Met."))
    run(shell, f"%{magic} --tool meet --parallel meet")
    assert [output for _, output in outputs(bodies(server)[1])] == ["left", "right"]


def test_rounds_are_limited(magic: str, shell: InteractiveShell, server: ScriptedServer) -> None:
    script(server, magic, *[calls(magic, ("add", {"a": n})) for n in range(3)])
    reply = run(shell, f"%{magic} --tool add --max-rounds 2 do it")
    assert len(bodies(server)) == 3
    assert "stopped after 2 rounds" in reply.notices[-1]
    assert shell.user_ns["ran"] == [(0, 1), (1, 1)]
    # Each call has an output, the one that was not run too.
    run(shell, f"%{magic} go on")
    assert len(outputs(bodies(server)[-1])) == 3


def test_eight_rounds_if_nothing_is_said(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, *[calls(magic, ("add", {"a": n})) for n in range(9)])
    run(shell, f"%{magic} --tool add do it")
    assert len(bodies(server)) == 9
    assert len(shell.user_ns["ran"]) == 8


@pytest.mark.parametrize(("said", "result"), [("y", "2"), ("n", "the user declined this call")])
def test_approval(
    said: str,
    result: str,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer_with(prompt: str) -> str:
        asked.append(prompt)
        return said

    monkeypatch.setattr("builtins.input", answer_with)
    script(server, magic, calls(magic, ("add", {"a": 1})), streamed(magic, "Well."))
    run(shell, f"%{magic} --tool add --approve do it")
    assert asked == ['Run add({"a": 1})? [y/N] ']
    assert outputs(bodies(server)[1]) == [("call_0", result)]
    assert len(shell.user_ns["ran"]) == (said == "y")


def test_where_nobody_can_be_asked_nothing_runs(
    magic: str, shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    script(server, magic, calls(magic, ("add", {"a": 1})))
    with pytest.raises(ToolError, match="leave out --approve"):
        run(shell, f"%{magic} --tool add --approve do it")
    assert shell.user_ns["ran"] == []
    run(shell, f"%{magic} go on")
    assert outputs(bodies(server)[1]) == [("call_0", "interrupted by the user")]


@pytest.mark.parametrize(
    ("choice", "in_chat", "in_responses"),
    [
        ("none", "none", "none"),
        ("auto", "auto", "auto"),
        ("required", "required", "required"),
        (
            "add",
            {"type": "function", "function": {"name": "add"}},
            {"type": "function", "name": "add"},
        ),
    ],
)
def test_a_choice_of_tools_is_for_the_first_round(
    choice: str,
    in_chat: Any,
    in_responses: Any,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
) -> None:
    script(server, magic, calls(magic, ("add", {"a": 1})), streamed(magic, "Two."))
    run(shell, f"%{magic} --tool add --tool-choice {choice} --no-parallel-tools do it")
    first, second = bodies(server)
    assert first["tool_choice"] == (in_chat if magic == "chat" else in_responses)
    # A call that every round has to make would leave no round to answer in.
    assert second.get("tool_choice") == (choice if choice in ("none", "auto") else None)
    assert first["parallel_tool_calls"] is second["parallel_tool_calls"] is False
    assert offered(first) == offered(second)


# --- Interrupts and failures ------------------------------------------------------------------


def test_an_interrupt_in_a_call_leaves_a_valid_history(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, ("add", {"a": 1}), ("stop", {"a": 1}), ("add", {"a": 5})))
    with pytest.raises(Interrupted):
        run(shell, f"%{magic} --tool add --tool stop -o partial do it")
    assert shell.user_ns["ran"] == [(1, 1)]
    assert shell.user_ns["partial"].status == "stopped"
    run(shell, f"%{magic} go on")
    told = outputs(bodies(server)[1])
    assert [call for call, _ in told] == ["call_0", "call_1", "call_2"]
    assert told[0][1] == "2"
    assert all("interrupted by the user" in output for _, output in told[1:])


def test_an_interrupt_between_calls_leaves_a_valid_history(
    magic: str, shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It strikes where the second call is to be approved."""
    asked: list[str] = []

    def strike(prompt: str) -> str:
        asked.append(prompt)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return "y"

    monkeypatch.setattr("builtins.input", strike)
    script(server, magic, calls(magic, ("add", {"a": 1}), ("add", {"a": 2})))
    with pytest.raises(Interrupted):
        run(shell, f"%{magic} --tool add --approve do it")
    run(shell, f"%{magic} go on")
    assert shell.user_ns["ran"] == [(1, 1)]
    assert outputs(bodies(server)[1]) == [("call_0", "2"), ("call_1", "interrupted by the user")]


def test_an_interrupt_after_the_calls_keeps_what_they_gave(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    """It strikes while the model makes up its mind about the results."""
    hold = Hold()
    script(server, magic, calls(magic, ("add", {"a": 1})), [hold, *streamed(magic, "Never.")])

    def strike() -> None:
        if hold.reached.wait(PATIENCE):
            os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=strike)
    watcher.start()
    with pytest.raises(Interrupted):
        run(shell, f"%{magic} --tool add do it")
    watcher.join()
    run(shell, f"%{magic} go on")
    assert shell.user_ns["ran"] == [(1, 1)]
    assert outputs(bodies(server)[-1]) == [("call_0", "2")]
    assert "Never" not in str(said(bodies(server)[-1]))


def test_a_failure_after_tools_keeps_what_they_gave(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, calls(magic, ("add", {"a": 1})), error_answer(400, "no more"))
    with pytest.raises(NbchatError, match="no more"):
        run(shell, f"%{magic} --tool add do it")
    run(shell, f"%{magic} go on")
    assert outputs(bodies(server)[-1]) == [("call_0", "2")]
