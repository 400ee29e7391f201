from __future__ import annotations

import pytest

from krm_image_setter.images import InvalidReference, Reference, check_reference, parse_reference
from krm_image_setter.images.reference import TAG_RULE, is_digest, is_tag

D = "sha256:" + "f" * 64
HEX = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a"

INVALID = [
    # texts that users write instead of a reference
    "",
    "nginx:${TAG}",
    "nginx:$TAG",
    "${IMG}",
    "$(IMG)",
    "$(inputs.params.I)",
    "nginx:{BUILD}",
    "{{ .Values.x }}",
    "{{.x}}:1",
    "<image>",
    "*",
    "null,",
    "~",
    # the caller must remove white space
    " ",
    " nginx:1",
    "nginx:1 ",
    "nginx:1\n",
    "nginx\n",
    "nginx 1",
    # the name
    "NGINX:1",
    "docker/Docker",
    "docker.io/docker/Docker",
    "test:5000/Uppercase/lowercase:tag",
    ":justtag",
    "/nginx",
    "nginx/",
    "docker.io/",
    "a//b",
    "docker///docker",
    "docker.io/docker///docker",
    "https://github.com/docker/docker",
    "-docker",
    "-docker/docker",
    "docker-/docker",
    "docker-",
    "-docker.io/docker/docker",
    "docker./docker",
    ".docker/docker",
    "____/____",
    "_docker/_docker",
    "dock..er/docker",
    "dock_.er/docker",
    "dock-.er/docker",
    "do___cker",
    "foo++bar",
    "[",
    "a^a",
    "aa/asdf$$^/aa",
    "nginx\x00",
    "ngínx",
    "nginx\u0661",  # a digit that is not ASCII
    # the domain
    "foo_bar.com:8080/app",
    "do__cker:8080/docker",
    "localhost:http/name",
    "a.b:/name",
    "fc00::1:5000/debian",
    "[fc00::1]",
    "[fc00::1]:5000",
    "[fc00::1]5000/x",
    "[fc00::1]::5000/x",
    "[fe80::1%eth0]:5000/debian",
    "[2001:db8:3:4::192.0.2.33]:5000/debian",
    "[fc00]/x",  # `Parse` accepts it, but for Docker, the first part is a host only with a colon
    "[]/x",
    # the tag
    "nginx:",
    "nginx:-1",
    "nginx:.1",
    "nginx:1:2",
    "nginx:1/2/",
    "nginx:a+b",
    "nginx:invalid~tag",
    "nginx:" + "1" * 129,
    "nginx:\u0661",
    # the digest
    "@" + D,
    "nginx@",
    "nginx@bad",
    "nginx@2bad:" + "f" * 64,
    "nginx@sha256:" + "f" * 31,
    "nginx@sha256:" + "g" * 64,
    "nginx@sha256+:" + "f" * 64,
    "nginx@sha256++b64:" + "f" * 64,
    "nginx@:" + "f" * 64,
    f"nginx@{D}:1",
    f"nginx@{D}@{D}",
    # an image ID
    HEX,
    # too long: Docker counts the path of the normalized name
    "a" * 248,
    "docker.io/" + "a" * 248,
    "domain/" + "a" * 256 + ":tag",
    "example.com/" + "a" * 256,
]

