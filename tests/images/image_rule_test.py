from __future__ import annotations

from typing import Any

import pytest

from krm_image_setter.errors import ImageSetterError
from krm_image_setter.images import ImageMap, ImageRule, check_reference, image_rule

D = "sha256:" + "f" * 64
E = "sha256:" + "e" * 64

HUB_SPELLINGS = [
    "nginx",
    "library/nginx",
    "docker.io/nginx",
    "docker.io/library/nginx",
    "index.docker.io/nginx",
    "index.docker.io/library/nginx",
]


def rewritten(text: str, *rules: ImageRule) -> str:
    """Return the new text of an image field."""
    found = ImageMap(rules).find(text)
    return text if found is None else found[1].rewrite(found[0])


NOOPS = [
    # id, text, rule
    ("R11 a dot is no wildcard", "gcrXio/foo:1", {"name": "gcr.io/foo", "new_tag": "2"}),
    ("R14 another registry", "my.registry/nginx:1", {"name": "nginx", "new_tag": "2"}),
    ("R14 another user", "user/nginx:1", {"name": "nginx", "new_tag": "2"}),
    ("R14 another port", "localhost:5001/nginx:1", {"name": "localhost:5000/nginx", "new_tag": "2"}),
    ("R14 no port", "localhost/nginx:1", {"name": "localhost:5000/nginx", "new_tag": "2"}),
    ("R14 longer name", "nginx-extra:1", {"name": "nginx", "new_tag": "2"}),
    ("R14 name below", "gcr.io/foo/bar:1", {"name": "gcr.io/foo", "new_tag": "2"}),
    ("R14 name above", "gcr.io/foo:1", {"name": "gcr.io/foo/bar", "new_tag": "2"}),
    ("R14 official of another registry", "quay.io/library/nginx:1", {"name": "library/nginx", "new_tag": "2"}),
    ("R19 suffix there", "nginx:1-alpine", {"name": "nginx", "tag_suffix": "-alpine"}),
    ("R19 suffix there, digest stays", f"nginx:1-alpine@{D}", {"name": "nginx", "tag_suffix": "-alpine"}),
    ("R19 no tag", "nginx", {"name": "nginx", "tag_suffix": "-alpine"}),
    ("R19 no tag but a digest", f"nginx@{D}", {"name": "nginx", "tag_suffix": "-alpine"}),
    ("R23 shell", "nginx:${TAG}", {"name": "nginx", "new_tag": "2"}),
    ("R23 make", "$(IMG)", {"name": "nginx", "new_tag": "2"}),
    ("R23 helm", "{{ .Values.x }}", {"name": "nginx", "new_tag": "2"}),
    ("R23 tekton", "$(inputs.params.I)", {"name": "nginx", "new_tag": "2"}),
    ("R23 braces", "nginx:{BUILD}", {"name": "nginx", "new_tag": "2"}),
    ("R24 empty", "", {"name": "nginx", "new_tag": "2"}),
    ("R25 capitals", "NGINX:1", {"name": "nginx", "new_tag": "2"}),
    ("R27 done before", "nginx:2", {"name": "nginx", "new_tag": "2"}),
    ("R27 done before, digest", f"nginx@{D}", {"name": "nginx", "digest": D}),
    ("R28 another tag", "nginx:2", {"name": "nginx:1", "new_tag": "3"}),
    ("R28 longer tag", "nginx:1.0", {"name": "nginx:1", "new_tag": "3"}),
    ("R28 no tag", "nginx", {"name": "nginx:1", "new_tag": "3"}),
    ("R28 no tag, but a digest", f"nginx@{E}", {"name": "nginx:latest", "new_tag": "3"}),
    ("R28 another digest", f"nginx@{E}", {"name": f"nginx@{D}", "new_tag": "3"}),
    ("R28 no digest", "nginx:1", {"name": f"nginx:1@{D}", "new_tag": "3"}),
    ("R28 another tag, same digest", f"nginx:2@{D}", {"name": f"nginx:1@{D}", "new_tag": "3"}),
]

