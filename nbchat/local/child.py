"""The child process: llama.cpp's server on loopback, alive as long as its standard input.

It is run as a script, so that it imports nothing of nbchat. Its standard input carries one line
of JSON (`main` says which) and then stays silent. When the kernel ends, for whatever reason and
SIGKILL included, the operating system closes the pipe, and the child reads the end of file and
exits. That needs no signal and no process id, and works the same on every system.

Its standard output carries one line of JSON: ``{"port", "model", "context"}``.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

PROMPT_BATCH = 128
"""Tokens of a prompt that are evaluated at once. The server looks between two batches whether
the client is still there: with llama.cpp's 2048, a long prompt that was interrupted held up the
next one for many seconds. On a processor, smaller batches cost nothing (5 s of CPU time for 731
tokens with 128, 256 and 512)."""

# Switches that close what nbchat does not use, where this version of xllamacpp has them: the
# web page, the view of the slots, requests from other web pages (CORS).
_CLOSED = {"ui": False, "webui": False, "endpoint_slots": False, "cors_origins": ""}
# The same request gives the same answer only if nothing of an earlier one is reused: tokens from
# the prompt cache were evaluated in batches of other sizes, and their last bits differ enough to
# change an answer at temperature 0. A request may still ask for it ("cache_prompt": true).
_NO_REUSE = {"cache_prompt": False, "cache_ram_mib": 0, "cache_idle_slots": False}


def _private(fd: int, instead: int) -> int:
    """Return a copy of ``fd`` for this file alone, and put ``instead`` in its place."""
    copy = os.dup(fd)
    os.dup2(instead, fd)
    return copy


def _params(xllamacpp: Any, order: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = order["path"]
    params.model_alias = {order["model"]}
    params.api_keys = [order["key"]]
    params.port = 0
    params.n_parallel = order["parallel"]
    # Each slot has a part of its own: in a shared ("unified") one, the answers depend on what the
    # other slots hold.
    params.n_ctx = order["context"] * order["parallel"]
    params.n_predict = order["max_tokens"]
    params.n_batch = PROMPT_BATCH
    params.use_jinja = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = order["threads"]
    for name, value in {**_CLOSED, **_NO_REUSE}.items():
        if hasattr(params, name):
            setattr(params, name, value)
    return params


def _describe(address: str, key: str) -> dict[str, Any]:
    """Ask the server itself what it serves, and so see that it answers."""
    url = urlsplit(address)
    if url.hostname != "127.0.0.1":
        raise RuntimeError(f"the server listens on {url.hostname}, not on loopback alone")
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
    props = json.load(connection.getresponse())
    connection.close()
    context = props["default_generation_settings"]["n_ctx"]
    return {"port": url.port, "model": props["model_alias"], "context": context}


def _exit_at_end(stdin: int) -> None:
    while os.read(stdin, 1024):
        pass
    os._exit(0)  # at once: there is nothing to save


def main() -> None:
    """Serve as standard input says, until it ends.

    Its line: ``path`` of the model file, ``model`` (the name to serve it under), ``key``,
    ``context`` (tokens of each slot), ``parallel`` (slots), ``max_tokens`` (of an answer whose
    request names no limit; -1 for none), ``threads`` (to compute with), ``site`` (the folder that
    holds xllamacpp).
    """
    # The kernel's interrupts are not meant for this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # llama.cpp's log must not reach the report, nor may the library wait for our input.
    null = os.open(os.devnull, os.O_RDWR)
    stdin, stdout = _private(0, null), _private(1, 2)
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(stdin, 65536)
        if not more:
            return
        line += more
    order = json.loads(line)
    # Appended, so that what lies beside xllamacpp shadows nothing.
    sys.path.append(order["site"])
    # Imported before a thread reads the pipe: on Windows, loading a library can wait for a
    # blocking read of the standard input.
    import xllamacpp

    # While a model loads, llama.cpp holds the interpreter, so this thread acts just after.
    watcher = threading.Thread(target=_exit_at_end, args=(stdin,), daemon=True)
    watcher.start()
    serving = xllamacpp.Server(_params(xllamacpp, order))
    report = _describe(serving.listening_address, order["key"])
    os.write(stdout, json.dumps(report).encode() + b"\n")
    os.close(stdout)
    os.dup2(null, 2)  # from here on, nobody reads the log
    watcher.join()


if __name__ == "__main__":
    main()
