"""The difference between the images of two directories, as a report in every output format."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from krm_image_setter.cli.listing import Row
from krm_image_setter.cli.outputs import Finding, Rule, Table
from krm_image_setter.resources import NO_REF
from krm_image_setter.typed import Any, Final, Record

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
MOVED: Final = "moved"
_RULES: Final = {
    ADDED: Rule("added-image", "An image is new."),
    REMOVED: Rule("removed-image", "An image is not used any more."),
    CHANGED: Rule("changed-image", "A field contains another image."),
    MOVED: Rule("moved-image", "An image is used in another file, resource or field."),
}


class Pair(Record):
    """An image before and after a change. `before` is None for an added image, `after` for a removed image."""

    before: Row | None
    after: Row | None

    @property
    def change(self) -> str:
        """What happened to the image; empty if nothing happened."""
        if self.before is None or self.after is None:
            return ADDED if self.before is None else REMOVED
        if (
            self.before.found.image != self.after.found.image
            or self.before.found.hidden != self.after.found.hidden
        ):
            return CHANGED
        return "" if _place(self.before) == _place(self.after) else MOVED

    @property
    def row(self) -> Row:
        """The image after the change, or the image that was removed."""
        return self.after or self.before  # type: ignore[return-value]

    def both(self, text: Callable[[Row], str]) -> str:
        """Return the text of the image before and after the change, or one text if both are equal."""
        return " -> ".join(dict.fromkeys(text(row) for row in self if row is not None))

    @property
    def image(self) -> str:
        """The image, or the images before and after the change."""
        return self.both(lambda row: row.found.image)

    def cells(self) -> tuple[str, str, str]:
        """Return the resource, location and path of the image. For a moved image, each can be `OLD -> NEW`."""
        pair = self if self.change == MOVED else Pair(None, self.row)
        return (
            pair.both(lambda row: row.resource),
            pair.both(lambda row: row.location),
            pair.both(lambda row: row.found.path),
        )


class Difference(Record):
    """The changes between two lists of images. If `is_check` is true, each change is reported as an error.

    `old` contains all images of the first list, including the unchanged images.
    """

    pairs: Sequence[Pair]
    old: Collection[str]
    problems: Sequence[Finding]
    is_check: bool

    @property
    def empty(self) -> str:
        """The sentence for a report without rows."""
        return "No images differ."

    @property
    def summary(self) -> str:
        """The number of changes of each kind."""
        counts = Counter(pair.change for pair in self.pairs)
        return ", ".join(f"{counts[change]} {change}" for change in _RULES)

    def data(self) -> Iterator[dict[str, Any]]:
        """Return one mapping per change: its kind, and the row of the image before and after the change."""
        for change, before, after in ((pair.change, *pair) for pair in self.pairs):
            yield {"change": change, "before": before and before.data(), "after": after and after.data()}

    def names(self) -> Iterator[str]:
        """Return the new references, which a mirror must copy."""
        after = (pair.after for pair in self.pairs if pair.after is not None)
        return (row.found.image for row in after if row.reference is not None and row.found.image not in self.old)

    def groups(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Return one row per change, with the image and the kind of change as the heading."""
        return ((f"{pair.change} {pair.image}", pair.cells()) for pair in self.pairs)

    def tables(self) -> list[Table]:
        """Return one table with one row per change."""
        rows = [(pair.change, pair.image, *pair.cells()) for pair in self.pairs]
        return [Table(("Change", "Image", "Resource", "Location", "Field"), rows)]

    def findings(self) -> Iterator[Finding]:
        """Return one finding per change, and the problems."""
        for pair in self.pairs:
            images = pair.both(lambda row: f'"{row.found.image}"')
            text = f"{pair.change} image {images}"
            yield pair.row.finding(_RULES[pair.change], text, is_error=self.is_check)
        yield from self.problems


def compared(before: Iterable[Row], after: Iterable[Row]) -> list[Pair]:
    """Return the changes from one list of images to another list, sorted by kind of change and image.

    An old and a new image are a pair if they have the same key. These keys are tried in this order: file, field
    and image; field and image; file and field; only the field; only the image. In the field, the name of a
    container replaces its index, so that a new container before it does not count as a change.
    """
    old, new = list(before), list(after)
    pairs: list[Pair] = []
    keys: tuple[Callable[[Row], Any], ...] = (
        lambda row: (_place(row), _image(row)),
        lambda row: (_field(row), _image(row)),
        _place,
        _field,
        _image,
    )
    for key in keys:
        by_key: dict[Any, deque[Row]] = defaultdict(deque)
        for row in old:
            by_key[key(row)].append(row)
        rest: list[Row] = []
        for row in new:
            same = by_key[key(row)]
            if same:
                pairs.append(Pair(same.popleft(), row))
            else:
                rest.append(row)
        old, new = [row for rows in by_key.values() for row in rows], rest
    pairs += (Pair(row, None) for row in old)
    pairs += (Pair(None, row) for row in new)
    order = list(_RULES)
    changes = (pair for pair in pairs if pair.change)
    return sorted(changes, key=lambda pair: (order.index(pair.change), pair.image, pair.row.location))


def _image(row: Row) -> Any:
    return row.found.image, row.found.hidden


def _field(row: Row) -> Any:
    """Return the resource and the field of an image. Without a resource, return the file and the field."""
    container = row.found.usage.container
    path = row.found.path
    if container:
        path = re.sub(r"\[\d+\](?=[^\[\]]*$)", lambda _: f"[{container}]", path)
    ref = row.found.resource
    return (ref, path) if ref != NO_REF else (_file(row), path)


def _file(row: Row) -> str:
    """Return the path relative to the compared directory. It is empty if the user named the file itself."""
    return row.file.name if row.file.is_found else ""


def _place(row: Row) -> Any:
    return _file(row), _field(row)
