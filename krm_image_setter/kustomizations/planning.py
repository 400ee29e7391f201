"""Plans the changes of a run whose texts contain kustomizations.

`KustomizationPlan` finds the files of each build. The caller scans them and passes their image fields to `decide`.
`decide` returns the changes of kustomizations, and each image that the rules alone would set differently.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial

from krm_image_setter.images import ImageRule, SeenReferences, Usage, parse_reference
from krm_image_setter.kustomizations.attempts import Flow, follow, shown_location
from krm_image_setter.kustomizations.decisions import Decisions, Problem, decide
from krm_image_setter.kustomizations.fields import NO_FIELDS, Fields, FoundField, checksum, fields_in
from krm_image_setter.kustomizations.flows import (
    BEFORE_VOLUMES,
    METACHARACTERS,
    Copy,
    Flows,
    Scalar,
    Spec,
    matches,
)
from krm_image_setter.kustomizations.reading import Entry, Reader, Sources, Text
from krm_image_setter.kustomizations.writing import KUSTOMIZATION, Writer
from krm_image_setter.locators import Embedded, KindRule, Selector, SelectorMap
from krm_image_setter.locators.kustomize_entry import split_image
from krm_image_setter.locators.values import VALUES
from krm_image_setter.paths import PathError, format_location, parse_path
from krm_image_setter.paths.field_spec import parse as parse_field_spec
from krm_image_setter.resources import ResourceRef
from krm_image_setter.results import WARNING, Result
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, Scan
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.stream import Keyword

_COMPONENT: Final = "Component"
_MOST_NAMES: Final = 3  # the number of names in one message


class Planned(Record):
    """The decisions for the texts of a run.

    `scans` contains the changes and messages of kustomizations, by the key of the text. For other texts, `decided`
    contains the new images that differ from those that the rules would set, by offset. `checksums` shows whether a
    text changed after it was read. `applied` contains the positions of the entries of the configuration that match
    an image of a build. `blocked` contains those of them that set no image, because none of their images can
    change. `causes` explains why `blocked` entries set no image, and why entries that are not in `applied` match
    none. `images` contains the images of all builds. `idle` contains the entries of kustomizations that match no
    image. `text_files` contains the files that a generator puts into a ConfigMap or Secret.
    """

    scans: dict[str, Scan]
    decided: dict[str, dict[int, str]]
    checksums: dict[str, int]
    applied: set[int]
    blocked: set[int]
    causes: dict[int, str]
    images: list[FoundImage]
    decisions: Decisions
    idle: list[Entry]
    text_files: frozenset[str]


class KustomizationPlan:
    """The kustomizations among the texts of a run, and the facts that a scan of the other texts needs."""

    def __init__(self, sources: Sources, rules: Rules) -> None:
        self._sources = sources
        #: The rules, which also find the fields that `configurations` lists.
        self.rules = rules
        self._reader = Reader(sources)
        self.files = sources.kustomizations()
        self._hard, self._soft = self._roots()
        self._read: dict[str, tuple[FoundField, ...] | None] = {}
        #: Rules for the fields that replacements copy into images.
        self.specs: SelectorMap[KindRule] = SelectorMap(())
        # The texts of the user are not scanned yet, so these builds do not contain their images.
        no_fields = dict.fromkeys(sources.names, NO_FIELDS)
        self._outline = flows = Flows(self._reader, self._hard, (), partial(self._fields, no_fields))
        #: The files with resources and patches that are part of a build.
        self.reached = frozenset(key for texts in flows.texts.values() for key in texts)
        #: The files that a generator puts into a ConfigMap or Secret, and whose images cannot be set.
        self.text_files = frozenset(
            file
            for file, key in flows.text_files.items()
            if file in sources.names and file not in self.reached and not self._is_embedded(key)
        )
        self.keywords = self._keywords(flows.entries)
        if flows.specs:
            self.rules = rules._replace(kinds=rules.kinds.with_items(_spec_rules(flows.specs)))
        self.specs = SelectorMap(_copy_rules(flows.copies.values()))
        if flows.specs or self.specs:
            self._read.clear()

    def _fields(
        self, scanned: Mapping[str, Fields | None], key: str, text: Text | None
    ) -> Iterable[FoundField] | None:
        """Return the image fields of a file, or of a string in a file; None if the text cannot be read.

        `scanned` contains the fields of the files that the user passed. This method reads other files itself.
        """
        if text is None and key in self._sources.names:
            fields = scanned.get(key)
            return None if fields is None else fields.found
        if key not in self._read:
            source = text.source if text else self._sources.read(key)
            found = None if source is None else fields_in(source, self.rules, self.specs)
            self._read[key] = None if found is None else found.found
        return self._read[key]

    def checksums(self) -> dict[str, int]:
        """Return the checksum of each file that the plan has read."""
        return {key: checksum(text.source) for key, text in self._reader.files().items()}

    def resources(self) -> dict[str, int | None]:
        """Return the number of resources in the file of each kustomization; None if the file is not YAML."""
        texts = self._reader.files()
        return {
            key: sum(isinstance(node.value, dict) and "kind" in node.value for node in texts[key].documents)
            if key in texts
            else None
            for key in self.files
        }

    def _roots(self) -> tuple[list[str], list[str]]:
        """Return the kustomizations that no other kustomization uses, and the bases that others use."""
        referenced: set[str] = set()
        kinds: dict[str, str] = {}
        for key in self.files:
            directory = posixpath.dirname(key)
            node = self._reader.kustomization(directory)
            if node is None or node.text.key != key:
                continue
            kinds[key] = node.string("kind")
            for field in ("resources", "bases", "components"):
                for item in node.items(field):
                    path = self._reader.resolved(directory, item.string())
                    base = None if path is None else self._reader.kustomization(path)
                    if base is not None:
                        referenced.add(base.text.key)
        hard = [key for key in kinds if key not in referenced]
        return hard, [key for key in kinds if key in referenced and kinds[key] != _COMPONENT]

    def _is_embedded(self, key: str) -> bool:
        """Return whether a rule reads the value of this key of ConfigMaps as a document or as Helm values."""
        data = {"data": {key: "x"}}
        rules = self.rules.kinds.matching(ResourceRef("v1", "ConfigMap", "", ""))
        return any(
            (isinstance(rule.form, Embedded) or rule.form is VALUES) and rule.path.find(data) for rule in rules
        )

    # Keywords

    def _keywords(self, entries: Iterable[Entry]) -> list[Keyword] | None:
        """Return keywords: each image that can change contains one of them. Return None if that is not possible.

        The keywords are those of the rules, and the names in entries that make an image that a rule sets.
        """
        names: list[str] = []
        waiting = list(entries)
        while relevant := [entry for entry in waiting if self._is_relevant(entry, names)]:
            names += [entry.keys.name for entry in relevant]
            done = set(relevant)
            waiting = [entry for entry in waiting if entry not in done]
        keywords = [
            rule.target.path.removeprefix("library/") for rule in self.rules.images.rules if not rule.source
        ]
        keywords += [rule.to for rule in self.rules.registries.rules()]
        for name in names:
            keyword = _literal(name)
            if keyword is None:
                return None
            keywords.append(keyword)
        return list(dict.fromkeys(keywords))

    def _is_relevant(self, entry: Entry, names: list[str]) -> bool:
        made = entry.keys.new_name or entry.keys.name
        return any(map(self._is_wished, (made, entry.keys.name))) or any(matches(name, made) for name in names)

    def _is_wished(self, name: str) -> bool:
        reference = parse_reference(split_image(name)[0])
        if reference is None:
            return False
        if self.rules.registries.find(reference.name):
            return True
        return reference.normalized_name in self._wished

    @cached_property
    def _wished(self) -> set[str]:
        return {rule.name.normalized_name for rule in self.rules.images.rules}

    # Decisions

    def _wish(self, image: str, usage: Usage) -> str:
        return self.rules.new(image, usage)[0]

    def flows(self, found: Mapping[str, Fields | None], *, bases: bool) -> Flows:
        """Return the routes of all images. `found` contains the fields of the texts that were scanned.

        If `bases` is true, the result also contains the bases' own builds.
        """
        # Most builds contain no image that can change. Skip them.
        outline = self._outline
        given = self.reached.intersection(self._sources.names)
        with_images = {key for key in given if (scanned := found.get(key)) is None or scanned.found}
        needed = {route.root for route in outline.routes}
        needed |= {root for root, texts in outline.texts.items() if not texts.isdisjoint(with_images)}
        hard = [root for root in self._hard if root in needed or self.specs]
        reached = {key for root in hard for key in outline.kustomizations[root]} if bases else ()
        return Flows(
            self._reader, hard, [key for key in self._soft if key in reached], partial(self._fields, found)
        )

    def decide(self, found: Mapping[str, Fields | None]) -> Planned:
        """Decide which images change. `found` contains the image fields of the texts that were scanned."""
        flows = self.flows(found, bases=True)
        decisions = decide(flows, self._wish)
        scans, decided = self._written(decisions)
        for key, message in self._warnings(flows, decisions):
            results = scans.setdefault(key, Scan()).results
            if message not in results:
                results.append(message)
        applied = self._usage(decisions)
        blocked = self._blocked(decisions)
        causes = self._causes(decisions.flows, applied) | blocked
        checksums = {key: fields.checksum for key, fields in found.items() if fields is not None}
        images = [image for _, image in self.images(decisions.flows)]
        matching = {entry for flow in decisions.flows for entry in flow.trail}
        idle = [entry for entry in self._outline.entries if entry not in matching]
        return Planned(
            scans, decided, checksums, applied, {*blocked}, causes, images, decisions, idle, self.text_files
        )

    def _written(self, decisions: Decisions) -> tuple[dict[str, Scan], dict[str, dict[int, str]]]:
        writer = Writer(self.rules)
        decided: dict[str, dict[int, str]] = {}
        strings: dict[Text, dict[int, str]] = {}
        for place, new in decisions.state.items():
            if isinstance(place, Entry) and new != place.keys:
                writer.write_entry(place, new)
        for scalar in dict.fromkeys(flow.route.scalar for flow in decisions.flows):
            if scalar is None or not scalar.is_writable:
                continue
            new = decisions.state.get(scalar, scalar.image)
            if scalar.node is not None:
                if new != scalar.image:
                    writer.write_value(scalar.node, scalar, new)
            elif scalar.text is not None:
                strings.setdefault(scalar.text, {})[scalar.offset] = new
            elif new != self._wish(scalar.image, scalar.field.usage) or not scalar.field.is_known:
                decided.setdefault(scalar.file, {})[scalar.offset] = new
        for text, new_images in strings.items():
            writer.write_string(text, new_images)
        writer.finish()
        return writer.scans, decided

    # Messages

    def _warnings(self, flows: Flows, decisions: Decisions) -> Iterator[tuple[str, Result]]:
        for problem in decisions.problems:
            yield self._problem(problem)
        for copy in flows.copies.values():
            yield from self._copy_warnings(copy, decisions.flows)
        yield from self._unknown_warnings(flows, decisions)

    def _problem(self, problem: Problem) -> tuple[str, Result]:
        flow, reason = problem.flow, problem.reason
        place = reason.place or flow.places[0]
        build = self._sources.shown(flow.route.root)
        why = reason.message
        if reason.build:
            why += f" in the build of {self._sources.shown(reason.build)}; set both images or none of them"
        message = f'not changed: "{flow.image}" cannot become "{problem.wanted}" in the build of {build}: {why}'
        if not problem.is_left:
            message = f'"{flow.image}" becomes "{problem.wanted}" in the build of {build}, but {why}'
        return self._warning(place.file, place.line, message, flow.route.root)

    def _warning(self, key: str, line: int, message: str, root: str) -> tuple[str, Result]:
        """Return a warning about a line, and the text that reports it: `root` if the text `key` cannot change."""
        if key in self._sources.names:
            return key, Result(message, WARNING, line=line)
        return root, Result(f"{self._sources.shown(key)}:{line}: {message}", WARNING)

    def _copy_warnings(self, copy: Copy, flows: list[Flow]) -> Iterator[tuple[str, Result]]:
        """Yield a warning if a replacement or variable copies or overwrites an image that has a new reference."""
        for flow in flows:
            route, image, new = flow.route, flow.image, self._wish(flow.image, flow.route.usage)
            if copy.replaces(route) and copy.destroys(image, new):
                message = f'not changed: {copy.what} writes a part of "{image}"; change it to "{new}" by hand'
            elif copy.location and not copy.part and copy.has_source(route) and new != image:
                message = f'not changed: {copy.what} writes "{image}"; change it to "{new}" by hand'
            elif not copy.location and copy.has_source(route) and flow.moves:
                message = f'{copy.what} copies "{image}", so the copy also becomes "{new}"'
            else:
                continue
            yield self._warning(copy.node.file, copy.node.line, message, route.root)
            return

    def _unknown_warnings(self, flows: Flows, decisions: Decisions) -> Iterator[tuple[str, Result]]:
        every = {**self._outline.unknown, **flows.unknown}
        if not every:
            return
        names = [f'"{rule.name}"' for rule in self._idle_rules(decisions)]
        names += [f'"{rule.from_}"' for rule in self.rules.registries.rules()]
        rest = len(names) - _MOST_NAMES
        wanted = ", ".join(names[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
        renamed = [
            entry
            for entry, keys in decisions.state.items()
            if isinstance(entry, Entry) and keys.name != entry.keys.name
        ]
        for place, unknown in every.items():
            key, line = unknown.node.file, unknown.node.line
            root = key if key in self._sources.names else self._hard[0]
            if wanted:
                message = f"images of {unknown.what} are unknown; only an entry of `images` can set {wanted} there"
                yield self._warning(key, line, message, root)
            for entry in renamed:
                if place in flows.unknown_of[entry]:
                    at = shown_location(entry, self._sources)
                    message = f'an image "{entry.keys.name}" of {unknown.what} is no longer matched by {at}'
                    yield self._warning(key, line, message, root)

    # Usage of the configuration

    def _usage(self, decisions: Decisions) -> set[int]:
        """Return the positions of the configuration's entries that match an image.

        An image in a base's own build counts only if it changes, because it can be a placeholder.
        """
        hard = set(self._hard)
        return {
            position
            for flow, position in self._matches(decisions.flows)
            if flow.route.root in hard or (flow.moves and follow(flow.route, decisions.state)[0] == flow.wanted)
        }

    def _matches(self, flows: Iterable[Flow]) -> Iterator[tuple[Flow, int]]:
        """Yield each flow whose image an entry of the configuration matches, and the position of the entry."""
        for flow in flows:
            found = self.rules.images.find(flow.image, flow.route.usage) if flow.route.is_known else None
            if found:
                yield flow, found[1].position

    def _blocked(self, decisions: Decisions) -> dict[int, str]:
        """Return the entries of the configuration that match images and set none of them, with a reason."""
        hard = set(self._hard)
        blocked: dict[int, str] = {}
        done: set[int] = set()
        for flow, position in self._matches(decisions.flows):
            wanted = self._wish(flow.image, flow.route.usage)
            if follow(flow.route, decisions.state)[0] == wanted:
                done.add(position)
            elif flow.route.root in hard:
                name, build = self.rules.images.rules[position].name, self._sources.shown(flow.route.root)
                blocked.setdefault(
                    position,
                    f'no image "{name}" was set: "{flow.image}" cannot become "{wanted}" in the build of {build}',
                )
        return {position: message for position, message in blocked.items() if position not in done}

    def _idle_rules(self, decisions: Decisions) -> list[ImageRule]:
        """Return the configuration's entries that match no image, and whose new image is in no build either."""
        used = self._usage(decisions)
        seen = SeenReferences()
        for flow in decisions.flows:
            reference = parse_reference(flow.image)
            if reference is not None:
                seen.add(reference, flow.route.usage)
        return [
            rule
            for rule in self.rules.images.rules
            if rule.position not in used
            and not seen.has_target_of(rule)
            and not self.rules.images.is_overridden(rule)
        ]

    def _causes(self, flows: Iterable[Flow], used: set[int]) -> dict[int, str]:
        """Return why entries of the configuration match no image, although a kustomization contains the name."""
        causes: dict[int, str] = {}
        matching: set[Entry] = set()
        for flow in flows:
            matching.update(flow.trail)
            image = flow.route.start if flow.route.scalar is None else flow.route.scalar.image
            for entry in flow.trail:
                found = self.rules.images.find(image, flow.route.usage)
                if found and found[1].position not in used and entry.keys.renames:
                    final = split_image(flow.image)[0]
                    cause = f'{shown_location(entry, self._sources)} makes it "{final}"; did you mean that?'
                    causes.setdefault(found[1].position, f'no build has an image "{found[1].name.name}": {cause}')
                image = entry.keys.applied(image)
        for entry in self._outline.entries:
            found = self.rules.images.find(entry.keys.image) if entry not in matching else None
            if found and found[1].position not in used:
                cause = f"the entry in {shown_location(entry, self._sources)} matches nothing"
                causes.setdefault(found[1].position, f'no build has an image "{found[1].name.name}": {cause}')
        return causes

    # Images for `list`

    def images(self, flows: Iterable[Flow]) -> Iterator[tuple[str, FoundImage]]:
        """Yield the images that entries make, and those in strings and in fields that only kustomize reads.

        Each image is yielded with the key of its file. The location of an image is the last entry that changes the
        image. An image in a base's own build that no entry changes is omitted, because it can be a placeholder.
        """
        hard = set(self._hard)
        seen: set[tuple[Any, str]] = set()
        for flow in flows:
            place = flow.places[-1]
            if (place, flow.image) in seen or flow.route.reading == BEFORE_VOLUMES:
                continue
            if not flow.trail and flow.route.root not in hard:
                continue
            seen.add((place, flow.image))
            node = place if isinstance(place, Entry) else place.node
            resource = KUSTOMIZATION
            if isinstance(place, Scalar) and place.text is not None and place.text.parent is not None:
                path = f"{format_location(place.text.parent.location)}: {format_location(place.field.location)}"
                column = None
            elif node is not None:
                path, column = format_location(node.location), node.column
            elif isinstance(place, Scalar) and not place.field.is_known:
                resource, path, column = place.field.resource, format_location(place.field.location), None
            else:
                continue
            at = (path, place.line, column)
            yield place.file, FoundImage(flow.image, resource, *at, _RULE, Usage(), "", is_public=True)

    def placeholders(self, flows: Iterable[Flow], *, final: bool) -> set[tuple[str, int, str]]:
        """Return the file, line and path of each image that an entry renames in every build.

        If `final` is true, also return those images whose tag or digest an entry sets in every build.
        """
        hard = set(self._hard)
        renamed: dict[Scalar, bool] = {}
        for flow in flows:
            if flow.route.scalar is not None and flow.route.root in hard:
                is_renamed = any(entry.keys.renames or (final and entry.keys.sets_tag) for entry in flow.trail)
                renamed[flow.route.scalar] = renamed.get(flow.route.scalar, True) and is_renamed
        return {
            (scalar.file, scalar.line, format_location(scalar.field.location))
            for scalar, is_renamed in renamed.items()
            if is_renamed
        }


def _spec_rules(specs: Iterable[Spec]) -> Iterator[tuple[Selector, KindRule]]:
    for spec in dict.fromkeys(specs):
        selector = Selector(kind=spec.kind, api_version=f"{spec.group}/*" if spec.group else "")
        yield selector, KindRule(selector, parse_field_spec(spec.path), origin="configurations")


def _copy_rules(copies: Iterable[Copy]) -> Iterator[tuple[Selector, KindRule]]:
    for copy in copies:
        if copy.location:
            selector = Selector(kind=copy.source, name=copy.name)
            with suppress(PathError):
                yield selector, KindRule(selector, parse_path(copy.path), origin="replacements")


_RULE: Final = KindRule(Selector(kind="Kustomization"), parse_field_spec("images[]"), origin="kustomizations")


def _literal(name: str) -> str | None:
    """Return a text that is in every image that an entry with this name matches; None if there is no such text."""
    name = split_image(name)[0]
    if METACHARACTERS.intersection(name):
        return None
    return max(re.split(r"\.", name), key=len) or None
