"""llama.cpp's OpenAI-compatible server as a child of the kernel.

One child serves one model file for the whole process, and is started again if it died::

    server = start(weights.fetch())
    request(server.base_url + "/chat/completions", key=server.key.reveal(), model=server.model)

It listens on loopback, on a free port, and wants a random key. It ends with the process that
started it, also after SIGKILL: see `nbchat.local.child`.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import math
import os
import queue
import secrets
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from nbchat.errors import ConfigurationError
from nbchat.local import child as _child
from nbchat.local.weights import FILE_NAME, SERVED_MODEL
from nbchat.providers import Secret

__all__ = ["LocalServer", "installed", "start", "stop"]

CONTEXT = 8192
"""Tokens of prompt and answer together: the most that SmolLM2 was trained for."""

PARALLEL = 1
"""Answers at a time; further requests wait. One, because answers that are computed together
share batches, and their last bits then depend on each other. Each more costs memory for
`CONTEXT` tokens: 190 MB with SmolLM2."""

MAX_TOKENS = 1024
"""The longest answer of the embedded model if the request names no limit: a model of this size
can fall into a loop, and would fill the whole context, which takes minutes."""

START_SECONDS = 60.0
"""How long a model may take to load; SmolLM2 takes about one second."""


@dataclass(frozen=True)
class LocalServer:
    """A running server. Ask `start` for it before each request: it may have been replaced.

    Attributes:
        base_url: where its endpoints are, for example ``http://127.0.0.1:39257/v1``.
        key: the bearer token that it wants.
        model: the name that it gives to its model.
        context: tokens that one prompt and its answer may have together. A longer prompt is
            refused with HTTP 400, type ``exceed_context_size_error``; an answer that reaches the
            end has the finish reason ``length``.
    """

    base_url: str
    key: Secret
    model: str
    context: int
    _process: subprocess.Popen[bytes] = field(repr=False, compare=False)

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the child. It has nothing to save, so this takes milliseconds."""
        _end(self._process)


_servers: dict[tuple[Path, int, int], LocalServer] = {}
_lock = threading.Lock()


def installed() -> bool:
    """Whether xllamacpp can be imported; it is not imported for that."""
    return importlib.util.find_spec("xllamacpp") is not None


def require() -> None:
    """Check that the embedded model can run here, before anything is downloaded for it.

    Raises:
        ConfigurationError: xllamacpp is not installed; the text says how to install it.
    """
    if not installed():
        raise ConfigurationError(_not_installed())


def start(weights: Path, *, context: int = CONTEXT, parallel: int = PARALLEL) -> LocalServer:
    """Return the server for a model file; start it if it does not run.

    Safe to call from any thread, and cheap while the server runs. An interrupt while the model
    loads ends the child.

    Args:
        weights: a GGUF file, as `nbchat.local.weights.find` gives it.
        context: tokens of one prompt and its answer together, at least 1. The model's own limit
            holds if it is lower.
        parallel: answers at a time, at least 1; each has the whole ``context``. With more than
            one, the same request at temperature 0 can give another answer while others run.

    Raises:
        ConfigurationError: xllamacpp is not installed, or the model does not load.
    """
    name = (weights.resolve(), context, parallel)
    with _lock:
        server = _servers.get(name)
        if server is not None:
            if server.alive:
                return server
            server.close()  # its pipe is still open
        server = _servers[name] = _start(weights, context, parallel)
        return server


def stop() -> None:
    """End every child of this process; `start` starts them again."""
    with _lock:
        while _servers:
            _servers.popitem()[1].close()


def _start(weights: Path, context: int, parallel: int) -> LocalServer:
    spec = importlib.util.find_spec("xllamacpp")
    if spec is None or spec.origin is None:
        raise ConfigurationError(_not_installed())
    key = Secret(secrets.token_urlsafe(32))
    embedded = weights.name == FILE_NAME
    order = {
        "path": str(weights),
        "model": SERVED_MODEL if embedded else weights.stem,
        "context": context,
        "parallel": parallel,
        "max_tokens": MAX_TOKENS if embedded else -1,
        "threads": _threads(),
        "site": str(Path(spec.origin).parent.parent),
    }
    with tempfile.TemporaryFile() as log:
        process = _spawn(log)
        try:
            _send(process, order, key)
            report = _report(process, weights, log)
        except BaseException:  # an interrupt too: no child may be left behind
            _end(process)
            raise
    return LocalServer(
        f"http://127.0.0.1:{report['port']}/v1",
        key,
        report["model"],
        report["context"],
        process,
    )


