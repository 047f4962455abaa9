"""The magics in a real IPython shell, against a scripted server."""

from __future__ import annotations

import subprocess
import sys

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbchat.errors import (
    Interrupted,
    NotFoundError,
    StreamError,
    UsageError,
)
from nbchat.reply import Reply
from tests.support.cells import bodies, run, texts
from tests.support.server import (
    ScriptedServer,
    chat_stream,
    error_answer,
    responses_stream,
)


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
    assert texts(body) == [("user", "Say hello.")]
    assert (body["model"], body["temperature"], body["stream"]) == ("lab-model", 0, True)
    assert server.exchanges[0].path == "/v1/chat/completions"


def test_the_next_cell_continues_the_thread(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    server.script(*chat_stream("One."))
    server.script(*chat_stream("Two."))
    run(shell, "%%chat -s 'Count.'\none")
    run(shell, "%%chat\ntwo")
    assert texts(bodies(server)[1]) == [
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
    prompts = [[text for role, text in texts(body) if role == "user"] for body in bodies(server)]
    assert prompts == [["a"], ["b"], ["c"], ["a", "d"], ["e"], ["e", "f"]]


def test_the_system_message_stays_with_its_thread_until_it_is_cleared(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    for cell in ("%%chat -s S\na", "%%chat -t other\nb", "%%chat\nc", "%%chat -s ''\nd"):
        run(shell, cell)
    assert [texts(body)[0][0] for body in bodies(server)] == ["system", "user", "system", "user"]


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
    assert texts(second) == [("user", "one"), ("assistant", "One."), ("user", "two")]
    assert [text for _, text in texts(third)] == ["S", "one", "One.", "two", "Two.", "three"]


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
    assert [text for _, text in texts(bodies(server)[2])] == ["old", "one", "echo: one", "three"]


def test_a_failed_new_start_keeps_the_thread(
    shell: InteractiveShell, server: ScriptedServer
) -> None:
    run(shell, "%%chat\none")
    server.script(*error_answer(404, "no such model"))
    with pytest.raises(NotFoundError):
        run(shell, "%%chat --new\ntwo")
    run(shell, "%%chat\nthree")
    assert [text for _, text in texts(bodies(server)[2])] == ["one", "echo: one", "three"]


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
    assert [text for _, text in texts(bodies(server)[1])] == ["one", "Half an ans", "two"]


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


def test_loading_twice_unloading_and_reloading(
    shell: InteractiveShell, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shell, "%%chat\none")
    shell.run_line_magic("reload_ext", "nbchat")
    run(shell, "%%chat\ntwo")
    assert [text for _, text in texts(bodies(server)[1])] == ["one", "echo: one", "two"]
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
    assert "poems  1 turn   a haiku on rain" in capsys.readouterr().out
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
