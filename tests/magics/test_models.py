"""Which model is asked, with what it can take, and what is said where it can't."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import (
    APIConnectionError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    UsageError,
)
from tests.support.cells import bodies, run
from tests.support.server import ScriptedServer, chat_chunk, error_answer, json_answer, sse


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


def test_an_answer_that_outgrows_the_context_is_not_begun_again(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%chat one")
    error = {"code": 400, "message": "the request exceeds the available context size"}
    server.script(chat_chunk({"content": "Hel"}), sse({"error": error}))
    with pytest.raises(BadRequestError, match="context size"):
        run(shell, "%chat --truncation auto -o reply two")
    assert shell.user_ns["reply"].text == "Hel"
    assert len(server.exchanges) == 2


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


def test_a_refusal_that_comes_as_a_stream_is_answered_like_any(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    words = "Unsupported parameter: 'temperature' is not supported with this model."
    server.script(sse({"error": {"code": 400, "message": words}}))
    reply = run(shell, "%chat --temperature 0.5 hello")
    assert (reply.text, reply.status) == ("echo: hello", "completed")
    assert "temperature was left out" in reply.notices[0]
    assert "temperature" not in bodies(server)[1]


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


@pytest.mark.parametrize("line", ["%chat -n 2", "%chat --image picture", "%respond --logprobs 2"])
def test_what_the_embedded_model_can_not_do(shell: InteractiveShell, line: str) -> None:
    run(shell, "from PIL import Image\npicture = Image.new('RGB', (4, 4))")
    with pytest.raises(UsageError, match="the embedded model"):
        run(shell, f"{line} -p local hello")


def test_a_key_that_is_refused_names_where_it_came_from(
    shell: InteractiveShell, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBCHAT_API_KEY", "own")
    server.script(*error_answer(401, "no"))
    with pytest.raises(AuthenticationError) as caught:
        run(shell, f"%chat --base-url {server.base_url} -m m hello")
    assert "environment variable NBCHAT_API_KEY. Check it." in str(caught.value)
