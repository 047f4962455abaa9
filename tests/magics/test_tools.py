"""Tools, structured answers and filled prompts through both magics."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import FormatError, Interrupted, ToolError, UsageError
from nbchat.reply import Reply
from tests.support.calls import calls
from tests.support.server import (
    ScriptedServer,
    chat_json,
    chat_stream,
    error_answer,
    responses_json,
    responses_stream,
)

MAGICS = ["chat", "respond"]
SETUP = '''
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

ran = []
'''


def run(shell: InteractiveShell, source: str) -> Any:
    done = shell.run_cell(source)
    done.raise_error()
    return done.result


@pytest.fixture(autouse=True)
def functions(shell: InteractiveShell) -> None:
    run(shell, SETUP)


def answer(magic: str, *pieces: str) -> list[Any]:
    return chat_stream(*pieces) if magic == "chat" else responses_stream(*pieces)


def whole(magic: str, text: str) -> list[Any]:
    return chat_json(text) if magic == "chat" else responses_json(text)


def keeps_nothing(server: ScriptedServer, magic: str) -> None:
    """Answer the question whether the server keeps responses, which comes before they count."""
    if magic == "respond":
        server.script(*error_answer(404, "no such response"))


def body(server: ScriptedServer, number: int) -> dict[str, Any]:
    """The body of prompt ``number``."""
    posts = [exchange for exchange in server.exchanges if exchange.method == "POST"]
    return dict(posts[number].json)


def outputs(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Call id and output of each tool result in a request."""
    if "messages" in body:
        messages = [m for m in body["messages"] if m["role"] == "tool"]
        return [(m["tool_call_id"], m["content"]) for m in messages]
    items = [item for item in body["input"] if item.get("type") == "function_call_output"]
    return [(item["call_id"], item["output"]) for item in items]


@pytest.mark.parametrize("magic", MAGICS)
def test_calls_are_run_until_the_model_answers(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*calls(magic, ("add", {"a": 1, "b": 2}), ("later", {"a": 7}), text="I add."))
    keeps_nothing(server, magic)
    server.script(*calls(magic, ("add", {"a": "10"})))
    server.script(*answer(magic, "It is ", "11."))
    reply: Reply = run(shell, f"%{magic} --tool add --tool later what is it?")
    assert reply.text == "It is 11."
    assert sorted(map(str, shell.user_ns["ran"])) == ["(1, 2)", "(10, 1)", "7"]
    spec = body(server, 0)["tools"][0]
    function = spec.get("function", spec)
    assert (function["name"], function["parameters"]["required"]) == ("add", ["a"])
    assert outputs(body(server, 1)) == [("call_0", "3"), ("call_1", "7")]
    assert reply.steps[0] == "I add."
    assert [step.result for step in reply.steps[1:]] == ["3", "7", "11"]
    page = reply._repr_mimebundle_()["text/html"]
    assert page.index("I add.") < page.index("add(a=1, b=2)") < page.index("It is 11.")
    # The thread goes on with a history that has all of it.
    run(shell, f"%{magic} thanks")
    assert len(outputs(body(server, -1))) == 3


@pytest.mark.parametrize("magic", MAGICS)
@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (("add", {"a": "many"}), "a"),
        (("add", "{not json"), "JSON"),
        (("broken", {"a": 1}), "no such luck"),
        (("os_system", {"a": 1}), "there is no tool os_system"),
    ],
)
def test_failures_are_told_to_the_model(
    magic: str, wanted: Any, told: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*calls(magic, wanted))
    keeps_nothing(server, magic)
    server.script(*answer(magic, "I see."))
    reply = run(shell, f"%{magic} --tool add --tool broken do it")
    assert reply.text == "I see."
    ((_, output),) = outputs(body(server, 1))
    assert told in output
    assert reply.steps[0].failed
    assert shell.user_ns["ran"] == []


@pytest.mark.parametrize("magic", MAGICS)
def test_an_interrupt_in_a_call_leaves_a_valid_history(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*calls(magic, ("add", {"a": 1}), ("stop", {"a": 1}), ("add", {"a": 5})))
    with pytest.raises(Interrupted):
        run(shell, f"%{magic} --tool add --tool stop -o partial do it")
    assert shell.user_ns["ran"] == [(1, 1)]
    assert shell.user_ns["partial"].status == "stopped"
    run(shell, f"%{magic} go on")
    said = outputs(body(server, 1))
    assert [call for call, _ in said] == ["call_0", "call_1", "call_2"]
    assert said[0][1] == "2"
    assert all("interrupted by the user" in output for _, output in said[1:])


def test_a_failure_after_tools_keeps_what_they_gave(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*calls("chat", ("add", {"a": 1})))
    server.script(*error_answer(400, "no more"))
    shell.run_cell("%chat --tool add do it")
    run(shell, "%chat go on")
    assert outputs(body(server, 2)) == [("call_0", "2")]


