"""Keeps connections to registries and proxies open, and sends single requests over them.

This is the only module that imports urllib3.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import unquote

import urllib3
from urllib3 import exceptions

from krm_image_setter import __version__
from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.origins import Origin, is_loopback, origin_of
from krm_image_setter.typed import Any, Final, Record

_USER_AGENT: Final = f"krm-image-setter/{__version__}"
# Docker and containerd limit a manifest to 4 MiB. Indexes and image configurations are much smaller.
_MOST_BYTES: Final = 4 << 20
# urllib3 keeps connections only to the most recent hosts. Its default is 10 hosts.
_MOST_HOSTS: Final = 1000


class Limits(Record):
    """Limits for the requests to a registry. All times are in seconds.

    `connections` is the maximum number of open connections per host. `attempts` includes the first attempt. The
    wait between two attempts starts with `wait` and doubles. If `Retry-After` is longer than `longest_wait`, the
    request fails. `timeout` limits one attempt, from the request to the last byte of the body.
    """

    connections: int = 16
    attempts: int = 4
    wait: float = 0.5
    longest_wait: float = 60
    connect_timeout: float = 10
    timeout: float = 30


class Response(Record):
    """A response with its complete body. The names in `headers` are not case-sensitive.

    `host` is the host that answered. `redirected` is true if the request was sent to another host, port or scheme.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str
    redirected: bool = False

    def json(self) -> Any:
        """Decode the body as JSON. Raises RegistryError if the body is not valid JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise RegistryError(f"{self.host} did not send valid JSON") from None


class ConnectionFailed(Exception):  # noqa: N818  (ConnectionError is Python's)
    """A request got no complete response. The text of the error has no subject: put the host before the text.

    `temporary` is true if another attempt can succeed.
    """

    def __init__(self, text: str, *, temporary: bool) -> None:
        super().__init__(text)
        self.temporary = temporary


class Connections:
    """The pools of connections, which all threads can use."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        # One pool manager for each proxy. The key None is for direct connections.
        self._pools: dict[str | None, urllib3.PoolManager] = {}

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        """Send one request without following redirects. Raises ConnectionFailed if there is no response."""
        limits = self._limits
        origin = origin_of(url)
        end = time.monotonic() + limits.timeout
        try:
            response: Any = self._pool(origin).request(
                method,
                url,
                headers={"User-Agent": _USER_AGENT, **headers},
                body=body,
                timeout=urllib3.Timeout(connect=limits.connect_timeout, read=limits.timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                content = b"" if method == "HEAD" else b"".join(_chunks(response, origin.host))
            except BaseException:
                response.close()
                raise
            finally:
                response.timer.cancel()
            response.release_conn()
        except exceptions.HTTPError as error:
            raise _failure(error if time.monotonic() < end else exceptions.TimeoutError(), limits) from None
        if time.monotonic() > end:
            # The timer has ended the response. A response of unknown length looks complete then.
            raise _failure(exceptions.TimeoutError(), limits)
        return Response(response.status, response.headers, content, origin.host)

    def _pool(self, origin: Origin) -> urllib3.PoolManager:
        proxy = _proxy(origin)
        with self._lock:
            if proxy not in self._pools:
                # This context trusts the certificates in SSL_CERT_FILE and SSL_CERT_DIR, or else the system's.
                context = ssl.create_default_context()
                # Python 3.13 rejects a private CA whose certificate has no key usage. docker accepts such a CA.
                context.verify_flags &= ~ssl.VERIFY_X509_STRICT
                options: dict[str, Any] = {"num_pools": _MOST_HOSTS, "maxsize": self._limits.connections}
                options |= {"block": True, "ssl_context": context}
                if proxy is None:
                    self._pools[proxy] = urllib3.PoolManager(**options)
                else:
                    login = urllib3.util.parse_url(proxy).auth
                    headers = urllib3.make_headers(proxy_basic_auth=unquote(login)) if login else None
                    self._pools[proxy] = urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
                self._pools[proxy].pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
            return self._pools[proxy]


class _HTTPConnection(urllib3.connection.HTTPConnection):
    def getresponse(self) -> Any:
        return _time_limited(self, super().getresponse)


class _HTTPSConnection(urllib3.connection.HTTPSConnection):
    def getresponse(self) -> Any:
        return _time_limited(self, super().getresponse)


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HTTPConnection


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


def _time_limited(connection: urllib3.connection.HTTPConnection, getresponse: Callable[[], Any]) -> Any:
    """Return a response with a running `timer`, which shuts down the socket at the time limit.

    The time limit of the socket itself is not sufficient, because it starts again with each byte.
    """
    timer = threading.Timer(connection.timeout or 0, _end, (connection.sock,))
    timer.daemon = True
    timer.start()
    try:
        response = getresponse()
    except BaseException:
        timer.cancel()
        raise
    response.timer = timer
    return response


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        # SSLSocket.shutdown would change the state of a TLS socket that another thread reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _chunks(response: urllib3.BaseHTTPResponse, host: str) -> Iterator[bytes]:
    size = 0
    # Do not decompress the body, because the digest is that of the bytes on the wire.
    while chunk := response.read1(1 << 16, decode_content=False):
        size += len(chunk)
        if size > _MOST_BYTES:
            raise RegistryError(f"{host} sent more than {_MOST_BYTES >> 20} MiB")
        yield chunk


def _proxy(origin: Origin) -> str | None:
    """Return the URL of the proxy for a host, like Go's ProxyFromEnvironment. Loopback addresses have no proxy."""
    if is_loopback(origin.host) or urllib.request.proxy_bypass(origin.host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(origin.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _failure(error: exceptions.HTTPError, limits: Limits) -> ConnectionFailed:
    # Do not show the messages of urllib3: they contain Python objects, and proxy URLs, which can have passwords.
    match error:
        case exceptions.ProxySchemeUnknown():
            return ConnectionFailed("cannot be reached: unsupported scheme of the proxy", temporary=False)
        case exceptions.ProxyError():
            return ConnectionFailed("cannot be reached through the proxy", temporary=True)
        case exceptions.NameResolutionError():
            return ConnectionFailed("cannot be found (DNS)", temporary=True)
        case exceptions.NewConnectionError():
            return ConnectionFailed("cannot be reached", temporary=True)
        case exceptions.ConnectTimeoutError():
            return ConnectionFailed(f"cannot be reached in {limits.connect_timeout:g} seconds", temporary=True)
        case exceptions.TimeoutError():
            return ConnectionFailed(f"did not answer in {limits.timeout:g} seconds", temporary=True)
        case exceptions.SSLError():
            cause = error.args[0] if error.args else None
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ConnectionFailed(
                    f"cannot be trusted: {cause.verify_message}; see SSL_CERT_FILE", temporary=False
                )
            return ConnectionFailed("does not accept TLS; to use plain HTTP, pass `--plain-http`", temporary=False)
        case exceptions.LocationValueError():
            return ConnectionFailed("is not a valid host", temporary=False)
    return ConnectionFailed("closed the connection before the end of the response", temporary=True)
