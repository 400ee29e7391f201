"""Platforms, with the names of github.com/containerd/platforms."""

from __future__ import annotations

from typing import Any

import pytest

from krm_image_setter import ConfigError
from krm_image_setter.registry.platforms import Platform, parse_platform, read_platform

EQUAL = [
    pytest.param("linux/amd64", "linux/amd64", id="plain"),
    pytest.param("Linux/AMD64", "linux/amd64", id="capital letters"),
    pytest.param("linux/x86_64", "linux/amd64", id="name of the kernel"),
    pytest.param("linux/amd64/v1", "linux/amd64", id="first variant of amd64"),
    pytest.param("linux/amd64/v3", "linux/amd64/v3", id="third variant of amd64"),
    pytest.param("linux/i386", "linux/386", id="i386"),
    pytest.param("linux/aarch64", "linux/arm64", id="aarch64"),
    pytest.param("linux/arm64/v8", "linux/arm64", id="default variant of arm64"),
    pytest.param("linux/arm64/8", "linux/arm64", id="variant without its letter"),
    pytest.param("linux/arm", "linux/arm/v7", id="arm without a variant"),
    pytest.param("linux/arm/6", "linux/arm/v6", id="arm variant without its letter"),
    pytest.param("linux/armhf", "linux/arm/v7", id="armhf"),
    pytest.param("linux/armel", "linux/arm/v6", id="armel"),
    pytest.param("windows/amd64", "windows/amd64", id="Windows"),
    pytest.param("linux/ppc64le", "linux/ppc64le", id="PowerPC"),
]


@pytest.mark.parametrize("text, expected", EQUAL)
def test_platform_is_normalized(text: str, expected: str) -> None:
    assert str(parse_platform(text)) == expected
    names = dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))
    assert read_platform(names) == parse_platform(text)


@pytest.mark.parametrize(
    "text", ["", "linux", "amd64", "linux/", "/amd64", "linux/arm/v7/x", "linux amd64", "a/\n", "ä/b"]
)
def test_invalid_platform_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_platform(text)
    assert caught.value.message.startswith(f'invalid platform "{text}"; expected OS/ARCHITECTURE[/VARIANT]')


NOT_PLATFORMS = [
    pytest.param(None, id="no platform"),
    pytest.param("linux/amd64", id="text"),
    pytest.param({}, id="empty"),
    pytest.param({"os": "linux"}, id="no architecture"),
    pytest.param({"os": "", "architecture": ""}, id="empty names"),
    pytest.param({"os": "linux", "architecture": 1}, id="number"),
    pytest.param({"os": "linux", "architecture": "arm", "variant": 7}, id="number as variant"),
    pytest.param({"os": "unknown", "architecture": "unknown"}, id="attestation"),
    pytest.param({"os": "linux\n", "architecture": "amd64"}, id="line break"),
    pytest.param({"os": "a/b", "architecture": "c/d"}, id="slashes"),
]


@pytest.mark.parametrize("data", NOT_PLATFORMS)
def test_other_data_is_not_a_platform(data: Any) -> None:
    assert read_platform(data) is None


def test_platform_is_shown_as_docker_writes_it() -> None:
    assert str(Platform("linux", "arm", "v7")) == "linux/arm/v7"
    assert read_platform({"os": "linux", "architecture": "amd64", "os.version": "1"}) == Platform("linux", "amd64")