def test_rounds_are_limited(shell: InteractiveShell, server: ScriptedServer) -> None:
    for _ in range(3):
        server.script(*calls("chat", ("add", {"a": 1})))
    reply = run(shell, "%chat --tool add --max-rounds 2 do it")
    assert len(server.exchanges) == 3
    assert "stopped after 2 rounds" in reply.notices[-1]
    run(shell, "%chat go on")
    assert len(outputs(body(server, -1))) == 3


def test_only_named_tools_are_offered(shell: InteractiveShell, server: ScriptedServer) -> None:
    with pytest.raises(UsageError, match="nothing"):
        run(shell, "%chat --tool nothing do it")
    run(shell, "ran2 = 5")
    with pytest.raises(ToolError):
        run(shell, "%chat --tool ran2 do it")
    assert server.exchanges == []


@pytest.mark.parametrize(("said", "result"), [("y", "2"), ("n", "declined")])
def test_approval(
    said: str,
    result: str,
    shell: InteractiveShell,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def answer_with(prompt: str) -> str:
        asked.append(prompt)
        return said

    monkeypatch.setattr("builtins.input", answer_with)
    server.script(*calls("chat", ("add", {"a": 1})))
    run(shell, "%chat --tool add --approve do it")
    assert len(asked) == 1
    assert result in outputs(body(server, 1))[0][1]


# --- Structured answers -----------------------------------------------------------------------

POINT = """
import pydantic
class Point(pydantic.BaseModel):
    x: int
    y: int
"""


@pytest.mark.parametrize("magic", MAGICS)
def test_a_structured_answer(magic: str, shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, POINT)
    server.script(*whole(magic, '{"x": 1, "y": 2}'))
    reply = run(shell, f"%{magic} --schema Point -o p a point")
    assert (reply.parsed.x, reply.parsed.y) == (1, 2)
    sent = body(server, 0)
    form = sent["response_format"]["json_schema"] if magic == "chat" else sent["text"]["format"]
    assert (form["name"], form["strict"]) == ("Point", True)


@pytest.mark.parametrize("magic", MAGICS)
def test_one_repair(magic: str, shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, POINT)
    server.script(*whole(magic, '{"x": 1, "y": "north"}'))
    keeps_nothing(server, magic)
    server.script(*whole(magic, '```json\n{"x": 1, "y": 2}\n```'))
    reply = run(shell, f"%{magic} --schema Point a point")
    assert reply.parsed.y == 2
    assert "asked again" in " ".join(reply.notices)
    server.script(*whole(magic, '{"x": 1}'))
    server.script(*whole(magic, "no idea"))
    with pytest.raises(FormatError) as caught:
        run(shell, f"%{magic} --schema Point --once -o kept a point")
    assert caught.value.text == "no idea"
    assert shell.user_ns["kept"].text == "no idea"


def test_any_json(shell: InteractiveShell, server: ScriptedServer) -> None:
    server.script(*whole("chat", '{"a": [1]}'))
    assert run(shell, "%chat --json something").parsed == {"a": [1]}
    assert body(server, 0)["response_format"] == {"type": "json_object"}


# --- Filled prompts ---------------------------------------------------------------------------


def test_variables_in_the_prompt(shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, "n, name = 3, '{{ n }}'")
    run(shell, "%%chat\n{{ n + 1 }} {{ name }} {{ n:04d }} {n} \\{{ n }}")
    content = body(server, 0)["messages"][0]["content"]
    assert content == "4 {{ n }} 0003 {n} {{ n }}"
    run(shell, "%%chat --literal --once\n{{ n }}")
    assert body(server, 1)["messages"][0]["content"] == "{{ n }}"
    with pytest.raises(UsageError, match="undefined_name"):
        run(shell, "%%chat\n{{ undefined_name }}")
    assert len(server.exchanges) == 2


def test_an_image(shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, "from PIL import Image\npicture = Image.new('RGB', (4, 4), 'red')")
    run(shell, "%chat --image picture what is it?")
    text, image = body(server, 0)["messages"][0]["content"]
    assert text == {"type": "text", "text": "what is it?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,")
    with pytest.raises(UsageError, match=r"nowhere\.png"):
        run(shell, "%chat --image nowhere.png what is it?")


def test_code_goes_into_a_new_cell(shell: InteractiveShell, server: ScriptedServer) -> None:
    text = "Two:\n\n```python\na = 1\n```\n\n```python\nb = 2\n```\n"
    offered: list[str] = []
    shell.set_next_input = lambda source, replace=False: offered.append(source)
    for option in ("--code", "--code=2", "--code=7"):
        server.script(*chat_stream(text))
        run(shell, f"%chat {option} --once code")
    assert offered == ["a = 1\n# ---\nb = 2", "b = 2"]
