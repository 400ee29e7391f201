"""The scheme and the host of a URL. Tests whether a host is this machine, and whether it accepts TLS."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from urllib.parse import urlsplit

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.typed import Final, Record

_PORTS: Final = {"https": ":443", "http": ":80"}
# A local server with TLS answers in milliseconds. A server without TLS can wait for the rest of an HTTP line.
_SECONDS_FOR_TLS: Final = 2


class Origin(Record):
    """The scheme and the host of a URL. `host` contains no user name, and a port only if it is not the default."""

    scheme: str
    host: str


def origin_of(url: str) -> Origin:
    """Return the origin of a URL. Raises RegistryError if the URL is not valid."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (it raises ValueError if the port is not a number)
    except ValueError:
        raise RegistryError("a registry sent an invalid URL") from None
    if not parts.hostname:
        raise RegistryError("a registry sent a URL without a host")
    host = parts.netloc.rpartition("@")[2].lower()
    return Origin(parts.scheme, host.removesuffix(_PORTS.get(parts.scheme, " ")))


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine. `host` can contain a port."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def speaks_tls(host: str) -> bool:
    """Return whether the server of a host accepts TLS. `host` can contain a port."""
    parts = urlsplit(f"//{host}")
    context = ssl.create_default_context()
    # This test is only about the protocol. Later requests check the certificate.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((parts.hostname, parts.port or 443), timeout=_SECONDS_FOR_TLS) as connection,
            context.wrap_socket(connection, server_hostname=parts.hostname),
        ):
            return True
    except OSError:
        return False
