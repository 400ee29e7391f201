"""Recall and precision in the values of public charts, in which every image was found by rendering the chart."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.images import check_reference, parse_reference
from krm_image_setter.locators import ImageField
from krm_image_setter.locators.values import VALUES
from krm_image_setter.rules import rules_for
from krm_image_setter.scan import images_in
from krm_image_setter.yaml import parsing

TRUTH = Path(__file__).parents[2].parent / "shared" / "values"
DIGEST = "sha256:" + "d" * 64
RELEASE = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n"
# Images that rendering did not show, because a switch that no default turns on hides them. A person has read them.
HIDDEN = {
    "aws_eks-charts__stable_appmesh-controller": ["sidecar.image.repository"],
    "cowboysysop_charts__charts_mongodb": ["externalAccess.autoDiscovery.image.repository"],
    "cowboysysop_charts__charts_postgresql": ["metrics.image.repository"],
    "cowboysysop_charts__charts_redis": ["kubectl.image.repository"],
    "goharbor_harbor-helm__chart": ["nginx.image.repository"],
    "grafana_helm-charts__charts_loki-distributed": [
        "memcached.image.repository",
        "memcachedExporter.image.repository",
    ],
    "helm_charts__stable_chartmuseum": ["volumePermissions.image.repository"],
    "helm_charts__stable_keycloak": ["init.image.repository"],
    "helm_charts__stable_lamp": ["init.manually.repository", "sftp.repository"],
    "helm_charts__stable_sysdig": ["image.repository"],
    "istio_istio__manifests_charts_istio-control_istio-discovery": [
        "_internal_defaults_do_not_set.global.proxy.image",
        "_internal_defaults_do_not_set.global.proxy_init.image",
    ],
    "lsst-sqre_phalanx__applications_cm-service": ["frontend.image.repository"],
    "lsst-sqre_phalanx__applications_gafaelfawr": ["cloudsql.image.repository"],
    "lsst-sqre_phalanx__applications_repertoire": ["cloudsql.image.repository"],
    "lsst-sqre_phalanx__applications_rubintv": ["rubintv.workers.image.repository"],
    "lsst-sqre_phalanx__applications_sasquatch": ["chronograf.image.repository"],
    "prometheus-community_helm-charts__charts_prometheus-modbus-exporter": [
        "configReloaderSidecar.image.repository"
    ],
    "traefik_traefik-helm-chart__traefik": [
        "global.azure.images.hub.image",
        "global.azure.images.proxy.image",
        "oci_meta.images.hub.image",
        "oci_meta.images.proxy.image",
    ],
    "volcano-sh_volcano__installer_helm_chart_volcano": ["basic.hypernode_controller_image_name"],
}


class Score(NamedTuple):
    """The numbers of images that are found and missed, and of right and wrong keys of the found images."""

    found: int
    missed: list[str]
    wrong: list[str]
    keys_right: int
    keys_wrong: list[str]


def location(path: str) -> tuple[str, ...]:
    return tuple(key or quoted for key, quoted in re.findall(r"\.([^.\[]+)|\['([^']*)'\]", path))


def score() -> Score:
    truth: dict[str, list[Any]] = {path.name: [] for path in (TRUTH / "charts").iterdir()}
    for image in json.loads((TRUTH / "images.json").read_text()):
        truth[Path(image["file"]).name].append(image)
    found, right = 0, 0
    missed: list[str] = []
    wrong: list[str] = []
    keys_wrong: list[str] = []
    for name, images in sorted(truth.items()):
        (document,) = parsing.parse((TRUTH / "charts" / name).read_text())
        data: Any = document.root
        claimed = {
            (field.parts or (field.location,))[0]: [part for part in field.parts[1:] if exists(data, part)]
            for field in VALUES.fields(data, (), data)
            if isinstance(field, ImageField)
        }
        known = [location(image["keys"]["repository"]) for image in images]
        hidden = HIDDEN.get(name.removesuffix(".yaml"), [])
        others = [".".join(map(str, at)) for at in claimed if at not in known]
        wrong += [f"{name}: {at}" for at in others if at not in hidden]
        for image, at in zip(images, known, strict=True):
            if not image["value"]:  # an empty repository is no image
                continue
            if at not in claimed:
                missed.append(f"{name}: {at}")
                continue
            found += 1
            for part in ("tag", "digest") if image["form"] != "cross" else ():
                expected = {location(key) for key in image["keys"][part]}
                # Rendering does not show a key that works only behind a switch.
                if expected.isdisjoint(claimed[at]) and expected:
                    keys_wrong.append(f"{name}: {at} {part} {expected}")
                else:
                    right += 1
    return Score(found, missed, wrong, right, keys_wrong)


def exists(data: Any, at: tuple[Any, ...]) -> bool:
    for key in at[:-1]:
        data = data[key]
    return at[-1] in data


@pytest.mark.skipif(not TRUTH.is_dir(), reason="no ../shared/values beside the project")
def test_images_in_the_values_of_public_charts_are_found() -> None:
    result = score()
    assert result.found / (result.found + len(result.missed)) >= 0.99, result.missed
    assert result.wrong == []
    assert result.keys_right / (result.keys_right + len(result.keys_wrong)) >= 0.98, result.keys_wrong


def leaves(node: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Return the scalars of a tree by their location."""
    if not isinstance(node, dict | list):
        return {path: node}
    items = node.items() if isinstance(node, dict) else enumerate(node)
    return {at: leaf for key, value in items for at, leaf in leaves(value, (*path, key)).items()}


@pytest.mark.skipif(not TRUTH.is_dir(), reason="no ../shared/values beside the project")
@pytest.mark.parametrize("form", ["mapping", "string"])
def test_every_image_in_the_values_of_public_charts_is_set(form: str) -> None:
    """Each image gets another name, tag and digest; no other value changes, and nothing is added except tags."""
    for path in sorted((TRUTH / "charts").iterdir()):
        indented = "".join(f"    {line}" for line in path.read_text().removeprefix("---\n").splitlines(True))
        text = f"{RELEASE}  values:{' |' if form == 'string' else ''}\n{indented}"
        rules = rules_for(ImageSetter(), {})
        before = [image for image in images_in(Stream(text), rules) if parse_reference(image.image)]
        if not before:
            continue
        names = sorted({check_reference(image.image).normalized_name for image in before})
        config = read_config(
            "apiVersion: krm-image-setter.dev/v1alpha1\nkind: ImageSetter\nimages:\n"
            + "".join(f"- {{name: {name}, newImage: 'new.example/{name}:v9@{DIGEST}'}}\n" for name in names)
        )
        outcome = set_images(text, config)
        after = {(image.path, image.image) for image in images_in(Stream(outcome.text), rules)}
        refused = {result.field for result in outcome.results if result.severity == "warning"}
        for image in before:
            name = check_reference(image.image).normalized_name
            if image.path not in refused:
                assert (image.path, f"new.example/{name}:v9@{DIGEST}") in after, (path.name, image)
        # In the chart of Tempo, nearly all images share the registry in `global.image.registry`.
        assert len(refused) <= (8 if "tempo-distributed" in path.name else 6), (path.name, refused)
        old, new = (
            leaves(yaml.safe_load(data) if isinstance(data, str) else data)
            for source in (text, outcome.text)
            for data in [yaml.safe_load(source)["spec"]["values"]]
        )
        assert {at[-1] for at in new.keys() - old.keys()} <= {"tag"}
        changed = {at for at in old if new[at] != old[at]}
        assert len(changed) <= 4 * len(before)
        assert all(new[at] for at in changed)
        assert set_images(outcome.text, config).text == outcome.text
