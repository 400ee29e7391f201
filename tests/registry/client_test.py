"""Requests to servers that redirect, refuse, hang, or break the connection."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.utils import formatdate
from pathlib import Path

import pytest
from registry.servers import Reply, Request, Server, basic, free_port, http_server, write_certificates

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.client import Client
from krm_image_setter.registry.connections import Limits

FAST = Limits(wait=0.01, connect_timeout=10, timeout=10)
HASTY = FAST._replace(timeout=0.3)
LOGIN = {"Authorization": "Basic secret", "Accept": "text/plain"}
Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that runs a server until the end of the test."""
    with ExitStack() as stack:
        yield lambda answer, tls=None: stack.enter_context(http_server(answer, tls))


def in_turn(*replies: Reply) -> Callable[[Request], Reply]:
    """Return one reply after the other, and the last one again and again."""
    rest = list(replies)
    return lambda _: rest.pop(0) if len(rest) > 1 else rest[0]


def error_of(client: Client, url: str, method: str = "GET", body: bytes | None = None) -> str:
    with pytest.raises(RegistryError) as caught:
        client.send(method, url, LOGIN, body)
    return str(caught.value)


# Redirects


def test_login_is_not_sent_to_another_host_after_redirect(serve: Serve) -> None:
    other = serve(lambda _: Reply(body=b"blob"))
    registry = serve(lambda _: Reply(307, {"Location": f"http://{other.host}/blob"}))
    response = Client(frozenset(), FAST).send("GET", f"http://{registry.host}/v2/", LOGIN)
    assert (response.body, response.host, response.redirected) == (b"blob", other.host, True)
    assert registry.requests[0].headers["Authorization"] == "Basic secret"
    assert (other.requests[0].headers["Authorization"], other.requests[0].headers["Accept"]) == (
        None,
        "text/plain",
    )


def test_login_is_not_sent_to_first_host_again_after_redirect_to_another(serve: Serve) -> None:
    registry: Server
    other = serve(lambda _: Reply(302, {"Location": f"http://{registry.host}/end"}))
    registry = serve(in_turn(Reply(302, {"Location": f"http://{other.host}/"}), Reply()))
    Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", LOGIN)
    assert [request.headers["Authorization"] for request in registry.requests] == ["Basic secret", None]


def test_login_is_sent_to_same_host_after_relative_redirect(serve: Serve) -> None:
    registry = serve(in_turn(Reply(301, {"Location": "/other"}), Reply()))
    assert not Client(frozenset(), FAST).send("HEAD", f"http://{registry.host}/v2/", LOGIN).redirected
    assert [request.path for request in registry.requests] == ["/v2/", "/other"]
    assert registry.requests[1].headers["Authorization"] == "Basic secret"


LOCATIONS = [
    pytest.param(
        "http://registry.example.com/", "registry.example.com is not asked over plain HTTP;", id="remote"
    ),
    pytest.param("http://[::1/", "HOST redirects to an invalid URL", id="incomplete IPv6 address"),
    pytest.param("http://127.0.0.1:x/", "a registry sent an invalid URL", id="port that is not a number"),
    pytest.param("file:///etc/passwd", "a registry sent a URL without a host", id="file"),
    pytest.param("https:///path", "a registry sent a URL without a host", id="no host"),
    pytest.param("https://..x/", "..x is not a valid host", id="empty labels"),
    pytest.param(f"https://{'a' * 70}.com/", f"{'a' * 70}.com is not a valid host", id="long label"),
    pytest.param("http://u:secret@127.0.0.1:1/", "127.0.0.1:1 cannot be reached", id="user and password"),
    pytest.param("/", "HOST redirects more than 5 times", id="itself"),
]


@pytest.mark.parametrize("location, message", LOCATIONS)
def test_redirect_to_invalid_location_is_an_error(serve: Serve, location: str, message: str) -> None:
    registry = serve(lambda _: Reply(302, {"Location": location}))
    error = error_of(Client(frozenset(), FAST), f"http://{registry.host}/")
    assert error.startswith(message.replace("HOST", registry.host))


