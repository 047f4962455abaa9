"""Exports of threads that were really asked: notebooks run again, and no file holds a key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from nbchat.conversation import Conversation
from nbchat.errors import APIError
from nbchat.exchange import export
from nbchat.journal import Journal
from nbchat.messages import Endpoint
from nbchat.options import Options
from nbchat.session import Session
from nbchat.settings import NbChat
from tests.support.server import ScriptedServer, chat_chunk, chat_stream, responses_stream, sse
from tests.support.shell import retire

CANARY = "sk-canary-0123456789"


@pytest.fixture
def session(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("LAB_KEY", CANARY)
    lab = {"base_url": server.base_url, "model": "m", "key_variable": "LAB_KEY"}
    session = Session(NbChat(provider="lab", providers={"lab": lab}))
    yield session
    session.close()


@pytest.fixture
def shell(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setattr("nbchat.session._shared", [])
    config = Config()
    config.HistoryManager.enabled = False
    config.NbChat.providers = {"lab": {"base_url": server.base_url}}
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config)
    yield shell
    shell.run_line_magic("unload_ext", "nbchat")
    retire(shell)


def ask(session: Session, text: str, **options: object) -> None:
    chosen = Options.of(**options)
    for _ in session.run(session.plan(text, chosen, "chat")):
        pass


def test_a_notebook_asks_the_same_again(
    server: ScriptedServer, session: Session, shell: InteractiveShell, tmp_path: Path
) -> None:
    server.script(*chat_stream("One."))
    prompt = 'first\n\n  with "quotes", 100% and \\n  '
    ask(session, prompt, system='Say "x".\nThen y.', temperature=0.5, max_tokens=9)
    server.script(*responses_stream("Two."))
    for _ in session.run(session.plan("second", Options(model="other"), "responses")):
        pass
    file = export(session.thread(), tmp_path / "thread.ipynb")
    server.script(*chat_stream("One."))
    server.script(*responses_stream("Two."))
    for cell in nbformat.read(file, as_version=4).cells:
        shell.run_cell(cell.source).raise_error()
    asked = [exchange.json for exchange in server.exchanges]
    assert len(asked) == 4
    assert asked[2:] == asked[:2]


@pytest.mark.parametrize("endpoint", ["chat", "responses"])
@pytest.mark.parametrize(
    "text", ["{{ n }}", "a \\{{ b }} {{", '{"a": {"b": {{}}}}', "a\n", "\n\n  a\n\n", ">>> 1\n1"]
)
def test_a_notebook_sends_the_same_text_again(
    text: str,
    endpoint: Endpoint,
    server: ScriptedServer,
    session: Session,
    shell: InteractiveShell,
    tmp_path: Path,
) -> None:
    for _ in session.run(session.plan(text, Options(), endpoint)):
        pass
    file = export(session.thread(), tmp_path / "thread.ipynb")
    for cell in nbformat.read(file, as_version=4).cells:
        shell.run_cell(cell.source).raise_error()
    first, again = (exchange.json for exchange in server.exchanges)
    assert again == first


def test_what_was_said_by_hand_is_said_again(
    server: ScriptedServer, session: Session, shell: InteractiveShell, tmp_path: Path
) -> None:
    texts = ["it's", "a\\ b\n", '"x" and\n\n{{ y }}', " -x "]
    thread = session.thread()
    for number, text in enumerate(texts):
        thread.say("user" if number % 2 == 0 else "assistant", text)
    session.keep(thread)
    ask(session, "and now?")
    file = export(session.thread(), tmp_path / "thread.ipynb")
    for cell in nbformat.read(file, as_version=4).cells:
        shell.run_cell(cell.source).raise_error()
    first, again = (exchange.json for exchange in server.exchanges)
    assert [message["content"] for message in first["messages"]] == [*texts, "and now?"]
    assert again == first


def test_no_file_holds_a_key(server: ScriptedServer, session: Session, tmp_path: Path) -> None:
    server.script(*chat_stream("One."))
    ask(session, "first")
    # A gateway that says in the middle of an answer which key it did not like.
    broken = {"error": {"message": f"the key {CANARY} has no credit", "param": CANARY}}
    server.script(chat_chunk({"role": "assistant", "content": "Tw"}), sse(broken))
    with contextlib.suppress(APIError):
        ask(session, "second")
    assert [exchange.headers["authorization"] for exchange in server.exchanges] == [
        f"Bearer {CANARY}"
    ] * 2
    thread: Conversation = session.thread()
    assert thread.turns[1].answer.error is not None
    journal = Journal(tmp_path / "journal.sqlite")
    journal.save(thread)
    assert journal.flush(5)
    for ending in ("md", "ipynb", "jsonl", "json"):
        export(thread, tmp_path / f"thread.{ending}")
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    journal.close(5)
    assert len(files) >= 5
    assert all(b"canary" not in file for file in files)
    assert any(b"has no credit" in file for file in files)
