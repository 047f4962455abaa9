"""Redirects, proxies, certificates, and what is said where there is no connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbchat.client import Client
from nbchat.errors import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    UsageError,
)
from nbchat.providers import Secret
from tests.support import server as support
from tests.support.prompts import collect, prompt, text_of
from tests.support.server import Head, ScriptedServer

CERTIFICATE = Path(support.__file__).with_name("localhost.pem")


def failure(client: Client, url: str, **fields: object) -> APIConnectionError:
    with pytest.raises(APIConnectionError) as caught:
        collect(client.send(prompt(url, retries=0, **fields)))
    error = caught.value
    assert len(str(error).splitlines()) <= 3
    assert error.__cause__ is not None
    return error


@contextlib.contextmanager
def says(words: bytes) -> Iterator[int]:
    """A server that says one thing, whatever it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(words)

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


# --- Redirects ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_within_the_origin_is_followed(
    server: ScriptedServer, client: Client, status: int
) -> None:
    """Row 44."""
    server.script(Head(status, {"location": "/v2/chat/completions"}, "length"))
    events = collect(client.send(prompt(server.base_url, key=Secret("sk-1"))))
    assert text_of(events) == "echo: hello there"
    assert server.exchange(1).path == "/v2/chat/completions"
    assert server.exchange(1).headers["authorization"] == "Bearer sk-1"
    assert server.exchange(1).body == server.exchange(0).body


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_to_another_origin(
    server: ScriptedServer, client: Client, status: int
) -> None:
    """Row 44."""
    with ScriptedServer() as other:
        place = f"{other.base_url}/chat/completions"
        server.script(Head(status, {"location": f"{place}?token=x"}, "length"))
        with pytest.raises(APIStatusError) as caught:
            collect(client.send(prompt(server.base_url, key=Secret("sk-1"))))
        assert other.exchanges == []
    assert f"redirects to {place}" in str(caught.value)
    assert "token" not in str(caught.value)
    assert "--base-url" in caught.value.hint


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_post_stays_a_post(server: ScriptedServer, client: Client, status: int) -> None:
    server.script(Head(status, {"location": "/v2/chat/completions"}, "length"))
    with pytest.raises(APIStatusError, match="redirects to"):
        collect(client.send(prompt(server.base_url)))
    assert len(server.exchanges) == 1


def test_a_get_follows_any_redirect_within_the_origin(
    server: ScriptedServer, client: Client
) -> None:
    server.script(Head(301, {"location": "/v2/models"}, "length"))
    assert client.get_json(f"{server.base_url}/models")["object"] == "list"


def test_redirects_in_a_circle_end(server: ScriptedServer, client: Client) -> None:
    server.answer = lambda _: [Head(307, {"location": "/v1/chat/completions"}, "length")]
    with pytest.raises(APIConnectionError, match="redirects"):
        collect(client.send(prompt(server.base_url, retries=0)))
    assert len(server.exchanges) == 4


# --- Proxies --------------------------------------------------------------------------------


def test_a_proxy_of_the_environment_is_used(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 44."""
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    events = collect(client.send(prompt("http://model.test/v1")))
    assert text_of(events) == "echo: hello there"
    assert server.exchange(0).path == "http://model.test/v1/chat/completions"


def test_but_not_for_this_machine(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    for host in ("127.0.0.1", "localhost"):
        events = collect(client.send(prompt(f"http://{host}:{server.port}/v1")))
        assert text_of(events) == "echo: hello there"


def test_a_proxy_that_is_set_later(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    error = failure(client, "http://model.test/v1")
    assert "The environment sets a proxy: 127.0.0.1:9." in error.hint
    monkeypatch.setenv("HTTP_PROXY", server.origin)
    assert text_of(collect(client.send(prompt("http://model.test/v1")))) == "echo: hello there"


def test_a_proxy_that_refuses(
    server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.origin)
    server.script(Head(407, {}, "length"))
    error = failure(client, "https://model.test/v1", key=Secret("sk-1"))
    assert "the proxy refused: 407" in str(error)
    assert server.exchange(0).method == "CONNECT"
    assert "authorization" not in server.exchange(0).headers


def test_a_proxy_that_nbchat_cannot_use(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="proxy"):
        collect(client.send(prompt("http://model.test/v1")))


# --- Certificates ---------------------------------------------------------------------------


@pytest.fixture
def tls_server() -> Iterator[ScriptedServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with ScriptedServer(tls=context) as server:
        yield server


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_certificates_of_the_environment_are_trusted(
    tls_server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Row 44."""
    monkeypatch.setenv(name, str(CERTIFICATE))
    assert text_of(collect(client.send(prompt(tls_server.base_url)))) == "echo: hello there"


def test_an_unknown_certificate_is_not_trusted(tls_server: ScriptedServer, client: Client) -> None:
    with pytest.raises(APIConnectionError) as caught:
        collect(client.send(prompt(tls_server.base_url)))  # nor is it tried again
    assert "certificate is not trusted" in str(caught.value)
    assert "SSL_CERT_FILE" in caught.value.hint
    assert tls_server.exchanges == []


def test_a_bundle_that_does_not_exist(
    tls_server: ScriptedServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(ConfigurationError, match="REQUESTS_CA_BUNDLE names /nowhere"):
        collect(client.send(prompt(tls_server.base_url)))


def test_a_server_without_tls(client: Client) -> None:
    with says(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        error = failure(client, f"https://127.0.0.1:{port}/v1")
    assert "no TLS" in str(error)
    assert "http://" in error.hint


# --- No connection --------------------------------------------------------------------------


def test_a_name_that_does_not_exist(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(client, "http://model.test/v1", provider="p", model="m")
    assert "the name model.test is not known" in str(error)
    assert (error.provider, error.host, error.model) == ("p", "model.test", "m")


def test_a_name_that_cannot_be(client: Client) -> None:
    error = failure(client, f"http://{'a' * 70}.test/v1")
    assert "is not known" in str(error)


def test_a_server_that_speaks_something_else(client: Client) -> None:
    with says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as port:
        error = failure(client, f"http://127.0.0.1:{port}/v1")
    assert "no answer, or none in HTTP" in str(error)


@pytest.mark.parametrize("url", ["ftp://model.test/v1", "http://", "nothing"])
def test_no_url_at_all(client: Client, url: str) -> None:
    with pytest.raises(UsageError):
        collect(client.send(prompt(url)))
