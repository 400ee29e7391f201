"""Sends requests to registries: rejects those that are not permitted, follows redirects, and tries again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.connections import ConnectionFailed, Connections, Limits, Response
from krm_image_setter.registry.origins import Origin, is_loopback, origin_of, speaks_tls
from krm_image_setter.typed import Final

_REDIRECTS: Final = (301, 302, 303, 307, 308)
_MOST_REDIRECTS: Final = 5
_TOO_MANY: Final = 429
_RETRIED: Final = (408, _TOO_MANY, 500, 502, 503, 504)


class Client:
    """An HTTP client that all threads can use. It uses plain HTTP only for permitted hosts."""

    def __init__(self, plain_http: frozenset[str], limits: Limits) -> None:
        self._plain_http = {origin_of(f"http://{host}").host for host in plain_http}
        self._limits = limits
        self._connections = Connections(limits)
        self._closed = threading.Event()
        self._schemes: dict[str, str] = {}
        # For each host: the time of its last answer, the earliest time of the next request, and why it is down.
        self._answered: dict[Origin, float] = {}
        self._ready: dict[Origin, float] = {}
        self._down: dict[Origin, str] = {}

    def close(self) -> None:
        """Close the connections, and end the requests that wait for their next attempt."""
        self._closed.set()
        self._connections.close()

    def scheme(self, host: str) -> str:
        """Return the scheme for a registry: `https` or `http`. `host` can contain a port.

        Like docker, the program accepts both schemes for a registry on a loopback address.
        """
        if host not in self._schemes:
            named = origin_of(f"http://{host}").host in self._plain_http
            plain = named or (is_loopback(host) and not speaks_tls(host))
            self._schemes[host] = "http" if plain else "https"
        return self._schemes[host]

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Send a request, and follow redirects. Raises RegistryError if there is no response.

        After a redirect to another host, port or scheme, the header `Authorization` is not sent.
        """
        headers = dict(headers)
        first = origin_of(url)
        for _ in range(_MOST_REDIRECTS + 1):
            origin = origin_of(url)
            if origin != first:
                headers.pop("Authorization", None)
            response = self._retried(origin, method, url, headers, body)
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or target is None:
                return response._replace(redirected=origin != first)
            if body is not None:
                raise RegistryError(f"{origin.host} redirects a request that contains a login")
            try:
                url = urljoin(url, target)
            except ValueError:
                raise RegistryError(f"{origin.host} redirects to an invalid URL") from None
            if origin.scheme == "https" and origin_of(url).scheme != "https":
                raise RegistryError(f"{origin.host} redirects from HTTPS to plain HTTP")
        raise RegistryError(f"{first.host} redirects more than {_MOST_REDIRECTS} times")

    def _retried(
        self, origin: Origin, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        plain = origin.scheme == "http" and (origin.host in self._plain_http or is_loopback(origin.host))
        if origin.scheme != "https" and not plain:
            raise RegistryError(f"{origin.host} is not asked over plain HTTP; to permit it, pass `--plain-http`")
        start = time.monotonic()
        for attempt in range(1, self._limits.attempts + 1):
            self._closed.wait(max(0, self._ready.get(origin, 0) - time.monotonic()))
            if origin in self._down:
                raise RegistryError(self._down[origin])
            last = attempt == self._limits.attempts or self._closed.is_set()
            # The random factor keeps several threads from trying again at the same time.
            wait = self._limits.wait * 2 ** (attempt - 1) * random.uniform(0.5, 1)  # noqa: S311
            try:
                response = self._connections.request(method, url, headers, body)
            except ConnectionFailed as error:
                if last or not error.temporary:
                    raise self._failed(origin, start, str(error)) from None
            else:
                if response.status not in _RETRIED:
                    self._answered[origin] = time.monotonic()
                    return response
                asked = _retry_after(response)
                if asked > self._limits.longest_wait:
                    raise self._failed(origin, start, f"asks for {asked:,.0f} seconds without requests")
                if last and response.status == _TOO_MANY:
                    raise self._failed(origin, start, "answered that there were too many requests (429)")
                if last and asked:
                    raise self._failed(origin, start, f"answered with status {response.status}")
                if last:
                    # The host can work for other images: a mirror also reports an error if it cannot get an image.
                    return response
                if asked:
                    # The other threads wait too, because a rate limit applies to all requests to this host.
                    wait = max(wait, asked)
                    self._ready[origin] = time.monotonic() + wait
            self._closed.wait(wait)
        raise AssertionError(url)

    def _failed(self, origin: Origin, start: float, text: str) -> RegistryError:
        """Return the error for a request. A host that has answered no request since `start` is not asked again."""
        message = f"{origin.host} {text}"
        if self._answered.get(origin, start) <= start:
            self._down[origin] = message
        return RegistryError(message)


def _retry_after(response: Response) -> float:
    """Return the wait in seconds that the header `Retry-After` asks for. The header contains seconds or a date."""
    text = response.headers.get("Retry-After", "")
    try:
        return float(text) if text.isdecimal() else max(0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return 0
