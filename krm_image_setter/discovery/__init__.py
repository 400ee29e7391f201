"""Finds image fields that no rule covers, both in CustomResourceDefinitions (CRDs) and in custom resources."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from krm_image_setter.discovery.definitions import take_definitions
from krm_image_setter.discovery.finding import Confidence, Finding, Kind, Steps
from krm_image_setter.discovery.parsed import ParsedStream
from krm_image_setter.discovery.proposing import propose
from krm_image_setter.discovery.resources import Unknown, can_contain_images, find_in_resource
from krm_image_setter.discovery.schema import find_in_crd
from krm_image_setter.discovery.writing import write_kinds
from krm_image_setter.documents import Stream
from krm_image_setter.locators import KindRule, covered, find_image_fields
from krm_image_setter.resources import CRD, NO_REF, Resource
from krm_image_setter.rules import Rules
from krm_image_setter.scan import searched
from krm_image_setter.typed import Record

__all__ = [
    "Confidence",
    "Discovered",
    "Finding",
    "Kind",
    "Unknown",
    "discover",
    "merged",
    "propose",
    "unknown_images",
    "write_kinds",
]


class Discovered(Record):
    """The image fields in CRDs, the pod specs of each kind in CRDs, and the images in resources.

    A pod spec needs no entry in `kinds`.
    """

    findings: tuple[Finding, ...]
    pod_specs: dict[Kind, tuple[Steps, ...]]
    images: tuple[Unknown, ...]


def discover(stream: Stream, rules: Rules) -> Discovered:
    """Find fields that probably contain images and that no rule covers, in a stream of CRDs and other resources.

    Raises InputError if the text is not YAML, or if a document cannot be searched.
    """
    findings: list[Finding] = []
    pod_specs: dict[Kind, tuple[Steps, ...]] = {}
    definitions, stream = take_definitions(stream)
    resources = list(searched(stream, rules)) if stream.text else []
    for definition in [*definitions, *(one.node for one, _, _ in resources if one.ref.kind == CRD)]:
        crd = find_in_crd(definition, rules.kinds_for)
        if crd is not None:
            findings += crd.findings
            pod_specs[crd.kind] = crd.pod_specs
    return Discovered(tuple(findings), pod_specs, tuple(_unknown(resources, stream, rules)))


def merged(parts: Iterable[Discovered]) -> Discovered:
    """Combine the results of several streams without duplicates."""
    parts = list(parts)
    pod_specs = {kind: steps for part in parts for kind, steps in part.pod_specs.items()}
    images = tuple(image for part in parts for image in part.images)
    found = dict.fromkeys(finding for part in parts for finding in part.findings)
    return Discovered(tuple(found), pod_specs, images)


def unknown_images(stream: Stream, rules: Rules) -> tuple[Unknown, ...]:
    """Return the images in a stream that no rule covers. CRDs are not searched.

    If the stream has a file name, documents that are not resources are searched too. Raises the same errors as
    `discover`.
    """
    stream = ParsedStream.of(stream)
    root = stream.json_root
    if not stream.text or (stream.file and root is not None and not can_contain_images(root, stream.file)):
        return ()
    return tuple(_unknown(searched(stream, rules, every=stream.file != ""), stream, rules))


def _unknown(
    resources: Iterable[tuple[Resource, list[KindRule], Collection[str]]], stream: Stream, rules: Rules
) -> Iterator[Unknown]:
    for resource, kinds, uses in resources:
        file = stream.file if resource.ref == NO_REF else ""
        fields = find_image_fields(resource, kinds, uses, set())
        yield from find_in_resource(resource, covered(fields), rules, file)
