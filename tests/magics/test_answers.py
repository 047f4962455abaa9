"""What comes out of an answer through both magics: the reply, code, probabilities, reasoning."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import StreamError, UsageError
from tests.support.answers import SOURCE, probable, searched, thoughtful
from tests.support.cells import bodies, run, script, streamed
from tests.support.server import ScriptedServer
from tests.wire.streams import events as responses

ATTRIBUTES = """
text reasoning refusal choices code parsed tool_calls citations images audio logprobs usage
finish_reason status model id request_id elapsed first_token tokens_per_second request raw
"""


def page(reply: Any) -> str:
    """The permanent output of a reply, without its style."""
    html: str = reply._repr_mimebundle_()["text/html"]
    return html.partition("</style>")[2]


# --- The reply --------------------------------------------------------------------------------


def test_the_reply_is_kept_and_given_again(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match="no answer yet"):
        run(shell, "%nbchat last")
    script(server, magic, streamed(magic, "Hel", "lo."))
    reply = run(shell, f"%%{magic} -o kept\nSay hello.")
    assert shell.user_ns["kept"] is reply
    assert run(shell, "%nbchat last") is reply
    run(shell, "again = %nbchat last")
    assert shell.user_ns["again"] is reply
    assert run(shell, "str(kept), f'{kept}'") == ("Hello.", "Hello.")
    for name in ATTRIBUTES.split():
        assert hasattr(reply, name)
    assert (reply.text, reply.finish_reason, reply.status) == ("Hello.", "stop", "completed")
    assert (reply.usage.input, reply.usage.output, reply.model) == (3, 2, "test-model")
    assert reply.id in ("chatcmpl-1", "resp_1")
    assert 0 < reply.first_token <= reply.elapsed
    assert reply.request == bodies(server)[0]
    assert "Hello." in page(reply)


@pytest.mark.parametrize("again", ["kept", "%nbchat last"])
@pytest.mark.parametrize(
    "asked", ["kept = %{} hello", "kept = %{} hello\nkept", "%{} -o kept hello"]
)
def test_it_is_displayed_in_another_cell_as_it_was(
    asked: str,
    again: str,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script(server, magic, streamed(magic, "Hello."))
    run(shell, asked.format(magic))
    assert capsys.readouterr().out.count("Hello.") == 1  # it is on the screen already
    for _ in range(2):
        run(shell, again)
        assert capsys.readouterr().out.count("Hello.") == 1


def test_a_reply_that_broke_off_is_kept_too(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    frames = streamed(magic, "Half an ans", "wer")
    cut = next(n for n, frame in enumerate(frames) if b"Half" in frame) + 1
    script(server, magic, frames[:cut])
    with pytest.raises(StreamError):
        run(shell, f"%{magic} -o kept one")
    assert (shell.user_ns["kept"].text, shell.user_ns["kept"].status) == ("Half an ans", "cut")
    assert run(shell, "%nbchat last").text == "Half an ans"


@pytest.mark.parametrize("name", ["for", "2", "a.b", "a b"])
def test_it_is_kept_under_a_python_name(
    name: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match="-o"):
        run(shell, f"%{magic} -o '{name}' hello")
    assert server.exchanges == []


# --- Code -------------------------------------------------------------------------------------

CODE = "Two:\n\n```python\na = 1\n```\n\nand\n\n~~~\nb = 2\nc = '```'\n~~~\n"


@pytest.mark.parametrize(
    ("option", "offered", "words"),
    [
        ("", [], ""),
        ("--code", ["a = 1\n# ---\nb = 2\nc = '```'"], ""),
        ("--code=2", ["b = 2\nc = '```'"], ""),
        ("--code=7", [], "no new cell: the answer has no code block 7 (it has 2)"),
    ],
)
def test_code_goes_into_a_new_cell(
    option: str,
    offered: list[str],
    words: str,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script(server, magic, streamed(magic, CODE[:30], CODE[30:]))
    found: list[str] = []
    shell.set_next_input = lambda source, replace=False: found.append(source)
    reply = run(shell, f"%{magic} {option} -o kept code, please")
    assert found == offered
    assert words in capsys.readouterr().out
    assert reply.code == ("a = 1\n", "b = 2\nc = '```'\n")
    assert "a" not in shell.user_ns  # nothing is run by itself


def test_code_goes_onto_the_next_prompt_of_a_terminal(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, streamed(magic, CODE))
    run(shell, f"%{magic} --code=1 code, please")
    assert shell.rl_next_input == "a = 1"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1. First:\n\n   ```python\n   if a:\n       b\n   ```\n", ("if a:\n    b\n",)),
        ("- One:\n    ```\n    a\n    ```\n- Two:\n    ~~~\n    b\n    ~~~", ("a\n", "b\n")),
        ("> ```\n> a\n> ```\n", ("a\n",)),
        ("```a``` is no block\n\n```\nb\n```\n", ("b\n",)),
        ("````md\n```\na\n```\n````\n", ("```\na\n```\n",)),
        ("<div>\n```\na\n```\n", ("a\n",)),  # HTML is text
        ("```python\na = 1", ("a = 1",)),  # an answer that was cut
        ("No `code`.\n\n    a\n", ()),
    ],
)
def test_code_stands_where_markdown_has_it(
    text: str, code: tuple[str, ...], magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, streamed(magic, text))
    assert run(shell, f"%{magic} code, please").code == code


@pytest.mark.parametrize("number", ["0", "two", "-1"])
def test_a_block_has_a_number(
    number: str, magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match="the number of a block"):
        run(shell, f"%{magic} --code={number} code, please")
    assert server.exchanges == []


# --- Probabilities ----------------------------------------------------------------------------


def test_probabilities_are_a_table_and_shades(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    script(server, magic, probable(magic))
    reply = run(shell, f"%{magic} --logprobs 2 the capital of France?")
    body = bodies(server)[0]
    assert body["top_logprobs"] == 2
    if magic == "chat":
        assert body["logprobs"] is True
    else:
        assert body["include"] == ["message.output_text.logprobs"]
    assert [entry["token"] for entry in reply.logprobs] == ["Paris"]
    frame = reply.logprobs.to_frame()
    assert list(frame.columns) == ["token", "logprob", "probability", "top"]
    assert frame["probability"][0] == pytest.approx(0.75)
    assert frame["top"][0] == "'Paris' 0.750, 'Rome' 0.250"
    shown = page(reply)
    assert "Token probabilities" in shown
    assert "25.0%  &#x27;Rome&#x27;" in shown


# --- Reasoning --------------------------------------------------------------------------------


def test_reasoning_is_folded_above_the_answer(
    magic: str, shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    script(server, magic, thoughtful(magic))
    summary = "--reasoning-summary auto" if magic == "respond" else ""
    reply = run(shell, f"%{magic} --effort low {summary} what is 2 + 2?")
    body = bodies(server)[0]
    if magic == "chat":
        assert body["reasoning_effort"] == "low"
    else:
        assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert (reply.reasoning, reply.text) == ("Let me *think*.", "Four.")
    assert reply.usage.reasoning == 7
    shown = page(reply)
    assert "<summary>Reasoning · 7 tokens</summary>" in shown
    assert shown.index("<em>think</em>") < shown.index("Four.")
    assert "9 (7 reasoning) out" in shown
    written = capsys.readouterr().out
    assert written.index("Let me *think*.") < written.index("Four.")


def test_a_summary_of_the_reasoning_is_for_respond(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    with pytest.raises(UsageError, match=r"%%chat has no --reasoning-summary: use %%respond"):
        run(shell, "%chat --reasoning-summary auto hello")
    for magic in ("chat", "respond"):
        with pytest.raises(UsageError, match=r"--effort takes .*did you mean low\?"):
            run(shell, f"%{magic} --effort lo hello")
    assert server.exchanges == []


# --- Tools of the provider --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "size"),
    [
        ("--web", "medium"),
        ("--web=low", "low"),
        ("--web=medium", "medium"),
        ("--web=high", "high"),
    ],
)
def test_the_web_is_searched_and_sources_are_footnotes(
    option: str,
    size: str,
    magic: str,
    shell: InteractiveShell,
    server: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    script(server, magic, searched(magic))
    reply = run(shell, f"%{magic} {option} what is the weather?")
    body = bodies(server)[0]
    if magic == "chat":
        assert body["web_search_options"] == {"search_context_size": size}
    else:
        assert body["tools"] == [{"type": "web_search_preview", "search_context_size": size}]
        written = capsys.readouterr().out
        assert written.index("[web search: searching]") < written.index("Rain.")
    (citation,) = reply.citations
    assert (citation.url, citation.end) == (SOURCE, 5)
    shown = page(reply)
    assert "Rain.<sup>1</sup>" in shown
    assert f'href="{SOURCE}"' in shown
    assert "<b>weather" not in shown
    assert reply.text == "Rain."


def test_the_web_and_tools_of_the_notebook_go_together(
    magic: str, shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "def add(a: int): ...")
    with pytest.raises(UsageError, match=r"--web takes .*low, medium.*high"):
        run(shell, f"%{magic} --web=much hello")
    run(shell, f"%{magic} --web=low --tool add hello")
    body = bodies(server)[0]
    kinds = [tool["type"] for tool in body["tools"]]
    assert kinds == (["function"] if magic == "chat" else ["function", "web_search_preview"])


def test_other_tools_are_set_by_hand_and_images_are_shown(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    data = "iVBORw0KGgo="
    item = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": data}
    frames = [
        responses.added(0, {**item, "status": "in_progress", "result": None}),
        responses.event("image_generation_call.completed", "ig_1"),
        responses.done(0, item),
        *responses.spoken("A cat.", index=1),
    ]
    said = responses.message(responses.output_text("A cat."))
    ended = responses.ended(output=[item, said])
    server.script(responses.stream(responses.created(), *frames, ended))
    reply = run(shell, '%respond --set tools=[{"type": "image_generation"}] draw a cat')
    assert bodies(server)[0]["tools"] == [{"type": "image_generation"}]
    assert [image.url for image in reply.images] == [f"data:image/png;base64,{data}"]
    assert f'src="data:image/png;base64,{data}"' in page(reply)
