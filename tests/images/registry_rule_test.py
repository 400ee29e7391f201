from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.images import ARGS, ENV, IMAGE, InvalidReference, Reference, check_reference, parse_reference
from krm_image_setter.images.registry_rule import RegistryMap, default_registry, registry_rule

D = "sha256:" + "f" * 64


def moved(text: str, *rules: tuple[str, str]) -> str:
    found = RegistryMap(registry_rule(*rule) for rule in rules).find(text)
    return text if found is None else found[1].rewrite(found[0])


@pytest.mark.parametrize(
    "text, rules",
    [
        ("nginx:1", []),
        ("nginx:1", [("gcr.io", "m.io")]),
        ("gcrXio/foo:1", [("gcr.io", "m.io")]),
        ("eu.gcr.io/foo:1", [("gcr.io", "m.io")]),
        ("gcr.io:443/foo:1", [("gcr.io", "m.io")]),
        ("m.io/gcr.io/foo:1", [("gcr.io", "m.io")]),
        ("gcr.io/foobar:1", [("gcr.io/foo", "m.io")]),
        ("gcr.io/foo:1", [("gcr.io/foo", "m.io")]),
        ("gcr.io:1", [("gcr.io", "m.io")]),
        ("foo/bar", [("docker.io/library", "m.io")]),
        ("localhost/nginx", [("docker.io", "m.io")]),
        ("nginx:${TAG}", [("docker.io", "m.io")]),
        ("", [("docker.io", "m.io")]),
        # there already
        ("gcr.io/mirror/foo:1", [("gcr.io", "gcr.io/mirror")]),
        ("mirror/nginx", [("docker.io", "docker.io/mirror")]),
        ("gcr.io/a/b/x", [("gcr.io/a", "gcr.io/a/b"), ("gcr.io", "m.io")]),
    ],
)
def test_stays(text: str, rules: list[tuple[str, str]]) -> None:
    assert moved(text, *rules) == text


@pytest.mark.parametrize(
    "text, rules, result",
    [
        ("gcr.io/foo/bar:1", [("gcr.io", "m.io")], "m.io/foo/bar:1"),
        (f"gcr.io/foo/bar:1@{D}", [("gcr.io", "m.io/gcr")], f"m.io/gcr/foo/bar:1@{D}"),
        ("gcr.io/foo/bar", [("gcr.io/foo", "m.io")], "m.io/bar"),
        ("[::1]:5000/a", [("[::1]:5000", "localhost:5005")], "localhost:5005/a"),
        ("nginx:1", [("docker.io", "m.io")], "m.io/library/nginx:1"),
        ("docker.io/nginx", [("index.docker.io", "m.io")], "m.io/library/nginx"),
        ("index.docker.io/foo/bar", [("docker.io", "m.io")], "m.io/foo/bar"),
        ("foo/bar:1", [("docker.io/foo", "m.io")], "m.io/bar:1"),
        ("nginx", [("docker.io", "m.io"), ("docker.io/library", "m.io/official")], "m.io/official/nginx"),
        ("foo/bar", [("docker.io", "m.io"), ("docker.io/library", "m.io/official")], "m.io/foo/bar"),
        ("nginx", [("docker.io/library", "m.io"), ("docker.io", "n.io")], "m.io/nginx"),
        ("a.io/b/c/d", [("a.io", "x.io"), ("a.io/b/c", "z.io"), ("a.io/b", "y.io")], "z.io/d"),
        ("a.io/x", [("a.io", "b.io"), ("a.io", "c.io")], "b.io/x"),
        ("a.io/x", [("a.io", "b.io"), ("b.io", "a.io")], "b.io/x"),
        ("gcr.io/mirror/x", [("gcr.io/mirror", "gcr.io")], "gcr.io/x"),
        ("mirror.gcr.io/library/nginx", [("mirror.gcr.io", "docker.io")], "docker.io/library/nginx"),
        ("gcr.io/mirrors/x", [("gcr.io", "gcr.io/mirror")], "gcr.io/mirror/mirrors/x"),
    ],
)
def test_moves(text: str, rules: list[tuple[str, str]], result: str) -> None:
    assert moved(text, *rules) == result


EXPECTED = "expected HOST or HOST/PATH, such as docker.io or quay.io/org"


