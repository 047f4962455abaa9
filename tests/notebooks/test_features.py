"""The notebooks that show one feature each, run in real kernels.

They ask the embedded model; where it can't do what is shown (tools, several answers, pictures),
a scripted server speaks in its place.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.calls import calls
from tests.support.cells import bodies
from tests.support.notebooks import Ran, run, scripted
from tests.support.server import (
    Exchange,
    ScriptedServer,
    Step,
    chat_json,
    chat_stream,
    echo,
    json_answer,
    responses_stream,
)

pytestmark = pytest.mark.kernel

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks run, and what they write goes."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.fixture(scope="module")
def local(weights: Path) -> dict[str, str]:
    """The environment in which the embedded model is asked."""
    return {"NBCHAT_PROVIDER": "local", "NBCHAT_LOCAL_MODEL": str(weights)}


# --- On the embedded model --------------------------------------------------------------------


@pytest.fixture(scope="module")
def threads(folder: Path, local: dict[str, str]) -> Ran:
    return run("threads", folder, local)


@pytest.mark.model
def test_threads_are_continued_and_branch(threads: Ran) -> None:
    assert threads.errors() == {}
    assert "Paris" in threads.shown("ask")
    assert "Rome" in threads.shown("continue")
    assert "Tokyo" in threads.shown("branch")
    context = threads.printed("context").splitlines()
    assert context[0] == "user:      Name the capital of France."
    assert context[2] == "user:      And of Italy?"
    assert threads.printed("undo").startswith("took 1 turn off: ")
    assert "goes on after 2 turns: " in threads.printed("redo")
    _, first, aside, head = threads.shown("tree").splitlines()
    assert "capital of France" in first
    assert "And of Italy?" in aside
    assert "And of Japan?" in head
    assert head.endswith("(head)")


@pytest.mark.model
def test_threads_are_forked_and_exported(threads: Ran) -> None:
    assert "Cairo" in threads.shown("ask-aside")  # so the fork knows what was asked for
    listed = [line.split()[:3] for line in threads.printed("threads").splitlines()]
    assert listed == [["*", "main", "2"], ["aside", "3", "turns"]]
    exported = threads.printed("exported")
    assert exported.strip() == (threads.folder / "capitals.md").read_text("utf-8").strip()
    asked = re.findall(r"^> (.*)$", exported, re.M)
    assert asked == ["Name the capital of France.", "And of Japan?"]


@pytest.fixture(scope="module")
def prompts(folder: Path, local: dict[str, str]) -> Ran:
    return run("prompts", folder, local)


@pytest.mark.model
def test_prompts_are_filled(prompts: Ran) -> None:
    assert "Tokyo" in prompts.shown("ask-variable")
    sent = "user:      Repeat this sentence: 2 things cost 1,234.50 euros."
    assert prompts.printed("expression-context").splitlines()[0] == sent
    assert "| February | 95 |" in prompts.printed("table-context")
    assert prompts.shown("ask-table")
    assert prompts.shown("literal")
    errors = prompts.errors()
    assert list(errors) == ["undefined"]
    assert errors["undefined"].startswith("UsageError: {{ nobody }}: nobody is not defined")


@pytest.mark.model
def test_files_and_pictures_go_along(prompts: Ran) -> None:
    assert "Anna" in prompts.shown("ask-file")
    request = json.loads(prompts.printed("ask-image"))
    text, image = request["body"]["messages"][0]["content"]
    assert text["text"] == "Which shape do you see, and in what colour?"
    assert image["image_url"]["url"].startswith("data:image/png;base64,")


def test_a_picture_is_really_sent(tmp_path: Path, server: ScriptedServer) -> None:
    only = {"load", "image", "ask-image"}
    ran = run("prompts", tmp_path, scripted(server), only=only, without=" --dry-run")
    assert ran.errors() == {}
    assert ran.shown("ask-image") == "echo: Which shape do you see, and in what colour?"
    (body,) = bodies(server)
    assert [part["type"] for part in body["messages"][0]["content"]] == ["text", "image_url"]


@pytest.fixture(scope="module")
def answers(folder: Path, local: dict[str, str]) -> Ran:
    return run("answers", folder, local)


@pytest.mark.model
def test_the_reply_of_an_answer(answers: Ran) -> None:
    text = answers.shown("out")
    assert "Paris" in text
    assert ast.literal_eval(answers.shown("text")) == text
    facts = ast.literal_eval(answers.shown("facts"))
    assert facts["model"] == MODEL
    assert facts["ended because"] == "stop"
    assert (facts["tokens read"], facts["tokens written"]) > (0, 0)
    request = ast.literal_eval(answers.shown("request"))
    assert request["messages"] == [{"role": "user", "content": "Name the capital of France."}]
    assert request["temperature"] == 0


@pytest.mark.model
def test_code_structure_and_probabilities(answers: Ran) -> None:
    code = answers.printed("code")
    assert [type(node) for node in ast.parse(code).body] == [ast.FunctionDef]
    assert code.strip() in answers.shown("ask-code")
    city = json.loads(answers.shown("ask-schema"))
    shown = ", ".join(f"{name}={city[name]!r}" for name in ("name", "country", "population"))
    assert answers.shown("schema") == f"City({shown})"
    assert ast.literal_eval(answers.shown("json")) == json.loads(answers.shown("ask-json"))
    assert "Token probabilities" in answers.shown("ask-logprobs", "text/html")
    table = answers.shown("logprobs", "text/html")
    assert "<th>probability</th>" in table
    assert "Sydney" in table
    # The embedded model's server gives one answer at a time, as the notebook says.
    errors = answers.errors()
    assert list(errors) == ["choices"]
    assert errors["choices"].startswith("UsageError: the embedded model")


def test_several_answers(tmp_path: Path, server: ScriptedServer) -> None:
    choices = [
        {"index": n, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for n, text in enumerate(["Sea Breeze", "Old Gull"])
    ]
    server.script(*json_answer({"id": "c", "model": "m", "choices": choices}))
    ran = run("answers", tmp_path, scripted(server), only={"load", "choices"})
    assert ran.errors() == {}
    assert bodies(server)[0]["n"] == 2
    page = ran.shown("choices", "text/html")
    assert page.index("Choice 1") < page.index("Sea Breeze") < page.index("Old Gull")


@pytest.fixture(scope="module")
def python(folder: Path, local: dict[str, str]) -> Ran:
    return run("python", folder, local)


@pytest.mark.model
def test_asking_from_python(python: Ran) -> None:
    assert python.errors() == {}
    assert "Paris" in python.shown("chat")
    assert "nbchat-footer" in python.shown("chat", "text/html")  # as an answer of a magic
    assert re.fullmatch(r".*Tokyo.* \d+ tokens\n", python.printed("respond"))
    found = ast.literal_eval(python.shown("loop"))
    assert list(found) == ["Italy", "Egypt", "Japan"]
    assert "Rome" in found["Italy"]
    assert "Cairo" in found["Egypt"]
    first, second = python.printed("thread").splitlines()
    assert "Paris" in first
    assert "Rome" in second
    assert python.printed("error").startswith("UsageError: ")


@pytest.mark.model
def test_streaming_and_asking_at_once(python: Ran) -> None:
    *pieces, ended = python.printed("stream").split("|")
    assert "Tokyo" in "".join(pieces)
    assert len(pieces) > 3
    # A token may be no text of its own, as the last one is.
    assert re.fullmatch(r" stop \d+ tokens\n", ended)
    paris, rome, tokyo = ast.literal_eval(python.shown("gather"))
    assert "Paris" in paris
    assert "Rome" in rome
    assert "Tokyo" in tokyo


# --- Tools, on a server that asks for them ----------------------------------------------------

WANTED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "How many plums do we have?": [("in_stock", {"fruit": "plums"})],
    "How many kiwis do we have?": [("in_stock", {"fruit": "kiwis"})],
    "If we are out of pears, order 20.": [("order", {"fruit": "pears", "number": 20})],
    "What do an apple, a pear and a plum cost together?": [
        ("price", {"fruit": fruit}) for fruit in ("apples", "pears", "plums")
    ],
}


def shopkeeper(exchange: Exchange) -> list[Step]:
    """Ask for the calls that belong to a question, and answer with what they gave."""
    if exchange.method == "GET":
        return echo(exchange)
    chat = exchange.path.endswith("/chat/completions")
    said = exchange.json["messages" if chat else "input"]
    if chat:
        gave = [message["content"] for message in said if message["role"] == "tool"]
    else:
        gave = [item["output"] for item in said if item.get("type") == "function_call_output"]
    if gave:
        text = "The tools say: " + "; ".join(gave)
        return [*(chat_stream(text) if chat else responses_stream(text))]
    content = said[0]["content"]
    question = content if isinstance(content, str) else content[0]["text"]
    return calls("chat" if chat else "respond", *WANTED[question])


def test_tools(tmp_path: Path, server: ScriptedServer) -> None:
    server.answer = shopkeeper
    ran = run("tools", tmp_path, scripted(server))
    assert ran.errors() == {}
    assert ran.shown("ask") == "The tools say: 31"
    page = ran.shown("ask", "text/html")
    assert page.index("in_stock(fruit=&#x27;plums&#x27;)") < page.index("The tools say")
    assert "ToolFinished(" in ran.printed("steps")
    assert "result='31'" in ran.printed("steps")
    assert "KeyError: 'kiwis'" in ran.shown("failure")
    assert "failed after" in ran.shown("failure", "text/html")
    assert ran.shown("ask-order") == "The tools say: 20 pears come tomorrow"
    assert ast.literal_eval(ran.shown("orders")) == [("pears", 20)]
    assert ran.shown("ask-async") == "The tools say: 0.4; 0.6; 0.2"
    steps = ast.literal_eval(ran.shown("async-steps"))
    assert sorted(result for _, result in steps) == ["0.2", "0.4", "0.6"]
    (spec,) = bodies(server)[0]["tools"]
    about = spec["function"]["parameters"]["properties"]["fruit"]["description"]
    assert about == "its name in English, plural, in small letters."


def test_a_model_that_calls_nothing_ends_the_notebook_too(
    tmp_path: Path, server: ScriptedServer
) -> None:
    server.answer = lambda exchange: (
        chat_json("About forty.") if "/chat/" in exchange.path else echo(exchange)
    )
    ran = run("tools", tmp_path, scripted(server))
    assert ran.errors() == {}
    assert ran.shown("ask") == "About forty."
    assert ast.literal_eval(ran.shown("orders")) == []
