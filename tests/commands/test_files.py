"""Out to files and in again; the journal; what it cost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import nbchat.session
from nbchat.errors import UsageError
from tests.support.server import ScriptedServer, chat_chunk, chat_stream, sse

Run = Callable[[str], str]


@pytest.mark.parametrize("ending", [".md", ".ipynb", ".jsonl", ".json"])
def test_a_thread_is_written_in_four_forms(run: Run, ending: str) -> None:
    run("%chat one")
    assert run(f'%nbchat export "my thread{ending}"').startswith("wrote the thread main (1 turn)")
    assert "echo: one" in Path(f"my thread{ending}").read_text("utf-8")
    with pytest.raises(UsageError, match="must end in"):
        run("%nbchat export thread.doc")
    with pytest.raises(UsageError, match="no thread is named"):
        run(f"%nbchat export x{ending} nope")


@pytest.mark.parametrize("file", ["thread.md", "thread.ipynb", "thread.jsonl", "thread.json"])
def test_a_file_that_is_there_is_overwritten_by_force_alone(run: Run, file: str) -> None:
    run("%chat one")
    Path(file).write_text("three weeks of work", "utf-8")
    with pytest.raises(UsageError, match=r"(?s)is there already.*another file, or add --force"):
        run(f"%nbchat export {file}")
    assert Path(file).read_text("utf-8") == "three weeks of work"
    run(f"%nbchat export {file} --force")
    assert "echo: one" in Path(file).read_text("utf-8")
    assert "thread main" in run(f"%nbchat export --force {file} main")


def test_what_was_exported_comes_in_again(run: Run, server: ScriptedServer) -> None:
    run("%chat -s Brief. one\n%nbchat set temperature=0\n%nbchat export main.json")
    assert run("%nbchat import main.json") == "main-2  1 turn\n"
    run("%chat -t main-2 two")
    sent = server.exchanges[-1].json
    assert [message["content"] for message in sent["messages"]] == [
        "Brief.",
        "one",
        "echo: one",
        "two",
    ]
    assert sent["temperature"] == 0
    with pytest.raises(UsageError, match="can't be read"):
        run("%nbchat import nothing.json")


def spent(run: Run) -> dict[str, str]:
    """The number of turns by thread, as ``%nbchat usage`` has it; a single one has no total."""
    rows = (line.split() for line in run("%nbchat usage").split("\n\n")[0].splitlines()[1:])
    return {row[0]: row[1] if row[0] == "total" else row[2] for row in rows}


def test_what_was_imported_was_not_spent_here(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("%chat one\n%nbchat export main.json\n%nbchat import main.json")
    assert spent(run) == {"main": "1"}
    run("%chat -t main-2 two")
    assert spent(run) == {"main": "1", "main-2": "1", "total": "2"}
    fresh_kernel(monkeypatch, run)
    run(f"%nbchat restore {run('%nbchat restore').splitlines()[1].split()[0]}")
    assert spent(run)["total"] == "2"


def test_a_file_does_not_choose_the_server(run: Run, server: ScriptedServer) -> None:
    run("%chat one\n%nbchat set base_url=https://evil.example/v1 provider=local")
    run("%nbchat export main.json")
    assert "without its setting of provider and base_url" in run("%nbchat import main.json")
    run("%chat -t main-2 two")
    assert len(server.exchanges) == 2


def test_a_file_with_wrong_settings_is_refused(run: Run) -> None:
    run("%chat one\n%nbchat set temperature=0\n%nbchat export main.json")
    file = Path("main.json")
    file.write_text(file.read_text("utf-8").replace('"temperature": 0.0', '"temperature": 99'))
    assert json.loads(file.read_text("utf-8"))["thread"]["options"] == {"temperature": 99}
    with pytest.raises(UsageError, match="from 0 to 2"):
        run("%nbchat import main.json")
    assert "main-2" not in run("%nbchat threads")


def fresh_kernel(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Go on as a new kernel of the same profile would."""
    run("%unload_ext nbchat")
    monkeypatch.setattr(nbchat.session, "_shared", [])
    run("%load_ext nbchat")


