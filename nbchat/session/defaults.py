"""The options that a thread lends to its prompts: ``%nbchat set temperature=0``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nbchat.conversation import Conversation
from nbchat.messages import Endpoint
from nbchat.options import TABLE, Option, Options, check, read

# They are about one prompt, or (the system message) stay with the thread anyway.
_OF_ONE_PROMPT = frozenset(
    ("thread", "new", "once", "system", "out", "dry_run", "curl", "bg", "append", "previous")
)


def settable() -> dict[str, Option]:
    """Return the options that a thread may hold, by every name that the magic line has for them.

    >>> settable()["max_output_tokens"].field
    'max_tokens'
    """
    found = {}
    for option in TABLE:
        if option.field in _OF_ONE_PROMPT:
            continue
        found[option.field] = option
        # --no-store is another row of store, with the opposite meaning.
        if option.const is None:
            flags = (*option.flags, *option.aliases)
            found |= {flag.lstrip("-").replace("-", "_"): option for flag in flags}
    return found


def plain(option: Option, value: object) -> Any:
    """Return the value of an option, checked, as plain JSON: what a thread holds.

    Raises:
        UsageError: it has another type or is out of range.
    """
    given = read(option, value)
    if isinstance(given, tuple):
        return list(given)
    return dict(given) if isinstance(given, Mapping) else given


def lent(thread: Conversation) -> Options:
    """Return the options that a thread lends.

    Raises:
        UsageError: a thread that came from elsewhere holds something else.
    """
    return Options.of(**thread.options)


def completed(options: Options, thread: Conversation, endpoint: Endpoint) -> Options:
    """Return a prompt's options with those of its thread where they ask for nothing.

    A prompt that chooses a server chooses its model too.

    Raises:
        UsageError: the thread holds something that the endpoint does not take.
    """
    base = lent(thread).only_for(endpoint)
    if options.provider or options.base_url:
        base = replace(base, provider=None, base_url=None, model=None)
    options = options.merged(base)
    check(options, endpoint)
    return options
