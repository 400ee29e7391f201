"""Split references: each part is written back in the form in which it was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter import read_config, set_images
from krm_image_setter.documents import Stream
from krm_image_setter.images import Reference
from krm_image_setter.locators import Split
from krm_image_setter.locators.split_reference import join_parts
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in

D, E = "sha256:" + "d" * 64, "sha256:" + "e" * 64
HEX_D, HEX_E = D[7:], E[7:]
NAME = "newName: quay.io/org/web"
TAG = "newTag: v2"
DIGEST = f"digest: '{D}'"
BOTH = f"newTag: v2, digest: '{D}'"
PARTS = Split("repository", tag="tag")
WITH_DIGEST = Split("repository", tag="tag", digest="digest")
WITH_REGISTRY = Split("repository", registry="registry", tag="tag")
ALL = Split("repository", "registry", "tag", "digest")
BARE = Split("repository")

#: id, form, the mapping before, the fields of the entry for nginx, the mapping after. (None: not changed, a warning.)
CASES = [
    ("tag with digest, new tag", PARTS, f"repository: nginx, tag: v1@{E}", TAG, "repository: nginx, tag: v2"),
    (
        "tag with digest, new name",
        PARTS,
        f"repository: nginx, tag: v1@{E}",
        NAME,
        f"repository: quay.io/org/web, tag: v1@{E}",
    ),
    ("tag with digest, both", PARTS, f"repository: nginx, tag: v1@{E}", BOTH, f"repository: nginx, tag: v2@{D}"),
    ("tag with digest, new digest", PARTS, f"repository: nginx, tag: v1@{E}", DIGEST, None),
    (
        "tag with digest, all",
        PARTS,
        f"repository: nginx, tag: v1@{E}",
        f"{NAME}, {BOTH}",
        f"repository: quay.io/org/web, tag: v2@{D}",
    ),
    (
        "tag with digest, suffix",
        PARTS,
        f"repository: nginx, tag: v1@{E}",
        "tagSuffix: -x",
        "repository: nginx, tag: v1-x",
    ),
    (
        "tag with digest, bare image",
        PARTS,
        f"repository: nginx, tag: v1@{E}",
        "newImage: redis",
        'repository: redis, tag: ""',
    ),
    ("plain tag, both", PARTS, "repository: nginx, tag: v1", BOTH, f"repository: nginx, tag: v2@{D}"),
    ("plain tag, new digest", PARTS, "repository: nginx, tag: v1", DIGEST, None),
    ("quoted tag, both", PARTS, "repository: nginx, tag: '1.20'", BOTH, f"repository: nginx, tag: 'v2@{D}'"),
    ("numeric tag, both", PARTS, "repository: nginx, tag: 1.20", BOTH, f"repository: nginx, tag: v2@{D}"),
    ("no tag, both", PARTS, "repository: nginx", BOTH, f"repository: nginx, tag: v2@{D}"),
    ("no tag, new digest", PARTS, "repository: nginx", DIGEST, None),
    ("no tag, new name", PARTS, "repository: nginx", NAME, "repository: quay.io/org/web"),
    ("empty tag, new digest", PARTS, "repository: nginx, tag: ''", DIGEST, None),
    ("no field for a tag, new digest", BARE, "repository: nginx", DIGEST, f"repository: nginx@{D}"),
    ("no field for a tag, both", BARE, "repository: nginx:v1", BOTH, f"repository: nginx:v2@{D}"),
    (
        "digest key, new tag",
        WITH_DIGEST,
        f"repository: nginx, tag: v1, digest: {E}",
        TAG,
        'repository: nginx, tag: v2, digest: ""',
    ),
    (
        "digest key, new digest",
        WITH_DIGEST,
        f"repository: nginx, tag: v1, digest: {E}",
        DIGEST,
        f'repository: nginx, tag: "", digest: {D}',
    ),
    (
        "digest key, both",
        WITH_DIGEST,
        f"repository: nginx, tag: v1, digest: {E}",
        BOTH,
        f"repository: nginx, tag: v2, digest: {D}",
    ),
    (
        "empty digest key, both",
        WITH_DIGEST,
        "repository: nginx, tag: v1, digest: ''",
        BOTH,
        f"repository: nginx, tag: v2, digest: '{D}'",
    ),
    (
        "bare hex digest, both",
        WITH_DIGEST,
        f"repository: nginx, tag: v1, digest: {HEX_E}",
        BOTH,
        f"repository: nginx, tag: v2, digest: {HEX_D}",
    ),
    (
        "tag with digest, empty key, both",
        WITH_DIGEST,
        f"repository: nginx, tag: v1@{E}, digest: ''",
        BOTH,
        f"repository: nginx, tag: v2@{D}, digest: ''",
    ),
    (
        "tag with digest, empty key, digest",
        WITH_DIGEST,
        f"repository: nginx, tag: v1@{E}, digest: ''",
        DIGEST,
        f"repository: nginx, tag: \"\", digest: '{D}'",
    ),
    (
        "digest twice, both",
        WITH_DIGEST,
        f"repository: nginx, tag: v1@{E}, digest: {E}",
        BOTH,
        f"repository: nginx, tag: v2@{D}, digest: {D}",
    ),
    (
        "digest twice, new tag",
        WITH_DIGEST,
        f"repository: nginx, tag: v1@{E}, digest: {E}",
        TAG,
        'repository: nginx, tag: v2, digest: ""',
    ),
    (
        "hex as tag, new digest",
        PARTS,
        f"repository: nginx@sha256, tag: {HEX_E}",
        DIGEST,
        f"repository: nginx@sha256, tag: {HEX_D}",
    ),
    (
        "hex as tag, new name",
        PARTS,
        f"repository: nginx@sha256, tag: {HEX_E}",
        NAME,
        f"repository: quay.io/org/web@sha256, tag: {HEX_E}",
    ),
    ("hex as tag, new tag", PARTS, f"repository: nginx@sha256, tag: {HEX_E}", TAG, "repository: nginx, tag: v2"),
    (
        "hex as tag, both",
        PARTS,
        f"repository: nginx@sha256, tag: {HEX_E}",
        BOTH,
        f"repository: nginx, tag: v2@{D}",
    ),
    ("digest in repository, new digest", PARTS, f"repository: nginx@{E}", DIGEST, f"repository: nginx@{D}"),
    (
        "digest in repository, new tag",
        PARTS,
        f"repository: nginx@{E}, tag: ''",
        TAG,
        "repository: nginx, tag: 'v2'",
    ),
    (
        "digest in repository, new name",
        PARTS,
        f"repository: nginx@{E}, tag: ''",
        NAME,
        f"repository: quay.io/org/web@{E}, tag: ''",
    ),
    (
        "digest in repository, both",
        PARTS,
        f"repository: nginx@{E}, tag: ''",
        BOTH,
        f"repository: nginx, tag: 'v2@{D}'",
    ),
    ("tag in repository, new name", PARTS, "repository: nginx:v1", NAME, "repository: quay.io/org/web:v1"),
    ("tag in repository, new tag", PARTS, "repository: nginx:v1", TAG, "repository: nginx, tag: v2"),
    (
        "registry, new tag",
        WITH_REGISTRY,
        "registry: docker.io, repository: nginx, tag: v1",
        TAG,
        "registry: docker.io, repository: nginx, tag: v2",
    ),
    (
        "registry, equal name",
        WITH_REGISTRY,
        "registry: docker.io, repository: nginx, tag: v1",
        "newImage: 'nginx:v2'",
        "registry: docker.io, repository: nginx, tag: v2",
    ),
    (
        "registry, equal name in full",
        WITH_REGISTRY,
        "registry: docker.io, repository: nginx, tag: v1",
        "newImage: 'docker.io/library/nginx:v2'",
        "registry: docker.io, repository: nginx, tag: v2",
    ),
    (
        "registry, official image",
        WITH_REGISTRY,
        "registry: docker.io, repository: nginx, tag: v1",
        "newName: caddy",
        "registry: docker.io, repository: caddy, tag: v1",
    ),
    (
        "registry, other name of the Hub",
        WITH_REGISTRY,
        "registry: docker.io, repository: nginx",
        "newName: index.docker.io/a/b",
        "registry: docker.io, repository: a/b",
    ),
    (
        "registry, tag with digest",
        ALL,
        f"registry: docker.io, repository: nginx, tag: v1@{E}",
        NAME,
        f"registry: quay.io, repository: org/web, tag: v1@{E}",
    ),
    (
        "registry with slash, new name",
        WITH_REGISTRY,
        "registry: docker.io/, repository: nginx",
        NAME,
        "registry: quay.io/, repository: org/web",
    ),
    (
        "empty registry, new name",
        WITH_REGISTRY,
        "registry: '', repository: nginx",
        NAME,
        "registry: '', repository: quay.io/org/web",
    ),
    (
        "null registry, new name",
        WITH_REGISTRY,
        "registry: null, repository: nginx",
        NAME,
        "registry: null, repository: quay.io/org/web",
    ),
    (
        "registry with path, moved",
        WITH_REGISTRY,
        "registry: docker.io/library, repository: nginx",
        "newName: m.io/hub/nginx",
        "registry: m.io/hub, repository: nginx",
    ),
    (
        "invalid digest in tag",
        PARTS,
        "repository: nginx, tag: v1@sha256:123",
        TAG,
        "repository: nginx, tag: v1@sha256:123",
    ),
    (
        "digest without tag in tag",
        PARTS,
        f"repository: nginx, tag: '@{E}'",
        TAG,
        f"repository: nginx, tag: '@{E}'",
    ),
]


@pytest.mark.parametrize("form, before, entry, after", [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_parts_are_written_in_their_form(
    form: Split, before: str, entry: str, after: str | None, parser: str
) -> None:
    fields = ", ".join(f"{name}: {key}" for name, key in form._asdict().items() if key)
    config = read_config(
        f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: [{{name: nginx, {entry}}}]\n"
        f"kinds: {{A: {{path: .spec, fields: {{{fields}}}}}}}\nonUnused: ignore\n"
    )
    text = f"kind: A\nspec: {{{before}}}\n"
    outcome = set_images(text, config)
    assert outcome.text == f"kind: A\nspec: {{{before if after is None else after}}}\n"
    warnings = [result.message for result in outcome.results if result.severity == "warning"]
    assert warnings == [] if after is not None else "set `newTag` too" in warnings[0]
    again = set_images(outcome.text, config)
    assert again.text == outcome.text


@pytest.mark.parametrize(
    "before, entry, after, warning",
    [
        pytest.param(f"v1@{E}", BOTH, f"v2@{D}", "", id="tag with digest, both"),
        pytest.param(f"v1@{E}", TAG, "v2", "", id="tag with digest, new tag"),
        pytest.param(
            f"v1@{E}", DIGEST, f"v1@{E}", "the new reference has no tag", id="tag with digest, new digest"
        ),
        pytest.param(f"v1@{E}", NAME, f"v1@{E}", "the name of", id="tag with digest, new name"),
        pytest.param("v1", NAME, "v1", "the name of", id="plain tag, new name"),
        pytest.param("v1", f"{NAME}, {TAG}", "v2", "the name of", id="plain tag, new name and tag"),
        pytest.param("v1", BOTH, "v2", "was not written: the field contains only a tag", id="plain tag, both"),
        pytest.param("v2", BOTH, "v2", "was not written: the field contains only a tag", id="equal tag, both"),
    ],
)
def test_part_tag_never_loses_a_digest_silently(before: str, entry: str, after: str, warning: str) -> None:
    config = read_config(
        f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: [{{name: nginx, {entry}}}]\n"
        "kinds: {A: {path: .spec, part: tag, of: nginx}}\nonUnused: ignore\n"
    )
    outcome = set_images(f"kind: A\nspec: {before}\n", config)
    assert outcome.text == f"kind: A\nspec: {after}\n"
    messages = [result.message for result in outcome.results if result.severity == "warning"]
    assert len(messages) == bool(warning)
    assert warning in "".join(messages)


def test_part_tag_next_to_part_name_does_not_warn_about_the_name() -> None:
    config = read_config(
        f"apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: [{{name: nginx, {NAME}}}]\n"
        "kinds: {A: [{path: .name, part: name}, {path: .tag, part: tag, of: nginx}]}\n"
    )
    outcome = set_images("kind: A\nname: nginx\ntag: v1\n", config)
    assert [result.severity for result in outcome.results] == ["info"]


NAMES = st.sampled_from(["nginx", "library/nginx", "a/b", "quay.io/a/b", "localhost:5000/a", "docker.io/nginx"])
TAGS = st.sampled_from(["", "v1", "1.20", "latest"])
DIGESTS = st.sampled_from(["", D, E, "sha512:" + "a" * 128])


@st.composite
def _texts(draw: st.DrawFn) -> tuple[Split, dict[str, str]]:
    form = draw(st.sampled_from([PARTS, WITH_DIGEST, WITH_REGISTRY, ALL, BARE]))
    tag, inline = draw(TAGS), draw(st.booleans())
    digest = draw(DIGESTS)
    texts = {"repository": draw(NAMES) + (f"@{digest}" if digest and inline else "")}
    if form.registry and not texts["repository"].startswith(("quay.io", "localhost", "docker.io")):
        texts["registry"] = draw(st.sampled_from(["", "docker.io", "gcr.io/x", "ghcr.io/"]))
    if form.tag and draw(st.booleans()):
        texts["tag"] = tag + (f"@{digest}" if tag and digest and not inline else "")
    if form.digest and draw(st.booleans()):
        texts["digest"] = draw(DIGESTS)
    return form, texts


@given(_texts(), NAMES, TAGS, DIGESTS)
def test_written_parts_join_to_the_new_reference(
    found: tuple[Split, dict[str, str]], name: str, tag: str, digest: str
) -> None:
    form, texts = found
    new = Reference(name, tag or None, digest or None)
    split = join_parts(form, texts)
    assert split is not None
    try:
        parts = split.parts_of(new)
    except ValueError:
        assert new.digest
        assert not new.tag
        return
    joined = join_parts(form, {**texts, **parts})
    assert joined is not None
    assert (joined.reference.normalized_name, *joined.reference[1:]) == (new.normalized_name, *new[1:])
    assert joined.parts_of(new) == {}
    if new.normalized_name == split.reference.normalized_name:
        assert "registry" not in parts
    if new[1:] == split.reference[1:]:
        assert parts.keys() <= {"registry", "repository"}
    if new.tag and form.tag:
        assert parts.get("tag") != ""


@pytest.mark.parametrize(
    ("spec", "position"),
    [
        ("\n  pullPolicy: Always\n  repository: nginx\n  tag: v1", (5, 15)),
        (" {tag: v1, repository: nginx}", (3, 29)),
    ],
    ids=["block style", "flow style"],
)
def test_split_reference_is_located_at_its_repository(spec: str, position: tuple[int, int]) -> None:
    config = read_config(
        "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {a: 'a:2'}\n"
        "kinds: {Widget: {path: '{.spec}', fields: {repository: repository, tag: tag}}}\n"
    )
    (image,) = images_in(Stream(f"apiVersion: a.example/v1\nkind: Widget\nspec:{spec}\n"), rules_for(config, {}))
    assert (image.line, image.column) == position