@pytest.mark.parametrize(
    "from_, to, field, message",
    [
        ("", "m.io", "from", f'invalid registry ""; {EXPECTED}'),
        ("gcr.io/", "m.io", "from", f'invalid registry "gcr.io/"; {EXPECTED}'),
        ("https://gcr.io", "m.io", "from", f'invalid registry "https://gcr.io"; {EXPECTED}'),
        ("*.gcr.io", "m.io", "from", f'invalid registry "*.gcr.io"; {EXPECTED}'),
        ("gcr.io/foo:1", "m.io", "from", f'invalid registry "gcr.io/foo:1"; {EXPECTED}'),
        ("gcr.io", "m.io/Foo", "to", f'invalid registry "m.io/Foo"; {EXPECTED}'),
        ("foo", "m.io", "from", '"foo" has no registry host; write docker.io/foo, or a host with a dot or a port'),
        (
            "gcr.io",
            "mirror/a",
            "to",
            '"mirror/a" has no registry host; write docker.io/mirror/a, or a host with a dot or a port',
        ),
        ("docker.io", "index.docker.io", "to", '"index.docker.io" is the same registry as `from`'),
    ],
)
def test_no_rule(from_: str, to: str, field: str, message: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        registry_rule(from_, to)
    assert (caught.value.field, caught.value.message) == (field, message)


@pytest.mark.parametrize(
    "from_, mention",
    [
        ("gcr.io", "gcr.io/"),
        ("gcr.io/foo", "gcr.io/foo/"),
        ("localhost:5000", "localhost:5000/"),
        ("index.docker.io/foo", "foo/"),
        ("docker.io", ""),
        ("docker.io/library", ""),
    ],
)
def test_mention(from_: str, mention: str) -> None:
    assert registry_rule(from_, "m.io").keyword == mention


PREFIX = st.sampled_from(
    [
        "docker.io",
        "docker.io/library",
        "docker.io/foo",
        "gcr.io",
        "gcr.io/foo",
        "gcr.io/foo/bar",
        "m.io",
        "[::1]:1/m",
    ]
)
NAME = st.sampled_from(
    [
        "nginx", "docker.io/nginx", "library/nginx", "index.docker.io/foo/bar", "foo/bar/x", "gcr.io/foo",
        "gcr.io/foo/bar", "gcr.io/foo/bar/x", "gcr.io/foox", "m.io/x", "m.io/library/nginx", "[::1]:1/m/x",
        "localhost/x",
    ]
)  # fmt: skip


@given(NAME, st.tuples(PREFIX, PREFIX).filter(lambda rule: rule[0] != rule[1]))
def test_laws(name: str, pair: tuple[str, str]) -> None:
    rule = registry_rule(*pair)
    reference = check_reference(f"{name}:1@{D}")
    found = RegistryMap([rule]).find(str(reference))
    assert found == ((reference, rule) if rule.matches(reference) else None)
    if found is None:
        return
    assert rule.keyword in name
    once = check_reference(rule.rewrite(reference))
    assert (once.tag, once.digest) == ("1", D)
    assert once.normalized_name.startswith(f"{rule.to}/")
    assert RegistryMap([rule]).find(str(once)) is None or rule.from_.startswith(f"{rule.to}/")


@pytest.mark.parametrize(
    "host, name, result",
    [
        # tilt-dev/tilt, internal/container/registry_test.go
        ("myreg.com", "myreg.com/bar", "myreg.com/bar"),
        ("myreg.com:5000", "myreg.com:5000/bar", "myreg.com:5000/bar"),
        ("myreg.com", "gcr.io/foo/bar:deadbeef", "myreg.com/gcr.io_foo_bar"),
        ("id.dkr.ecr.amazonaws.com/bar", "gcr.io/baz/foo/bar", "id.dkr.ecr.amazonaws.com/bar/gcr.io_baz_foo_bar"),
        ("gcr.io/foo", "docker.io/library/busybox", "gcr.io/foo/busybox"),
        ("gcr.io/foo", "bar", "gcr.io/foo/bar"),
        ("myreg.com:5000", "myreg.com/bar", "myreg.com:5000/myreg.com_bar"),
        ("myreg.com", "myreg.com:5000/bar", "myreg.com/myreg.com_5000_bar"),
        # and what follows from its source
        ("localhost:5005", "kafkaconnect", "localhost:5005/kafkaconnect"),
        ("localhost:5005", "org/app", "localhost:5005/org_app"),
        ("docker.io/org", "org/app", "docker.io/org/org_app"),
    ],
)  # fmt: skip
def test_default_registry(host: str, name: str, result: str) -> None:
    assert default_registry(host).new_name(check_reference(name)) == result


def test_default_registry_single_name() -> None:
    registry = default_registry("ecr.aws/acme", "dev/me")
    assert registry.new_name(Reference("org/app")) == "ecr.aws/acme/dev/me"
    assert registry.new_name(Reference("ecr.aws/acme/app")) == "ecr.aws/acme/app"


@pytest.mark.parametrize(
    "host", ["", "org", "docker.io", "index.docker.io/org", "https://a.b", "a.b/", "a.b/Org", "a.b/c:1"]
)
def test_no_default_registry(host: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        default_registry(host)
    assert caught.value.field == "host"
    assert caught.value.message == (
        f'invalid registry "{host}"; expected HOST or HOST/PATH, such as localhost:5000 or docker.io/org'
    )


@pytest.mark.parametrize("single_name", ["", "A", "a:1", f"a@{D}", "/a"])
def test_no_single_name(single_name: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        default_registry("a.b", single_name)
    assert caught.value.field == "singleName"
    assert caught.value.message == (
        f'invalid repository name "{single_name}"; expected a name without a tag, such as my-team/dev'
    )


@pytest.mark.parametrize("name, escaped", [("FOO/bar", "FOO_bar"), ("[::1]:5000/a", "[__1]_5000_a")])
def test_no_new_name(name: str, escaped: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        default_registry("a.b").new_name(Reference(name))
    assert caught.value.message.startswith(
        f'cannot move "{name}" to registry "a.b": invalid image reference "a.b/{escaped}": '
    )


@given(NAME)
def test_default_registry_twice_is_once(name: str) -> None:
    registry = default_registry("gcr.io/foo", None)
    try:
        once = parse_reference(registry.new_name(Reference(name)))
    except InvalidReference:
        return
    assert once is not None
    assert registry.new_name(once) == once.name


HUB = ("docker.io", "m.io")
USES = [
    ("docker.io/a:1", ENV, (IMAGE, ENV), "m.io/library/a:1"),
    ("quay.io/a/b", ENV, (IMAGE, ENV), None),  # another registry
    ("docker.io/a:1", ENV, (IMAGE,), None),
    ("docker.io/a:1", ARGS, (IMAGE, ENV), None),
    ("docker.io/a:1", ARGS, (IMAGE, ARGS), "m.io/library/a:1"),
    ("docker.io/a:1", IMAGE, (IMAGE, ENV, ARGS), "m.io/library/a:1"),
    (f"a@{D}", ENV, (IMAGE, ENV), f"m.io/library/a@{D}"),
    ("bitnami/redis:7", ENV, (IMAGE, ENV), "m.io/bitnami/redis:7"),
    # These values can be something else: a word, a host with a port, a path.
    ("production", ENV, (IMAGE, ENV), None),
    ("redis:6379", ENV, (IMAGE, ENV), None),
    ("user:hunter2", ENV, (IMAGE, ENV), None),
    ("var/log", ENV, (IMAGE, ENV), None),
    ("redis:6379", IMAGE, (IMAGE, ENV), "m.io/library/redis:6379"),
]


@pytest.mark.parametrize(
    "text, use, uses, expected", USES, ids=[f"{row[0]} {row[1]} {len(row[2])}" for row in USES]
)
def test_use_of_reference_decides_whether_it_moves(
    text: str, use: str, uses: tuple[str, ...], expected: str | None
) -> None:
    assert RegistryMap([registry_rule(*HUB, uses=uses)]).new(text, use) == expected


@pytest.mark.parametrize(
    "text, exclude, moves",
    [
        ("app:dev", ["app"], False),
        ("docker.io/library/app", ["app"], False),
        ("app", ["docker.io/library/app"], False),
        ("acme/app:1", ["acme/*"], False),
        ("app:2", ["app:1"], True),
        ("app:1", ["app:1"], False),
        ("application", ["app"], True),
        ("x", ["a", "x"], False),
    ],
    ids=str,
)
def test_excluded_image_does_not_move(text: str, exclude: list[str], moves: bool) -> None:
    # A rule with a shorter prefix does not move an image that the rule with the longest prefix excludes.
    rules = [
        registry_rule("docker.io/library", "l.io"),
        registry_rule(*HUB),
        registry_rule("docker.io/acme", "a.io"),
    ]
    excluding = RegistryMap(rule._replace(exclude=tuple(exclude)) for rule in rules)
    assert (excluding.new(text) is not None) == moves
