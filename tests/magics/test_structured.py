"""Answers in a form that was asked for, through both magics."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import FormatError, UsageError
from tests.support.cells import bodies, run, said, script, streamed, whole
from tests.support.server import ScriptedServer, Step, chat_json, error_answer, json_answer

SETUP = """
import dataclasses, pandas, pydantic
from typing import TypedDict

class Point(pydantic.BaseModel):
    x: int
    y: int

@dataclasses.dataclass
class Place:
    name: str
    at: Point

class Row(TypedDict):
    word: str

schema = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
many = list[Point]
table = pandas.DataFrame()
"""


@pytest.fixture(autouse=True)
def types(shell: InteractiveShell) -> None:
    run(shell, SETUP)


def form(body: dict[str, Any]) -> dict[str, Any]:
    """What a request says of the form of its answer."""
    if "messages" in body:
        asked = dict(body["response_format"])
        return {"type": asked["type"], **asked.get("json_schema", {})}
    return dict(body["text"]["format"])


def cut(magic: str, text: str) -> list[Step]:
    """Return an answer that ended at its limit."""
    if magic == "chat":
        return chat_json(text, finish="length")
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "content": [part]}
    reason = {"incomplete_details": {"reason": "max_output_tokens"}}
    return json_answer({"id": "r", "status": "incomplete", "output": [item], **reason})


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("--schema Point", '{"x": 1, "y": 2}', "Point(x=1, y=2)"),
        ("--schema Place", '{"name": "A", "at": {"x": 1, "y": 2}}', "Place('A', Point(x=1, y=2))"),
        ("--schema Row", '{"word": "yes"}', "Row(word='yes')"),
        ("--schema schema", '```json\n{"word": "yes"}\n```', "{'word': 'yes'}"),
        ("--schema many", '{"value": [{"x": 1, "y": 2}]}', "[Point(x=1, y=2)]"),
        ("--schema {{ list[int] }}", "[1, 2]", "[1, 2]"),
        ("--schema int", '{"value": 5}', "5"),
        ("--json", '{"a": [1]}', "{'a': [1]}"),
    ],
)
def test_the_answer_is_the_object(
    option: str,
    text: str,
    expected: str,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
) -> None:
    script(server, magic, streamed(magic, text[:5], text[5:]))
    reply = run(shell, f"%{magic} {option} -o kept tell me")
    assert reply.parsed == shell.ev(expected)
    assert shell.user_ns["kept"].parsed == reply.parsed
    asked = form(bodies(server)[0])
    if option == "--json":
        assert asked == {"type": "json_object"}
    else:
        assert (asked["type"], asked["schema"]["type"]) == ("json_schema", "object")
        assert asked["strict"] is True


def test_what_has_no_strict_form_is_sent_as_it_is(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, whole(magic, '{"a": 1}'))
    assert run(shell, f"%{magic} --schema {{{{ dict[str, int] }}}} tell me").parsed == {"a": 1}
    assert form(bodies(server)[0])["strict"] is False


def test_one_repair(
    magic: str, shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = '{"x": 1, "y": "north"}', '```json\n{"x": 1, "y": 2}\n```'
    script(server, magic, streamed(magic, wrong), streamed(magic, right))
    reply = run(shell, f"%{magic} --schema Point a point")
    assert reply.parsed.y == 2
    assert "asked again" in " ".join(reply.notices)
    shown = capsys.readouterr().out
    assert shown.index("north") < shown.index("[the answer begins anew]") < shown.index('"y": 2}')
    page = reply._repr_mimebundle_()["text/html"].partition("</style>")[2]
    assert "north" not in page
    again = said(bodies(server)[1])
    assert [item["role"] for item in again] == ["user", "assistant", "user"]
    assert "y: Input should be a valid integer" in str(again[-1]["content"])
    assert '"y"' in str(again[-1]["content"])  # the schema, which the server may not have shown
    assert form(bodies(server)[1]) == form(bodies(server)[0])
    assert form(bodies(server)[0])["name"] == "Point"


@pytest.mark.parametrize("magic", ["chat", "respond"])
def test_a_server_that_takes_no_format_is_asked_without_one(
    shell: InteractiveShell, server: ScriptedServer, magic: str
) -> None:
    field = "response_format" if magic == "chat" else "text.format"
    words = f"'{field}' of type 'json_schema' is not supported with this model."
    server.script(*error_answer(400, words, param=field))
    script(server, magic, streamed(magic, "x is 1"), streamed(magic, '{"x": 1, "y": 2}'))
    reply = run(shell, f"%{magic} --schema Point --effort low Where")
    assert (reply.parsed.x, reply.parsed.y) == (1, 2)
    assert f"{field} was left out: lab-model does not take it" in reply.notices
    asked, *without = bodies(server)
    assert form(asked)["name"] == "Point"
    assert len(without) == 2
    assert not any({"response_format", "text"} & body.keys() for body in without)
    assert '"y"' in str(said(without[-1])[-1]["content"])


def test_what_still_fails_shows_the_path_and_keeps_the_text(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    wrong = '{"name": "A", "at": {"x": 1, "y": "north"}}'
    script(server, magic, whole(magic, "no idea"), whole(magic, wrong))
    with pytest.raises(FormatError) as caught:
        run(shell, f"%{magic} --schema Place -o kept a place")
    assert str(caught.value).splitlines()[0] == "the answer does not fit Place"
    assert "at.y: Input should be a valid integer" in str(caught.value)
    assert caught.value.text == wrong
    assert shell.user_ns["kept"].text == wrong
    assert shell.user_ns["kept"].parsed is None
    assert len(bodies(server)) == 2


def test_an_answer_that_was_cut_is_not_asked_for_again(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, cut(magic, '{"x": 1, "y"'))
    with pytest.raises(FormatError) as caught:
        run(shell, f"%{magic} --schema Point --max-tokens 5 -o kept a point")
    lines = str(caught.value).splitlines()
    assert lines[-1] == "It was cut at the token limit: --max-tokens gives it more."
    assert len(lines) == 3
    assert shell.user_ns["kept"].text == '{"x": 1, "y"'
    assert shell.user_ns["kept"].finish_reason == "length"
    assert len(bodies(server)) == 1


def test_a_cut_answer_that_fits_all_the_same_is_taken(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, cut(magic, '{"x": 1, "y": 2}'))
    assert run(shell, f"%{magic} --schema Point a point").parsed.x == 1


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--schema Pont", r"--schema Pont: Pont is not defined \(did you mean Point\?\)"),
        ("--schema table", "--schema table: no pydantic model, dataclass, type or JSON schema"),
        ("--schema {{ {'type': 5} }}", "no JSON schema"),
        ("--json --schema Point", "exclude each other"),
    ],
)
def test_what_is_no_schema_is_not_sent(
    option: str, words: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match=words):
        run(shell, f"%{magic} {option} tell me")
    assert server.exchanges == []