REWRITES = [
    # id, text, rule, result
    ("R1 no tag before", "nginx", {"name": "nginx", "new_tag": "2.0"}, "nginx:2.0"),
    ("R2 the digest goes", f"nginx:1.0@{D}", {"name": "nginx", "new_tag": "2.0"}, "nginx:2.0"),
    ("R2 the digest alone goes", f"nginx@{D}", {"name": "nginx", "new_tag": "2.0"}, "nginx:2.0"),
    ("R3", f"nginx:1.0@{D}", {"name": "nginx", "new_name": "foo/nginx"}, f"foo/nginx:1.0@{D}"),
    ("R4", "nginx:1.0", {"name": "nginx", "new_name": "foo/nginx"}, "foo/nginx:1.0"),
    ("R4 no tag", "nginx", {"name": "nginx", "new_name": "foo/nginx"}, "foo/nginx"),
    ("R5", f"nginx@{D}", {"name": "nginx", "new_name": "foo/nginx"}, f"foo/nginx@{D}"),
    ("R6 the tag goes", "nginx:1.0", {"name": "nginx", "digest": D}, f"nginx@{D}"),
    ("R6 no tag", "nginx", {"name": "nginx", "digest": D}, f"nginx@{D}"),
    ("R6 another digest", f"nginx:1@{E}", {"name": "nginx", "digest": D}, f"nginx@{D}"),
    ("R7", "nginx:1.0", {"name": "nginx", "new_tag": "2", "digest": D}, f"nginx:2@{D}"),
    ("R7 none before", "nginx", {"name": "nginx", "new_tag": "2", "digest": D}, f"nginx:2@{D}"),
    ("R7 all", "nginx", {"name": "nginx", "new_name": "a", "new_tag": "2", "digest": D}, f"a:2@{D}"),
    (
        "R8",
        "localhost:5000/a/nginx:1",
        {"name": "localhost:5000/a/nginx", "new_tag": "2"},
        "localhost:5000/a/nginx:2",
    ),
    (
        "R9 a port",
        "localhost:5000/nginx",
        {"name": "localhost:5000/nginx", "new_tag": "2"},
        "localhost:5000/nginx:2",
    ),
    ("R10", "[::1]:5000/nginx:1", {"name": "[::1]:5000/nginx", "new_tag": "2"}, "[::1]:5000/nginx:2"),
    ("R15 text stays", "nginx:1", {"name": "nginx", "new_tag": "0362525"}, "nginx:0362525"),
    ("R15 text stays too", "nginx:1", {"name": "nginx", "new_tag": "1.20"}, "nginx:1.20"),
    ("R18", "nginx:1", {"name": "nginx", "new_name": "localhost:5000/nginx"}, "localhost:5000/nginx:1"),
    ("R19", "nginx:1", {"name": "nginx", "tag_suffix": "-alpine"}, "nginx:1-alpine"),
    ("R19 the digest goes", f"nginx:1@{D}", {"name": "nginx", "tag_suffix": "-alpine"}, "nginx:1-alpine"),
    ("R19 new name", "nginx:1", {"name": "nginx", "new_name": "a/b", "tag_suffix": "-x"}, "a/b:1-x"),
    (
        "R19 new name, suffix there",
        "nginx:1-x",
        {"name": "nginx", "new_name": "a/b", "tag_suffix": "-x"},
        "a/b:1-x",
    ),
    ("R22", "nginx@sha512:" + "f" * 128, {"name": "nginx", "new_tag": "2"}, "nginx:2"),
    ("R22 algorithm of parts", "repo@algo+x:" + "f" * 32, {"name": "repo", "new_tag": "2"}, "repo:2"),
    ("R28 by tag", "nginx:1", {"name": "nginx:1", "new_tag": "2"}, "nginx:2"),
    ("R28 by tag, any digest", f"nginx:1@{D}", {"name": "nginx:1", "new_tag": "2"}, "nginx:2"),
    ("R28 latest for a missing tag", "nginx", {"name": "nginx:latest", "new_tag": "2"}, "nginx:2"),
    ("R28 by tag, other spelling", "docker.io/nginx:1", {"name": "nginx:1", "new_tag": "2"}, "docker.io/nginx:2"),
    ("R28 by digest", f"nginx:1@{D}", {"name": f"nginx@{D}", "new_tag": "2"}, "nginx:2"),
    ("R28 by both", f"nginx:1@{D}", {"name": f"nginx:1@{D}", "new_tag": "2"}, "nginx:2"),
    ("newImage", f"nginx:1@{D}", {"name": "nginx", "new_image": "a.b/c:d"}, "a.b/c:d"),
    ("newImage without tag", "nginx:1", {"name": "nginx", "new_image": "c"}, "c"),
    (
        "newName in another spelling",
        "nginx:1",
        {"name": "nginx", "new_name": "docker.io/nginx"},
        "docker.io/nginx:1",
    ),
]


