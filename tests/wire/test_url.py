"""Base URLs in every form that people paste."""

from __future__ import annotations

import pytest

from nbchat.errors import UsageError
from nbchat.wire.url import endpoint_url, host_of, is_loopback, normalise_base_url


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("https://api.openai.com", "https://api.openai.com/v1"),
        ("https://API.OpenAI.com/", "https://api.openai.com/v1"),
        (" https://api.openai.com/v1/chat/completions ", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/responses/", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/models", "https://api.openai.com/v1"),
        ("https://api.openai.com/v1/v1", "https://api.openai.com/v1"),
        ("http://localhost:8080/chat/completions", "http://localhost:8080/v1"),
        ("localhost:8080", "http://localhost:8080/v1"),
        ("127.0.0.1:1234/v1", "http://127.0.0.1:1234/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("api.deepseek.com/v1", "https://api.deepseek.com/v1"),
        ("HTTP://lab:8000/V2", "http://lab:8000/V2"),
        ("https://generativelanguage.example/v1beta/openai/", None),
        ("https://api.cloudflare.com/client/v4/accounts/ab/ai/v1", None),
        ("https://openrouter.ai/api/v1", None),
    ],
)
def test_normalise(given: str, meant: str | None) -> None:
    """Row 42."""
    meant = meant or given.rstrip("/")
    assert normalise_base_url(given) == meant
    assert normalise_base_url(meant) == meant


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "expected something like"),
        ("https://", "expected something like"),
        ("ftp://example.com", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("https://user:pw@example.com/v1", "no user name or password"),
        ("https://example.com/v1?key=1", "query"),
        ("https://example.com/v1#x", "fragment"),
        ("https://example.com:99999/v1", "Port"),
        ("https://[::1/v1", "no base URL"),
        ("my host/v1", "expected something like"),
    ],
)
def test_refused(given: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        normalise_base_url(given)
    assert "pw" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_endpoints() -> None:
    assert endpoint_url("http://h/v1", "chat") == "http://h/v1/chat/completions"
    assert endpoint_url("http://h/v1/", "responses") == "http://h/v1/responses"


def test_host_leaves_credentials_out() -> None:
    assert host_of("https://u:p@example.com:8443/v1") == "example.com:8443"
    assert host_of("http://[") == ""


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.9.9.9:1", "[::1]:8080", "a.localhost"]
)
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "example.com", "10.0.0.1", "localhost.example.com", "[::1"])
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)
