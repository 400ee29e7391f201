"""Explains the decisions on kustomizations, with a block for each image that an entry of `images` changes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from krm_image_setter.explaining.blocks import (
    Block,
    Fact,
    deciding_rule,
    image_rule_name,
    other_entries,
    why_unchanged,
)
from krm_image_setter.kustomizations.attempts import Flow, Place, follow, shown_location
from krm_image_setter.kustomizations.flows import BEFORE_VOLUMES, applied
from krm_image_setter.kustomizations.planning import Planned
from krm_image_setter.kustomizations.reading import Entry, Sources
from krm_image_setter.paths import format_location
from krm_image_setter.rules import Rules


def explain_builds(planned: Planned, rules: Rules, sources: Sources) -> Iterator[tuple[str, Block]]:
    """Yield the key of each kustomization with the blocks of its build.

    An image has a block if an entry of `images` matches it in the build, or if a kustomization itself contains it.
    An entry that matches no image has a block too.
    """
    builds = _Builds(planned, rules, sources)
    seen = set()
    for flow in planned.decisions.flows:
        route = flow.route
        key = (route.root, route.scalar, route.resource, route.location, flow.image)
        is_file = route.scalar is not None and route.scalar.node is None
        if key not in seen and route.reading != BEFORE_VOLUMES and (flow.trail or not is_file):
            seen.add(key)
            yield route.root, builds.block(flow)
    for entry in planned.idle:
        fact = Fact("unchanged", "the entry matches no image in a build of these files")
        subject = f'{format_location(entry.location)}: "{entry.keys.name}"'
        yield entry.file, Block(entry.line, subject, (fact,), entry.keys.image, (entry.keys.image,))


class _Builds:
    """Explains the decisions on all builds."""

    def __init__(self, planned: Planned, rules: Rules, sources: Sources) -> None:
        self._decisions = planned.decisions
        self._rules = rules
        self._sources = sources
        self._reasons = {problem.flow.route.identity: problem for problem in planned.decisions.problems}

    def block(self, flow: Flow) -> Block:
        """Return the facts about one image in one build."""
        route, new = flow.route, follow(flow.route, self._decisions.state)[0]
        facts = [*self._way(flow), Fact("image", f"{flow.image} (of the build)")]
        rule = deciding_rule(flow.image, route.usage, self._rules)
        problem = self._reasons.get(route.identity)
        if new != flow.image:
            facts.append(Fact("set to", new))
            facts += [Fact("set by", image_rule_name(rule))] if rule else []
            facts += (
                Fact("change in", shown_location(place, self._sources))
                for place in flow.places
                if self._changes(place)
            )
        if problem is not None:
            facts.append(Fact("unchanged" if problem.is_left else "but", problem.reason.message))
        elif new == flow.image:
            facts.append(Fact("unchanged", self._why_unchanged(flow, has_rule=rule is not None)))
        facts += other_entries(flow.image, route.usage, self._rules, rule)
        build = f"build of {posixpath.dirname(self._sources.shown(route.root)) or '.'}"
        field = ": ".join(filter(None, (str(route.resource), format_location(route.location))))
        images = (route.scalar.image if route.scalar else route.start, flow.image, new)
        line = next((entry.line for entry in reversed(flow.trail) if entry.file == route.root), 1)
        return Block(line, ": ".join(filter(None, (build, field))), tuple(facts), flow.image, images)

    def _why_unchanged(self, flow: Flow, *, has_rule: bool) -> str:
        if flow.moves:  # no change is made that only the base's own build needs
            return "images are set only in the builds that use this base"
        return (
            "already the new reference" if has_rule else why_unchanged(flow.image, flow.route.usage, self._rules)
        )

    def _way(self, flow: Flow) -> Iterator[Fact]:
        """Yield the image before the first entry, and the image after each entry that matches."""
        scalar = flow.route.scalar
        image = flow.route.start if scalar is None else scalar.image
        yield Fact(
            "starts as",
            f"{image} in {shown_location(scalar, self._sources) if scalar else 'a source that is not read'}",
        )
        for entry, times in flow.route.steps:
            made = applied(entry.keys, image, times)
            if made is not None:
                image = made
                yield Fact(
                    "becomes",
                    f"{image} by {shown_location(entry, self._sources)}: {format_location(entry.location)}",
                )

    def _changes(self, place: Place) -> bool:
        before = place.keys if isinstance(place, Entry) else place.image
        return bool(self._decisions.state.get(place, before) != before)
