"""Finds image fields that no rule covers, both in CustomResourceDefinitions (CRDs) and in custom resources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from krm_image_setter.discovery.finding import Confidence, Finding, Kind, Steps
from krm_image_setter.discovery.resources import find_in_resource
from krm_image_setter.discovery.schema import find_in_crd
from krm_image_setter.discovery.writing import write_kinds
from krm_image_setter.documents import Stream
from krm_image_setter.images import NO_CONTAINER
from krm_image_setter.locators import covered
from krm_image_setter.paths import format_location
from krm_image_setter.resources import Resource, ResourceRef
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage
from krm_image_setter.yaml.tree import Location

__all__ = ["Confidence", "Discovered", "Finding", "Kind", "discover", "merged", "write_kinds"]


class Discovered(NamedTuple):
    """The image fields that were found, the pod specs in each kind with a CRD, and the images in resources.

    A pod spec needs no entry in `kinds`.
    """

    findings: tuple[Finding, ...]
    pod_specs: dict[Kind, tuple[Steps, ...]]
    images: tuple[tuple[Finding, FoundImage], ...]


def discover(stream: Stream, rules: Rules) -> Discovered:
    """Find fields that probably contain images and that no rule covers, in a stream of CRDs and other resources.

    Raises InputError if the text is not YAML, or if a document is not a resource.
    """
    findings: list[Finding] = []
    pod_specs: dict[Kind, tuple[Steps, ...]] = {}
    images: list[tuple[Finding, FoundImage]] = []
    for resource in (resource for one in stream.documents() for resource in one.resources()):
        crd = find_in_crd(resource)
        if crd is not None:
            known = _known_paths(crd.kind, rules)
            findings += (finding for finding in crd.findings if finding.path not in known)
            pod_specs[crd.kind] = crd.pod_specs
        for finding, location in find_in_resource(
            resource, covered(resource, rules.kinds_in(resource), rules.pod_spec_uses)
        ):
            images.append((finding, _image(resource, finding, location)))
    return Discovered(tuple(findings), pod_specs, tuple(images))


def _image(resource: Resource, finding: Finding, location: Location) -> FoundImage:
    value = finding.value_at(resource.node, location)
    path, line = format_location(location), resource.line(location)
    return FoundImage(value, resource.ref, path, line, None, NO_CONTAINER, "", is_public=True)


def merged(parts: Iterable[Discovered]) -> Discovered:
    """Combine the results of several streams without duplicates. For a kind with a CRD, only the CRD is used."""
    parts = list(parts)
    pod_specs = {kind: steps for part in parts for kind, steps in part.pod_specs.items()}
    images = tuple(image for part in parts for image in part.images)
    found: dict[tuple[Kind, Steps], Finding] = {}
    for finding in (finding for part in parts for finding in part.findings):
        found.setdefault((finding.kind, finding.steps), finding)
    for finding, _ in images:
        if finding.kind not in pod_specs:  # if there is a CRD, it contains all fields of the kind
            found.setdefault((finding.kind, finding.steps), finding)
    return Discovered(tuple(found.values()), pod_specs, images)


def _known_paths(kind: Kind, rules: Rules) -> set[str]:
    """Return the paths that rules have for a kind, in any version of its API group."""
    ref = ResourceRef(f"{kind.group}/v1", kind.kind, "", "")
    return {rule.path.text for rule in rules.kinds_for(ref)}
