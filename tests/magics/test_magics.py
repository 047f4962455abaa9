"""The magics in a real IPython shell, against a scripted server."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    Interrupted,
    NotFoundError,
    StreamError,
    UsageError,
)
from nbchat.reply import Reply
from tests.support.server import (
    RESET,
    ScriptedServer,
    chat_stream,
    error_answer,
    json_answer,
    responses_stream,
    sse,
)


def run(shell: InteractiveShell, source: str) -> Any:
    """Run a cell and return its result; an error in it is raised."""
    done = shell.run_cell(source)
    done.raise_error()
    return done.result


def bodies(server: ScriptedServer) -> list[dict[str, Any]]:
    return [exchange.json for exchange in server.exchanges]


def said(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of each message of a request."""
    rows = []
    for item in body.get("messages", body.get("input")):
        content = item["content"]
        if not isinstance(content, str):
            content = "".join(part["text"] for part in content)
        rows.append((item["role"], content))
    return rows


def test_a_cell_is_asked_and_answered(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(*chat_stream("Hel", "lo."))
    reply = run(shell, "%%chat --temperature 0\nSay hello.\n")
    assert isinstance(reply, Reply)
    assert reply.text == "Hello."
    out = capsys.readouterr().out
    assert out.count("Hello.") == 1
    assert "Out[" not in out
    body = bodies(server)[0]
    assert said(body) == [("user", "Say hello.")]
    assert (body["model"], body["temperature"], body["stream"]) == ("lab-model", 0, True)
    assert server.exchanges[0].path == "/v1/chat/completions"


def test_the_next_cell_continues_the_thread(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*chat_stream("One."))
    server.script(*chat_stream("Two."))
    run(shell, "%%chat -s 'Count.'\none")
    run(shell, "%%chat\ntwo")
    assert said(bodies(server)[1]) == [
        ("system", "Count."),
        ("user", "one"),
        ("assistant", "One."),
        ("user", "two"),
    ]


def test_threads_new_and_once(shell: InteractiveShell, server: ScriptedServer) -> None:
    for cell in (
        "%%chat\na",
        "%%chat -t other\nb",
        "%%chat --once\nc",
        "%%chat\nd",
        "%%chat --new\ne",
        "%%chat\nf",
    ):
        run(shell, cell)
    prompts = [[text for role, text in said(body) if role == "user"] for body in bodies(server)]
    assert prompts == [["a"], ["b"], ["c"], ["a", "d"], ["e"], ["e", "f"]]


def test_the_system_message_stays_with_its_thread_until_it_is_cleared(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    for cell in ("%%chat -s S\na", "%%chat -t other\nb", "%%chat\nc", "%%chat -s ''\nd"):
        run(shell, cell)
    assert [said(body)[0][0] for body in bodies(server)] == ["system", "user", "system", "user"]


def test_both_magics_share_a_thread(shell: InteractiveShell, server: ScriptedServer) -> None:
    server.script(*chat_stream("One."))
    server.script(*responses_stream("Two."))
    server.script(*chat_stream("Three."))
    run(shell, "%%chat -s S\none")
    run(shell, "%%respond\ntwo")
    run(shell, "%%chat\nthree")
    second, third = bodies(server)[1:]
    assert server.exchanges[1].path == "/v1/responses"
    assert second["instructions"] == "S"
    assert said(second) == [("user", "one"), ("assistant", "One."), ("user", "two")]
    assert [text for _, text in said(third)] == ["S", "one", "One.", "two", "Two.", "three"]


def test_a_line_prompt(shell: InteractiveShell, server: ScriptedServer) -> None:
    reply = run(shell, "%chat -m other what is {this} and $HOME?")
    assert reply.text == "echo: what is {this} and $HOME?"
    assert bodies(server)[0]["model"] == "other"
    run(shell, "x = %chat why?")
    assert shell.user_ns["x"].text == "echo: why?"


def test_values_come_from_the_callers_variables(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "def ask(t):\n    %chat --temperature $t --once hi\nask(0.25)\n")
    assert bodies(server)[0]["temperature"] == 0.25


def test_out_stores_the_reply(shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, "%%chat -o answer\nhello")
    assert shell.user_ns["answer"].text == "echo: hello"
    assert shell.user_ns["answer"].usage.input == 3


def test_a_dry_run_sends_nothing(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%%chat --dry-run -t never\nhello")
    assert server.exchanges == []
    assert '"hello"' in capsys.readouterr().out
    run(shell, "%nbchat threads")
    assert "never" not in capsys.readouterr().out


def test_a_failed_turn_is_taken_out(shell: InteractiveShell, server: ScriptedServer) -> None:
    run(shell, "%%chat -s old\none")
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(NotFoundError, match="no such model"):
        run(shell, "%%chat -s new\ntwo")
    run(shell, "%%chat\nthree")
    assert [text for _, text in said(bodies(server)[2])] == ["old", "one", "echo: one", "three"]


def test_a_failed_new_start_keeps_the_thread(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%%chat\none")
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(NotFoundError):
        run(shell, "%%chat --new\ntwo")
    run(shell, "%%chat\nthree")
    assert [text for _, text in said(bodies(server)[2])] == ["one", "echo: one", "three"]


def test_a_cut_answer_is_kept_and_fails_the_cell(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(*chat_stream("Half an ans", "wer")[:2])
    with pytest.raises(StreamError):
        run(shell, "%%chat -o partial\none")
    assert "cut off" in capsys.readouterr().out
    assert shell.user_ns["partial"].text == "Half an ans"
    assert shell.user_ns["partial"].status == "cut"
    run(shell, "%%chat\ntwo")
    assert [text for _, text in said(bodies(server)[1])] == ["one", "Half an ans", "two"]


def test_an_error_is_short_and_saved(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    done = shell.run_cell("%%chat --modle x\nhello")
    assert isinstance(done.error_in_exec, UsageError)
    shown = capsys.readouterr().out
    assert "did you mean" in shown
    assert len(shown.strip().splitlines()) <= 3
    shell.run_line_magic("config", "NbChat.traceback = True")
    shell.run_cell("%%chat --modle x\nhello")
    assert "Traceback" in capsys.readouterr().out


def test_an_empty_prompt_is_an_error(shell: InteractiveShell, server: ScriptedServer) -> None:
    for cell in ("%%chat\n  \n", "%%chat", "%%chat -m m"):
        with pytest.raises(UsageError, match="the prompt is empty"):
            run(shell, cell)
    assert server.exchanges == []


def test_the_prompt_of_a_cell_may_stand_on_its_first_line_alone(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    assert run(shell, "%%chat -m m what is it?").text == "echo: what is it?"


def test_responses_continue_by_id_where_the_server_keeps_state(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Row 45: the server gives each response the same id."""
    first = run_respond(shell, server, None, "one")
    server.script(*json_answer({"id": first.id}))
    run_respond(shell, server, first.id, "two")
    run_respond(shell, server, first.id, "three")
    # It is asked once whether it keeps responses.
    assert server.exchange(1).path == f"/v1/responses/{first.id}"
    for number, text in ((2, "two"), (3, "three")):
        body = server.exchange(number).json
        assert body["previous_response_id"] == first.id
        assert [words for _, words in said(body)] == [text]


@pytest.mark.parametrize("kept", [json_answer({"error": "unknown"}), error_answer(404, "no")])
def test_a_server_that_keeps_no_responses_gets_the_history(
    shell: InteractiveShell, server: ScriptedServer, kept: list[Any]
) -> None:
    """Row 27."""
    run_respond(shell, server, None, "one")
    server.script(*kept)
    reply = run_respond(shell, server, None, "two")
    assert reply.notices == ()
    assert "previous_response_id" not in server.exchange(2).json
    assert len(said(server.exchange(2).json)) == 3


def chain(server: ScriptedServer) -> list[tuple[str | None, int]]:
    """The response id and the number of messages of each prompt that was sent."""
    sent = [exchange.json for exchange in server.exchanges if exchange.method == "POST"]
    return [(body.get("previous_response_id"), len(said(body))) for body in sent]


def run_respond(
    shell: InteractiveShell, server: ScriptedServer, previous: str | None, prompt: str
) -> Reply:
    server.script(*responses_stream(prompt, previous=previous))
    return run(shell, f"%%respond\n{prompt}")


@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_refuses_the_id_gets_the_history(
    shell: InteractiveShell,
    server: ScriptedServer,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Row 27."""
    first = run_respond(shell, server, None, "one")
    server.script(*json_answer({"id": first.id}))
    server.script(
        *error_answer(
            status,
            f"Previous response with id '{first.id}' not found.",
            param="previous_response_id",
        )
    )
    second = run_respond(shell, server, None, "two")
    assert second.text == "two"
    assert len(second.notices) == 1
    run_respond(shell, server, None, "three")
    assert chain(server) == [(None, 1), (first.id, 1), (None, 3), (None, 5)]


def test_a_server_that_ignores_the_id_gets_the_history(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Row 27."""
    first = run_respond(shell, server, None, "one")
    server.script(*json_answer({"id": first.id}))
    server.script(*responses_stream("I know of nothing."))
    second = run_respond(shell, server, None, "two")
    assert second.text == "two"
    assert chain(server) == [(None, 1), (first.id, 1), (None, 3)]


def test_items_that_the_server_lost_are_sent_again_without_ids(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Row 38."""
    run_respond(shell, server, None, "one")
    run(shell, "%nbchat say user Hello.")  # the chain of ids is broken: items are echoed
    words = "Item with id 'msg_1' not found. Items are not persisted when `store` is false."
    server.script(*error_answer(404, words, param="input"))
    reply = run_respond(shell, server, None, "two")
    assert reply.text == "two"
    assert len(reply.notices) == 1
    refused, accepted = bodies(server)[-2:]
    assert refused["input"][1]["id"] == "msg_1"
    assert "msg_1" not in str(accepted)
    assert said(accepted) == said(refused)


def test_what_the_server_did_not_store_is_echoed_without_ids(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    """Row 38."""
    server.script(*responses_stream("one"))
    run(shell, "%%respond --no-store\none")
    run_respond(shell, server, None, "two")
    assert "msg_1" not in str(server.exchange(1).json)
    assert chain(server) == [(None, 1), (None, 3)]


def test_a_refusal_that_comes_as_a_stream_is_answered_like_any(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    server.script(sse({"error": {"code": 400, "message": words}}))
    reply = run(shell, "%chat --temperature 0.5 hello")
    assert (reply.text, reply.status) == ("echo: hello", "completed")
    assert "temperature was left out" in reply.notices[0]
    assert "temperature" not in bodies(server)[1]


def test_a_second_provider_gets_the_history(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run_respond(shell, server, None, "one")
    with ScriptedServer() as other:
        run(shell, f"%%respond --base-url {other.base_url} -m m\ntwo")
        body = other.exchanges[0].json
    assert "previous_response_id" not in body
    assert [text for _, text in said(body)] == ["one", "one", "two"]


def test_loading_twice_unloading_and_reloading(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%%chat\none")
    shell.run_line_magic("reload_ext", "nbchat")
    run(shell, "%%chat\ntwo")
    assert [text for _, text in said(bodies(server)[1])] == ["one", "echo: one", "two"]
    shell.run_line_magic("unload_ext", "nbchat")
    assert "chat" not in shell.magics_manager.magics["cell"]
    assert "nbchat" not in shell.magics_manager.magics["line"]
    assert not any(type(c).__name__ == "NbChat" for c in shell.configurables)
    shell.run_line_magic("load_ext", "nbchat")


def test_an_earlier_magic_comes_back(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("unload_ext", "nbchat")
    shell.register_magic_function(lambda line, cell: "earlier", "cell", "chat")
    shell.register_magic_function(lambda line, cell: "too", "cell", "nbchat")
    capsys.readouterr()
    shell.run_line_magic("load_ext", "nbchat")
    assert "takes %%chat and %%nbchat over" in capsys.readouterr().err
    shell.run_line_magic("unload_ext", "nbchat")
    assert run(shell, "%%chat\nhello") == "earlier"
    assert run(shell, "%%nbchat\nhello") == "too"
    assert "nbchat" not in shell.magics_manager.magics["line"]
    shell.run_line_magic("load_ext", "nbchat")


def test_a_later_magic_of_another_extension_stays(shell: InteractiveShell) -> None:
    shell.register_magic_function(lambda line, cell: "later", "cell", "chat")
    shell.run_line_magic("unload_ext", "nbchat")
    assert run(shell, "%%chat\nhello") == "later"
    shell.run_line_magic("load_ext", "nbchat")


def test_commands(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%%chat -t poems\na haiku\non rain")
    capsys.readouterr()
    run(shell, "%nbchat")
    status = capsys.readouterr().out
    assert "lab" in status
    assert "main" in status
    run(shell, "%nbchat threads")
    assert "poems  1 turn  a haiku on rain" in capsys.readouterr().out
    run(shell, "%nbchat help")
    assert "%nbchat key PROVIDER" in capsys.readouterr().out
    with pytest.raises(UsageError, match="did you mean threads"):
        run(shell, "%nbchat thread")
    with pytest.raises(UsageError, match="%nbchat key PROVIDER"):
        run(shell, "%nbchat key")


def test_help_shows_the_options(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%chat --help")
    assert "--max-tokens" in capsys.readouterr().out


def test_interrupted_is_no_exception() -> None:
    assert not issubclass(Interrupted, Exception)
    assert issubclass(Interrupted, KeyboardInterrupt)


def test_ipython_in_a_terminal(server: ScriptedServer) -> None:
    """Plain ``ipython`` loads it, streams text, and says nothing twice."""
    script = "\n".join(
        [
            "%load_ext nbchat",
            f"%chat --base-url {server.base_url} -m m what is this?",
            "print('after')",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.count("what is this?") == 1
    assert "after" in done.stdout


def test_a_server_with_one_model_needs_no_name(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*json_answer({"data": [{"id": "the-only-one"}]}))
    run(shell, f"%chat --base-url {server.base_url} hello")
    assert [exchange.path for exchange in server.exchanges] == [
        "/v1/models",
        "/v1/chat/completions",
    ]
    assert server.exchange(1).json["model"] == "the-only-one"


def test_a_server_with_several_models_wants_a_name(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*json_answer({"data": [{"id": "a"}, {"id": "b"}]}))
    with pytest.raises(ConfigurationError, match="it has a, b"):
        run(shell, f"%chat --base-url {server.base_url} hello")
    with ScriptedServer() as other:
        other.script(*error_answer(405, "not here"))
        with pytest.raises(ConfigurationError, match="did not say"):
            run(shell, f"%chat --base-url {other.base_url} hello")


def background(status: str, text: str = "") -> dict[str, Any]:
    """A response object of a background response."""
    part = {"type": "output_text", "text": text, "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "content": [part]}
    return {
        "id": "resp_bg",
        "object": "response",
        "status": status,
        "output": [item][: bool(text)],
    }


def test_a_background_response_is_asked_for_until_it_is_done(
    shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbchat.session.flight.POLL", 0.01)
    server.script(*json_answer(background("queued")))
    server.script(*json_answer(background("in_progress")))
    server.script(*json_answer(background("completed", "Done.")))
    reply = run(shell, "%respond --set background=true --no-stream hello")
    assert (reply.text, reply.status) == ("Done.", "completed")
    paths = [(exchange.method, exchange.path) for exchange in server.exchanges]
    assert paths == [
        ("POST", "/v1/responses"),
        ("GET", "/v1/responses/resp_bg"),
        ("GET", "/v1/responses/resp_bg"),
    ]


def test_a_background_response_survives_some_failures(
    shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbchat.session.flight.POLL", 0.01)
    server.script(*json_answer(background("queued")))
    server.script(RESET)
    server.script(*error_answer(503, "busy"))
    server.script(*json_answer(background("completed", "Done.")))
    reply = run(shell, "%respond --set background=true --no-stream hello")
    assert (reply.text, reply.status) == ("Done.", "completed")

    server.script(*json_answer(background("queued")))
    server.script(*json_answer(None))
    with pytest.raises(StreamError, match="empty answer"):
        run(shell, "%respond --once --set background=true --no-stream hello")

    monkeypatch.setattr("nbchat.session.flight.FAILURES", 0)
    server.script(*json_answer(background("queued")))
    server.script(*error_answer(503, "busy"))
    with pytest.raises(InternalServerError, match="busy"):
        run(shell, "%respond --once --set background=true --no-stream hello")


def test_a_cut_stream_of_a_background_response_loses_nothing(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*responses_stream("Hel", "lo.")[:5])
    server.script(*json_answer(background("completed", "Hello.")))
    reply = run(shell, "%respond --set background=true hello")
    assert (reply.text, reply.status) == ("Hello.", "completed")
    assert server.exchange(1).path == "/v1/responses/resp_1"


def too_long(counted: int, context: int) -> list[Any]:
    """What llama.cpp says of a prompt that is too long."""
    error = {
        "code": 400,
        "type": "exceed_context_size_error",
        "message": "the request exceeds the available context size",
        "n_prompt_tokens": counted,
        "n_ctx": context,
    }
    return json_answer({"error": error}, 400)


def test_the_oldest_turns_are_left_out_where_that_is_wanted(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    for number in range(4):
        run(shell, f"%%chat -s 'Be brief.'\n{number} {'word ' * 40}")
    server.script(*too_long(600, 400))
    reply = run(shell, "%chat --truncation auto --max-tokens 50 now")
    sent = server.exchange(5).json["messages"]
    roles = [message["role"] for message in sent]
    assert roles[0] == "system"
    assert sent[-1]["content"] == "now"
    left_out = (len(server.exchange(4).json["messages"]) - len(sent)) // 2
    assert left_out >= 1
    assert sent[1]["role"] == "user"
    assert sent[1]["content"].startswith(str(left_out))
    assert "did not fit" in reply.notices[0]


def test_without_it_the_servers_own_refusal_names_the_way_out(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%chat one")
    server.script(*too_long(600, 400))
    with pytest.raises(BadRequestError, match="600 of 400 tokens") as caught:
        run(shell, "%chat two")
    assert "--truncation auto" in str(caught.value)
    assert len(server.exchanges) == 2


def test_a_prompt_that_is_too_long_by_itself_fails(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%chat one")
    server.script(*too_long(600, 400))
    server.script(*too_long(590, 400))
    with pytest.raises(BadRequestError, match="590 of 400 tokens"):
        run(shell, "%chat --truncation auto two")
    run(shell, "%chat three")
    assert len(bodies(server)[-1]["messages"]) == 3


def test_the_configured_model_is_for_a_bare_base_url_too(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%config NbChat.model = 'configured'")
    run(shell, f"%chat --base-url {server.base_url} hello")
    assert bodies(server)[0]["model"] == "configured"


def test_a_server_that_is_down_is_no_missing_model(shell: InteractiveShell) -> None:
    with pytest.raises(APIConnectionError):
        run(shell, "%chat --base-url http://127.0.0.1:9/v1 hello")
    with pytest.raises(ConfigurationError, match="no model is named"):
        run(shell, "%chat --base-url http://127.0.0.1:9/v1 --dry-run hello")


@pytest.mark.parametrize("option", ["-n 2", "--image picture"])
def test_what_the_embedded_model_can_not_do(shell: InteractiveShell, option: str) -> None:
    run(shell, "from PIL import Image\npicture = Image.new('RGB', (4, 4))")
    with pytest.raises(UsageError, match="the embedded model"):
        run(shell, f"%chat -p local {option} hello")


def test_a_key_that_is_refused_names_where_it_came_from(
    shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBCHAT_API_KEY", "own")
    server.script(*error_answer(401, "no"))
    with pytest.raises(AuthenticationError) as caught:
        run(shell, f"%chat --base-url {server.base_url} -m m hello")
    assert "environment variable NBCHAT_API_KEY. Check it." in str(caught.value)
