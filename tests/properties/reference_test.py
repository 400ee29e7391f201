"""Laws of references and of the rules that set them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.images import ImageMap, ImageRule, Reference, image_rule, parse_reference
from krm_image_setter.images.reference import is_digest, is_tag

COMPONENT = st.from_regex(r"[a-z0-9]{1,3}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,3}){0,2}", fullmatch=True)
PATH = st.lists(COMPONENT, min_size=1, max_size=4).map("/".join)
HUB_DOMAIN = st.sampled_from(["docker.io", "index.docker.io"])
DOMAIN = HUB_DOMAIN | st.sampled_from(
    [
        "gcr.io",
        "localhost",
        "localhost:5000",
        "registry:5000",
        "[::1]:5000",
        "[2001:db8::1]",
        "FOO",
        "127.0.0.1",
        "a--b.c",
    ]
)
NAME = PATH | st.builds("{}/{}".format, DOMAIN, PATH)
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,5}", fullmatch=True)
DIGEST = st.from_regex(r"(?:sha256|sha512|a\+b_c)", fullmatch=True).flatmap(
    lambda algorithm: st.text("0123456789abcdefABCDEF", min_size=32, max_size=40).map(f"{algorithm}:".__add__)
)
REFERENCE = st.builds(Reference, NAME, st.none() | TAG, st.none() | DIGEST)
SUFFIX = st.from_regex(r"-[a-z]{1,3}", fullmatch=True)

RULE = st.one_of(
    st.builds(lambda name, image: image_rule(str(name), new_image=str(image)), REFERENCE, REFERENCE),
    st.builds(
        lambda name, new, tag, digest: image_rule(str(name), new_name=new, new_tag=tag, digest=digest),
        REFERENCE,
        NAME,
        st.none() | TAG,
        st.none() | DIGEST,
    ),
    st.builds(lambda name, tag: image_rule(str(name), new_tag=tag), REFERENCE, TAG),
    st.builds(lambda name, digest: image_rule(str(name), digest=digest), REFERENCE, DIGEST),
    st.builds(lambda name, suffix: image_rule(str(name), tag_suffix=suffix), REFERENCE, SUFFIX),
)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """Draw two spellings of one name on Docker Hub."""
    path = draw(PATH)
    names = [f"docker.io/{path}", f"index.docker.io/{path}"]
    if parse_reference(path) == Reference(path) and Reference(path).domain == "docker.io":
        names.append(path)
    if "/" not in path:
        names += [f"library/{path}", f"docker.io/library/{path}", f"index.docker.io/library/{path}"]
    return draw(st.sampled_from(names)), draw(st.sampled_from(names))


@given(REFERENCE)
def test_what_is_written_is_read_back(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference


@given(st.text() | st.text("aA1._-/:@[]") | st.from_regex(r"\S+:\S+@\S+"))
def test_str_of_parse_is_the_text(text: str) -> None:
    reference = parse_reference(text)
    if reference is not None:
        assert str(reference) == text
        assert reference.tag is None or is_tag(reference.tag)
        assert reference.digest is None or is_digest(reference.digest)


@given(REFERENCE)
def test_the_normalized_name_is_its_own(reference: Reference) -> None:
    normalized = parse_reference(reference.normalized_name)
    assert normalized is not None
    assert (normalized.domain, normalized.path) == (reference.domain, reference.path)
    assert normalized.normalized_name == normalized.name == reference.normalized_name


@given(REFERENCE.filter(lambda reference: Reference(reference.familiar_name).domain == reference.domain))
def test_the_familiar_name_is_the_same_name(reference: Reference) -> None:
    familiar = Reference(reference.familiar_name)
    assert familiar.normalized_name == reference.normalized_name
    assert len(familiar.name) <= len(reference.name)


@given(spellings(), st.none() | TAG)
def test_matches_whatever_the_spelling(names: tuple[str, str], tag: str | None) -> None:
    first, second = (Reference(name, tag) for name in names)
    rules = [image_rule(str(reference), new_tag="x") for reference in (first, second)]
    assert rules[0].matches(second)
    assert rules[1].matches(first)


@given(spellings(), RULE)
def test_what_matches_mentions(names: tuple[str, str], rule: ImageRule) -> None:
    rule = rule._replace(name=Reference(names[0]))
    assert rule.matches(Reference(names[1]))
    assert rule.keyword in names[1]


@given(REFERENCE, RULE)
def test_only_what_matches_is_found(reference: Reference, rule: ImageRule) -> None:
    for name in (rule.name, rule.name._replace(name=reference.name)):
        candidate = rule._replace(name=name)
        expected = (reference, candidate) if candidate.matches(reference) else None
        assert ImageMap([candidate]).find(str(reference)) == expected
        assert expected is None or candidate.keyword in str(reference)


@given(REFERENCE, RULE)
def test_what_is_written_is_a_reference(reference: Reference, rule: ImageRule) -> None:
    assert parse_reference(rule.rewrite(reference)) is not None


@given(REFERENCE, RULE)
def test_writing_twice_is_writing_once(reference: Reference, rule: ImageRule) -> None:
    once = parse_reference(rule.rewrite(reference))
    assert once is not None
    assert rule.rewrite(once) == str(once)
