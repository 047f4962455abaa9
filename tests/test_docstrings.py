"""The examples of the docstrings hold."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import nbchat

# The child is a program, not a module; the examples of the interface ask the embedded model and
# run with its tests.
LEFT_OUT = {"nbchat.local.child", "nbchat.api"}
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(nbchat.__path__, "nbchat.")
    if module.name not in LEFT_OUT
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", nbchat.__all__)
def test_every_public_name_has_an_example(name: str) -> None:
    text = getattr(nbchat, name).__doc__
    assert ">>>" in text or "%load_ext" in text or "%unload_ext" in text
