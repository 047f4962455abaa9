"""The embedded server, with the real model in real child processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbchat import local
from nbchat.errors import ConfigurationError
from nbchat.local import LocalServer, server

pytestmark = pytest.mark.model
posix = pytest.mark.skipif(os.name != "posix", reason="signals and named pipes of POSIX")

# A loopback request must not go through a proxy that the environment names.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request(
    base_url: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> tuple[int, dict[str, Any]]:
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    try:
        with _opener.open(urllib.request.Request(base_url + path, data, headers)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def ask(at: LocalServer, prompt: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {"messages": [{"role": "user", "content": prompt}], "temperature": 0, **fields}
    return request(at.base_url, "/chat/completions", {"model": at.model, **body}, at.key.reveal())


def text(answer: tuple[int, dict[str, Any]]) -> str:
    status, body = answer
    assert status == 200, body
    content = body["choices"][0]["message"]["content"]
    assert isinstance(content, str)
    return content


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for something that must happen; the deadline only keeps a failure from hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    # A zombie has ended; in a container, perhaps nobody collects it.
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- What it serves


def test_both_endpoints_answer(running: LocalServer) -> None:
    assert text(ask(running, "Say hello.", max_tokens=20))
    body = {"model": running.model, "input": "Say hello.", "max_output_tokens": 20}
    status, answer = request(running.base_url, "/responses", body, running.key.reveal())
    assert status == 200
    assert answer["output"][0]["content"][0]["text"]


def test_it_says_what_it_is(running: LocalServer) -> None:
    assert running.model == local.SERVED_MODEL
    assert running.context == 8192
    _, listed = request(running.base_url, "/models", key=running.key.reveal())
    assert [model["id"] for model in listed["data"]] == [running.model]


@pytest.mark.parametrize("key", [None, "", "wrong"])
@pytest.mark.parametrize("path", ["/chat/completions", "/responses", "/models"])
def test_without_the_key_it_refuses(running: LocalServer, path: str, key: str | None) -> None:
    body = None if path == "/models" else {"input": "hi", "messages": []}
    status, answer = request(running.base_url, path, body, key)
    assert status == 401
    assert answer["error"]["type"] == "authentication_error"


def test_it_listens_on_loopback_alone(running: LocalServer) -> None:
    listening = [
        connection.laddr.ip
        for connection in psutil.Process(running.pid).net_connections()
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_other_web_pages_may_not_read_it(running: LocalServer) -> None:
    headers = {"Origin": "http://evil.example", "Authorization": f"Bearer {running.key.reveal()}"}
    ask_models = urllib.request.Request(running.base_url + "/models", headers=headers)
    with _opener.open(ask_models) as answer:
        assert not answer.headers["Access-Control-Allow-Origin"]


def test_a_prompt_beyond_the_context_is_refused(running: LocalServer) -> None:
    status, answer = ask(running, "word " * 9000)
    assert status == 400
    assert answer["error"]["type"] == "exceed_context_size_error"
    assert answer["error"]["n_ctx"] == running.context


def test_an_answer_without_a_limit_ends(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_TOKENS", 5)
    small = server.start(weights, context=512)
    status, answer = ask(small, "Write a long story.")
    small.close()
    assert status == 200
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 5


# --- Equal requests give equal answers


def test_the_same_request_gives_the_same_answer(running: LocalServer) -> None:
    # Long enough that reused parts of the prompt would change the last bits (and did).
    prompt = "Explain recursion in one paragraph. " * 12
    fields = {"max_tokens": 40, "logprobs": True}

    def answer() -> Any:
        status, body = ask(running, prompt, **fields)
        assert status == 200
        assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
        tokens = body["choices"][0]["logprobs"]["content"]
        return [(token["token"], token["logprob"]) for token in tokens]

    first = answer()
    assert answer() == first
    ask(running, "Something else.", max_tokens=5)
    assert answer() == first


def test_requests_at_the_same_time_do_not_change_each_other(running: LocalServer) -> None:
    prompts = [f"Count from {n} to {n + 5}." for n in (1, 20, 300)]
    alone = [text(ask(running, prompt, max_tokens=30)) for prompt in prompts]
    together: dict[str, str] = {}
    threads = [
        threading.Thread(
            target=lambda p=prompt: together.update({p: text(ask(running, p, max_tokens=30))})
        )
        for prompt in prompts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[prompt] for prompt in prompts] == alone


def test_each_parallel_answer_has_the_whole_context(weights: Path) -> None:
    two = server.start(weights, context=1024, parallel=2)
    assert two.context == 1024
    status, answer = ask(two, "Hi.", n=2, max_tokens=5)
    two.close()
    assert status == 200
    assert len(answer["choices"]) == 2


def test_no_more_context_than_the_model_has(weights: Path) -> None:
    huge = server.start(weights, context=10_000)
    huge.close()
    assert huge.context == 8192


# --- Its life


def test_one_child_for_one_file(running: LocalServer, weights: Path) -> None:
    started: list[LocalServer] = []
    threads = [
        threading.Thread(target=lambda: started.append(server.start(weights))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started == [running] * 4


def test_it_starts_again_after_it_died(weights: Path) -> None:
    first = server.start(weights, context=512)
    psutil.Process(first.pid).kill()
    until(lambda: not first.alive, "the child is gone")
    second = server.start(weights, context=512)
    assert second.pid != first.pid
    assert second.key.reveal() != first.key.reveal()
    assert text(ask(second, "Say hello.", max_tokens=5))
    second.close()
    assert not second.alive


def test_a_file_of_the_users_own_has_its_own_name(weights: Path, tmp_path: Path) -> None:
    mine = tmp_path / "My-Model.gguf"
    try:
        mine.hardlink_to(weights)
    except OSError:  # another disk
        mine.write_bytes(weights.read_bytes())
    started = server.start(mine, context=512)
    status, answer = ask(started, "Say hello.", max_tokens=5)
    started.close()
    assert status == 200
    assert started.model == answer["model"] == "My-Model"


def test_the_key_shows_nowhere(running: LocalServer) -> None:
    key = running.key.reveal()
    child = psutil.Process(running.pid)
    assert key not in " ".join(child.cmdline())
    assert key not in "".join(child.environ().values())
    assert key not in repr(running)
    assert len(key) >= 43  # 32 random bytes in base64


_PARENT = """
import sys, time
from pathlib import Path
from nbchat.local import server
print(server.start(Path(sys.argv[1]), context=512).pid, flush=True)
{then}
"""


def parent(weights: Path, then: str) -> tuple[subprocess.Popen[str], int]:
    """Start a Python process that starts a server; return it and the server's process id."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", _PARENT.format(then=then), str(weights)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_it_ends_with_its_parent(weights: Path) -> None:
    process, pid = parent(weights, "")
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert gone(pid)


