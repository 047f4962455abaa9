"""A request as text: the command is run by real shells, with real curl, against a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.wire.curl import curl_command, dry_run_text
from tests.support.server import ScriptedServer

KEY = "sk-canary'\"$HOME`id`"

BODIES: list[dict[str, Any]] = [
    {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False},
    {"text": "it's \"quoted\" $HOME `id` $(id) \\n \\ ! %s \n\nJSON\n'JSON'\n\ttab\r"},
    {"text": "é — 😀 \u2028 \x85 \x7f \x1b[31m \0"},
    {"half": "\ud83d"},
    {"image": "data:image/png;base64," + "A" * 300_000},
    {},
]

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]


def run(shell: str, command: str, key: str | None) -> str:
    environment = {
        name: value for name, value in os.environ.items() if "proxy" not in name.lower()
    }
    environment.pop("NBCHAT_TEST_KEY", None)
    if key is not None:
        environment["NBCHAT_TEST_KEY"] = key
    done = subprocess.run(
        [shell], input=command.encode(), env=environment, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_command_sends_exactly_the_body(shell: str, body: dict[str, Any]) -> None:
    with ScriptedServer() as server:
        server.script(b"data: [DONE]\n\n")
        command = curl_command(f"{server.base_url}/chat/completions", body, "NBCHAT_TEST_KEY")
        assert run(shell, command, KEY) == "data: [DONE]\n\n"
        exchange = server.exchange(0)
    assert (exchange.method, exchange.path) == ("POST", "/v1/chat/completions")
    assert exchange.json == body
    assert exchange.headers["content-type"] == "application/json"
    assert exchange.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in command


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_without_a_key_there_is_no_header() -> None:
    with ScriptedServer() as server:
        server.script(b"ok")
        run("sh", curl_command(f"{server.origin}/a'b?c=$d&e", {"model": "m"}, None), None)
        exchange = server.exchange(0)
    assert "authorization" not in exchange.headers
    assert exchange.path == "/a'b?c=$d&e"


@pytest.mark.parametrize("name", ["", "A B", "A;id", "1A", "$(id)", "É"])
def test_a_name_that_is_no_variable_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no name of an environment variable"):
        curl_command("http://h/v1", {}, name)


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize("has_key", [True, False])
def test_a_dry_run_is_json_of_the_whole_request(body: dict[str, Any], has_key: bool) -> None:
    text = dry_run_text("http://h/v1/responses", body, has_key)
    text.encode()
    shown = json.loads(text)
    assert shown["body"] == body
    assert shown["url"] == "http://h/v1/responses"
    assert shown["headers"].get("Authorization") == ("Bearer ••••" if has_key else None)
