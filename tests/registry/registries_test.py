"""Images in real registries on loopback, and many images at once."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from registry.servers import (
    Certificates,
    Reply,
    Request,
    basic,
    docker_registry,
    free_port,
    htpasswd,
    http_server,
    inspected_digest,
    manifest_reply,
    needs_registry,
    push,
    token_service,
    write_certificates,
    write_logins,
)

from krm_image_setter import ConfigError
from krm_image_setter.images.reference import check_reference
from krm_image_setter.registry import Answer, Failed, Registries, Resolved, parse_platform
from krm_image_setter.registry.connections import Limits
from krm_image_setter.registry.repository import Repository


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with docker_registry() as host:
        yield host


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return write_certificates(tmp_path_factory.mktemp("certificates"))


def answers(*images: str, **options: Any) -> dict[str, Answer]:
    with Registries(**options) as registries:
        return {str(image): answer for image, answer in registries.resolve(map(check_reference, images))}


# Debian's docker-registry


@needs_registry
def test_tag_is_resolved_to_the_digest_that_skopeo_sees(host: str) -> None:
    digest = push(host, "team/app:1.0")
    image = f"{host}/team/app:1.0"
    assert answers(image) == {image: Resolved(digest, digest, ())}
    assert inspected_digest(image) == digest


@needs_registry
def test_index_is_resolved_with_its_platforms(host: str) -> None:
    digest = push(host, "two:latest", ["linux/amd64", "linux/arm64/v8"])
    expected = Resolved(digest, digest, ("linux/amd64", "linux/arm64"))
    image = f"{host}/two"
    assert answers(image, platforms=[parse_platform("linux/arm64/v8")]) == {image: expected}
    assert inspected_digest(image) == digest


@needs_registry
def test_single_platform_is_resolved_to_the_digest_that_skopeo_copies(host: str, tmp_path: Path) -> None:
    index = push(host, "single:1", ["linux/amd64", "linux/arm64"])
    image = f"{host}/single:1"
    copied = ["skopeo", "--override-arch=arm64", "copy", "--quiet", "--src-tls-verify=false"]
    subprocess.run(
        [*copied, f"docker://{image}", f"docker://{host}/copy:1", "--dest-tls-verify=false"], check=True
    )
    [answer] = answers(image, platforms=[parse_platform("linux/arm64")], single_platform=True).values()
    assert answer == Resolved(inspected_digest(f"{host}/copy:1"), index, ("linux/arm64",))


@needs_registry
def test_docker_media_types_are_resolved(host: str) -> None:
    oci = push(host, "docker:1", ["linux/amd64", "linux/arm64"], format="v2s2")
    image = f"{host}/docker:1"
    [answer] = answers(image, platforms=[parse_platform("linux/amd64")]).values()
    assert isinstance(answer, Resolved)
    assert answer.digest != oci
    assert (answer.digest, answer.platforms) == (inspected_digest(image), ("linux/amd64", "linux/arm64"))


@needs_registry
def test_tag_that_has_moved_has_another_digest(host: str) -> None:
    old = push(host, "moved:1", label="old")
    new = push(host, "moved:1", label="new")
    image = f"{host}/moved:1@{old}"
    assert old != new
    assert answers(image) == {image: Resolved(old, new, ())}


@needs_registry
def test_missing_images_are_missing(host: str) -> None:
    push(host, "exists:1")
    images = [f"{host}/exists:2", f"{host}/other:1", f"{host}/exists@sha256:{'0' * 64}"]
    assert answers(*images) == dict.fromkeys(images, Failed(f"not found in {host}", missing=True))


@needs_registry
def test_htpasswd_needs_a_login(tmp_path: Path) -> None:
    with docker_registry({"auth": htpasswd(tmp_path, "user", "secret")}) as host:
        digest = push(host, "app:1", dest_creds="user:secret")
        image = f"{host}/app:1"
        assert answers(image) == {image: Failed(f"{host} requires a login; run `docker login {host}`")}
        write_logins(tmp_path, auths={host: {"auth": basic("user:secret")}})
        assert answers(image) == {image: Resolved(digest, digest, ())}
        write_logins(tmp_path, auths={host: {"auth": basic("user:wrong")}})
        assert answers(image) == {
            image: Failed(f"{host} did not accept the login; run `docker login {host}` again")
        }


@needs_registry
def test_tls_needs_the_certificate_of_the_private_authority(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = {"certificate": certificates.certificate, "key": certificates.key}
    with docker_registry(http={"tls": tls}) as host:
        digest = push(host, "app:1")
        image = f"{host}/app:1"
        reason = f"{host} cannot be trusted: unable to get local issuer certificate; see SSL_CERT_FILE"
        assert answers(image) == {image: Failed(reason)}
        monkeypatch.setenv("SSL_CERT_FILE", certificates.authority)
        assert answers(image) == {image: Resolved(digest, digest, ())}


LOGINS = [
    pytest.param({}, None, id="anonymous"),
    pytest.param({"auth": basic("user:secret")}, f"Basic {basic('user:secret')}", id="user and password"),
    pytest.param({"identitytoken": "identity"}, None, id="identity token"),
]


@needs_registry
@pytest.mark.parametrize("login, header", LOGINS)
def test_token_service_is_asked_for_one_token_per_repository(
    tmp_path: Path, certificates: Certificates, login: dict[str, str], header: str | None
) -> None:
    service = token_service(certificates, {"user": "secret", "identity": "identity"})
    with http_server(service) as tokens:
        token = {"realm": f"http://{tokens.host}/token", "service": "test", "issuer": "tests"}
        token["rootcertbundle"] = certificates.certificate
        with docker_registry({"auth": {"token": token}}) as host:
            digests = {f"{host}/{name}": push(host, name) for name in ("team/a:1", "team/b:1")}
            write_logins(tmp_path, auths={host: login})
            tokens.requests.clear()
            for _ in range(2):
                expected = {image: Resolved(digest, digest, ()) for image, digest in digests.items()}
                assert answers(*digests) == expected
    requests = tokens.requests
    assert [request.headers["Authorization"] for request in requests] == [header] * 4
    queries = [
        parse_qs(request.body.decode() if request.method == "POST" else urlsplit(request.path).query)
        for request in requests
    ]
    scopes = Counter(query["scope"][0] for query in queries)
    assert scopes == {"repository:team/a:pull": 2, "repository:team/b:pull": 2}
    assert all(
        query.get("refresh_token") == (["identity"] if "identitytoken" in login else None) for query in queries
    )


@needs_registry
def test_token_service_that_rejects_the_login_is_an_error(tmp_path: Path, certificates: Certificates) -> None:
    with http_server(token_service(certificates, {}, anonymous=False)) as tokens:
        token = {"realm": f"http://{tokens.host}/token", "service": "test", "issuer": "tests"}
        token["rootcertbundle"] = certificates.certificate
        with docker_registry({"auth": {"token": token}}) as host:
            image = f"{host}/app:1"
            assert answers(image) == {image: Failed(f"{host} requires a login; run `docker login {host}`")}
            write_logins(tmp_path, auths={host: {"auth": basic("user:secret")}})
            assert answers(image) == {
                image: Failed(f"{host} did not accept the login; run `docker login {host}` again")
            }


@needs_registry
def test_mirror_is_asked_instead_of_the_registry(host: str) -> None:
    digest = push(host, "library/nginx:1.27", ["linux/amd64", "linux/arm64"])
    with docker_registry({"proxy": {"remoteurl": f"http://{host}"}}) as mirror:
        expected = {"nginx:1.27": Resolved(digest, digest, ("linux/amd64", "linux/arm64"))}
        assert (
            answers("nginx:1.27", mirrors={"docker.io": mirror}, platforms=[parse_platform("linux/amd64")])
            == expected
        )


@pytest.mark.parametrize("source", ["docker.io", "index.docker.io", "docker.io/library"])
def test_mirror_of_docker_hub_is_used_for_all_its_names(source: str) -> None:
    with http_server(lambda _: manifest_reply(b"{}")) as server:
        [answer] = answers("nginx:1", mirrors={source: server.host}, plain_http=[server.host]).values()
    assert isinstance(answer, Resolved)


@needs_registry
def test_mirror_with_a_path_is_used_for_the_longest_name(host: str) -> None:
    digest = push(host, "hub/library/nginx:1")
    other = push(host, "team/app:1", label="other")
    mirrors = {"docker.io": f"{host}/hub", "docker.io/org": f"{host}/team"}
    assert answers("nginx:1", "org/app:1", mirrors=mirrors) == {
        "nginx:1": Resolved(digest, digest, ()),
        "org/app:1": Resolved(other, other, ()),
    }


# Many images


def test_each_image_is_asked_for_once() -> None:
    """Different spellings of one image are one question."""
    with http_server(lambda _: manifest_reply(b"{}")) as server:
        names = [
            "nginx",
            "nginx:latest",
            "docker.io/nginx",
            "index.docker.io/library/nginx:latest",
            "nginx:latest",
        ]
        got = answers(*names, mirrors={"docker.io": server.host}, plain_http=[server.host])
    assert set(got) == set(names)
    assert len(set(got.values())) == 1
    assert [request.path for request in server.requests] == ["/v2/library/nginx/manifests/latest"]


def test_answers_arrive_in_their_order() -> None:
    """The first image of a host is asked for alone, and then the others at once."""
    with http_server(lambda request: manifest_reply(b"{}")._replace(wait="slow" in request.path)) as server:
        images = [check_reference(f"{server.host}/{name}:1") for name in ("first", "slow", "fast")]
        with Registries(plain_http=[server.host]) as registries:
            assert [image for image, _ in registries.resolve(images)] == [images[0], images[2], images[1]]


def test_registry_that_is_down_does_not_stop_the_others() -> None:
    down = f"127.0.0.1:{free_port()}"
    fast = Limits(wait=0.01)
    with http_server(lambda _: manifest_reply(b"{}")) as server:
        images = [f"{host}/app-{number}:1" for number in range(40) for host in (down, server.host)]
        start = time.monotonic()
        got = answers(*images, plain_http=[server.host], limits=fast)
    assert time.monotonic() - start < 30
    assert Counter(type(answer) for answer in got.values()) == {Failed: 40, Resolved: 40}
    assert {answer for answer in got.values() if isinstance(answer, Failed)} == {
        Failed(f"{down} cannot be reached")
    }


def test_connections_per_host_are_limited() -> None:
    lock = threading.Lock()
    current = most = 0

    def answer(_: Request) -> Reply:
        nonlocal current, most
        with lock:
            current += 1
            most = max(most, current)
        time.sleep(0.02)
        with lock:
            current -= 1
        return manifest_reply(b"{}")

    with http_server(answer) as server:
        images = [f"{server.host}/app-{number}:1" for number in range(60)]
        got = answers(*images, plain_http=[server.host], limits=Limits(connections=4))
    assert all(isinstance(answer, Resolved) for answer in got.values())
    assert most == 4


def test_retry_after_stops_the_other_requests_to_the_host() -> None:
    times: list[float] = []

    def answer(_: Request) -> Reply:
        times.append(time.monotonic())
        return Reply(429, {"Retry-After": "1"}) if len(times) == 1 else manifest_reply(b"{}")._replace(wait=0.01)

    with http_server(answer) as server:
        images = [f"{server.host}/app-{number}:1" for number in range(60)]
        got = answers(*images, plain_http=[server.host], limits=Limits(connections=4))
    assert all(isinstance(answer, Resolved) for answer in got.values())
    assert sum(at < times[0] + 0.9 for at in times) <= 8


def test_unexpected_error_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in a thread must not become an answer, and must not hold the run."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Repository, "resolve", fail)
    with pytest.raises(ZeroDivisionError):
        answers("nginx:1")


def test_leaving_the_context_ends_the_requests() -> None:
    with http_server(lambda _: manifest_reply(b"{}")._replace(wait=0.05)) as server:
        images = [check_reference(f"{server.host}/app-{number}:1") for number in range(200)]
        with Registries(plain_http=[server.host], limits=Limits(connections=2)) as registries:
            next(registries.resolve(images))
        time.sleep(0.5)
    assert len(server.requests) < 10


# Arguments

INVALID = [
    pytest.param({"single_platform": True}, "`--single-platform` needs one `--platform`, got 0", id="no platform"),
    pytest.param(
        {"single_platform": True, "platforms": [parse_platform("linux/amd64"), parse_platform("linux/arm64")]},
        "`--single-platform` needs one `--platform`, got 2",
        id="two platforms",
    ),
    *(
        pytest.param(
            {"mirrors": {"docker.io": mirror}},
            f'invalid mirror "{mirror}"; expected HOST[:PORT][/PATH], such as mirror.example.com/hub',
            id=f"mirror {mirror!r}",
        )
        for mirror in ("https://mirror.example.com", "mirror", "mirror.example.com/", "mirror.example.com/Hub", "")
    ),
    pytest.param(
        {"mirrors": {"nginx": "mirror.example.com"}},
        'invalid mirror "nginx"; expected HOST[:PORT][/PATH], such as mirror.example.com/hub',
        id="mirror of a name without a host",
    ),
    *(
        pytest.param(
            {"plain_http": [host]},
            f'invalid host "{host}" for `--plain-http`; expected HOST[:PORT], such as localhost:5000',
            id=f"host {host!r}",
        )
        for host in ("http://localhost:5000", "registry", "localhost:5000/app", "localhost:x", "")
    ),
]


@pytest.mark.parametrize("options, message", INVALID)
def test_invalid_argument_is_an_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Registries(**options)
    assert str(caught.value) == message