def test_it_ends_with_a_killed_parent(weights: Path) -> None:
    process, pid = parent(weights, "time.sleep(600)")
    assert not gone(pid)
    process.kill()
    process.communicate()
    until(lambda: gone(pid), "the child ends after its parent was killed")


@posix
def test_an_interrupt_of_the_kernel_does_not_reach_it(weights: Path) -> None:
    then = (
        "try: print('ready', flush=True); time.sleep(600)\n"
        "except KeyboardInterrupt: print('stopped', flush=True)\n"
        "input()"
    )
    process, pid = parent(weights, then)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    assert process.stdout.readline() == "stopped\n"
    assert not gone(pid)
    process.communicate("\n")
    until(lambda: gone(pid), "the child ends with its parent")


_FORK = "import os, warnings; warnings.simplefilter('ignore')\nworker = os.fork()\n"


@posix
def test_a_forked_worker_does_not_keep_it_alive(weights: Path) -> None:
    then = f"{_FORK}if worker: print(worker, flush=True)\ntime.sleep(600)"
    process, pid = parent(weights, then)
    assert process.stdout is not None
    worker = int(process.stdout.readline())
    process.kill()
    until(lambda: gone(pid), "the child ends, though the worker lives")
    assert not gone(worker)
    os.kill(worker, signal.SIGKILL)
    process.communicate()


