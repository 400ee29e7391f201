"""Registries that do not follow the specification, or answer only a part of the questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from registry.servers import INDEX, MANIFEST, Reply, Request, digest_of, http_server, manifest_reply

from krm_image_setter.images.reference import check_reference
from krm_image_setter.registry import Answer, Failed, Registries, Resolved, parse_platform
from krm_image_setter.registry.connections import Limits

FAST = Limits(wait=0.01, connect_timeout=10, timeout=10)
LINUX = parse_platform("linux/amd64")
OTHER = "sha256:" + "0" * 64
CONFIG = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
IMAGE = json.dumps({"schemaVersion": 2, "config": {"digest": digest_of(CONFIG)}}).encode()
DIGEST = digest_of(IMAGE)


def ask(answer: Callable[[Request], Reply], image: str = "app:1", **options: Any) -> tuple[Answer, list[str]]:
    """Ask a server for an image. Return the answer and the requests that it needed, without the repository."""
    with http_server(answer) as server, Registries(plain_http=[server.host], limits=FAST, **options) as registries:
        [(_, got)] = registries.resolve([check_reference(f"{server.host}/{image}")])
    if isinstance(got, Failed):
        got = got._replace(reason=got.reason.replace(server.host, "HOST"))
    paths = [f"{request.method} {request.path.removeprefix('/v2/app/')}" for request in server.requests]
    return got, paths


def serve(request: Request) -> Reply:
    return Reply(body=CONFIG) if "/blobs/" in request.path else manifest_reply(IMAGE)


def with_index(*platforms: dict[str, str], **fields: Any) -> Callable[[Request], Reply]:
    children = [{"mediaType": MANIFEST, "digest": DIGEST, "platform": platform} for platform in platforms]
    index = json.dumps({"schemaVersion": 2, "manifests": children, **fields}).encode()
    return lambda request: serve(request) if request.path.endswith(DIGEST) else manifest_reply(index, INDEX)


# Digests


def test_tag_is_resolved_with_one_head_request() -> None:
    assert ask(serve) == (Resolved(DIGEST, DIGEST, ()), ["HEAD manifests/1"])


def test_platform_of_manifest_without_index_is_in_its_configuration() -> None:
    answer, paths = ask(serve, platforms=[LINUX])
    assert answer == Resolved(DIGEST, DIGEST, ("linux/amd64",))
    assert paths == ["HEAD manifests/1", f"GET manifests/{DIGEST}", f"GET blobs/{digest_of(CONFIG)}"]


WITHOUT_HEADER = [
    pytest.param({"Content-Type": MANIFEST}, id="no digest"),
    pytest.param({"Docker-Content-Digest": DIGEST}, id="no media type"),
    pytest.param(
        {"Content-Type": MANIFEST, "Docker-Content-Digest": "md5:" + "0" * 32}, id="unregistered algorithm"
    ),
    pytest.param({"Content-Type": MANIFEST, "Docker-Content-Digest": "sha256:12"}, id="short digest"),
]


@pytest.mark.parametrize("headers", WITHOUT_HEADER)
def test_body_is_read_if_headers_are_not_sufficient(headers: dict[str, str]) -> None:
    answer, paths = ask(
        lambda request: Reply(200, headers if request.method == "HEAD" else {"Content-Type": MANIFEST}, IMAGE)
    )
    assert (answer, paths) == (Resolved(DIGEST, DIGEST, ()), ["HEAD manifests/1", "GET manifests/1"])


@pytest.mark.parametrize("status", [400, 405, 501])
def test_body_is_read_if_head_is_not_supported(status: int) -> None:
    answer, paths = ask(lambda request: Reply(status) if request.method == "HEAD" else manifest_reply(IMAGE))
    if status == 501:
        assert answer == Failed("HOST answered with status 501")
    else:
        assert (answer, paths) == (Resolved(DIGEST, DIGEST, ()), ["HEAD manifests/1", "GET manifests/1"])


def test_digest_of_another_host_is_not_trusted() -> None:
    lie = Reply(200, {"Content-Type": MANIFEST, "Docker-Content-Digest": OTHER}, IMAGE)
    with http_server(lambda _: lie) as cache:
        answer, paths = ask(lambda request: Reply(307, {"Location": f"http://{cache.host}{request.path}"}))
    assert (answer, paths) == (Resolved(DIGEST, DIGEST, ()), ["HEAD manifests/1", "GET manifests/1"])
    assert [request.method for request in cache.requests] == ["HEAD", "GET"]


def lying(request: Request) -> Reply:
    return manifest_reply(IMAGE, Docker_Content_Digest=OTHER)


LIES = [
    pytest.param(
        lying,
        {"platforms": [LINUX]},
        "app:1",
        f"HOST sent a body with the digest {DIGEST} instead of {OTHER}",
        id="digest of a tag that is not that of the body",
    ),
    pytest.param(
        lambda request: Reply(405) if request.method == "HEAD" else manifest_reply(b"{}"),
        {},
        f"app@{DIGEST}",
        f"HOST sent a body with the digest {digest_of(b'{}')} instead of {DIGEST}",
        id="another body than the one in the request",
    ),
    pytest.param(
        lambda request: Reply(body=b"{}") if "/blobs/" in request.path else manifest_reply(IMAGE),
        {"platforms": [LINUX]},
        "app:1",
        f"HOST sent a body with the digest {digest_of(b'{}')} instead of {digest_of(CONFIG)}",
        id="another configuration than the one in the manifest",
    ),
]


@pytest.mark.parametrize("answer, options, image, reason", LIES)
def test_wrong_digest_is_an_error(
    answer: Callable[[Request], Reply], options: dict[str, Any], image: str, reason: str
) -> None:
    assert ask(answer, image, **options)[0] == Failed(reason)


def test_wrong_header_for_a_digest_is_compared_with_the_body() -> None:
    answer, paths = ask(lying, f"app@{DIGEST}")
    assert answer == Resolved(DIGEST, None, ())
    assert paths == [f"HEAD manifests/{DIGEST}", f"GET manifests/{DIGEST}"]


def test_sha512_is_checked_if_header_has_sha256() -> None:
    digest = f"sha512:{hashlib.sha512(IMAGE).hexdigest()}"
    answer, paths = ask(lambda _: manifest_reply(IMAGE), f"app@{digest}")
    assert answer == Resolved(digest, None, ())
    assert paths == [f"HEAD manifests/{digest}", f"GET manifests/{digest}"]


def test_unregistered_algorithm_in_reference_is_an_error() -> None:
    digest = "md5:" + "0" * 32
    assert ask(serve, f"app@{digest}")[0] == Failed(f"cannot check the digest {digest}; expected sha256 or sha512")


# Tag and digest


@pytest.mark.parametrize("has_tag", [True, False], ids=["tag that has moved", "tag that was deleted"])
def test_digest_is_asked_for_if_tag_has_another(has_tag: bool) -> None:
    moved = json.dumps({"schemaVersion": 2, "config": {}}).encode()

    def answer(request: Request) -> Reply:
        if request.path.endswith(DIGEST):
            return manifest_reply(IMAGE)
        return manifest_reply(moved) if has_tag else Reply(404)

    got, paths = ask(answer, f"app:1@{DIGEST}")
    assert got == Resolved(DIGEST, digest_of(moved) if has_tag else None, ())
    assert paths == ["HEAD manifests/1", f"HEAD manifests/{DIGEST}"]


def test_tag_with_its_digest_needs_one_request() -> None:
    assert ask(serve, f"app:1@{DIGEST}") == (Resolved(DIGEST, DIGEST, ()), ["HEAD manifests/1"])


def test_missing_digest_is_missing_even_if_tag_exists() -> None:
    answer, _ = ask(
        lambda request: Reply(404) if "sha256:" in request.path else manifest_reply(IMAGE), f"app:1@{OTHER}"
    )
    assert answer == Failed("not found in HOST", missing=True)


# Platforms

AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64", "variant": "v8"}
ATTESTATION = {"os": "unknown", "architecture": "unknown"}


def test_required_platform_of_index_is_asked_for() -> None:
    answer, paths = ask(with_index(AMD64, ARM64, ATTESTATION), platforms=[parse_platform("linux/arm64")])
    assert isinstance(answer, Resolved)
    assert answer.platforms == ("linux/amd64", "linux/arm64")
    assert paths == ["HEAD manifests/1", f"GET manifests/{answer.digest}", f"HEAD manifests/{DIGEST}"]


def test_single_platform_has_the_digest_of_its_manifest() -> None:
    answer, _ = ask(with_index(AMD64, ARM64), platforms=[parse_platform("linux/arm64")], single_platform=True)
    assert isinstance(answer, Resolved)
    assert (answer.digest, answer.platforms) == (DIGEST, ("linux/arm64",))
    assert answer.tag_digest != DIGEST


def test_platform_that_is_not_in_index_is_missing() -> None:
    answer, _ = ask(
        with_index(AMD64, ARM64), platforms=[parse_platform("linux/s390x"), parse_platform("linux/amd64")]
    )
    assert answer == Failed("the image has no platform linux/s390x; it has linux/amd64, linux/arm64", missing=True)


def test_index_without_manifest_of_platform_is_missing() -> None:
    """`skopeo copy` without `--all`, for example, copies an index without all of its manifests."""
    index = with_index(AMD64, ARM64)
    answer, _ = ask(
        lambda request: Reply(404) if request.path.endswith(DIGEST) else index(request),
        platforms=[parse_platform("linux/amd64")],
    )
    assert answer == Failed("the index contains linux/amd64, but HOST does not have its manifest", missing=True)


# Invalid content

INVALID = [
    pytest.param(
        Reply(200, {"Content-Type": "application/vnd.docker.distribution.manifest.v1+prettyjws"}, b"{}"),
        "the image has a manifest of schema 1, which has no stable digest; push it again with a current tool",
        id="schema 1",
    ),
    pytest.param(
        Reply(200, {"Content-Type": "text/html; charset=utf-8"}, b"<html>"),
        'HOST sent the media type "text/html"; expected a manifest or an index',
        id="page of a captive portal",
    ),
    pytest.param(manifest_reply(b"{", INDEX), "HOST did not send valid JSON", id="JSON without an end"),
    pytest.param(manifest_reply(b"[" * 100_000, INDEX), "HOST did not send valid JSON", id="deep JSON"),
    pytest.param(manifest_reply(b"\xff", INDEX), "HOST did not send valid JSON", id="bytes that are not UTF-8"),
    pytest.param(manifest_reply(b"[]", INDEX), "the index has no list of manifests", id="index that is a list"),
    pytest.param(manifest_reply(b'{"manifests": 1}', INDEX), "the index has no list of manifests", id="no list"),
    pytest.param(
        manifest_reply(b'{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}]}', INDEX),
        "the manifest contains a descriptor without a valid digest",
        id="descriptor without a digest",
    ),
    pytest.param(
        manifest_reply(b'{"config": {"digest": "sha256:../../../x"}}'),
        "the manifest contains a descriptor without a valid digest",
        id="digest that is a path",
    ),
    pytest.param(
        manifest_reply(b"null"),
        "the manifest contains a descriptor without a valid digest",
        id="manifest that is null",
    ),
]


@pytest.mark.parametrize("reply, reason", INVALID)
def test_invalid_content_is_an_error(reply: Reply, reason: str) -> None:
    assert ask(lambda _: reply, platforms=[LINUX])[0] == Failed(reason)


STATUSES = [
    pytest.param(404, Failed("not found in HOST", missing=True), id="not found"),
    pytest.param(
        401, Failed("HOST denies access or has no such image; check the name and the login"), id="no challenge"
    ),
    pytest.param(
        403, Failed("HOST denies access or has no such image; check the name and the login"), id="forbidden"
    ),
    pytest.param(418, Failed("HOST answered with status 418"), id="unknown status"),
    pytest.param(503, Failed("HOST answered with status 503"), id="unavailable"),
]


@pytest.mark.parametrize("status, expected", STATUSES)
def test_status_is_explained(status: int, expected: Failed) -> None:
    assert ask(lambda _: Reply(status))[0] == expected
