"""A server of somebody else's, run as a program for as long as tests need it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

PATIENCE = 30.0
"""Seconds after which an answer to the tests themselves is given up."""

# The servers are asked here without the proxies of whoever runs the tests.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class Program:
    """A server in a process of its own; it is there while the ``with`` block lasts.

    Args:
        command: what to run; the port is the program's choice.
        address: matches the line that says where it listens; the first group is the URL.
        environment: variables besides those of the tests.
    """

    def __init__(
        self, command: Sequence[str], address: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._address = re.compile(address)
        self._environment = {**os.environ, **(environment or {})}
        self.url = ""
        self.output: list[str] = []

    def __enter__(self) -> Program:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        listening = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(listening,), daemon=True)
        self._reader.start()
        listening.wait(PATIENCE)
        if not self.url:
            self.__exit__(None, None, None)
            raise AssertionError(f"{self._command} did not start:\n{''.join(self.output)}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the server something itself, and return its JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with _open(request, timeout=PATIENCE) as response:
            return json.load(response)

    def _read(self, listening: threading.Event) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(line)
            found = self._address.search(line)
            if found and not self.url:
                self.url = found[1]
                listening.set()
        listening.set()  # it has ended