def test_redirect_of_request_with_login_in_body_is_an_error(serve: Serve) -> None:
    registry = serve(lambda _: Reply(307, {"Location": "/other"}))
    error = error_of(Client(frozenset(), FAST), f"http://{registry.host}/", "POST", b"refresh_token=secret")
    assert error == f"{registry.host} redirects a request that contains a login"
    assert len(registry.requests) == 1


# Plain HTTP and certificates


def test_plain_http_is_sent_only_to_permitted_hosts(serve: Serve) -> None:
    registry = serve(lambda _: Reply())
    port = registry.host.rpartition(":")[2]
    # This name has the address of the loopback interface, but is not one of its names.
    name = f"localhost.localdomain:{port}"
    error = error_of(Client(frozenset(), FAST), f"http://{name}/")
    assert error == f"{name} is not asked over plain HTTP; to permit it, pass `--plain-http`"
    assert not registry.requests
    assert Client(frozenset({name}), FAST).scheme(name) == "http"


def test_plain_http_host_with_the_default_port_is_permitted(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda _: Reply(body=b"ok"))
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    client = Client(frozenset({"Registry.example.com:80"}), FAST)
    assert client.scheme("registry.example.com:80") == client.scheme("registry.example.com") == "http"
    assert client.send("GET", "http://registry.example.com:80/", {}).body == b"ok"


SCHEMES = [
    pytest.param("registry.example.com", "https", id="remote host"),
    pytest.param("registry.example.com:80", "https", id="remote host with the port of HTTP"),
    pytest.param("127.0.0.2:PORT", "http", id="IPv4 loopback"),
    pytest.param("localhost:PORT", "http", id="localhost"),
    pytest.param("localhost.example.com:PORT", "https", id="remote host that starts with localhost"),
    pytest.param("127.0.0.1.example.com:PORT", "https", id="remote host that starts with an address"),
]


