"""Completion through the shell's own completer, whichever IPython it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import IPython.core.completer
import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.providers import PRESETS
from tests.support.server import ScriptedServer, json_answer

Complete = Callable[[str], list[str]]

# Older IPython tells a matcher one line alone, so that the body of a cell looks like code.
KNOWS_THE_CELL = hasattr(IPython.core.completer, "context_matcher")


def ours(found: list[str]) -> list[str]:
    """What Python has no name for."""
    return [word for word in found if word.rpartition(" ")[2].startswith("--")]


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("%chat --mod", ["%chat --model"]),
        ("%%chat --mod", ["%%chat --model"]),
        ("reply = %chat --mod", ["reply = %chat --model"]),
        ("%chat -m x --verb", ["%chat -m x --verbosity"]),
        ("%chat -s 'be brief' --verb", ["%chat -s 'be brief' --verbosity"]),
        ("%chat --effort m", ["%chat --effort " + w for w in ("minimal", "medium", "max")]),
        ("%chat --effort=m", ["%chat --effort=" + w for w in ("minimal", "medium", "max")]),
        ("%respond --service-tier ul", ["%respond --service-tier ultrafast"]),
        ("%respond --reasoning-s", ["%respond --reasoning-summary"]),
        ("%respond --include reas", ["%respond --include reasoning.encrypted_content"]),
        ("%chat -p la", ["%chat -p lab"]),
        ("%chat -p ", ["%chat -p " + w for w in (*PRESETS, "local", "lab")]),
        ("%chat -m lab", ["%chat -m lab-model"]),
        ("%chat -m openai/gpt-5.1", ["%chat -m openai/gpt-5.1-chat"]),
        ("%chat -m $my_mo", ["%chat -m $my_model"]),
        ("%nbchat unh", ["%nbchat unhide"]),
        ("%nbchat say ", ["%nbchat say user", "%nbchat say assistant"]),
        ("%nbchat help doc", ["%nbchat help doctor"]),
        ("%nbchat key clo", ["%nbchat key cloudflare"]),
        ("%nbchat set temp", ["%nbchat set temperature="]),
        ("%nbchat set effort=h", ["%nbchat set effort=high"]),
        ("%nbchat set top_p=1 provider=la", ["%nbchat set top_p=1 provider=lab"]),
        ("%nbchat set stream=", ["%nbchat set stream=true", "%nbchat set stream=false"]),
        ("%nbchat config --verbosity l", ["%nbchat config --verbosity low"]),
    ],
)
def test_what_can_stand_there(
    shell: InteractiveShell, complete: Complete, cell: str, wanted: list[str]
) -> None:
    shell.user_ns["my_model"] = "m"
    assert complete(cell) == wanted


def test_all_flags_of_a_magic_are_offered_and_no_python(complete: Complete) -> None:
    found = complete("%chat ")
    assert {"%chat --model", "%chat --temperature", "%chat --dry-run"} <= set(found)
    assert not {"%chat --include", "%chat --reasoning-summary"} & set(found)
    assert all(word.startswith("%chat --") for word in found)


def test_what_the_endpoint_lacks_is_not_offered(complete: Complete) -> None:
    assert "%chat --reasoning-summary" not in complete("%chat --reasoning-s")
    assert "%chat --service-tier ultrafast" not in complete("%chat --service-tier ul")


def test_what_a_prompt_says_is_not_completed(complete: Complete) -> None:
    for cell in ("%chat -- --mod", "%chat what is --mod"):
        assert ours(complete(cell)) == [], cell
    if KNOWS_THE_CELL:
        assert ours(complete("%%chat\n%chat --mod")) == []


def test_threads_and_turns(shell: InteractiveShell, complete: Complete) -> None:
    shell.run_cell("%chat -t poems one\n%chat -t proofs two")
    assert complete("%chat -t p") == ["%chat -t poems", "%chat -t proofs"]
    assert complete('%chat -t "po') == ['%chat -t "poems']
    assert complete("%nbchat switch pr") == ["%nbchat switch proofs"]
    assert complete("%nbchat show po") == ["%nbchat show poems"]
    shell.run_cell("%nbchat switch poems")
    shell.run_cell("%chat three")
    extension = shell.magics_manager.magics["line"]["nbchat"].__self__
    ids = [turn.id[:4] for turn in extension.session.threads["poems"].turns]
    assert complete("%nbchat goto ") == [f"%nbchat goto {id}" for id in reversed(ids)]
    assert complete(f"%nbchat hide {ids[0]} {ids[1]}") == [f"%nbchat hide {ids[0]} {ids[1]}"]
    assert complete("%nbchat fork other --") == ["%nbchat fork other --at"]
    at = f"%nbchat fork other --at {ids[1]}"
    assert complete(at) == [at]
    assert complete("%nbchat export a.md --") == ["%nbchat export a.md --force"]
    assert complete("%nbchat export --force a.md po") == ["%nbchat export --force a.md poems"]


def test_models_are_those_heard_of_and_nobody_is_asked(
    shell: InteractiveShell, complete: Complete, server: ScriptedServer
) -> None:
    assert not [word for word in complete("%chat -m ") if word.endswith("listed")]
    server.script(*json_answer({"data": [{"id": "one-listed"}, {"id": "two-listed"}]}))
    shell.run_cell("%nbchat models")
    assert complete("%chat -m one") == ["%chat -m one-listed"]
    shell.run_cell("%chat hello")
    assert complete("%chat --model=test") == ["%chat --model=test-model"]
    assert [exchange.path for exchange in server.exchanges] == [
        "/v1/models",
        "/v1/chat/completions",
    ]


def test_files(complete: Complete) -> None:
    Path("notes").mkdir()
    for name in ("notes/a.md", "notes/a b.md", "notes/.hidden"):
        Path(name).touch()
    assert complete("%nbchat export no") == ["%nbchat export notes/"]
    assert complete("%chat -s @no") == ["%chat -s @notes/"]
    paths = ["%nbchat export notes/a.md", r"%nbchat export notes/a\ b.md"]
    assert set(complete("%nbchat export notes/")) == set(paths)
    assert "notes/.hidden" not in " ".join(complete("%nbchat export notes/"))
    assert not [word for word in complete("%nbchat export nowhere/") if word.endswith(".md")]


def test_unloading_takes_it_out_and_loading_twice_does_not_double_it(
    shell: InteractiveShell, complete: Complete
) -> None:
    shell.run_line_magic("reload_ext", "nbchat")
    assert complete("%chat --mod") == ["%chat --model"]
    shell.run_line_magic("unload_ext", "nbchat")
    assert "%chat --model" not in complete("%chat --mod")
    shell.run_line_magic("load_ext", "nbchat")
    assert "%chat --model" in complete("%chat --mod")


def test_completing_options_imports_no_client() -> None:
    code = """
import sys
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.Completer.use_jedi = False
shell.run_line_magic("load_ext", "nbchat")
with provisionalcompleter():
    for line in ("%chat --mo", "%chat -p ", "%chat -m gp"):
        assert list(shell.Completer.completions(line, len(line)))
print(sorted({"httpx", "pydantic", "ipywidgets", "markdown_it", "sqlite3"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['sqlite3']")  # IPython's own history uses SQLite


def test_a_broken_project_file_breaks_no_completion(
    shell: InteractiveShell, complete: Complete, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("%config NbChat.providers = {}")
    Path("pyproject.toml").write_text("[tool.nbchat]\nmodle = 'x'\n")
    assert "%chat -p openai" not in complete("%chat -p o")
    assert complete("%chat --mod") == ["%chat --model"]
    assert capsys.readouterr().err == ""