VALID = [
    # text, name, tag, digest
    ("nginx", "nginx", None, None),
    ("nginx:1.25", "nginx", "1.25", None),
    ("nginx@" + D, "nginx", None, D),
    ("nginx:1@" + D, "nginx", "1", D),
    ("lowercase:Uppercase", "lowercase", "Uppercase", None),
    ("nginx:" + "1" * 128, "nginx", "1" * 128, None),
    ("nginx:_", "nginx", "_", None),
    # without a slash, a tag follows the colon
    ("test.com:5000", "test.com", "5000", None),
    ("localhost:8080@" + D, "localhost", "8080", D),
    ("foo_bar.com:8080", "foo_bar.com", "8080", None),
    ("192.168.1.1:5000", "192.168.1.1", "5000", None),
    # with a slash, a port follows the colon
    ("test:5000/repo", "test:5000/repo", None, None),
    ("localhost:5000/a/nginx:1", "localhost:5000/a/nginx", "1", None),
    ("192.168.1.1:5000/repo:5050", "192.168.1.1:5000/repo", "5050", None),
    ("[::1]:5000/nginx:1", "[::1]:5000/nginx", "1", None),
    ("[2001:db8::1]/repo", "[2001:db8::1]/repo", None, None),
    ("[2001:DB8:1:2:3:4:5:6]:5000/repo:tag@" + D, "[2001:DB8:1:2:3:4:5:6]:5000/repo", "tag", D),
    # separators
    ("dock__er/docker", "dock__er/docker", None, None),
    ("docker---rules/docker", "docker---rules/docker", None, None),
    ("registry.io/foo/project--id.module--name.ver---sion--name:1", None, "1", None),
    (
        "b.gcr.io/test.example.com/my-app:test.example.com",
        "b.gcr.io/test.example.com/my-app",
        "test.example.com",
        None,
    ),
    ("xn--7o8h.com/myimage:xn--7o8h.com@" + D, "xn--7o8h.com/myimage", "xn--7o8h.com", D),
    ("sub-dom1.foo.com/bar/baz/quux", "sub-dom1.foo.com/bar/baz/quux", None, None),
    ("Asdf.com/foo/bar", "Asdf.com/foo/bar", None, None),
    ("Uppercase/lowercase:tag", "Uppercase/lowercase", "tag", None),
    # digests of any algorithm (R22)
    ("nginx@sha512:" + "f" * 128, "nginx", None, "sha512:" + "f" * 128),
    ("repo@algo+x:" + "F" * 32, "repo", None, "algo+x:" + "F" * 32),
    ("repo@sha256+b64.u_v-w:" + "0" * 64, "repo", None, "sha256+b64.u_v-w:" + "0" * 64),
    # only the complete text can be an image ID
    (HEX + ":1", HEX, "1", None),
    ("docker.io/" + HEX, "docker.io/" + HEX, None, None),
    (HEX[:63], HEX[:63], None, None),
    # the longest valid name
    ("a" * 247, "a" * 247, None, None),
    ("example.com/" + "a" * 255 + ":tag", "example.com/" + "a" * 255, "tag", None),
    ("a/" * 127 + "a:tag-puts-this-over-max", "a/" * 127 + "a", "tag-puts-this-over-max", None),
]

FORMS = [
    # name, domain, path, familiar name
    ("nginx", "docker.io", "library/nginx", "nginx"),
    ("library/nginx", "docker.io", "library/nginx", "nginx"),
    ("docker.io/nginx", "docker.io", "library/nginx", "nginx"),
    ("docker.io/library/nginx", "docker.io", "library/nginx", "nginx"),
    ("index.docker.io/nginx", "docker.io", "library/nginx", "nginx"),
    ("index.docker.io/library/nginx", "docker.io", "library/nginx", "nginx"),
    ("user/nginx", "docker.io", "user/nginx", "user/nginx"),
    ("docker.io/user/nginx", "docker.io", "user/nginx", "user/nginx"),
    ("index.docker.io/user/nginx", "docker.io", "user/nginx", "user/nginx"),
    ("library/foo/bar", "docker.io", "library/foo/bar", "library/foo/bar"),
    ("other/library", "docker.io", "other/library", "other/library"),
    ("docker.io/other/library/x", "docker.io", "other/library/x", "other/library/x"),
    ("my.registry/nginx", "my.registry", "nginx", "my.registry/nginx"),
    ("my.registry/library/nginx", "my.registry", "library/nginx", "my.registry/library/nginx"),
    ("registry-1.docker.io/library/nginx", "registry-1.docker.io", "library/nginx", None),
    ("localhost", "docker.io", "library/localhost", "localhost"),
    ("localhost/fooo/bar", "localhost", "fooo/bar", "localhost/fooo/bar"),
    ("localhost:5000/nginx", "localhost:5000", "nginx", "localhost:5000/nginx"),
    ("registry:5000/nginx", "registry:5000", "nginx", "registry:5000/nginx"),
    ("registry/nginx", "docker.io", "registry/nginx", "registry/nginx"),
    ("[::1]:5000/nginx", "[::1]:5000", "nginx", "[::1]:5000/nginx"),
    ("[::1]/nginx", "[::1]", "nginx", "[::1]/nginx"),
    ("127.0.0.1/nginx", "127.0.0.1", "nginx", "127.0.0.1/nginx"),
    ("192.168.0.1", "docker.io", "library/192.168.0.1", "192.168.0.1"),
    ("FOO/bar", "FOO", "bar", "FOO/bar"),
    ("test_com/foo", "docker.io", "test_com/foo", "test_com/foo"),
    ("test_x.com/foo", "test_x.com", "foo", "test_x.com/foo"),
]


@pytest.mark.parametrize("text", INVALID)
def test_no_reference(text: str) -> None:
    assert parse_reference(text) is None
    with pytest.raises(InvalidReference):
        check_reference(text)