def test_threads_are_restored(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    run("%chat one\n%chat -t other two\n%nbchat set temperature=0")
    fresh_kernel(monkeypatch, run)
    assert run("%nbchat restore") == "main  1 turn\nother  1 turn\n"
    run("%chat three")
    sent = server.exchanges[-1].json
    assert [m["content"] for m in sent["messages"]] == ["one", "echo: one", "three"]
    assert sent["temperature"] == 0
    assert "is here already" in run("%nbchat restore")


def test_a_choice_that_was_picked_is_restored(
    run: Run, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    server.script(chat_chunk({"content": "second"}, index=1), *chat_stream("first"))
    run("%chat -n 2 one\n%nbchat pick 2")
    fresh_kernel(monkeypatch, run)
    run("%nbchat restore\n%chat two")
    sent = server.exchanges[-1].json["messages"]
    assert [m["content"] for m in sent] == ["one", "second", "two"]


def test_without_a_name_the_journal_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nothing of earlier kernels" in run("%nbchat restore")
    run("%chat one")
    fresh_kernel(monkeypatch, run)
    said = run("%nbchat restore")
    assert "main (1 turn)" in said
    ref = said.splitlines()[1].split()[0]
    assert run(f"%nbchat restore {ref}") == "main  1 turn\n"
    with pytest.raises(UsageError, match=r"(?s)no record.*%nbchat restore --list shows them"):
        run("%nbchat restore zzzz")


def test_the_journal_is_listed_where_it_could_be_restored(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "lesson.ipynb")
    run("%chat one")
    fresh_kernel(monkeypatch, run)
    said = run("%nbchat restore --list")
    assert "lesson.ipynb" in said
    assert "no threads yet" in run("%nbchat threads")
    ref = said.splitlines()[1].split()[0]
    assert run(f"%nbchat restore {ref}") == "main  1 turn\n"


def test_a_thread_without_turns_is_not_restored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("%chat one\n%nbchat switch empty\n%nbchat set temperature=0")
    fresh_kernel(monkeypatch, run)
    said = run("%nbchat restore")
    assert "empty" not in said
    ref = said.splitlines()[1].split()[0]
    assert run(f"%nbchat restore {ref}") == "main  1 turn\n"


def test_what_is_forgotten_is_in_no_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("%chat -t other two\n%chat a-very-special-word")
    assert "is gone" in run("%nbchat forget main")
    with pytest.raises(UsageError, match="was deleted"):
        run("%nbchat undelete main")
    with pytest.raises(UsageError, match="no answer yet"):
        run("%nbchat show --last")
    fresh_kernel(monkeypatch, run)
    files = list((tmp_path / "ipython").rglob("nbchat.sqlite*"))
    assert files
    for file in files:
        assert b"a-very-special-word" not in file.read_bytes()
    assert "main" not in run("%nbchat restore")


def test_what_is_pruned_can_not_be_restored(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("%chat -t earlier one")
    fresh_kernel(monkeypatch, run)
    run("%chat two")
    assert "forgotten 0 kernels" in run("%nbchat prune 1")
    assert "earlier (1 turn)" in run("%nbchat restore")
    assert "forgotten 1 kernel;" in run("%nbchat prune 0")
    assert "nothing of earlier kernels" in run("%nbchat restore")
    assert "main  1 turn" in run("%nbchat threads")
    with pytest.raises(UsageError, match="a number of days"):
        run("%nbchat prune -1")


def test_a_deleted_thread_can_be_forgotten(run: Run) -> None:
    run("%chat one\n%nbchat delete main\n%nbchat forget main")
    with pytest.raises(UsageError, match="no thread is named"):
        run("%nbchat forget main")


def test_usage_by_thread_and_model(run: Run, server: ScriptedServer) -> None:
    assert run("%nbchat usage") == "nothing was asked yet\n"
    server.script(
        chat_chunk({"content": "Hi."}, finish_reason="stop"),
        sse(
            {
                "id": "c",
                "choices": [],
                "usage": {"prompt_tokens": 1000, "completion_tokens": 20, "cost": 0.5},
            }
        ),
        sse("[DONE]"),
    )
    run("%chat one\n%chat -t other two")
    head, main, other, whole = run("%nbchat usage").split("\n\n")[0].splitlines()
    assert head.startswith("thread  model")
    assert main.split()[2:5] == ["1", "1000", "0"]
    assert "$0.5000" in main
    assert other.endswith("not known")
    assert whole.startswith("total")
    assert "$0.5000 (without 1 turn)" in whole
