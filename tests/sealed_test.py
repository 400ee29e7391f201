"""A resource that SOPS encrypted is not changed, because its MAC covers all values."""

from __future__ import annotations

import pytest

from krm_image_setter import read_config, set_images

CONFIG = read_config(
    "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages: {nginx: 'nginx:2'}\nonUnused: ignore\n"
)
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{image: nginx:1}]}\n"


@pytest.mark.parametrize(
    "sops", ["{mac: 'ENC[AES256_GCM,data:x]', version: 3.9.0}", "{mac: x, mac_only_encrypted: false}"]
)
def test_encrypted_resource_is_not_changed(sops: str) -> None:
    text = f"{POD}sops: {sops}\n---\n{POD}"
    outcome = set_images(text, CONFIG)
    assert outcome.text == f"{POD}sops: {sops}\n---\n" + POD.replace("nginx:1", "nginx:2")
    info, warning = map(str, outcome.results)
    assert info.startswith("info: Pod/web")
    assert warning == (
        "warning: line 4: Pod/web: spec.containers[0].image: not changed: encrypted with SOPS, "
        "and a change would make its MAC invalid; use `sops edit`"
    )


def test_entry_whose_only_resource_is_encrypted_is_an_error() -> None:
    config = CONFIG._replace(on_unused="error")
    text = f"{POD}sops: {{mac: x}}\n"
    warning, error = set_images(text, config).results
    assert "not changed: encrypted with SOPS" in warning.message
    assert str(error) == 'error: line 3: images.nginx: no image "nginx" was set; read the warnings about it'
    assert not set_images(f"{text}---\n{POD}", config).failed
    assert not set_images(f"{text}---\n{POD.replace('nginx:1', 'nginx:2')}", config).failed
    assert len(set_images(text, CONFIG._replace(on_unused="warn")).results) == 1


@pytest.mark.parametrize("sops", ["{mac: x, mac_only_encrypted: true}", "{}", "text", "[mac]"])
def test_resource_without_a_mac_of_all_values_is_changed(sops: str) -> None:
    text = f"{POD}sops: {sops}\n"
    assert set_images(text, CONFIG).text == text.replace("nginx:1", "nginx:2")
