"""Sends HTTP requests to registries: connections, proxies, certificates, redirects, retries and time limits."""

from __future__ import annotations

import ipaddress
import json
import random
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from krm_image_setter.registry.answers import RegistryError

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
_RETRIED: Final = (408, 429, 500, 502, 503, 504)
# Docker and containerd limit a manifest to 4 MiB, and no index or configuration of an image comes close to it.
_MOST_BYTES: Final = 4 << 20
# A local server answers in milliseconds; a longer wait means that it waits for the end of a line in plain HTTP.
_SECONDS_FOR_TLS: Final = 2


class Limits(NamedTuple):
    """How often and how long a registry is asked. All times are in seconds.

    `connections` is the maximum number of open connections per host. `attempts` includes the first one. The wait
    between two attempts starts with `wait` and doubles. If `Retry-After` is longer than `longest_wait`, the
    request fails. `timeout` limits one attempt, from the request to the last byte of the body.
    """

    connections: int = 16
    attempts: int = 4
    wait: float = 0.5
    longest_wait: float = 60
    connect_timeout: float = 10
    timeout: float = 30


class Response(NamedTuple):
    """A response with its complete body. `url` is the URL after redirects. The names of headers have no case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> Any:
        """Decode the body. Raises RegistryError if it is not valid JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RegistryError(f"{urlsplit(self.url).netloc} did not send valid JSON") from None


class Client:
    """An HTTP client that all threads can use. It sends nothing over plain HTTP except to permitted hosts."""

    def __init__(self, plain_http: frozenset[str], limits: Limits) -> None:
        self._plain_http = plain_http
        self._limits = limits
        self._lock = threading.Lock()
        self._pools: dict[str | None, urllib3.PoolManager] = {}
        self._schemes: dict[str, str] = {}
        self._ready: dict[str, float] = {}
        self._closed = threading.Event()

    def close(self) -> None:
        """Close the connections, and end the requests that wait for their next attempt."""
        self._closed.set()
        for pool in self._pools.values():
            pool.clear()

    def scheme(self, host: str) -> str:
        """Return the scheme for a registry. `host` can contain a port.

        Docker also uses HTTPS for a registry on a loopback address if the registry supports it.
        """
        if host not in self._schemes:
            plain = host in self._plain_http or (_is_loopback(host) and not self._speaks_tls(host))
            self._schemes[host] = "http" if plain else "https"
        return self._schemes[host]

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Send a request, and follow redirects. Raises RegistryError if there is no response.

        The header `Authorization` is not sent to another host, nor to another port or scheme of the same host.
        """
        headers = dict(headers)
        for _ in range(_MOST_REDIRECTS):
            response = self._retried(method, url, headers, body)
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or target is None:
                return response
            target = urljoin(url, target)
            if _origin(target) != _origin(url):
                headers.pop("Authorization", None)
            if url.startswith("https:") and not target.startswith("https:"):
                raise RegistryError(f"{_host(url)} redirects from HTTPS to an insecure URL")
            if body is not None:
                raise RegistryError(f"{_host(url)} redirects a request with credentials")
            url = target
        raise RegistryError(f"{_host(url)} redirects more than {_MOST_REDIRECTS} times")

    def _retried(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        host = _host(url)
        self._check(url)
        wait = self._limits.wait
        for attempt in range(1, self._limits.attempts + 1):
            self._closed.wait(max(0, self._ready.get(host, 0) - time.monotonic()))
            last = attempt == self._limits.attempts or self._closed.is_set()
            try:
                response = self._once(method, url, headers, body)
            except HTTPError as error:
                if last or not _is_temporary(error):
                    raise RegistryError(f"{host} {_explanation(error, self._limits)}") from None
                pause = wait * random.uniform(0.5, 1)  # noqa: S311  (it only spreads the attempts)
            else:
                pause = _retry_after(response) or wait * random.uniform(0.5, 1)  # noqa: S311
                if last or response.status not in _RETRIED or pause > self._limits.longest_wait:
                    return response
                if "Retry-After" in response.headers:
                    # The limit applies to all requests to this host, so the other threads wait too.
                    self._ready[host] = time.monotonic() + pause
            self._closed.wait(pause)
            wait *= 2
        raise AssertionError(host)

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        limits = self._limits
        end = time.monotonic() + limits.timeout
        timeout = urllib3.Timeout(connect=limits.connect_timeout, read=limits.timeout)
        response = self._pool(url).request(
            method,
            url,
            headers=headers,
            body=body,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            content = b"" if method == "HEAD" else self._body(response, url, end)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Response(response.status, response.headers, content, url)

    def _body(self, response: urllib3.BaseHTTPResponse, url: str, end: float) -> bytes:
        chunks = []
        size = 0
        while chunk := response.read1(1 << 16):
            chunks.append(chunk)
            size += len(chunk)
            if size > _MOST_BYTES:
                raise RegistryError(f"{_host(url)} sent more than {_MOST_BYTES >> 20} MiB")
            if time.monotonic() > end:
                raise ReadTimeoutError(self._pool(url), url, "")  # type: ignore[arg-type]
        return b"".join(chunks)

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy(url)
        with self._lock:
            if proxy not in self._pools:
                # This context reads SSL_CERT_FILE and SSL_CERT_DIR, and otherwise the certificates of the system.
                options: dict[str, Any] = {
                    "ssl_context": ssl.create_default_context(),
                    "maxsize": self._limits.connections,
                    "block": True,
                    "num_pools": 100,
                }
                self._pools[proxy] = (
                    urllib3.PoolManager(**options) if proxy is None else urllib3.ProxyManager(proxy, **options)
                )
            return self._pools[proxy]

    def _check(self, url: str) -> None:
        parts = urlsplit(url)
        plain = parts.netloc in self._plain_http or _is_loopback(parts.netloc)
        if parts.scheme != "https" and not (parts.scheme == "http" and plain):
            raise RegistryError(f"{parts.netloc} is not asked over plain HTTP; to permit it, pass `--plain-http`")

    def _speaks_tls(self, host: str) -> bool:
        parts = urlsplit(f"//{host}")
        context = ssl.create_default_context()
        # Only the protocol is asked for. The requests after this check the certificate.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            address = (parts.hostname or "", parts.port or 443)
            with (
                socket.create_connection(address, timeout=_SECONDS_FOR_TLS) as connection,
                context.wrap_socket(connection, server_hostname=parts.hostname),
            ):
                return True
        except OSError:
            return False


def _is_loopback(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _proxy(url: str) -> str | None:
    """Return the proxy for a URL, as Go's ProxyFromEnvironment: never one for a loopback address."""
    parts = urlsplit(url)
    if _is_loopback(parts.netloc) or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")


def _retry_after(response: Response) -> float:
    """Return the seconds that a response asks to wait. The header contains seconds or a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return float(text) if text.isdecimal() else max(0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0


def _is_temporary(error: HTTPError) -> bool:
    return not isinstance(error, (SSLError, LocationParseError))


def _explanation(error: HTTPError, limits: Limits) -> str:
    if isinstance(error, ProxyError) and error.original_error:
        return "cannot be reached through the proxy of the environment"
    if isinstance(error, NameResolutionError):
        return "is not a known host name"
    if isinstance(error, ConnectTimeoutError) and not isinstance(error, NewConnectionError):
        return f"cannot be reached within {limits.connect_timeout:g} seconds"
    if isinstance(error, NewConnectionError):
        return "cannot be reached"
    if isinstance(error, ReadTimeoutError):
        return f"did not answer within {limits.timeout:g} seconds"
    if isinstance(error, SSLError):
        return f"cannot be trusted: {error}"
    return "closed the connection"
