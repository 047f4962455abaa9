"""The options of a prompt: names, ranges, defaults. Knows no IPython.

The magic line, the settings and the Python interface all speak of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from nbchat.errors import UsageError
from nbchat.options.read import closest, read
from nbchat.options.table import MAGIC, TABLE, Option

if TYPE_CHECKING:
    from nbchat.messages import Endpoint


__all__ = [
    "MAGIC",
    "TABLE",
    "Option",
    "Options",
    "check",
    "closest",
    "describe",
    "lacks",
    "option_of",
    "read",
]


@dataclass(frozen=True, repr=False)
class Options:
    """What one prompt asks for; ``None`` (or empty) means that the provider's default holds.

    The fields are explained, with their ranges, by `describe` and by the help page of the magics.
    ``set`` maps dotted paths to values; its ``stream`` and ``store`` decide over the fields of
    these names.

    >>> Options(temperature=0.2, stop="END")
    Options(temperature=0.2, stop=('END',))
    """

    # core
    provider: str | None = None
    base_url: str | None = None
    model: str | None = None
    thread: str | None = None
    new: bool = False
    once: bool = False
    system: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = True
    timeout: float | None = None
    set: Mapping[str, Any] = field(default_factory=dict)
    out: str | None = None
    dry_run: bool = False
    # wire
    n: int | None = None
    logprobs: int | None = None
    effort: str | None = None
    reasoning_summary: str | None = None
    verbosity: str | None = None
    tool_choice: str | None = None
    parallel_tools: bool | None = None
    store: bool | None = None
    previous: str | None = None
    truncation: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    safety_identifier: str | None = None
    include: tuple[str, ...] = ()
    curl: bool = False
    # display
    bg: bool = False
    # conversations
    append: bool = False
    # prompt
    image: tuple[Any, ...] = ()
    file: tuple[Any, ...] = ()
    audio: tuple[Any, ...] = ()
    literal: bool = False
    json: bool = False
    schema: Any = None
    code: str | None = None
    # tools
    tool: tuple[Any, ...] = ()
    parallel: bool = False
    max_rounds: int | None = None
    approve: bool = False
    web: str | None = None

    def __post_init__(self) -> None:
        for name in ("stop", "include"):
            value = getattr(self, name)
            if isinstance(value, str):
                object.__setattr__(self, name, (value,))
            elif isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        if not isinstance(self.set, Mapping):
            return
        if "stream" in self.set:
            object.__setattr__(self, "stream", bool(self.set["stream"]))
        if "store" in self.set:  # null leaves it to the provider
            store = self.set["store"]
            object.__setattr__(self, "store", None if store is None else bool(store))

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in _DEFAULTS if self.is_set(name))
        return f"Options({', '.join(shown)})"

    @classmethod
    def of(cls, **values: Any) -> Options:
        """Return options from keyword arguments, each checked; ``None`` leaves one unset.

        Raises:
            UsageError: an unknown name, a wrong type, or a value out of range.

        >>> Options.of(temperature=1, model=None)
        Options(temperature=1.0)
        """
        return cls(
            **{
                name: read(option_of(name), value)
                for name, value in values.items()
                if value is not None
            }
        )

    def is_set(self, name: str) -> bool:
        """Return whether a field asks for something.

        >>> Options(system="").is_set("system"), Options().is_set("system")
        (True, False)
        """
        value, default = getattr(self, name), _DEFAULTS[name]
        # A DataFrame as a schema is a mistake, but not one to be made here.
        return value is not None if default is None else bool(value != default)

    def merged(self, base: Options) -> Options:
        """Return these options; where they ask for nothing, those of ``base``.

        ``set`` and ``metadata`` are merged by key.

        >>> Options(seed=1).merged(Options(seed=2, top_p=0.5))
        Options(top_p=0.5, seed=1)
        """
        changes: dict[str, Any] = {}
        for name, default in _DEFAULTS.items():
            if not base.is_set(name):
                continue
            if isinstance(default, dict):
                changes[name] = {**getattr(base, name), **getattr(self, name)}
            elif not self.is_set(name):
                changes[name] = getattr(base, name)
        return replace(self, **changes)

    def only_for(self, endpoint: Endpoint) -> Options:
        """Return them without what the endpoint lacks: for defaults that serve both magics.

        >>> Options(seed=7, model="m").only_for("responses")
        Options(model='m')
        """
        lacking = {
            option.field: _DEFAULTS[option.field]
            for option in TABLE
            if option.endpoint not in (None, endpoint)
        }
        return replace(self, **lacking)


_DEFAULTS: dict[str, Any] = {spec.name: getattr(Options(), spec.name) for spec in fields(Options)}
_BY_FIELD: dict[str, Option] = {option.field: option for option in reversed(TABLE)}


def option_of(name: str) -> Option:
    """Return the row of a field.

    Raises:
        UsageError: there is no such field; the message names the nearest.
    """
    try:
        return _BY_FIELD[name]
    except KeyError:
        raise UsageError(f"no option is called {name}{closest(name, _BY_FIELD)}") from None


def describe(name: str) -> str:
    """Return what a field means and which values it takes, on one line.

    >>> describe("temperature")
    'Randomness: 0 takes the likeliest token. A number from 0 to 2.'
    """
    option = option_of(name)
    allowed = option.allowed
    words = f"{option.help} {allowed[0].upper()}{allowed[1:]}."
    return words if option.endpoint is None else f"{words} {MAGIC[option.endpoint]} only."


def lacks(option: Option, endpoint: Endpoint) -> UsageError:
    """Return the error for an option that belongs to the other magic."""
    other: Endpoint = "responses" if endpoint == "chat" else "chat"
    return UsageError(f"{MAGIC[endpoint]} has no {option.flag}: use {MAGIC[other]}")


def check(options: Options, endpoint: Endpoint) -> None:
    """Check all values, from whatever source, before anything is sent.

    Raises:
        UsageError: a wrong type, a value out of range, two options that exclude each other, or
            an option that the endpoint lacks.
    """
    for name, option in _BY_FIELD.items():
        if not options.is_set(name):
            continue
        if option.endpoint not in (None, endpoint):
            raise lacks(option, endpoint)
        value = read(option, getattr(options, name))
        for choice, owner in option.only:
            if value == choice and owner != endpoint:
                raise UsageError(
                    f"{MAGIC[endpoint]} has no {option.flag} {choice}: use {MAGIC[owner]}"
                )
    _check_pairs(options)


def _check_pairs(options: Options) -> None:
    if options.new and options.once:
        raise UsageError("--new and --once exclude each other: --once touches no thread")
    if options.once and (options.thread is not None or options.append):
        flag = "--append" if options.append else "--thread"
        raise UsageError(f"{flag} and --once exclude each other: --once touches no thread")
    if options.json and options.schema is not None:
        raise UsageError("--json and --schema exclude each other: --schema is JSON already")
    if options.dry_run and options.curl:
        raise UsageError("--dry-run and --curl exclude each other: choose one form")
    if options.code is not None and options.bg:
        raise UsageError(
            "--code and --bg exclude each other: a new cell comes with its cell's end"
        )
    if options.previous and "conversation" in options.set:
        raise UsageError("--previous and --set conversation=… exclude each other")
