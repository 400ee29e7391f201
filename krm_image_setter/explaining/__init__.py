"""Explains a run: which rules searched each resource, and why each image changes or does not change.

`explainer` returns a function that puts the facts of `scan` and of the plan of kustomizations into blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from krm_image_setter.config import API_VERSION, ImageSetter
from krm_image_setter.discovery import Unknown, unknown_images
from krm_image_setter.documents import Stream
from krm_image_setter.explaining.blocks import Block, Fact
from krm_image_setter.explaining.builds import explain_builds
from krm_image_setter.explaining.resources import ResourceObserver
from krm_image_setter.kustomizations.reading import Sources
from krm_image_setter.kustomizations.scanning import AS_TEXT
from krm_image_setter.scan import scan
from krm_image_setter.transform import Plans
from krm_image_setter.typed import Any, Record

__all__ = ["Block", "Explained", "Fact", "explain_builds", "explainer"]


class Explained(Record):
    """The blocks of a text in the order of the text, and the images that no rule finds."""

    blocks: list[Block]
    unknown: tuple[Unknown, ...]


def explainer(config: ImageSetter, plans: Plans[Any], sources: Sources | None) -> Callable[[Stream], Explained]:
    """Return a function that explains a stream. All streams must have been planned with `every=True`."""
    planned = plans.planned
    kustomizations = frozenset(sources.kustomizations() if sources else ())
    every, text_files = (planned.decided, planned.text_files) if planned else ({}, frozenset())

    def explain(stream: Stream) -> Explained:
        if stream.source in kustomizations:  # `explain_builds` explains kustomizations
            return Explained([], ())
        if stream.source in text_files:
            fact = Fact("unchanged", AS_TEXT.removeprefix("not changed: "))
            return Explained([Block(1, "file of a generator", (fact,))], ())
        decided = every.get(stream.source, {})
        observer = ResourceObserver(plans.rules, config.kinds, decided)
        scan(stream, plans.rules, decided=decided, observer=observer)
        found = {(block.line, block.image) for block in observer.blocks}
        unknown = (
            one
            for one in unknown_images(stream, plans.rules)
            if (one.found.line, one.found.image) not in found and one.found.resource.api_version != API_VERSION
        )
        return Explained(observer.blocks, tuple(unknown))

    return explain