@pytest.mark.parametrize("text, rule", [case[1:] for case in NOOPS], ids=[case[0] for case in NOOPS])
def test_noop(text: str, rule: dict[str, Any]) -> None:
    assert rewritten(text, image_rule(**rule)) == text


@pytest.mark.parametrize("text, rule, result", [case[1:] for case in REWRITES], ids=[case[0] for case in REWRITES])
def test_rewrite(text: str, rule: dict[str, Any], result: str) -> None:
    assert rewritten(text, image_rule(**rule)) == result


@pytest.mark.parametrize("name", HUB_SPELLINGS)
@pytest.mark.parametrize("spelling", HUB_SPELLINGS)
def test_r13_the_spelling_stays(name: str, spelling: str) -> None:
    rule = image_rule(name, new_tag="2")
    assert rule.matches(check_reference(f"{spelling}:1"))
    assert rewritten(f"{spelling}:1", rule) == f"{spelling}:2"
    assert rule.keyword in spelling


@pytest.mark.parametrize(
    "name, mention",
    [
        ("nginx", "nginx"),
        ("nginx:1", "nginx"),
        ("docker.io/library/nginx", "nginx"),
        ("docker.io/foo/bar", "foo/bar"),
        ("library/foo/bar", "foo/bar"),
        (f"gcr.io/foo/bar@{D}", "gcr.io/foo/bar"),
        ("gcr.io/library/bar", "gcr.io/library/bar"),
        ("localhost:5000/x", "localhost:5000/x"),
    ],
)
def test_mention(name: str, mention: str) -> None:
    assert image_rule(name, new_tag="1").keyword == mention


INVALID = [
    # id, field, message, rule
    (
        "R12 bracket",
        "name",
        'invalid image reference "[": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
        {"name": "[", "new_tag": "1"},
    ),
    (
        "R12 pluses",
        "name",
        'invalid image reference "foo++bar": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
        {"name": "foo++bar", "new_tag": "1"},
    ),
    (
        "R12 pattern",
        "name",
        'invalid image reference "perc(.*)": expected [HOST/]NAME[:TAG][@DIGEST], such as quay.io/org/app:1',
        {"name": "perc(.*)", "new_tag": "1"},
    ),
    ("no name", "name", "image reference is empty", {"name": "", "new_tag": "1"}),
    (
        "capitals",
        "name",
        'invalid image reference "Nginx": the name must be lowercase',
        {"name": "Nginx", "new_tag": "1"},
    ),
    (
        "R17 tag",
        "newName",
        '`newName` cannot contain a tag; use `newTag: "3"`',
        {"name": "nginx", "new_name": "foo/nginx:3"},
    ),
    (
        "R17 digest",
        "newName",
        f"`newName` cannot contain a digest; use `digest: {D}`",
        {"name": "nginx", "new_name": f"foo/nginx@{D}"},
    ),
    (
        "newName",
        "newName",
        'invalid image reference "A": the name must be lowercase',
        {"name": "nginx", "new_name": "A"},
    ),
    (
        "newImage",
        "newImage",
        'invalid image reference "a://b": remove the scheme',
        {"name": "a", "new_image": "a://b"},
    ),
    (
        "newTag",
        "newTag",
        'invalid tag ":1"; a tag has up to 128 letters, digits, "_", "." or "-", and does '
        'not start with "." or "-"',
        {"name": "a", "new_tag": ":1"},
    ),
    (
        "empty newTag",
        "newTag",
        'invalid tag ""; a tag has up to 128 letters, digits, "_", "." or "-", and does not start with "." or "-"',
        {"name": "a", "new_tag": ""},
    ),
    (
        "digest",
        "digest",
        'invalid digest "1"; expected sha256: and 64 hex digits',
        {"name": "a", "digest": "1"},
    ),
    (
        "tagSuffix",
        "tagSuffix",
        'invalid tag suffix "/x"; use up to 127 letters, digits, "_", "." or "-"',
        {"name": "a", "tag_suffix": "/x"},
    ),
    (
        "empty tagSuffix",
        "tagSuffix",
        'invalid tag suffix ""; use up to 127 letters, digits, "_", "." or "-"',
        {"name": "a", "tag_suffix": ""},
    ),
    (
        "tagSuffix and newTag",
        "tagSuffix",
        "`tagSuffix` cannot be combined with `newTag` or `digest`",
        {"name": "a", "tag_suffix": "-x", "new_tag": "1"},
    ),
    (
        "tagSuffix and digest",
        "tagSuffix",
        "`tagSuffix` cannot be combined with `newTag` or `digest`",
        {"name": "a", "tag_suffix": "-x", "digest": D},
    ),
    *(
        (
            f"newImage and {field}",
            "newImage",
            "`newImage` cannot be combined with `newName`, `newTag`, `digest` or `tagSuffix`",
            {"name": "a", "new_image": "b:1", field: value},
        )
        for field, value in (("new_name", "c"), ("new_tag", "1"), ("digest", D), ("tag_suffix", "-x"))
    ),
    (
        "nothing to set",
        None,
        "entry sets nothing; add `newName`, `newTag`, `digest`, `tagSuffix`, `newImage` or `from`",
        {"name": "nginx"},
    ),
]


