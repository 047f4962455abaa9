"""HTTP: httpx, its clients, its exceptions. Nothing else of nbchat imports it."""

from __future__ import annotations

import os
import socket
import ssl
import traceback
from collections.abc import Generator, Mapping
from urllib.request import getproxies

import certifi
import httpx

from nbchat import __version__
from nbchat.client.retry import causes
from nbchat.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    ConfigurationError,
    UsageError,
    status_error,
)
from nbchat.providers import Secret
from nbchat.wire.url import host_of, is_loopback

CONNECT_TIMEOUT = 10.0
"""Seconds for the name look-up, the connection and the TLS handshake, each."""
WRITE_TIMEOUT = 60.0
READ_TIMEOUT = 600.0
"""Seconds without a byte; a reasoning model may think for minutes before its first token."""
_REDIRECTS = 3
_BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

BROKEN = (httpx.TransportError, httpx.DecodingError)
"""What httpx raises where an answer breaks off."""


class Transport:
    """Opens requests; used on the loop's thread only.

    Keeps one httpx client for each combination of TLS or plain, this machine or elsewhere, and the
    environment's proxies and certificates, each made when it is first needed: a TLS context takes
    some 20 ms, and http:// needs none. This machine is never asked through a proxy.
    """

    def __init__(self) -> None:
        self._clients: dict[object, httpx.AsyncClient] = {}

    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        key: Secret | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Send a request and return the answer when its headers are there, whatever its status.

        Redirects are followed within the same origin alone, by a POST only where it stays a POST.

        Raises:
            APIConnectionError: there was no answer.
            APIStatusError: a redirect to somewhere else.
        """
        client = self._client(url)
        limits = httpx.Timeout(
            connect=CONNECT_TIMEOUT, write=WRITE_TIMEOUT, pool=None, read=timeout or READ_TIMEOUT
        )
        auth = _Bearer(key)
        target = httpx.URL(url)
        for _ in range(_REDIRECTS + 1):
            message = client.build_request(
                method, target, headers=headers, content=content, timeout=limits
            )
            try:
                response = await client.send(message, auth=auth, stream=True)
            except (httpx.TransportError, httpx.InvalidURL) as exc:
                message.headers.pop("Authorization", None)
                raise translate(exc, url, timeout) from exc
            if not response.has_redirect_location:
                return response
            await response.aclose()
            target = _redirected(response)
        raise APIConnectionError(f"more than {_REDIRECTS} redirects")

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    def _client(self, url: str) -> httpx.AsyncClient:
        tls, near = url.startswith("https:"), is_loopback(host_of(url))
        proxies = () if near else tuple(sorted(getproxies().items()))
        bundles = tuple(os.environ.get(name) for name in _BUNDLES) if tls else ()
        kind = (tls, near, proxies, bundles)
        if kind not in self._clients:
            self._clients[kind] = _new_client(tls, trust_env=not near)
        return self._clients[kind]


def _new_client(tls: bool, trust_env: bool) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            # Without TLS nothing is verified: False spares the loading of certificates.
            verify=_tls_context() if tls else False,
            trust_env=trust_env,
            limits=httpx.Limits(max_keepalive_connections=10, keepalive_expiry=60.0),
            headers={"User-Agent": f"nbchat/{__version__}"},
        )
    except (ImportError, ValueError, httpx.InvalidURL) as exc:  # of a proxy's URL
        reason = " ".join(str(exc).split())
        raise ConfigurationError(f"the proxy of the environment can't be used: {reason}") from exc


def _tls_context() -> ssl.SSLContext:
    """Trust what the environment names; otherwise the system's certificates and Mozilla's."""
    # SSL_CERT_FILE and SSL_CERT_DIR are read by OpenSSL itself, in place of the system's.
    context = ssl.create_default_context()
    named = [(name, os.environ[name]) for name in _BUNDLES if os.environ.get(name)]
    for name, path in named:
        if not os.path.exists(path):
            raise ConfigurationError(f"{name} names {path}, which does not exist")
        place = "capath" if os.path.isdir(path) else "cafile"
        context.load_verify_locations(**{place: path})
    if not named:
        context.load_verify_locations(cafile=certifi.where())
    return context


class _Bearer(httpx.Auth):
    """Puts the key on a request in the last moment, in a frame that holds nothing readable."""

    def __init__(self, key: Secret | None) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._key is not None:
            request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request


def _redirected(response: httpx.Response) -> httpx.URL:
    """Return where a redirect leads, if it may be followed."""
    here = response.request.url
    there = here.join(response.headers["location"])
    same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    keeps_method = response.status_code in (307, 308)
    if same and (keeps_method or response.request.method == "GET"):
        return there
    place = str(there.copy_with(query=None, fragment=None, userinfo=b""))
    raise status_error(response.status_code)(
        f"the server redirects to {place}",
        status=response.status_code,
        hint="The key is not sent there. If you trust that address, give it as --base-url.",
    )


# --- Exceptions -----------------------------------------------------------------------------


def translate(exc: Exception, url: str, timeout: float | None = None) -> APIError | UsageError:
    """Return nbchat's error for an exception of httpx that came before an answer."""
    if isinstance(exc, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return UsageError(f"{url} can't be asked: {_words(exc)}")
    host = host_of(url)
    if isinstance(exc, httpx.ConnectTimeout):
        return APITimeoutError(
            f"no connection within {CONNECT_TIMEOUT:g} s", hint=_proxy_hint(url, _check(host))
        )
    if isinstance(exc, httpx.ReadTimeout):
        return APITimeoutError(
            f"no answer within {timeout or READ_TIMEOUT:g} s",
            hint="--timeout SECONDS waits longer.",
        )
    if isinstance(exc, httpx.TimeoutException):
        return APITimeoutError(f"the request was not taken within {WRITE_TIMEOUT:g} s")
    if isinstance(exc, httpx.ProxyError):
        return APIConnectionError(
            f"the proxy refused: {_words(exc)}", hint="Check HTTPS_PROXY and NO_PROXY."
        )
    if isinstance(exc, httpx.ConnectError):
        detail, hint = _unconnected(exc, host)
        return APIConnectionError(detail, hint=_proxy_hint(url, hint))
    if isinstance(exc, httpx.RemoteProtocolError):
        return APIConnectionError(f"no answer, or none in HTTP: {_words(exc)}")
    return APIConnectionError(f"the connection broke before the answer began: {break_reason(exc)}")


def break_reason(exc: Exception, timeout: float | None = None) -> str:
    """Return in a few words why an answer broke off in the middle."""
    if isinstance(exc, httpx.TimeoutException):
        return f"nothing came for {timeout or READ_TIMEOUT:g} s"
    if isinstance(exc, httpx.RemoteProtocolError):
        return "the server closed the connection"
    if isinstance(exc, httpx.DecodingError):
        return "its compression is damaged"
    for cause in causes(exc):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return "the connection broke"


def _unconnected(exc: httpx.ConnectError, host: str) -> tuple[str, str]:
    """Return why there is no connection, and what to do."""
    found = list(causes(exc))
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the server's certificate is not trusted: {cause.verify_message}",
                "Behind a company's proxy, SSL_CERT_FILE must name its certificates.",
            )
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").replace("_", " ").lower()
            return f"no TLS with the server: {reason}", "Does its address begin with http://?"
        if isinstance(cause, socket.gaierror):
            return f"the name {host} is not known", "Check --base-url and the network."
    for cause in found:
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused", _check(host)
        if isinstance(cause, OSError) and cause.strerror:
            return f"the server can't be reached: {cause.strerror}", _check(host)
    return f"the server can't be reached: {_words(exc)}", _check(host)


def _check(host: str) -> str:
    if is_loopback(host):
        return "Is the server running? Check --base-url."
    return "Check --base-url and the network."


def _proxy_hint(url: str, hint: str) -> str:
    """Say so if a proxy was asked: then it may be what can't be reached."""
    scheme = url.partition(":")[0]
    if is_loopback(host_of(url)):
        return hint
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    return f"{hint} The environment sets a proxy: {host_of(proxy)}." if proxy else hint


def _words(exc: BaseException) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__


def clear_locals(error: BaseException) -> None:
    """Empty the finished frames of an error and of all that led to it.

    The frames of httpx, httpcore and h11 hold the request's headers in readable form; IPython's
    ``%xmode Verbose`` and other tools print the variables of every frame.
    """
    for cause in causes(error):
        traceback.clear_frames(cause.__traceback__)