@pytest.mark.parametrize("host, scheme", SCHEMES)
def test_scheme_of_host(host: str, scheme: str) -> None:
    assert Client(frozenset(), FAST).scheme(host.replace("PORT", str(free_port()))) == scheme


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    files = write_certificates(tmp_path_factory.mktemp("certificates"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    return context, files.authority


def test_loopback_host_with_tls_needs_a_trusted_certificate(
    serve: Serve, certificates: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certificates
    registry = serve(lambda _: Reply(body=b"ok"), context)
    client = Client(frozenset(), FAST)
    assert client.scheme(registry.host) == "https"
    error = error_of(client, f"https://{registry.host}/")
    assert error == f"{registry.host} cannot be trusted: unable to get local issuer certificate; see SSL_CERT_FILE"
    assert not registry.requests
    monkeypatch.setenv("SSL_CERT_FILE", authority)
    assert Client(frozenset(), FAST).send("GET", f"https://{registry.host}/", {}).body == b"ok"


def test_redirect_from_https_to_plain_http_is_an_error(
    serve: Serve, certificates: tuple[ssl.SSLContext, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certificates
    monkeypatch.setenv("SSL_CERT_FILE", authority)
    other = serve(lambda _: Reply())
    registry = serve(lambda _: Reply(302, {"Location": f"http://{other.host}/"}), context)
    error = error_of(Client(frozenset(), FAST), f"https://{registry.host}/")
    assert error == f"{registry.host} redirects from HTTPS to plain HTTP"
    assert not other.requests


# Proxies


def test_proxy_of_environment_gets_requests_with_its_login(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda _: Reply(body=b"from the proxy"))
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@{proxy.host}")
    client = Client(frozenset({"registry.example.com"}), FAST)
    assert client.send("GET", "http://registry.example.com/v2/", LOGIN).body == b"from the proxy"
    [request] = proxy.requests
    assert request.path == "http://registry.example.com/v2/"
    assert request.headers["Proxy-Authorization"] == f"Basic {basic('user:p@ss')}"


def test_proxy_tunnel_does_not_see_the_login(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(lambda _: Reply(403))
    monkeypatch.setenv("https_proxy", proxy.host)
    error = error_of(Client(frozenset(), FAST), "https://registry.example.com/v2/")
    assert error == "registry.example.com cannot be reached through the proxy"
    assert {(request.method, request.path) for request in proxy.requests} == {
        ("CONNECT", "registry.example.com:443")
    }
    assert not any("secret" in str(request) for request in proxy.requests)


@pytest.mark.parametrize("no_proxy", ["", "127.0.0.1"])
def test_proxy_is_not_used_for_loopback(serve: Serve, monkeypatch: pytest.MonkeyPatch, no_proxy: str) -> None:
    proxy = serve(lambda _: Reply())
    registry = serve(lambda _: Reply())
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    monkeypatch.setenv("no_proxy", no_proxy)
    Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", {})
    assert (len(proxy.requests), len(registry.requests)) == (0, 1)


def test_unsupported_proxy_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks4a://user:secret@127.0.0.1:1")
    error = error_of(Client(frozenset(), FAST), "https://registry.example.com/")
    assert error == "registry.example.com cannot be reached: unsupported scheme of the proxy"


# Connections


def test_connections_are_kept_for_many_hosts(serve: Serve) -> None:
    servers = [serve(lambda _: Reply(body=b"ok")) for _ in range(15)]
    client = Client(frozenset(), FAST)
    for server in servers * 3:
        client.send("GET", f"http://{server.host}/", {})
        client.send("HEAD", f"http://{server.host}/", {})
    assert [len({request.port for request in server.requests}) for server in servers] == [1] * 15


# Further attempts

TEMPORARY = [
    pytest.param(Reply(429), id="too many requests"),
    pytest.param(Reply(503), id="unavailable"),
    pytest.param(Reply(500), id="internal error"),
    pytest.param(Reply(body=b"12345", length=10), id="truncated body"),
    pytest.param(Reply(wait=0.6), id="no answer in time"),
]


@pytest.mark.parametrize("reply", TEMPORARY)
def test_temporary_failure_is_followed_by_another_attempt(serve: Serve, reply: Reply) -> None:
    registry = serve(in_turn(reply, reply, Reply(body=b"ok")))
    client = Client(frozenset(), HASTY if reply.wait else FAST)
    assert client.send("GET", f"http://{registry.host}/", {}).body == b"ok"
    assert len(registry.requests) == 3


PERMANENT = [
    pytest.param(Reply(429), "HOST answered that there were too many requests (429)", id="too many requests"),
    pytest.param(Reply(503, {"Retry-After": "1"}), "HOST answered with status 503", id="unavailable for a time"),
    pytest.param(
        Reply(body=b"12345", length=10),
        "HOST closed the connection before the end of the response",
        id="truncated",
    ),
    pytest.param(Reply(wait=1), "HOST did not answer in 0.3 seconds", id="no answer in time"),
]


@pytest.mark.parametrize("reply, message", PERMANENT)
def test_permanent_failure_ends_after_four_attempts(serve: Serve, reply: Reply, message: str) -> None:
    registry = serve(lambda _: reply)
    client = Client(frozenset(), HASTY if reply.wait else FAST)
    assert error_of(client, f"http://{registry.host}/") == message.replace("HOST", registry.host)
    assert len(registry.requests) == 4
    # The host is not asked again.
    assert error_of(client, f"http://{registry.host}/other") == message.replace("HOST", registry.host)
    assert len(registry.requests) == 4


def test_permanent_server_error_is_a_response(serve: Serve) -> None:
    registry = serve(lambda _: Reply(503))
    assert Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", {}).status == 503
    assert len(registry.requests) == 4


@pytest.mark.parametrize("seconds", ["1", "date"])
def test_retry_after_is_obeyed(serve: Serve, seconds: str) -> None:
    # A date has whole seconds, so the wait is at least one second.
    header = formatdate(time.time() + 2, usegmt=True) if seconds == "date" else seconds
    registry = serve(in_turn(Reply(429, {"Retry-After": header}), Reply()))
    start = time.monotonic()
    assert Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", {}).status == 200
    assert time.monotonic() - start >= 0.9
    assert len(registry.requests) == 2


def test_long_retry_after_is_an_error_without_a_wait(serve: Serve) -> None:
    registry = serve(lambda _: Reply(429, {"Retry-After": "21600"}))
    error = error_of(Client(frozenset(), FAST), f"http://{registry.host}/")
    assert error == f"{registry.host} asks for 21,600 seconds without requests"
    assert len(registry.requests) == 1


@pytest.mark.parametrize("text", ["soon", "-1", "1e9", "Sat, 99 Nov 2026 00:00:00 GMT"])
def test_invalid_retry_after_is_ignored(serve: Serve, text: str) -> None:
    registry = serve(in_turn(Reply(503, {"Retry-After": text}), Reply()))
    assert Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", {}).status == 200


SLOW = [
    pytest.param(b"HTTP/1.1 200 OK\r\nX: ", id="headers"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", id="body"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="chunks"),
]


@pytest.mark.parametrize("start", SLOW)
def test_slow_response_ends_after_the_time_limit(start: bytes) -> None:
    """Each byte arrives in time, but not the whole response."""
    with raw_server(start, b"1") as host:
        began = time.monotonic()
        error = error_of(Client(frozenset(), HASTY._replace(attempts=2)), f"http://{host}/")
        assert error == f"{host} did not answer in 0.3 seconds"
        assert time.monotonic() - began < 5


@contextmanager
def raw_server(start: bytes, rest: bytes = b"") -> Iterator[str]:
    """Run a server that sends `start`, and then `rest` every 50 ms without an end, or closes the connection."""

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(start)
            while rest:
                connection.sendall(rest)
                time.sleep(0.05)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


NOT_HTTP = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="another protocol"),
    pytest.param(bytes(range(256)), id="binary data"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", id="long header"),
    pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 500 + b"\r\n", id="many headers"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000, id="many interim responses"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="invalid chunk"),
]


@pytest.mark.parametrize("content", NOT_HTTP)
def test_response_that_is_not_http_is_an_error(content: bytes) -> None:
    with raw_server(content) as host:
        error = error_of(Client(frozenset(), FAST), f"http://{host}/")
    assert error == f"{host} closed the connection before the end of the response"


def test_body_is_not_decompressed(serve: Serve) -> None:
    """The digest is that of the bytes that the registry sends, and a small body could become a large one."""
    body = gzip.compress(b"manifest")
    registry = serve(lambda _: Reply(200, {"Content-Encoding": "gzip"}, body))
    assert Client(frozenset(), FAST).send("GET", f"http://{registry.host}/", {}).body == body


def test_large_body_is_an_error(serve: Serve) -> None:
    registry = serve(lambda _: Reply(body=bytes(5 << 20)))
    assert (
        error_of(Client(frozenset(), FAST), f"http://{registry.host}/") == f"{registry.host} sent more than 4 MiB"
    )


def test_unreachable_host_is_an_error() -> None:
    host = f"127.0.0.1:{free_port()}"
    assert error_of(Client(frozenset(), FAST), f"http://{host}/") == f"{host} cannot be reached"


def test_host_that_does_not_accept_connections_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    error = error_of(Client(frozenset(), FAST), "https://registry.example.com/")
    assert error == "registry.example.com cannot be reached in 10 seconds"


def test_host_without_tls_is_an_error(serve: Serve) -> None:
    """A registry answers the start of TLS with the status 400, and Python waits for the end of the line."""
    with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as host:
        error = error_of(Client(frozenset(), FAST), f"https://{host}/")
    assert error == f"{host} does not accept TLS; to use plain HTTP, pass `--plain-http`"


def test_unknown_host_is_an_error() -> None:
    error = error_of(Client(frozenset(), FAST), "https://registry.invalid/")
    assert error == "registry.invalid cannot be found (DNS)"


def test_close_ends_waits(serve: Serve, tmp_path: Path) -> None:
    registry = serve(lambda _: Reply(429, {"Retry-After": "50"}))
    client = Client(frozenset(), FAST)
    client.close()
    start = time.monotonic()
    error_of(client, f"http://{registry.host}/")
    assert time.monotonic() - start < 5
