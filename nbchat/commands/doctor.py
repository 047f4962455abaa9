"""``%nbchat doctor``: tries each step of a prompt and says in words what is wrong."""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from nbchat import local
from nbchat.commands import Context, Words, command, several
from nbchat.commands.servers import known_models, no_list
from nbchat.conversation import Conversation
from nbchat.errors import APIStatusError, BadRequestError, NbchatError
from nbchat.messages import Message, Settled
from nbchat.options import Options
from nbchat.providers import LOCAL, Provider
from nbchat.session import Plan, Session
from nbchat.settings import lookup
from nbchat.wire.url import is_loopback

_LOOK_UP = 5.0  # seconds for the host's name
_ANSWER = 30.0  # seconds for the one token, retries included
_LOAD = 90.0  # seconds for the one token of the embedded model, which is loaded first

Step = Callable[[Session, Provider], str]


class _Wrong(Exception):
    """A step failed; the text says why."""


class _Doubt(str):
    """What a step found that may be wrong, though a prompt can go well all the same."""

    __slots__ = ()


@command("doctor [PROVIDER]", "Try key, host, model list and one token; say what is wrong.")
def doctor(context: Context, words: Words) -> str:
    """Print a line for each step as it ends; the first one that fails is the last."""
    session = context.session
    options = Options(provider=words[0]) if words else session.defaults()
    try:
        provider = session.provider(options)
    except NbchatError as error:
        _tell("no", "provider", str(error))
        return ""
    address = f" at {provider.base_url}" if provider.base_url else ""
    _tell("ok", "provider", f"{provider.name}{address}, model {provider.model or '(none named)'}")
    doubts = 0
    for name, step in _steps(provider):
        try:
            found = step(session, provider)
        except (_Wrong, NbchatError) as error:
            _tell("no", name, str(error))
            return ""
        doubtful = isinstance(found, _Doubt)
        doubts += doubtful
        _tell("??" if doubtful else "ok", name, found)
    return "it answers, but see the line with ??" if doubts else "all is well"


def _steps(provider: Provider) -> Iterator[tuple[str, Step]]:
    if provider.name == LOCAL:
        yield from (("wheel", _wheel), ("weights", _weights))
    else:
        yield from (("key", _key), ("host", _host), ("models", _models))
    yield "one token", _one_token


def _tell(mark: str, name: str, text: str) -> None:
    first, *others = text.splitlines()
    lines = [f"{mark}  {name:<10}{first}", *(f"{'':14}{line}" for line in others)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _key(session: Session, provider: Provider) -> str:
    if provider.key is not None:
        return f"found: {provider.key_source}"
    variable = provider.key_variable
    return f"none is sent ({variable} is not set)" if variable else "none is sent"


def _host(session: Session, provider: Provider) -> str:
    parts = urlsplit(provider.base_url)
    name = parts.hostname or ""
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and not is_loopback(name) and not proxy_bypass(name):
        return f"{name} is looked up by the proxy {urlsplit(proxy).hostname}"
    found = _within(
        _LOOK_UP, lambda: socket.getaddrinfo(name, parts.port, type=socket.SOCK_STREAM)
    )
    if found is None:
        raise _Wrong(f"the name server did not answer for {name} within {_LOOK_UP:.0f} s")
    if isinstance(found, OSError):
        raise _Wrong(f"the name {name} is not known\nCheck the base URL and the network.")
    address = found[0][4][0]
    return f"{name} is {address}" if address != name else name


def _models(session: Session, provider: Provider) -> str:
    try:
        names = known_models(session, provider)
    except APIStatusError as error:
        if error.status in (401, 403):
            raise
        return no_list(provider, error)  # many servers can answer all the same
    if provider.model and provider.model not in names:
        listed = several(len(names), "model")
        return _Doubt(f"{listed}, but {provider.model} is not among them")
    return f"{several(len(names), 'model')}, {provider.model or 'none named'}"


def _wheel(session: Session, provider: Provider) -> str:
    local.server.require()
    return "xllamacpp is installed"


def _weights(session: Session, provider: Provider) -> str:
    found = _own_weights(session)
    if found is None:
        return f"not there yet: the first prompt downloads them to {local.weights.cache_dir()}"
    return f"{found} ({found.stat().st_size / 1e6:.0f} MB)"


def _one_token(session: Session, provider: Provider) -> str:
    """Ask for an answer of one token, on no thread."""
    if provider.name == LOCAL and _own_weights(session) is None:
        return "not asked: the weights are not there yet"
    last = session.last
    plan = Plan(
        prompt=(Message.of("user", "Say one word."),),
        options=Options(once=True, max_tokens=1, timeout=_ANSWER),
        endpoint="chat",
        provider=provider,
        thread=Conversation("doctor"),
    )
    limit = _LOAD if provider.name == LOCAL else _ANSWER
    begun = time.monotonic()
    try:
        with closing(session.run(plan)) as events:
            for event in events:
                if isinstance(event, Settled):
                    reply = event.reply
                    return f"{reply.model} answered in {reply.elapsed:.1f} s"
                if time.monotonic() - begun > limit:
                    raise _Wrong(f"no answer within {limit:.0f} s")
    except BadRequestError as error:
        # OpenAI's words where a reasoning model could not even think within the limit.
        if "output limit was reached" not in error.detail:
            raise
        return f"{provider.model} began to answer"
    finally:
        session.last = last
    raise AssertionError("a prompt ends with Settled or an exception")


def _own_weights(session: Session) -> Path | None:
    return local.weights.find(lookup(session.settings, "local_model").value)


def _within(seconds: float, work: Callable[[], list[Any]]) -> list[Any] | OSError | None:
    """Return what ``work`` gives, or its error; ``None`` if that takes longer than ``seconds``.

    A name look-up can't be stopped, so it has a thread of its own, which nobody waits for.
    """
    results: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def run() -> None:
        try:
            results.put(work())
        except (OSError, UnicodeError) as error:
            results.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=run, name="nbchat-doctor", daemon=True).start()
    try:
        return results.get(timeout=seconds)
    except queue.Empty:
        return None
