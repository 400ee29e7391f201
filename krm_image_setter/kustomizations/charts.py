"""Finds the images in the Helm values of the charts that a kustomization renders (`helmCharts`).

Helm merges the values of several sources: the default values of the chart, files, and `valuesInline`. An image can
be set if all of its values come from the same source. Otherwise it can only be reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_image_setter.kustomizations.reading import Node, Reader
from krm_image_setter.locators.image_field import ImageField
from krm_image_setter.locators.values import image_fields
from krm_image_setter.typed import Any, Record
from krm_image_setter.yaml.tree import Location


class ChartImage(Record):
    """An image in the values of a chart. `source` is the source of its values, or None if it has several sources.

    `field` is the image field in this source. If `source` is None, `field` is the field in the merged values.
    """

    source: Node | None
    field: ImageField


class _Merged(dict[str, Any]):
    """Merged Helm values. `sources` contains the index and the mapping of the source that sets each key."""

    def __init__(self) -> None:
        self.sources: dict[str, tuple[int, Any]] = {}

    def origin(self, key: str) -> Any:
        """Return the node of the value of `key` in its source; see `tree.Mapping.origin`."""
        return self.sources[key][1].origin(key)


def chart_images(sources: Sequence[Node]) -> Iterator[ChartImage]:
    """Yield the images in the values of a chart. Later `sources` override earlier ones."""
    merged = _merged([(index, source.value) for index, source in enumerate(sources)])
    alone = [
        {field.location: field for field in image_fields(source.value, source.location)} for source in sources
    ]
    for field in image_fields(merged, ()):
        providers = {_provider(merged, part) for part in field.parts or (field.location,)} - {None}
        index = providers.pop()
        source = sources[index or 0]
        mine = alone[index or 0].get((*source.location, *field.location))
        if providers or mine is None or mine.current != field.current:
            yield ChartImage(None, field)
        else:
            yield ChartImage(source, mine)


def values_sources(reader: Reader, directory: str, chart: Node, charts: str) -> list[Node]:
    """Return the sources of the values of a chart, default values first. `charts` is the directory of all charts.

    https://kubectl.docs.kubernetes.io/references/kustomize/builtins/#_helmchartinflationgenerator_
    """
    files = [f"{charts}/{chart.string('name')}/values.yaml", chart.string("valuesFile")]
    files += (item.string() for item in chart.items("additionalValuesFiles"))
    paths = (reader.resolved(directory, file) for file in files if file)
    texts = [text for path in paths if path is not None and (text := reader.text(path)) is not None]
    found = [*(text.documents[0] for text in texts if text.documents), chart.child("valuesInline")]
    return [node for node in found if isinstance(node.value, dict)]


def _merged(sources: Sequence[tuple[int, Any]]) -> _Merged:
    result = _Merged()
    for key in dict.fromkeys(key for _, mapping in sources for key in mapping):
        having = [(index, mapping) for index, mapping in sources if key in mapping]
        inner = [(index, mapping[key]) for index, mapping in having]
        while inner and not all(isinstance(value, dict) for _, value in inner):
            inner.pop(0)  # Helm merges only mappings: any other value discards all earlier values
        result[key] = _merged(inner) if inner else having[-1][1][key]
        result.sources[key] = having[-1]
    return result


def _provider(merged: Any, location: Location) -> int | None:
    """Return the index of the source that sets the value at `location`, or None if no source sets it."""
    index = None
    for step in location:
        if isinstance(merged, _Merged):
            if step not in merged:
                return None
            index = merged.sources[str(step)][0]
        merged = merged[step]
    return index
