"""``%%respond`` where the server keeps its responses, and where it does not."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import InternalServerError, StreamError
from nbchat.reply import Reply
from tests.support.cells import bodies, run, texts
from tests.support.server import (
    RESET,
    ScriptedServer,
    error_answer,
    json_answer,
    responses_stream,
)


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
        assert [words for _, words in texts(body)] == [text]


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
    assert len(texts(server.exchange(2).json)) == 3


def chain(server: ScriptedServer) -> list[tuple[str | None, int]]:
    """The response id and the number of messages of each prompt that was sent."""
    return [(body.get("previous_response_id"), len(texts(body))) for body in bodies(server)]


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
    assert texts(accepted) == texts(refused)


@pytest.mark.parametrize("option", ["--no-store", "--set store=false"])
def test_what_the_server_did_not_store_is_echoed_without_ids(
    shell: InteractiveShell, server: ScriptedServer, option: str
) -> None:
    """Row 38."""
    server.script(*responses_stream("one"))
    run(shell, f"%%respond {option}\none")
    run_respond(shell, server, None, "two")
    assert "msg_1" not in str(server.exchange(1).json)
    assert chain(server) == [(None, 1), (None, 3)]


def test_a_second_provider_gets_the_history(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run_respond(shell, server, None, "one")
    with ScriptedServer() as other:
        run(shell, f"%%respond --base-url {other.base_url} -m m\ntwo")
        body = other.exchanges[0].json
    assert "previous_response_id" not in body
    assert [text for _, text in texts(body)] == ["one", "one", "two"]


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

    # Those in a row count.
    monkeypatch.setattr("nbchat.session.flight.FAILURES", 1)
    server.script(*json_answer(background("queued")))
    for _ in range(3):
        server.script(*error_answer(503, "busy"))
        server.script(*json_answer(background("in_progress")))
    server.script(*json_answer(background("completed", "Done.")))
    reply = run(shell, "%respond --once --set background=true --no-stream hello")
    assert reply.text == "Done."

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
