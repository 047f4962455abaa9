"""When a request is sent again, and after how long.

The rules are those of the official SDK, but for a quota that is used up: it is not tried again.
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping

from nbchat.errors import APIConnectionError, APIError, APIStatusError
from nbchat.wire.failure import asked_wait
from nbchat.wire.hints import quota_is_used_up

LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more is not asked again."""
_FIRST_WAIT = 0.5
_LONGEST_BACKOFF = 8.0
_STATUSES = frozenset({408, 409, 429})


def wait_before_retry(
    error: APIError,
    headers: Mapping[str, str],
    attempt: int,
    retries: int,
    *,
    draw: Callable[[], float] = random.random,
    now: Callable[[], float] = time.time,
) -> float | None:
    """Return the seconds to wait before sending again, or ``None`` to give up.

    ``headers`` are the answer's (names in lower case), empty if none came; ``attempt`` counts the
    attempts made, from 1; ``retries`` is how many more than one are allowed.

    >>> error = APIConnectionError("connection refused")
    >>> wait_before_retry(error, {}, 1, 2, draw=lambda: 0.0)
    0.5
    >>> wait_before_retry(error, {}, 3, 2) is None
    True
    """
    if attempt > retries or not _worth_it(error, headers):
        return None
    asked = asked_wait(headers, now=now)
    if asked is not None and asked > LONGEST_WAIT:
        return None
    if asked is not None and asked > 0:
        return asked
    backoff = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_BACKOFF)
    return backoff * (1 - 0.25 * draw())


def _worth_it(error: APIError, headers: Mapping[str, str]) -> bool:
    if not isinstance(error, APIStatusError):
        return isinstance(error, APIConnectionError) and not _lasting(error)
    said = headers.get("x-should-retry", "").lower()
    if said in ("true", "false"):
        return said == "true"
    if quota_is_used_up(error):
        return False
    return error.status in _STATUSES or error.status >= 500


def _lasting(error: BaseException) -> bool:
    """Whether the next attempt is bound to fail in the same way."""
    kinds = (ssl.SSLCertVerificationError, UnicodeError)  # the latter: no possible host name
    return any(isinstance(cause, kinds) for cause in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that led to it, groups opened."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__, *getattr(found, "exceptions", ())]
