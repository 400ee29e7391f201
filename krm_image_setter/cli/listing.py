"""The images that `list` prints, as a report in every output format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from krm_image_setter.cli.files import File
from krm_image_setter.cli.outputs import Finding, Rule, Table, resource_data
from krm_image_setter.errors import sentence
from krm_image_setter.images import Reference
from krm_image_setter.results import ERROR, INFO
from krm_image_setter.scan import FoundImage
from krm_image_setter.typed import Any, Final, Record

IMAGE: Final = Rule("image", "A container image is used.")
UNPINNED: Final = Rule("unpinned-image", "An image has no digest.")
OTHER_REGISTRY: Final = Rule("other-registry", "An image is in another registry than expected.")
UNKNOWN: Final = Rule("unknown-image", "A value looks like an image, but no rule finds it.")


class Row(Record):
    """An image in a file. `rule` describes the rule that found it or, with `--unknown`, that would find it.

    `reference` is None if the image is not a valid reference, such as `nginx:${TAG}`.
    """

    file: File
    found: FoundImage
    reference: Reference | None
    rule: str
    is_unknown: bool

    @property
    def location(self) -> str:
        """The location of the image: `FILE:LINE`."""
        return f"{self.file.shown}:{self.found.line}"

    @property
    def at(self) -> str:
        """The location, the resource and the field path of the image, for the start of a message."""
        return ": ".join(filter(None, (self.location, str(self.found.resource), self.found.path)))

    @property
    def resource(self) -> str:
        """The kind and name of the resource, or "-" if the document is not a resource."""
        return str(self.found.resource) or "-"

    def data(self) -> dict[str, Any]:
        """Return the row as data for programs."""
        found, reference = self.found, self.reference
        return {
            "image": found.image,
            "name": reference and reference.normalized_name,
            "tag": reference and reference.tag,
            "digest": reference and reference.digest,
            "resource": resource_data(found.resource),
            "file": self.file.shown,
            "line": found.line,
            "column": found.column,
            "path": found.path,
            "rule": self.rule,
        }

    def finding(self, rule: Rule, text: str, *, is_error: bool) -> Finding:
        """Return a finding at the location of the image. `text` describes the image."""
        message = sentence(str(self.found.resource), self.found.path, text)
        severity = ERROR if is_error else INFO
        return Finding(rule, severity, message, self.file, self.found.line, self.found.column)


class Listing(Record):
    """A list of images. `reason` is why they are listed. If `is_check` is true, each is reported as an error."""

    rows: Sequence[Row]
    problems: Sequence[Finding]
    reason: Rule
    is_check: bool

    @property
    def empty(self) -> str:
        """The sentence for a report without rows."""
        return "No images found."

    def sorted(self) -> list[Row]:
        """Return the rows sorted by image."""
        return sorted(self.rows, key=lambda row: row.found.image)

    def data(self) -> Iterator[dict[str, Any]]:
        """Return one mapping per row, in the order of the files."""
        return (row.data() for row in self.rows)

    def names(self) -> Iterable[str]:
        """Return the valid references."""
        return (row.found.image for row in self.rows if row.reference is not None)

    def groups(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Return the location of each image, with the image as the heading."""
        return ((row.found.image, (row.resource, row.location, row.found.path, row.rule)) for row in self.sorted())

    def tables(self) -> list[Table]:
        """Return one table with one row per location."""
        rows = [(image, *cells) for image, cells in self.groups()]
        return [Table(("Image", "Resource", "Location", "Field", "Rule"), rows)]

    def findings(self) -> Iterator[Finding]:
        """Return one finding per location, and the problems."""
        for row in self.rows:
            rule = UNKNOWN if row.is_unknown else self.reason
            text = f'image "{row.found.image}"{_PREDICATES.get(rule, "")}'
            yield row.finding(rule, text, is_error=self.is_check)
        yield from self.problems


_PREDICATES: Final = {
    UNKNOWN: " is not found by any rule",
    UNPINNED: " has no digest",
    OTHER_REGISTRY: " is in another registry",
}
