"""Whatever a registry sends, the result is a value or a RegistryError."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krm_image_setter.registry.answers import RegistryError
from krm_image_setter.registry.authentication import read_challenges
from krm_image_setter.registry.manifests import check_media_type, is_supported, read_config, read_index
from krm_image_setter.registry.origins import is_loopback, origin_of
from krm_image_setter.registry.platforms import parse_platform, read_platform

NAMES = st.sampled_from(
    ["manifests", "platform", "digest", "os", "architecture", "variant", "config", "linux", "arm"]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NAMES,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), values, max_size=4),
    max_leaves=20,
)
URLS = st.text() | st.from_regex(r"https?://[\w@.:\[\]/%-]*", fullmatch=True)


@given(st.text())
def test_challenge_has_lower_case_schemes(header: str) -> None:
    for scheme, parameters in read_challenges(header).items():
        assert re.fullmatch(r"[\w-]+", scheme)
        assert all(name == name.lower() for name in parameters)


@given(URLS)
def test_origin_has_a_host_without_a_user(url: str) -> None:
    with suppress(RegistryError):
        origin = origin_of(url)
        assert origin.host
        assert "@" not in origin.host
        assert is_loopback(origin.host) in (False, True)


@given(JSON)
def test_index_has_platforms_and_digests(content: Any) -> None:
    with suppress(RegistryError):
        for platform, digest in read_index(content):
            assert parse_platform(str(platform)) == platform
            assert is_supported(digest)


@given(JSON)
def test_manifest_has_the_digest_of_a_configuration(content: Any) -> None:
    with suppress(RegistryError):
        assert is_supported(read_config(content))


@given(st.dictionaries(NAMES, st.sampled_from(["linux", "arm", "v7", "a/b", "LINUX", "", "amd64", "v1"]) | JSON))
def test_platform_can_be_parsed_again(data: Any) -> None:
    platform = read_platform(data)
    assert platform is None or parse_platform(str(platform)) == platform


@given(st.text())
def test_media_type_is_known_or_an_error(text: str) -> None:
    with suppress(RegistryError):
        assert check_media_type(text, "host").startswith("application/vnd.")
