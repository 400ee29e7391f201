"""Writes a list of images as a software bill of materials in the format CycloneDX: https://cyclonedx.org."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from krm_image_setter import __version__
from krm_image_setter.cli import terminal
from krm_image_setter.cli.listing import Listing, Row
from krm_image_setter.errors import ImageSetterError
from krm_image_setter.images import Reference
from krm_image_setter.streams import PROGRAM

try:
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
    from cyclonedx.model.tool import ToolRepository
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL
except ImportError as error:
    raise ImageSetterError(
        "`--output cyclonedx` needs the packages cyclonedx-python-lib and packageurl-python; "
        "install them with `pip install 'krm-image-setter[cyclonedx]'`"
    ) from error


def write(listing: Listing) -> None:
    """Write one component per image, with its locations as evidence. `nginx` and `library/nginx` are one image."""
    by_reference: dict[Reference, list[Row]] = defaultdict(list)
    for row in listing.rows:
        if row.reference is not None:
            by_reference[row.reference.normalized].append(row)
    components = [_component(reference, rows) for reference, rows in by_reference.items()]
    program = Component(name=PROGRAM, version=__version__, type=ComponentType.APPLICATION)
    bom = Bom(components=components, metadata=BomMetaData(tools=ToolRepository(components=[program])))
    terminal.write(f"{JsonV1Dot6(bom).output_as_string(indent=1)}\n")


def _component(reference: Reference, rows: Iterable[Row]) -> Component:
    url = _package_url(reference)
    occurrences = [
        Occurrence(
            bom_ref=f"{url.to_string()}#{number}",  # otherwise the order differs between runs
            location=row.file.shown,
            line=row.found.line,
            additional_context=": ".join(filter(None, (str(row.found.resource), row.found.path))),
        )
        for number, row in enumerate(rows)
    ]
    return Component(
        name=reference.name,
        version=reference.tag or reference.digest,
        type=ComponentType.CONTAINER,
        bom_ref=url.to_string(),
        purl=url,
        evidence=ComponentEvidence(occurrences=occurrences),
    )


def _package_url(reference: Reference) -> PackageURL:
    """Return the package URL of an image: https://github.com/package-url/purl-spec, type `oci`."""
    qualifiers = {"repository_url": reference.name, "tag": reference.tag or ""}
    name = reference.name.rpartition("/")[2]
    return PackageURL("oci", name=name, version=reference.digest, qualifiers=qualifiers)