@posix
def test_a_forked_worker_leaves_it_alone(weights: Path) -> None:
    then = (
        f"{_FORK}if not worker: sys.exit(server.stop())\n"
        "os.waitpid(worker, 0)\n"
        "print(server.start(Path(sys.argv[1]), context=512).pid)"
    )
    process, pid = parent(weights, then)
    output, errors = process.communicate()
    assert (int(output), errors) == (pid, "")


# --- What goes wrong


_LOADING = """
import sys, time
with open({mark!r}, "w"):  # opens as soon as the test reads it
    pass
time.sleep(600)
"""


@pytest.fixture
def endless(tmp_path: Path) -> tuple[Path, Path]:
    """A child that loads for ever, and a named pipe that ends when it has begun to."""
    os.mkfifo(tmp_path / "mark")
    script = tmp_path / "endless.py"
    script.write_text(_LOADING.format(mark=str(tmp_path / "mark")))
    return script, tmp_path / "mark"


@posix
def test_an_interrupt_while_loading_ends_the_child(endless: tuple[Path, Path]) -> None:
    script, mark = endless
    code = f"from nbchat.local import server; server._child.__file__ = {str(script)!r}\n"
    process = subprocess.Popen(
        [sys.executable, "-c", code + _PARENT.format(then=""), "any.gguf"],
        stderr=subprocess.PIPE,
        text=True,
    )
    mark.read_text()
    (child,) = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert gone(child.pid)


@posix
def test_a_model_that_never_loads_is_given_up(
    endless: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._child, "__file__", str(endless[0]))
    monkeypatch.setattr(server, "START_SECONDS", 0.0)
    before = psutil.Process().children()
    with pytest.raises(ConfigurationError, match=r"any\.gguf did not load within"):
        server.start(Path("any.gguf"))
    assert psutil.Process().children() == before


def test_a_broken_model_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(
        ConfigurationError, match=r"^the model broken\.gguf did not load: .+$"
    ) as e:
        server.start(broken)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("crash", "words"),
    [
        ("os._exit(3)", r"its server crashed \(exit code 0x3\)"),
        pytest.param(
            "os.kill(os.getpid(), signal.SIGILL)",
            r"its server crashed \(Illegal instruction; this processor lacks",
            marks=posix,
        ),
    ],
)
def test_a_crashed_child_says_so(
    crash: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "crash.py"
    script.write_text(f"import os, signal\n{crash}\n")
    monkeypatch.setattr(server._child, "__file__", str(script))
    with pytest.raises(ConfigurationError, match=words):
        server.start(tmp_path / "any.gguf")


def test_without_xllamacpp_it_says_what_to_install(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # Python's way to say: not there
    assert not server.installed()
    assert not local.available()
    with pytest.raises(ConfigurationError, match=r'pip install "nbchat\[local\]"'):
        server.start(weights, context=256)


@pytest.mark.parametrize(
    ("tag", "abi", "where"),
    [
        ("linux-x86_64", "cpython-311-x86_64-linux-musl", "musl-based Linux"),
        ("win-arm64", None, "Windows on ARM"),
    ],
)
def test_where_no_wheel_exists_it_says_so(
    tag: str, abi: str | None, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_platform", lambda: tag)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _: abi)
    message = server._not_installed()
    assert where in message
    assert "--base-url" in message


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, nbchat.local as local; local.available();"
        "print([m for m in ('httpx', 'IPython', 'ipywidgets', 'xllamacpp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_exported_names() -> None:
    assert set(local.__all__) == {
        "SERVED_MODEL",
        "LocalServer",
        "Progress",
        "available",
        "server",
        "weights",
    }
    assert all(hasattr(local, name) for name in local.__all__)