@pytest.mark.parametrize("field, message, rule", [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_invalid(field: str | None, message: str, rule: dict[str, Any]) -> None:
    with pytest.raises(ImageSetterError) as caught:
        image_rule(**rule)
    assert (caught.value.field, caught.value.message) == (field, message)


class TestImageMap:
    def test_nothing_to_find(self) -> None:
        assert ImageMap([]).find("nginx:1") is None

    def test_r20_one_pass(self) -> None:
        rules = [image_rule("a", new_name="b"), image_rule("b", new_name="a")]
        assert rewritten("a:1", *rules) == "b:1"
        assert rewritten("b:1", *rules) == "a:1"

    def test_r21_no_chain(self) -> None:
        rules = [image_rule("nginx", new_image="b:2"), image_rule("b", new_tag="3")]
        assert rewritten("nginx:1", *rules) == "b:2"

    def test_the_first_wins(self) -> None:
        rules = [image_rule("nginx", new_tag="2"), image_rule("docker.io/nginx", new_tag="3")]
        assert rewritten("library/nginx:1", *rules) == "library/nginx:2"

    def test_the_first_that_matches_wins(self) -> None:
        rules = [image_rule("nginx:1", new_tag="2"), image_rule("nginx", new_tag="3")]
        assert rewritten("nginx:1", *rules) == "nginx:2"
        assert rewritten("nginx:8", *rules) == "nginx:3"

    def test_finds_the_parts_and_the_rule(self) -> None:
        rules = [image_rule(f"quay.io/org/app{number}", new_tag="2") for number in range(500)]
        found = ImageMap(rules).find("quay.io/org/app499:1")
        assert found == (("quay.io/org/app499", "1", None), rules[499])


OVERRIDDEN = [
    # the first entry, the second entry, whether the first entry replaces the second
    ({}, {}, True),
    ({"name": "docker.io/library/nginx"}, {"name": "nginx"}, True),
    ({"name": "redis"}, {}, False),
    ({}, {"name": "nginx:1"}, False),
    ({"name": "library/nginx:1"}, {"name": "nginx:1"}, True),
    ({"name": "nginx:1"}, {}, False),
    ({"name": f"nginx@{D}"}, {"name": f"nginx@{E}"}, False),
    ({}, {"containers": ("a",)}, True),
    ({"containers": ("a",)}, {}, False),
    ({"containers": ("a", "b")}, {"containers": ("b",)}, True),
    ({"containers": ("a",)}, {"containers": ("a", "b")}, False),
    ({}, {"uses": ("image", "env")}, False),
    ({"uses": ("image", "env")}, {}, True),
]


@pytest.mark.parametrize(("first", "second", "overridden"), OVERRIDDEN)
def test_overridden(first: dict[str, Any], second: dict[str, Any], overridden: bool) -> None:
    rules = [image_rule(**{"name": "nginx", "new_tag": "2", **rule}) for rule in (first, second)]
    assert [ImageMap(rules).is_overridden(rule) for rule in rules] == [False, overridden]


def test_rule_for_containers_of_several_earlier_rules_is_overridden() -> None:
    rules = [
        image_rule("nginx", new_tag="2", containers=names) for names in (("a",), ("b",), ("a", "b"), ("b", "c"))
    ]
    assert [ImageMap(rules).is_overridden(rule) for rule in rules] == [False, False, True, False]


@pytest.mark.parametrize("names", [("nginx", "nginx:1", f"nginx@{D}"), (f"nginx:1@{D}", f"nginx@{D}", "nginx")])
def test_the_first_rule_that_matches_counts(names: tuple[str, ...]) -> None:
    rules = [image_rule(name, new_tag=str(number)) for number, name in enumerate(names)]
    found = ImageMap(rules).find(f"nginx:1@{D}")
    assert found is not None
    assert found[1] is rules[0]


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        ("ko://github.com/org/app", {"new_image": "q.io/app:2"}, "q.io/app:2"),
        ("ko://github.com/org/app", {"new_name": "q.io/app"}, "q.io/app"),
        ("ko://github.com/org/app", {"new_tag": "2"}, None),
        ("ko://github.com/org/other", {"new_image": "q.io/app:2"}, None),
        ("ok://github.com/org/app", {"new_image": "q.io/app:2"}, None),
        ("ko://ko://github.com/org/app", {"new_image": "q.io/app:2"}, None),
    ],
)
def test_placeholder_of_ko_is_replaced_by_new_name(
    text: str, change: dict[str, Any], expected: str | None
) -> None:
    new = ImageMap([image_rule("github.com/org/app", **change)]).new(text)
    assert (new and new[0]) == expected


