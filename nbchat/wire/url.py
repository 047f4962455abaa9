"""Base URLs, in every form that people paste."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from nbchat.errors import UsageError
from nbchat.messages import Endpoint

__all__ = ["endpoint_url", "host_of", "is_loopback", "normalise_base_url"]

_PATHS: dict[Endpoint, str] = {"chat": "/chat/completions", "responses": "/responses"}
_ENDPOINT = re.compile(r"/(?:chat/completions|completions|responses|models|embeddings)$")
_TWICE = re.compile(r"(/v\d+)\1$")


def normalise_base_url(url: str) -> str:
    """Return the base URL that is meant, without a trailing slash.

    A scheme that is missing is ``http`` for this machine and ``https`` otherwise; an endpoint that
    was pasted with it is taken off; a bare host gets ``/v1``, where OpenAI and all servers that
    follow it have their endpoints. Any other path is kept as it is.

    Raises:
        UsageError: no host, another scheme than http and https, a query, or a password.

    >>> normalise_base_url("https://api.example.com/v1/chat/completions")
    'https://api.example.com/v1'
    >>> normalise_base_url("localhost:8080/"), normalise_base_url("example.com/openai/v1/v1")
    ('http://localhost:8080/v1', 'https://example.com/openai/v1')
    """
    text = url.strip()
    if "://" not in text:
        text = ("http://" if is_loopback(host_of(f"//{text}")) else "https://") + text
    parts = _split(text, url)
    path = _ENDPOINT.sub("", parts.path.rstrip("/")).rstrip("/")
    path = _TWICE.sub(r"\1", path)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path or '/v1'}"


def _split(text: str, given: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise UsageError(f"{given!r} is no base URL: {exc}") from exc
    if parts.username is not None or parts.password is not None:
        raise UsageError("a base URL carries no user name or password; see %nbchat key")
    if parts.scheme.lower() not in ("http", "https"):
        raise UsageError(f"{given!r} is no base URL: it must begin with http:// or https://")
    if not parts.hostname or port == 0 or re.search(r"\s", text):
        raise UsageError(f"{given!r} is no base URL: expected something like http://host:port/v1")
    if parts.query or parts.fragment:
        raise UsageError(f"{given!r} is no base URL: it must not have a query or a fragment")
    return parts


def endpoint_url(base: str, endpoint: Endpoint) -> str:
    """Return the URL to post to.

    >>> endpoint_url("http://localhost:8080/v1", "chat")
    'http://localhost:8080/v1/chat/completions'
    """
    return base.rstrip("/") + _PATHS[endpoint]


def host_of(url: str) -> str:
    """Return host and port as the URL has them, ``""`` if there are none.

    >>> host_of("http://[::1]:8080/v1"), host_of("https://api.example.com/v1")
    ('[::1]:8080', 'api.example.com')
    """
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host, with or without a port, is this machine.

    >>> is_loopback("127.0.0.1:80"), is_loopback("localhost"), is_loopback("example.com")
    (True, True, False)
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