@pytest.mark.parametrize("text, name, tag, digest", VALID)
def test_parse_reference(text: str, name: str | None, tag: str | None, digest: str | None) -> None:
    reference = parse_reference(text)
    assert reference == (name or text.partition(":")[0], tag, digest)
    assert str(reference) == text
    assert check_reference(text) == reference


@pytest.mark.parametrize("name, domain, path, familiar", FORMS)
def test_forms(name: str, domain: str, path: str, familiar: str | None) -> None:
    reference = check_reference(f"{name}:1@{D}")
    assert reference.name == name
    assert (reference.domain, reference.path) == (domain, path)
    assert reference.normalized_name == f"{domain}/{path}"
    assert reference.familiar_name == (familiar or name)


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "image reference is empty"),
        ("NGINX:1", 'invalid image reference "NGINX:1": the name must be lowercase'),
        ("a.b/Nginx:Latest", 'invalid image reference "a.b/Nginx:Latest": the name must be lowercase'),
        (HEX, f'invalid image reference "{HEX}": 64 hex digits are an image ID, not a name'),
        (" nginx", 'invalid image reference " nginx": remove the surrounding white space'),
        ("docker://nginx", 'invalid image reference "docker://nginx": remove the scheme'),
        ("a" * 300 + ":1", f'invalid image reference "{"a" * 300}:1": the name is longer than 255 characters'),
        (
            "nginx@sha256:1",
            'invalid image reference "nginx@sha256:1": invalid digest; expected sha256: and 64 hex digits',
        ),
        ("n:1@x", 'invalid image reference "n:1@x": invalid digest; expected sha256: and 64 hex digits'),
        (
            "localhost:5000/nginx:a b",
            f'invalid image reference "localhost:5000/nginx:a b": invalid tag; {TAG_RULE}',
        ),
        (
            f"nginx:-1@{D}",
            f'invalid image reference "nginx:-1@{D}": invalid tag; a tag has up to 128 letters, '
            'digits, "_", "." or "-", and does not start with "." or "-"',
        ),
        *(
            (
                text,
                f'invalid image reference "{text}": expected [HOST/]NAME[:TAG][@DIGEST], such as '
                "quay.io/org/app:1",
            )
            for text in ("[", "foo++bar", "a:b:c@", "a b@x", "a..b:~", "host:port/x")
        ),
    ],
)
def test_message(text: str, message: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        check_reference(text)
    assert caught.value.message == message


def test_a_reference_is_a_value() -> None:
    reference = Reference("nginx", "1", D)
    assert str(reference) == f"{reference}" == f"nginx:1@{D}"
    assert str(reference._replace(tag=None)) == f"nginx@{D}"
    assert str(reference._replace(digest=None)) == "nginx:1"
    assert hash(reference) == hash(Reference("nginx", "1", D))


@pytest.mark.parametrize("text", ["", "-1", ".1", "a b", "1\n", "1:2", "1" * 129, "ä"])
def test_no_tag(text: str) -> None:
    assert not is_tag(text)


@pytest.mark.parametrize("text", ["1", "1.20", "1e3", "0777", "on", "null", "_", "v1-A_b.c", "1" * 128])
def test_tag(text: str) -> None:
    assert is_tag(text)


@pytest.mark.parametrize(
    "text", ["", "sha256", "sha256:", "sha256:1", "f" * 64, D + "\n", "@" + D, "1a:" + "f" * 64]
)
def test_no_digest(text: str) -> None:
    assert not is_digest(text)


@pytest.mark.parametrize("text", [D, "sha512:" + "0" * 128, "a+b:" + "A" * 32])
def test_digest(text: str) -> None:
    assert is_digest(text)


@pytest.mark.parametrize(
    "piece, end",
    [
        ("a", "!"),
        ("a-", ""),
        ("a-", "!"),
        ("a--b", "!"),
        ("a/", "!"),
        ("a_", "!"),
        ("a__", "!"),
        ("a.", "!"),
        ("A.", "!"),
        ("a:1/", ""),
        ("[", ""),
        ("[:", ""),
        ("a@a.", ""),
        ("-", ""),
        ("a@a:" + "f" * 40, "!"),
    ],
)
def test_hostile_text_takes_linear_time(piece: str, end: str) -> None:
    # A pattern with exponential time would take hours for these texts, and one with quadratic time would take minutes.
    assert parse_reference(piece * 50_000 + end) is None
    with pytest.raises(InvalidReference):
        check_reference("a:" + piece * 50_000 + end)