BELOW = [
    ("org/*", {"tag_suffix": "-arm"}, "org/app:1", "org/app:1-arm"),
    ("org/*", {"tag_suffix": "-arm"}, "org/app:1-arm", "org/app:1-arm"),
    ("org/*", {"tag_suffix": "-arm"}, "docker.io/org/team/app:1", "docker.io/org/team/app:1-arm"),
    ("org/*", {"tag_suffix": "-arm"}, "org/app", "org/app"),
    ("quay.io/*", {"new_tag": "2"}, "quay.io/org/app:1", "quay.io/org/app:2"),
    ("localhost:5000/*", {"new_tag": "2"}, "localhost:5000/app", "localhost:5000/app:2"),
    ("library/*", {"new_tag": "2"}, "nginx:1", "nginx:2"),
    ("docker.io/library/*", {"new_tag": "2"}, "nginx:1", "nginx:2"),
    ("org/*", {"new_tag": "2"}, "organization/app:1", None),
    ("org/*", {"new_tag": "2"}, "org:1", None),
    ("quay.io/org/*", {"new_tag": "2"}, "quay.io/org:1", None),
    ("quay.io/*", {"new_tag": "2"}, "quay.io.example/app:1", None),
    ("library/*", {"new_tag": "2"}, "org/app:1", None),
]


@pytest.mark.parametrize(("name", "change", "text", "expected"), BELOW)
def test_name_with_wildcard_matches_all_names_below(
    name: str, change: dict[str, Any], text: str, expected: str | None
) -> None:
    rule = image_rule(name, **change)
    new = ImageMap([rule]).new(text)
    assert (new and new[0]) == expected
    assert rule.matches(check_reference(text)) == (expected is not None)
    assert expected is None or rule.keyword in text


def test_first_of_two_matching_entries_wins_over_wildcard() -> None:
    exact, below = image_rule("org/app", new_tag="exact"), image_rule("org/*", new_tag="below")
    assert [ImageMap(rules).new("org/app:1") for rules in ([exact, below], [below, exact])] == [
        ("org/app:exact", exact),
        ("org/app:below", below),
    ]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("org/*", {"new_name": "a"}, "requires `newTag` or `tagSuffix`"),
        ("org/*", {"digest": D}, "requires `newTag` or `tagSuffix`"),
        ("org/*", {"new_image": "a:1"}, "requires `newTag` or `tagSuffix`"),
        ("docker.io/*", {"new_tag": "2"}, "contains no path; expected docker.io/ORGANIZATION/*"),
        ("*", {"new_tag": "2"}, "invalid image reference"),
        ("org/a*", {"new_tag": "2"}, "invalid image reference"),
        ("*/app", {"new_tag": "2"}, "invalid image reference"),
        ("org/*", {"new_tag": "2", "joined_name": True}, "invalid image reference"),
        ("org/a:1/*", {"new_tag": "2"}, "invalid image reference"),
    ],
)
def test_invalid_wildcard_is_an_error(name: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ImageSetterError) as caught:
        image_rule(name, **change)
    assert message in caught.value.message
    assert caught.value.field == "name"
