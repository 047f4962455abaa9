"""The shell of these tests: standard output is what a terminal shows."""

from __future__ import annotations

from tests.support.shell import server, shell

__all__ = ["server", "shell"]
