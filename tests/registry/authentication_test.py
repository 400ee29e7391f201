"""Challenges of registries, and who receives the logins."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from registry.servers import Reply, Request, basic, digest_of, http_server, manifest_reply, write_logins

from krm_image_setter.images.reference import check_reference
from krm_image_setter.registry import Answer, Failed, Registries, Resolved
from krm_image_setter.registry.authentication import read_challenges
from krm_image_setter.registry.connections import Limits

FAST = Limits(wait=0.01, connect_timeout=10, timeout=10)
USER = f"Basic {basic('user:secret')}"
DIGEST = digest_of(b"{}")
RESOLVED = Resolved(DIGEST, DIGEST, ())

CHALLENGES = [
    pytest.param("", {}, id="empty header"),
    pytest.param("Basic", {"basic": {}}, id="scheme"),
    pytest.param('Basic realm="a b"', {"basic": {"realm": "a b"}}, id="quoted parameter"),
    pytest.param("BASIC Realm=a", {"basic": {"realm": "a"}}, id="another case"),
    pytest.param(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
        {
            "bearer": {
                "realm": "https://auth.docker.io/token",
                "service": "registry.docker.io",
                "scope": "repository:a/b:pull,push",
            }
        },
        id="Docker Hub",
    ),
    pytest.param(
        'Bearer realm="a", service="b", Basic realm="c"',
        {"bearer": {"realm": "a", "service": "b"}, "basic": {"realm": "c"}},
        id="two schemes",
    ),
    pytest.param(
        'Basic realm="a, Bearer realm=b"', {"basic": {"realm": "a, Bearer realm=b"}}, id="scheme in quotes"
    ),
    pytest.param(r'Basic realm="a\"b\\"', {"basic": {"realm": r'a"b\ '.strip()}}, id="escaped quote"),
    pytest.param('Bearer realm = "a" , service= b', {"bearer": {"realm": "a", "service": "b"}}, id="spaces"),
    pytest.param("Negotiate, Basic", {"negotiate": {}, "basic": {}}, id="unknown scheme"),
    pytest.param('Bearer realm="a', {"bearer": {"realm": ""}, "a": {}}, id="quote without an end"),
]


@pytest.mark.parametrize("header, expected", CHALLENGES)
def test_challenge_is_read(header: str, expected: dict[str, dict[str, str]]) -> None:
    assert read_challenges(header) == expected


class TokenRegistry:
    """A registry that accepts the tokens of a token service on another port."""

    def __init__(self, service: str, *, lifetime: int = 1000) -> None:
        self.service = service
        self.uses = dict.fromkeys(["token"], lifetime)

    def __call__(self, request: Request) -> Reply:
        token = (request.headers["Authorization"] or "").removeprefix("Bearer ")
        if self.uses.get(token, 0) > 0:
            self.uses[token] -= 1
            return manifest_reply(b"{}")
        challenge = (
            f'Bearer realm="http://{self.service}/token",service="registry",scope="repository:evil:pull,push"'
        )
        return Reply(401, {"WWW-Authenticate": challenge})


def ask(host: str, *names: str, **options: Any) -> list[Answer]:
    defaults = {"plain_http": [host], "limits": FAST._replace(connections=1)}
    with Registries(**(defaults | options)) as registries:
        return [answer for _, answer in registries.resolve([check_reference(f"{host}/{name}") for name in names])]


def test_token_is_requested_for_each_repository_after_one_challenge() -> None:
    """The scope of the challenge is not used: it could name another repository and permit more than `pull`."""
    token = Reply(body=b'{"access_token": "token"}')
    with http_server(lambda _: token) as service, http_server(TokenRegistry(service.host)) as registry:
        assert ask(registry.host, "a:1", "a:2", "b:1") == [RESOLVED] * 3
    scopes = [parse_qs(urlsplit(request.path).query) for request in service.requests]
    assert scopes == [{"scope": [f"repository:{name}:pull"], "service": ["registry"]} for name in ("a", "b")]
    assert len(registry.requests) == 4


def test_expired_token_is_replaced() -> None:
    registry = TokenRegistry("", lifetime=1)

    def issue(_: Request) -> Reply:
        registry.uses[f"token-{len(registry.uses)}"] = 1
        return Reply(body=json.dumps({"token": f"token-{len(registry.uses) - 1}"}).encode())

    with http_server(issue) as service, http_server(registry) as server:
        registry.service = service.host
        assert ask(server.host, "a:1", "a:2", "a:3") == [RESOLVED] * 3
    assert len(service.requests) == 3


def test_rejected_token_ends_after_two_requests() -> None:
    token = Reply(body=b'{"token": "wrong"}')
    with http_server(lambda _: token) as service, http_server(TokenRegistry(service.host)) as registry:
        [answer] = ask(registry.host, "a:1")
    assert answer == Failed(f"{registry.host} denies access or has no such image; check the name and the login")
    assert (len(registry.requests), len(service.requests)) == (2, 1)


TOKENS = [
    pytest.param(Reply(body=b"{"), "SERVICE did not send valid JSON", id="JSON without an end"),
    pytest.param(Reply(body=b"[]"), "the token service SERVICE did not send a token", id="list"),
    pytest.param(Reply(body=b'{"token": ""}'), "the token service SERVICE did not send a token", id="empty token"),
    pytest.param(
        Reply(body=rb'{"token": "a\r\nX: b"}'),
        "the token service SERVICE did not send a token",
        id="header in token",
    ),
    pytest.param(Reply(403), "HOST requires a login; run `docker login HOST`", id="forbidden"),
    pytest.param(Reply(404), "the token service SERVICE answered with status 404", id="not found"),
    pytest.param(Reply(503), "the token service SERVICE answered with status 503", id="unavailable"),
]


@pytest.mark.parametrize("reply, reason", TOKENS)
def test_invalid_token_is_an_error(reply: Reply, reason: str) -> None:
    with http_server(lambda _: reply) as service, http_server(TokenRegistry(service.host)) as registry:
        [answer] = ask(registry.host, "a:1")
    assert answer == Failed(reason.replace("SERVICE", service.host).replace("HOST", registry.host))


def test_token_service_that_forbids_the_repository_is_an_error(tmp_path: Path) -> None:
    """GitLab, for example, answers 403 for a project to which a valid login has no access. Others are asked for."""
    with http_server(lambda _: Reply(403)) as service, http_server(TokenRegistry(service.host)) as registry:
        write_logins(tmp_path, auths={registry.host: {"auth": basic("user:secret")}})
        got = ask(registry.host, "a:1", "b:1")
    message = f"{registry.host} denies access or has no such image; check the name and the login"
    assert got == [Failed(message)] * 2
    assert authorizations(service.requests) == [USER] * 2


REALMS = [
    pytest.param("", id="empty"),
    pytest.param("http://tokens.example.com/", id="plain HTTP"),
    pytest.param("file:///etc/passwd", id="file"),
    pytest.param("//[", id="incomplete IPv6 address"),
    pytest.param("https://[::1", id="incomplete IPv6 address with a scheme"),
]


@pytest.mark.parametrize("realm", REALMS)
def test_login_is_not_sent_to_invalid_realm(tmp_path: Path, realm: str) -> None:
    challenge = Reply(401, {"WWW-Authenticate": f'Bearer realm="{realm}"'})
    with http_server(lambda _: challenge) as registry:
        write_logins(tmp_path, auths={registry.host: {"auth": basic("user:secret")}})
        [answer] = ask(registry.host, "a:1")
    assert isinstance(answer, Failed)
    assert [request.headers["Authorization"] for request in registry.requests] == [None]


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_wrong_login_is_sent_once(tmp_path: Path, scheme: str) -> None:
    """Registries lock an account after several wrong passwords."""
    logins: list[str | None] = []

    def answer(request: Request) -> Reply:
        logins.append(request.headers["Authorization"])
        return Reply(401, {"WWW-Authenticate": f'{scheme} realm="http://{registry.host}/token"'})

    with http_server(answer) as registry:
        write_logins(tmp_path, auths={registry.host: {"auth": basic("user:secret")}})
        got = ask(registry.host, *(f"app-{number}:1" for number in range(40)), limits=FAST)
    message = f"{registry.host} did not accept the login; run `docker login {registry.host}` again"
    assert set(got) == {Failed(message)}
    assert logins.count(USER) == 1


def test_registry_token_is_sent_as_it_is(tmp_path: Path) -> None:
    with http_server(TokenRegistry("127.0.0.1:1")) as registry:
        write_logins(tmp_path, auths={registry.host: {"registrytoken": "token"}})
        assert ask(registry.host, "a:1") == [RESOLVED]


# Who receives a login


def requires_login(request: Request) -> Reply:
    if request.headers["Authorization"] == USER:
        return manifest_reply(b"{}")
    return Reply(401, {"WWW-Authenticate": 'Basic realm="test"'})


def authorizations(requests: list[Request]) -> list[str | None]:
    return [request.headers["Authorization"] for request in requests]


def test_login_is_sent_only_after_a_challenge(tmp_path: Path) -> None:
    with http_server(lambda _: manifest_reply(b"{}")) as public, http_server(requires_login) as private:
        write_logins(
            tmp_path, auths={host: {"auth": basic("user:secret")} for host in (public.host, private.host)}
        )
        assert ask(public.host, "a:1", "b:1") == [RESOLVED] * 2
        assert ask(private.host, "a:1", "b:1") == [RESOLVED] * 2
    assert authorizations(public.requests) == [None, None]
    assert authorizations(private.requests) == [None, USER, USER]


def test_login_of_another_host_is_not_sent(tmp_path: Path) -> None:
    with http_server(requires_login) as registry:
        write_logins(tmp_path, auths={"127.0.0.1": {"auth": basic("user:secret")}})
        [answer] = ask(registry.host, "a:1")
    assert answer == Failed(f"{registry.host} requires a login; run `docker login {registry.host}`")
    assert authorizations(registry.requests) == [None]


REDIRECTS = [
    pytest.param({}, id="host that answers"),
    pytest.param({"WWW-Authenticate": 'Basic realm="test"'}, id="host that asks for a login"),
    pytest.param({"WWW-Authenticate": 'Bearer realm="http://THIEF/"'}, id="host that names a token service"),
]


@pytest.mark.parametrize("challenge", REDIRECTS)
@pytest.mark.parametrize("private", [False, True], ids=["public registry", "private registry"])
def test_login_is_not_sent_to_another_host(tmp_path: Path, challenge: dict[str, str], private: bool) -> None:
    """Neither the header nor an answer to the challenge of the other host, even if there is a login for it."""

    def answer(_: Request) -> Reply:
        headers = {name: value.replace("THIEF", thief.host) for name, value in challenge.items()}
        return Reply(401, headers) if challenge else manifest_reply(b"{}")

    def redirect(request: Request) -> Reply:
        reply = requires_login(request)
        return (
            reply
            if private and reply.status == 401
            else Reply(307, {"Location": f"http://{other.host}{request.path}"})
        )

    with http_server(lambda _: Reply()) as thief, http_server(answer) as other, http_server(redirect) as registry:
        write_logins(
            tmp_path, auths={host: {"auth": basic("user:secret")} for host in (registry.host, other.host)}
        )
        ask(registry.host, "a:1")
    assert registry.requests
    assert set(authorizations(other.requests)) == {None}
    assert not thief.requests


def test_login_is_not_in_a_message(tmp_path: Path) -> None:
    """The registry repeats the login in all parts of its answers."""

    def repeat(request: Request) -> Reply:
        text = request.headers["Authorization"] or 'Basic realm="x"'
        status = 401 if "Authorization" not in request.headers else 418
        return Reply(status, {"WWW-Authenticate": text, "Content-Type": text}, text.encode())

    with http_server(repeat) as registry:
        write_logins(tmp_path, auths={registry.host: {"auth": basic("user:secret")}})
        [answer] = ask(registry.host, "a:1")
    assert answer == Failed(f"{registry.host} answered with status 418")


def test_mirror_gets_its_own_login(tmp_path: Path) -> None:
    with http_server(requires_login) as mirror:
        hub = {"auth": basic("hub:secret")}
        write_logins(tmp_path, auths={"docker.io": hub, f"{mirror.host}/hub": {"auth": basic("user:secret")}})
        options: Any = {
            "mirrors": {"docker.io": f"{mirror.host}/hub"},
            "plain_http": [mirror.host],
            "limits": FAST,
        }
        with Registries(**options) as registries:
            assert [answer for _, answer in registries.resolve([check_reference("nginx:1")])] == [RESOLVED]
    assert authorizations(mirror.requests) == [None, USER]
    assert {request.path for request in mirror.requests} == {"/v2/hub/library/nginx/manifests/1"}


def test_nothing_is_sent_over_plain_http_to_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name has a loopback address, but the name decides. The server receives the start of TLS, and no request."""
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *rest, **options: resolve("127.0.0.1", *rest, **options))
    with http_server(requires_login) as registry:
        host = registry.host.replace("127.0.0.1", "registry.example.com")
        write_logins(tmp_path, auths={host: {"auth": basic("user:secret")}})
        [answer] = ask(host, "a:1", plain_http=[], limits=FAST._replace(attempts=1, connect_timeout=1, timeout=1))
        assert isinstance(answer, Failed)
        assert not registry.requests
        assert ask(host, "a:1", plain_http=[host]) == [RESOLVED]
    assert authorizations(registry.requests) == [None, USER]
