"""The settings: `NbChat` (traitlets), the nearest ``pyproject.toml``, the environment.

What the magic line says goes first; then ``%config NbChat`` and ``ipython_config.py``; then
``[tool.nbchat]`` in the nearest ``pyproject.toml``; then the environment; then the provider's own
default. Where a value came from matters: a project's file is somebody else's text, so it may name
a server but never decides where a key goes (see `nbchat.providers`).
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets import Bool, Dict, Enum, Float, TraitError, TraitType, Unicode, Union, validate
from traitlets.config import Configurable

from nbchat.errors import UsageError
from nbchat.options import closest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT_KEYS = ("provider", "model", "base_url", "timeout", "display", "providers")
ENTRY_KEYS = ("base_url", "model", "key_variable", "max_tokens")
VARIABLES = {
    "provider": "NBCHAT_PROVIDER",
    "model": "NBCHAT_MODEL",
    "base_url": "NBCHAT_BASE_URL",
    "timeout": "NBCHAT_TIMEOUT",
    "display": "NBCHAT_DISPLAY",
    "local_model": "NBCHAT_LOCAL_MODEL",
}
DISPLAYS = ("auto", "widgets", "html", "text")


class NbChat(Configurable):
    """Settings of the nbchat magics."""

    provider = Unicode(
        None,
        allow_none=True,
        help="Name of the provider to ask: openai, aimlapi, cloudflare, local, or an entry of "
        "`providers`. Unset: the first one whose key is found.",
    ).tag(config=True)
    model = Unicode(
        None, allow_none=True, help="Model to ask for. Unset: the provider's default."
    ).tag(config=True)
    base_url = Unicode(
        None,
        allow_none=True,
        help="Base URL of an OpenAI-compatible server. It is sent NBCHAT_API_KEY, if that is set.",
    ).tag(config=True)
    providers = Dict(
        help="Named servers: {'lab': {'base_url': 'http://lab:8000/v1', 'model': 'm', "
        "'key_variable': 'LAB_API_KEY', 'max_tokens': 'max_tokens'}}. `key_variable` names the "
        "environment variable that holds the key; `max_tokens` the field that carries "
        "--max-tokens on chat.",
    ).tag(config=True)
    timeout = Float(
        None,
        allow_none=True,
        help="Longest silence of the server, in seconds, before the request is given up. "
        "Unset: 600.",
    ).tag(config=True)
    display = Enum(
        DISPLAYS,
        "auto",
        help="How an answer is shown while it streams: 'widgets', 'html' (display updates), "
        "'text' (plain), or 'auto' (what the front end can).",
    ).tag(config=True)
    local_model = Unicode(
        None,
        allow_none=True,
        help="Path of a GGUF file for the embedded model. Unset: SmolLM2-135M-Instruct.",
    ).tag(config=True)
    rerun = Enum(
        ("replace", "append"),
        "replace",
        help="What running a cell again does to its thread: 'replace' its earlier answer and set "
        "the later ones aside, or 'append'.",
    ).tag(config=True)
    journal = Union(
        [Bool(), Unicode()],
        default_value=True,
        help="Whether every turn is kept in an SQLite file in the IPython profile's folder, for "
        "%nbchat restore; False keeps them in memory, a path names another file.",
    ).tag(config=True)
    traceback = Bool(False, help="Show the Python stack of errors.").tag(config=True)

    @validate("timeout")
    def _positive(self, proposal: Mapping[str, Any]) -> float | None:
        value: float | None = proposal["value"]
        if value is not None and not _is_timeout(value):
            raise TraitError(f"NbChat.timeout is a number of seconds above 0, not {value:g}")
        return value

    @validate("providers")
    def _entries(self, proposal: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        try:
            return check_entries(proposal["value"], "NbChat.providers")
        except UsageError as error:
            raise TraitError(str(error)) from None


@dataclass(frozen=True)
class Value:
    """A setting and where it came from: config, pyproject, environment or default."""

    value: Any
    source: str
    detail: str = ""


def lookup(settings: NbChat, name: str) -> Value:
    """Return the setting ``name`` with its source, by the order of precedence.

    Raises:
        UsageError: ``pyproject.toml`` or a variable holds something that can't be used.
    """
    trait = NbChat.class_traits()[name]
    value = getattr(settings, name)
    # The default counts too where somebody chose it; None and {} take a choice back.
    chosen = value and name in settings.config.get("NbChat", {})
    if chosen or value != trait.default():
        return Value(value, "config", "%config NbChat")
    project, path = project_table()
    if name in project:
        return Value(project[name], "pyproject", str(path))
    variable = VARIABLES.get(name)
    text = os.environ.get(variable, "") if variable else ""
    if text and variable:
        return Value(_from_text(trait, text, variable), "environment", variable)
    return Value(value, "default")


def project_table(start: Path | None = None) -> tuple[dict[str, Any], Path | None]:
    """Return ``[tool.nbchat]`` of the nearest ``pyproject.toml`` at or above ``start``.

    The nearest file counts, whether or not it has the table: a project is not ruled by the
    folder that it happens to lie in.

    Raises:
        UsageError: the file can't be read, or the table has a wrong name or value.
    """
    folder = start or Path.cwd()
    for place in (folder, *folder.parents):
        path = place / "pyproject.toml"
        if not path.is_file():
            continue
        try:
            table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("nbchat", {})
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} can't be read: {error}") from None
        return _check_project(table, f"[tool.nbchat] in {path}"), path
    return {}, None


def _check_project(table: Any, where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise UsageError(f"{where} must be a table")
    for name in table:
        if name not in PROJECT_KEYS:
            raise UsageError(f"{where} has no setting {name!r}{closest(name, PROJECT_KEYS)}")
    checked = dict(table)
    for name, value in table.items():
        if name == "providers":
            checked[name] = check_entries(value, f"{where}: providers")
        elif name == "timeout":
            if not _is_timeout(value):
                raise UsageError(f"{where}: timeout is a number of seconds above 0")
        elif not isinstance(value, str):
            raise UsageError(f"{where}: {name} must be text")
        elif name == "display" and value not in DISPLAYS:
            raise UsageError(f"{where}: display is one of {', '.join(DISPLAYS)}")
    return checked


def check_entries(entries: Any, where: str) -> dict[str, dict[str, str]]:
    """Return named provider entries, checked.

    Raises:
        UsageError: an entry has no ``base_url``, or a wrong name or value.
    """
    if not isinstance(entries, Mapping):
        raise UsageError(f"{where} must map names to tables")
    for name, entry in entries.items():
        if not isinstance(entry, Mapping) or not all(isinstance(v, str) for v in entry.values()):
            raise UsageError(f"{where}: {name!r} must be a table of texts")
        for key in entry:
            if key not in ENTRY_KEYS:
                raise UsageError(
                    f"{where}: {name!r} has no {key!r}{closest(key, ENTRY_KEYS)}; "
                    f"an entry has {', '.join(ENTRY_KEYS)}"
                )
        if not entry.get("base_url"):
            raise UsageError(f"{where}: {name!r} needs a base_url")
        if entry.get("max_tokens", "max_tokens") not in ("max_tokens", "max_completion_tokens"):
            raise UsageError(
                f"{where}: max_tokens of {name!r} is max_tokens or max_completion_tokens"
            )
    return {str(name): dict(entry) for name, entry in entries.items()}


def _is_timeout(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def _from_text(trait: TraitType[Any, Any], text: str, variable: str) -> Any:
    try:
        found = trait.from_string(text)
        valid = not isinstance(trait, Float) or _is_timeout(found)
    except (TraitError, ValueError):
        valid = False
    if not valid:
        values = getattr(trait, "values", None)
        wanted = f"one of {', '.join(values)}" if values else "a number above 0"
        raise UsageError(f"the variable {variable} must be {wanted}, not {text!r}")
    return found
