"""Options that a thread lends to its prompts, and where each setting came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import UsageError
from tests.support.server import ScriptedServer

Run = Callable[[str], str]


def body(server: ScriptedServer) -> dict[str, Any]:
    return dict(server.exchanges[-1].json)


def rows(said: str) -> dict[str, tuple[str, str]]:
    """Value and source of each setting."""
    found = (re.split(r"\s{2,}", line) for line in said.partition("\n\n")[0].splitlines())
    return {name: (value, source) for name, value, source in found}


def test_a_threads_options_hold_for_all_its_prompts(run: Run, server: ScriptedServer) -> None:
    run("%nbchat set temperature=0 stop='a b' set.logit_bias.50256=-100 metadata.lesson=3")
    for _ in range(2):
        run("%chat hello")
        sent = body(server)
        assert (sent["temperature"], sent["stop"]) == (0, ["a b"])
        assert sent["logit_bias"] == {"50256": -100}
        assert sent["metadata"] == {"lesson": "3"}
    run("%chat -t other hello")
    assert "temperature" not in body(server)
    run("%chat --once hello")
    assert "temperature" not in body(server)
    run("%nbchat fork copy")
    run("%chat -t copy hello")
    assert body(server)["temperature"] == 0


def test_the_line_goes_before_the_thread(run: Run, server: ScriptedServer) -> None:
    run("%nbchat set temperature=0 model=of-thread set.a=1 set.b=2")
    run("%chat --temperature 1 --set a=3 hello")
    assert (body(server)["temperature"], body(server)["model"]) == (1, "of-thread")
    assert (body(server)["a"], body(server)["b"]) == (3, 2)
    run("%chat -m of-line hello")
    assert body(server)["model"] == "of-line"


def test_a_line_that_chooses_the_server_chooses_its_model(
    run: Run, server: ScriptedServer
) -> None:
    with ScriptedServer() as other:
        run(f"%nbchat set base_url={other.base_url} model=theirs")
        run("%chat hello")
        assert other.exchanges[-1].json["model"] == "theirs"
        run("%chat -p lab hello")
        assert body(server)["model"] == "lab-model"


def test_the_thread_goes_before_the_kernel(run: Run, server: ScriptedServer) -> None:
    run("%config NbChat.model = 'of-kernel'")
    run("%chat hello")
    assert body(server)["model"] == "of-kernel"
    run("%nbchat set model=of-thread")
    run("%chat hello")
    assert body(server)["model"] == "of-thread"
    assert "sets nothing" in run("%nbchat set model=")
    run("%chat hello")
    assert body(server)["model"] == "of-kernel"


def test_what_an_endpoint_lacks_is_left_out_there(run: Run, server: ScriptedServer) -> None:
    run("%nbchat set seed=7 verbosity=low")
    run("%respond hello")
    assert "seed" not in body(server)
    assert body(server)["text"] == {"verbosity": "low"}
    run("%chat hello")
    assert body(server)["seed"] == 7


def test_values_come_from_variables_and_other_names_are_known(
    run: Run, shell: InteractiveShell, server: ScriptedServer
) -> None:
    shell.user_ns["heat"] = 0.5
    run("%nbchat set temperature=$heat max-output-tokens=9 store=off stop='$heat'")
    run("%chat hello")
    assert (body(server)["temperature"], body(server)["store"]) == (0.5, False)
    assert body(server)["max_completion_tokens"] == 9
    assert body(server)["stop"] == ["$heat"]
    assert run("%nbchat set").count("\n") == 5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("temprature=0", "did you mean temperature"),
        ("temperature=hot", "a number from 0 to 2"),
        ("temperature", "NAME=VALUE"),
        ("temperature.x=1", "has no parts"),
        ("set=1", "set.KEY=VALUE"),
        ("system=x", "-s TEXT"),
        ("display=text", "%config NbChat.display"),
        ("dry_run=true", "no setting 'dry_run'"),
        ("store=perhaps", "true or false"),
        ("model=$nothing", "nothing is not defined"),
        ("set.a={", "not valid JSON"),
    ],
)
def test_a_wrong_setting_changes_nothing(run: Run, words: str, message: str) -> None:
    run("%nbchat set top_p=0.5")
    with pytest.raises(UsageError, match=message):
        run(f"%nbchat set top_p=1 {words}")
    assert "top_p  0.5" in run("%nbchat set")


def test_a_default_that_was_chosen_goes_before_the_project(run: Run) -> None:
    Path("pyproject.toml").write_text("[tool.nbchat]\ndisplay = 'html'\nmodel = 'm'\n")
    project = str(Path.cwd() / "pyproject.toml")
    run("%config NbChat.display = 'auto'")
    assert rows(run("%nbchat config"))["display"] == ("auto", "%config NbChat")
    run("%config NbChat.model = 'own'\n%config NbChat.model = None")
    assert rows(run("%nbchat config"))["model"] == ("m", project)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("timeout = -1", "NbChat.timeout is a number of seconds above 0, not -1"),
        ("display = 'html5'", "any of ['auto', 'widgets', 'html', 'text']"),
        ("providers = {'lab': {'url': 'u'}}", "an entry has base_url, model, key_variable, max_t"),
    ],
)
def test_a_wrong_value_is_refused_with_the_right_ones(
    run: Run, caplog: pytest.LogCaptureFixture, value: str, message: str
) -> None:
    before = run("%nbchat config")
    run(f"%config NbChat.{value}")
    assert message in caplog.text
    assert run("%nbchat config") == before


def test_each_setting_with_its_source(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("pyproject.toml").write_text("[tool.nbchat]\ndisplay = 'html'\ntimeout = 9\n")
    monkeypatch.setenv("NBCHAT_MODEL", "of-environment")
    monkeypatch.setenv("NBCHAT_TIMEOUT", "5")
    run("%nbchat set temperature=0 top_p=0.5")
    found = rows(run("%nbchat config --temperature 1"))
    assert found["temperature"] == ("1.0", "line")
    assert found["top_p"] == ("0.5", "thread (%nbchat set)")
    assert found["provider"] == ("lab", "%config NbChat")
    assert found["display"] == ("html", str(Path.cwd() / "pyproject.toml"))
    assert found["timeout"] == ("9", str(Path.cwd() / "pyproject.toml"))
    assert found["model"] == ("of-environment", "NBCHAT_MODEL")
    assert found["rerun"] == ("replace", "default")
    with pytest.raises(UsageError, match="no prompt"):
        run("%nbchat config hello")