def _spawn(log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the child, out of reach of the interrupts that are meant for the kernel."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    else:
        flags = 0
    try:
        return subprocess.Popen(
            # Isolated (-I): neither the notebook's folder nor PYTHON* variables choose what it
            # imports.
            [sys.executable, "-I", _child.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            start_new_session=True,
            creationflags=flags,
        )
    except OSError as error:
        raise ConfigurationError(
            f"the embedded model's server could not be started ({sys.executable}): {error}"
        ) from error


def _send(process: subprocess.Popen[bytes], order: dict[str, Any], key: Secret) -> None:
    assert process.stdin is not None
    # A child that died already has broken the pipe; the missing report tells the rest.
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps({**order, "key": key.reveal()}).encode() + b"\n")


def _report(process: subprocess.Popen[bytes], weights: Path, log: IO[bytes]) -> dict[str, Any]:
    """Wait for the child's report, in steps, so that an interrupt comes through everywhere."""
    stdout = process.stdout
    assert stdout is not None
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        with stdout:
            lines.put(stdout.readline())

    threading.Thread(target=read, name="nbchat-local", daemon=True).start()
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            line = lines.get(timeout=0.1)
            break
        except queue.Empty:
            if time.monotonic() > deadline:
                raise ConfigurationError(
                    f"the model {weights.name} did not load within {START_SECONDS:.0f} s\n"
                    "Choose a smaller GGUF file, or another provider."
                ) from None
    if line:
        report: dict[str, Any] = json.loads(line)
        return report
    process.wait()
    raise ConfigurationError(
        f"the model {weights.name} did not load: {_reason(process.returncode, log)}"
    )


def _reason(returncode: int, log: IO[bytes]) -> str:
    """Say in one line why a child ended that should have served."""
    if returncode < 0:
        name = signal.strsignal(-returncode)
        hint = "; this processor lacks what the xllamacpp wheel needs"
        return f"its server crashed ({name}{hint if -returncode == signal.SIGILL else ''})"
    if returncode != 1:  # which is Python's own, after an exception
        return f"its server crashed (exit code {returncode:#x})"
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    # llama.cpp's lines are "time level text"; its first error is the cause of the others.
    fields = (line.split(maxsplit=2) for line in lines)
    errors = [parts[2] for parts in fields if len(parts) == 3 and parts[1] == "E"]
    return " ".join((errors or lines[-1:] or ["it said nothing"])[0].split())[:300]


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    process.kill()
    # It is gone in milliseconds; should the system keep it, nobody waits for that.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1)


def _threads() -> int:
    """How many threads to compute with: half of the processors that this process may use.

    llama.cpp's threads wait for each other many times for each token, so one that must wait for
    a processor holds up all. On two processors that others kept busy, two threads gave 3 tokens
    per second and one gave 45. Half leaves room for the kernel, Jupyter and the browser, and is
    the number of cores where each counts as two processors. A container (a hub, Binder, Colab)
    often may use fewer than the machine has.
    """
    usable = os.cpu_count() or 1
    if sys.platform == "linux":
        usable = len(os.sched_getaffinity(0))
    # https://docs.kernel.org/admin-guide/cgroup-v2.html: "$MAX $PERIOD", both in microseconds
    with contextlib.suppress(OSError, ValueError):
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text("ascii").split()
        usable = min(usable, math.ceil(int(limit) / int(period)))  # "max" is no int: no limit
    return max(1, usable // 2)


def _not_installed() -> str:
    platform = sysconfig.get_platform()
    musl = "musl" in str(sysconfig.get_config_var("SOABI"))
    if musl or platform == "win-arm64":
        where = "musl-based Linux" if musl else "Windows on ARM"
        return (
            f"the embedded model needs xllamacpp, which has no prebuilt wheel for {where}\n"
            "Name another provider (-p), or the base URL of a server that you run (--base-url)."
        )
    return (
        "the embedded model needs the package xllamacpp, which is not installed\n"
        'Install it with: pip install "nbchat[local]"'
    )


def _at_exit() -> None:
    # Without the lock: the exit waits for no thread. A child that is just starting ends by itself.
    for server in list(_servers.values()):
        server.close()


def _forget() -> None:
    """In a forked copy of the kernel, let go of the kernel's servers.

    A copy holds the writing end of the pipe too. Without this, a server would live until the
    last copy (a worker of `multiprocessing`) has ended.
    """
    global _lock
    _lock = threading.Lock()  # another thread may have held it at the moment of the fork
    for server in _servers.values():
        if server._process.stdin is not None:
            server._process.stdin.close()
        server._process.returncode = 0  # not ours: neither to wait for nor to warn about
    _servers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
atexit.register(_at_exit)
