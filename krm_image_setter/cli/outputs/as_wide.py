"""Writes a list of images as a table with one row per location. Each row contains the identity of the resource."""

from __future__ import annotations

from krm_image_setter.cli import terminal
from krm_image_setter.cli.listing import Listing
from krm_image_setter.typed import Final

_HEADER: Final = ("IMAGE", "KIND", "APIVERSION", "NAMESPACE", "NAME", "LOCATION", "PATH", "RULE")


def write(listing: Listing) -> None:
    """Write a list of images as a table with a header."""
    rows = [
        (found.image, ref.kind, ref.api_version, ref.namespace, ref.name, row.location, found.path, row.rule)
        for row in listing.sorted()
        for found, ref in [(row.found, row.found.resource)]
    ]
    for line in terminal.fitted([_HEADER, *rows]):
        terminal.write(f"{line}\n")
