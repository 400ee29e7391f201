"""Reports the entries of `images` and the paths of `kinds` and `files` that set nothing, and explains why."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain

from krm_image_setter.config.image_setter import API_VERSION, ImageSetter
from krm_image_setter.config.value import alternatives
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.images import (
    ARGS,
    ENV,
    IMAGE,
    ImageMap,
    ImageRule,
    Reference,
    RegistryRule,
    SeenReferences,
    Usage,
    parse_reference,
)
from krm_image_setter.images.tokens import find_tokens
from krm_image_setter.line_breaks import BREAK
from krm_image_setter.locators import KindRule, Selector, Split, covered
from krm_image_setter.paths import format_location
from krm_image_setter.paths.mismatch import Mismatch, find_mismatch
from krm_image_setter.resources import CRD, NO_REF, SECRET, Resource, ResourceRef
from krm_image_setter.results import ERROR, WARNING, Result
from krm_image_setter.rules import Rules, usable_keywords
from krm_image_setter.scan import FoundImage, LocatedField, Scan, images_in, searched
from krm_image_setter.typed import Any, Final, Record, TypeAlias
from krm_image_setter.yaml.stream import keyword_test
from krm_image_setter.yaml.tree import Location

#: Calls a function with the stream of each source. Yields the source's name (empty for standard input) and the
#: result (None if the source cannot be read).
ForEachSource: TypeAlias = Callable[[Callable[[Stream], Any]], Iterable[tuple[str, Any]]]


def unused_entries(
    config: ImageSetter,
    rules: Rules,
    total: Scan,
    for_each_source: ForEachSource,
    *,
    causes: Mapping[int, str],
    images: Iterable[FoundImage],
    every: bool = False,
) -> list[Result]:
    """Return a result for each entry of `images` and each path of `kinds` or `files` that sets nothing.

    `total` is the combined scan of all sources. Sources are read again only if an explanation needs them. `causes`
    maps the position of an entry to its known reason. `images` contains the images of kustomization builds. If
    `every` is true, all absent kinds of command-line options are reported.
    """
    severity = ERROR if config.on_unused == "error" else WARNING
    paths = list(_path_messages(config, rules, total, for_each_source))
    entries = list(_image_messages(rules, total, for_each_source, causes, images))
    # An absent kind is a reason only if nothing was set, because several teams can share a configuration.
    is_reason = entries and not total.applied
    wanted = [rule for rule in config.kinds if is_reason or (every and not str(rule.config_location))]
    kinds = _kind_messages(wanted, rules, total, for_each_source)
    return [Result(message, severity) for message in (*paths, *kinds, *entries)]


def unused_registries(
    config: ImageSetter,
    rules: Rules,
    unused: Iterable[RegistryRule],
    names: Collection[str],
    for_each_source: ForEachSource,
    *,
    images: Iterable[str],
) -> list[Result]:
    """Return a result for each of the `unused` rules of `registries` if its registry seems to be mistyped.

    A rule from the command line is always reported. `names` contains the names of images in plain text, which show
    whether the sources must be read again. `images` contains the images of kustomization builds.
    """
    unused = [rule for rule in unused if not rule.is_shared or rules.registries.similar(rule, names)]
    if not unused:
        return []
    wide = rules._replace(pod_spec_uses=(IMAGE, ENV, ARGS)) if rules.pod_spec_uses else rules
    found = {name: True for name in map(_name_of, images) if name}
    for _, some in for_each_source(partial(_names, wide)):
        for name, is_public in (some or {}).items():
            found[name] = found.get(name, False) or is_public
    severity = ERROR if config.on_unused == "error" else WARNING
    results = []
    for rule in unused:
        if rule.concerns(found):
            continue
        similar = rules.registries.similar(rule, [name for name, is_public in found.items() if is_public])
        if similar:
            suggestion = " or ".join(f'"{registry}"' for registry in similar)
            message = f'no image is from the registry "{rule.from_}"; did you mean {suggestion}?'
        elif rule.is_shared:
            continue
        else:
            message = f'no image from the registry "{rule.from_}" was found'
        results.append(Result(rule.config_location.prefixed(message), severity))
    return results


def _names(rules: Rules, stream: Stream) -> dict[str, bool]:
    """Return the normalized names of the images in a stream. The value is true if messages can show the name."""
    found: dict[str, bool] = {}
    with suppress(InputError):
        for image in images_in(stream, rules):
            name = _name_of(image.hidden or image.image)
            found[name] = found.get(name, False) or image.is_public
    return found


# A placeholder, such as ${TAG}, $(TAG), $TAG or {{ .tag }}.
_PLACEHOLDER: Final = r"\$\{[^}]*\}|\$\([^)]*\)|\$\w+|\{\{.*?\}\}"


def _name_of(image: str) -> str:
    """Return the normalized name of an image, also if its tag is a placeholder; empty if the name is not known."""
    reference = parse_reference(image) or parse_reference(re.sub(_PLACEHOLDER, "x", image).lower())
    return reference.normalized_name if reference else ""


# The following functions report unused paths of `kinds` and `files`.


def _path_messages(
    config: ImageSetter, rules: Rules, total: Scan, for_each_source: ForEachSource
) -> Iterator[str]:
    unmatched = [
        rule for rule in config.paths if total.selected.get(rule.position) and rule.position not in total.matched
    ]
    if not unmatched:
        return
    furthest: dict[int, Mismatch] = {}
    for _, found in for_each_source(partial(_mismatches, rules, unmatched)):
        for position, mismatch in found.items() if found else ():
            _keep_furthest(furthest, position, mismatch)
    for rule in unmatched:
        count = total.selected[rule.position]
        noun = "document" if rule.selector.files else "resource"
        resources = f"the selected {noun}" if count == 1 else f"any of the {count} selected {noun}s"
        mismatch = furthest.get(rule.position)
        path = rule.path.text
        message = f"path {path} matched no field in {resources} ({rule.selector})"
        if mismatch is not None:
            message += f": {mismatch.reason}"
        elif isinstance(rule.form, Split):
            key = rule.form.repository
            message = f'path {path} matched no mapping with the key "{key}" in {resources} ({rule.selector})'
        yield rule.config_location.prefixed(message)


def _kind_messages(
    wanted: Sequence[KindRule], rules: Rules, total: Scan, for_each_source: ForEachSource
) -> Iterator[str]:
    """Yield a message for each kind in `wanted` that no resource has, with similar kinds of resources.

    If none of the kinds has a similar kind, yield one message about all of them.
    """
    absent = {
        rule.selector: rule
        for rule in reversed(wanted)
        if rule.selector.kind and not total.selected.get(rule.position)
    }
    if not absent:
        return
    has_names = any(selector.name or selector.namespace for selector in absent)
    results = for_each_source(partial(_refs, rules, has_names))
    refs = sorted({ref for _, found in results for ref in found or ()})
    absent = {selector: rule for selector, rule in absent.items() if not any(map(selector.matches, refs))}
    similar = {selector: _similar_kinds(selector, refs) for selector in absent}
    for selector, rule in reversed(absent.items()):
        if similar[selector]:
            suggestion = " or ".join(similar[selector])
            message = f'no resource of kind "{_wanted(selector)}" was found; did you mean {suggestion}?'
            yield rule.config_location.prefixed(message)
    if absent and not any(similar.values()):
        kinds = [f'"{_wanted(selector)}"' for selector in reversed(absent)]
        yield f"no resource of kind {alternatives([*kinds[:5], *['…'] * (len(kinds) > 5)])} was found"


def _wanted(selector: Selector) -> str:
    """Return a selector as KIND.GROUP if it has no other parts."""
    group = selector.api_version.removesuffix("/*")
    is_plain = group != selector.api_version and not (selector.name or selector.namespace)
    return f"{selector.kind}.{group}" if is_plain else str(selector)


def _refs(rules: Rules, has_names: bool, stream: Stream) -> set[ResourceRef]:
    """Return the identities of the resources in a stream, including resources inside other resources.

    If `has_names` is false, the identities contain no names and namespaces.
    """
    outer = [resource for resource, *_ in searched(stream, rules) if resource.ref != NO_REF]
    refs = {each.ref for resource in outer for each in (resource, *resource.nested())}
    return refs if has_names else {ref._replace(name="", namespace="") for ref in refs}


def _similar_kinds(selector: Selector, refs: Sequence[ResourceRef]) -> list[str]:
    """Return up to three kinds that have the same name as the kind of a selector, a similar name, or its group."""
    import difflib  # noqa: PLC0415  (only needed for an unused entry)

    group = selector.api_version.partition("/")[0]
    by_name: dict[str, list[ResourceRef]] = {}
    for ref in refs:
        by_name.setdefault(ref.kind.lower(), []).append(ref)
    names = difflib.get_close_matches(selector.kind.lower(), by_name, n=3, cutoff=0.6)
    found = by_name.get(selector.kind.lower()) or [ref for name in names for ref in by_name[name]]
    found = found or [ref for ref in refs if group and ref.api_version.partition("/")[0] == group]
    return list(dict.fromkeys(_shown_kind(selector, ref) for ref in found))[:3]


def _shown_kind(selector: Selector, ref: ResourceRef) -> str:
    """Return a kind as KIND.GROUP, or with more details if the selector has the same kind and group."""
    group, slash, _ = ref.api_version.partition("/")
    wanted = selector.api_version.partition("/")[0]
    if selector.kind == ref.kind and wanted in ("", group if slash else ref.api_version):
        namespace, name = (ref.namespace, ref.name) if selector.namespace or selector.name else ("", "")
        return f'"{Selector(ref.kind, ref.api_version, name, namespace)}"'
    return f'"{ref.kind}.{group}"' if slash else f'"{ref.kind}"'


def _mismatches(rules: Rules, unmatched: list[KindRule], stream: Stream) -> dict[int, Mismatch]:
    """Return the step where each unmatched path fails in a stream. The keys are the positions of the rules."""
    positions = {rule.position for rule in unmatched}
    furthest: dict[int, Mismatch] = {}
    keywords = usable_keywords(rule.selector.keyword for rule in unmatched)
    for resource, kinds, _ in searched(stream, rules, keywords):
        for rule in kinds:
            is_unmatched = rule.position in positions and not rule.start
            mismatch = find_mismatch(rule.path, resource.node) if is_unmatched else None
            if mismatch is not None:
                _keep_furthest(furthest, rule.position, mismatch)
    return furthest


def _keep_furthest(furthest: dict[int, Mismatch], position: int, mismatch: Mismatch) -> None:
    if position not in furthest or furthest[position].steps < mismatch.steps:
        furthest[position] = mismatch


# The following functions report unused entries of `images`.


def _image_messages(
    rules: Rules,
    total: Scan,
    for_each_source: ForEachSource,
    known: Mapping[int, str],
    others: Iterable[FoundImage],
) -> Iterator[str]:
    # Ignore an entry that an option or an earlier configuration overrides, because this can be on purpose.
    unused = [
        rule
        for rule in rules.images.rules
        if rule.position not in total.applied and not rules.images.is_overridden(rule)
    ]
    if not unused:
        return
    names = frozenset(rule.name.normalized_name for rule in unused)
    # Also search environment variables and arguments, because `env` or `args` might be missing in the entry.
    wide = rules._replace(pod_spec_uses=(IMAGE, ENV, ARGS)) if rules.pod_spec_uses else rules
    search = partial(_search, wide, names, usable_keywords(rule.keyword for rule in unused))
    searches = [(file, each) for file, each in for_each_source(search) if each is not None]
    found = _FoundImages(chain(map(_UsedImage.of, others), *(each.images for _, each in searches)))
    causes = {
        rule: known.get(rule.position) or found.cause(rule, rules.images)
        for rule in unused
        if not found.has_set(rule)
    }
    absent = [rule for rule, cause in causes.items() if cause is None]
    occurrences = _occurrence_messages(absent, searches)
    for rule, cause in causes.items():
        message = cause or occurrences.get(rule.name.normalized_name) or found.similar(str(rule.name))
        yield rule.config_location.prefixed(message)


class _UsedImage(Record):
    """The part of a FoundImage that a reason needs. Many images of a source differ only in their location."""

    image: str
    usage: Usage
    part: str
    is_public: bool

    @classmethod
    def of(cls, found: FoundImage) -> _UsedImage:
        return cls(found.image, found.usage, found.part, found.is_public)


class _Search(Record):
    """The images of a source, and the occurrences of names in fields that no rule covers."""

    images: list[_UsedImage]
    occurrences: list[_Occurrence]


def _search(rules: Rules, names: frozenset[str], keywords: list[str] | None, stream: Stream) -> _Search:
    """Search a stream for all images, and for `names` in fields that no rule covers.

    If the stream is not valid, search its text for the names. `keywords` are parts of the names.
    """
    occurrences: list[_Occurrence] = []
    can_contain = keyword_test(stream.text, keywords)

    def visit(resource: Resource | None, fields: list[LocatedField]) -> None:
        if resource is not None and can_contain(resource.tree.source.text):
            occurrences.extend(_uncovered(resource, covered(fields), names, keywords))

    try:
        images = dict.fromkeys(map(_UsedImage.of, images_in(stream, rules, visit=visit)))
    except InputError:
        found = [] if SECRET in stream.text else list(_in_text(stream.text, names))
        section = "files" if found and _is_yaml(stream) else ""
        return _Search([], [occurrence._replace(section=section) for occurrence in found])
    return _Search([*images], occurrences)


class _FoundImages:
    """All images in the sources. They explain why an entry of `images` set none of them."""

    def __init__(self, images: Iterable[_UsedImage]) -> None:
        self._names: set[str] = set()  # names that messages can suggest
        self._seen = SeenReferences()
        self._lone_names: set[str] = set()  # names in fields that contain only a name
        # The keys are normalized names. A reference has the value true if messages can show it.
        self._references: dict[str, dict[tuple[Reference, Usage], bool]] = {}
        self._compared = 0
        self._has_images = self._has_incomplete = False
        for image in images:
            reference = parse_reference(image.image)
            self._has_images |= image.usage.use == IMAGE
            if reference is not None:
                self._add(reference, image)
            else:
                self._has_incomplete |= image.is_public

    def _add(self, reference: Reference, image: _UsedImage) -> None:
        self._seen.add(reference, image.usage)
        same = self._references.setdefault(reference.normalized_name, {})
        same[reference, image.usage] = image.is_public
        if image.part == "name":
            self._lone_names.add(reference.normalized_name)
        if image.is_public:
            self._names.add(reference.familiar_name)

    def has_set(self, rule: ImageRule) -> bool:
        """Return whether an image equals the new reference of a rule, so that an earlier run might have set it."""
        return rule.target.normalized_name in self._lone_names or self._seen.has_target_of(rule)

    def cause(self, rule: ImageRule, rules: ImageMap) -> str | None:
        """Return why a rule set none of the images with its name, or None if no image has this name."""
        same = self._references.get(rule.name.normalized_name)
        if not same:
            return None
        if not self._can_compare(len(same)):
            return f'no image "{rule.name}" was set; {_NO_HINT}'
        matching = {usage: reference for reference, usage in same if rule.matches(reference, usage)}
        reached = next((usage for usage in matching if rule.reaches(usage)), None)
        if reached is not None:
            return _set_by_another(rule, rules.find(str(matching[reached]), reached))
        if matching:
            return _out_of_scope(rule, matching)
        others = [f'"{reference.familiar}"' for (reference, _), is_public in same.items() if is_public]
        shown = " and ".join(sorted(set(others))[:3]) or "another tag or digest"
        return f'no image "{rule.name}" was found; the name occurs only with {shown}'

    def similar(self, name: str) -> str:
        """Return the message about a name that no image has. It suggests up to three similar names."""
        message = f'no image named "{name}" was found'
        if not self._names and self._has_incomplete:
            return f"{message}, and the other images are not complete references; {_NO_HINT}"
        if not self._has_images:
            return f"{message}, and no other images; if custom resources have images, add `kinds`"
        similar = similar_names(name, self._names) if self._can_compare(len(self._names)) else []
        hint = f"did you mean {' or '.join(similar)}?" if similar else _NO_HINT
        return f"{message}; {hint}"

    def _can_compare(self, count: int) -> bool:
        self._compared += count
        return self._compared - count < _MOST_COMPARED


# Comparing two names takes 0.2 ms. Comparing many unused entries with many images would take hours.
_MOST_COMPARED: Final = 5_000
_NO_HINT: Final = "run `krm-image-setter list` to see which images exist"


def _set_by_another(rule: ImageRule, found: tuple[Reference, ImageRule] | None) -> str:
    """Return the message about a rule whose images are set by an earlier entry."""
    first = found[1] if found else rule
    if first is rule:
        return f'every field with the image "{rule.name}" is already set by another entry'
    at = str(first.config_location)
    return f'every image "{rule.name}" is already set by the entry for "{first.name}"{at and " in "}{at}'


def _out_of_scope(rule: ImageRule, usages: Iterable[Usage]) -> str:
    """Return the message about a rule whose images are all in other containers, or are used in another way."""
    containers = {name for scope in rule.scopes for name in scope.containers}
    excluded = {usage.container for usage in usages if usage.use in rule.uses}
    if excluded:
        wanted = " or ".join(f'"{name}"' for name in sorted(containers)[:3])
        others = " and ".join(sorted(f'"{name}"' for name in excluded if name)[:3])
        where = f"; it is in {others}" if others else "; it is in a field outside of containers"
        return f'image "{rule.name}" was found, but not in a container named {wanted}{where}'
    missing = {usage.use for usage in usages} - rule.uses
    uses = {ENV: "environment variables", ARGS: "commands or arguments"}
    fields = ", ".join(shown for use, shown in uses.items() if use in missing)
    fix = " and ".join(f"`{use}: true`" for use in uses if use in missing)
    return f'image "{rule.name}" was found only in {fields} of containers; set {fix}'


def similar_names(name: str, names: Iterable[str]) -> list[str]:
    """Return up to three of `names` that are similar to `name`. They are in quotes."""
    import difflib  # noqa: PLC0415  (only needed for an unused entry)

    candidates = sorted(names)
    closest = difflib.get_close_matches(name, candidates, n=3, cutoff=0.6)
    # Compare the last components, because names in different registries can share them.
    last = {candidate.rpartition("/")[2]: candidate for candidate in candidates}
    closest += [last[part] for part in difflib.get_close_matches(name.rpartition("/")[2], last, n=3, cutoff=0.6)]
    return [f'"{candidate}"' for candidate in dict.fromkeys(closest)][:3]


# The following functions find names of `images` in fields that no rule reads.


class _Occurrence(Record):
    """A location of a name in a source. `field` is empty if the source was not searched for images.

    `section` is the configuration field that needs a path for the location; empty if the source is not valid YAML.
    `file` is the path in the annotations of the resource.
    """

    name: str
    line: int
    field: str = ""
    section: str = "kinds"
    file: str = ""


def _occurrence_messages(absent: list[ImageRule], searches: list[tuple[str, _Search]]) -> dict[str, str]:
    """Return a message for each name that occurs in a field without a rule, or in a source that was skipped."""
    names = {rule.name.normalized_name: str(rule.name) for rule in absent}
    messages: dict[str, str] = {}
    for file, search in searches:
        for name, line, field, section, annotated in search.occurrences:
            if name not in names:
                continue
            # In a KRM function, prefer the path in the annotations, because the user does not see the stream.
            at = f"{file}:{line}" if file else annotated or f"line {line}"
            shown = names[name]
            if field:
                message = f'no rule covers "{shown}" in {at} ({field}); add the path to `{section}`'
            elif section and file.rpartition("/")[2].lower().startswith("kustomization"):
                message = f'"{shown}" was found only in {at}, but not as an image of the kustomization'
            elif section:
                message = (
                    f'"{shown}" was found only in {at}, which is not a Kubernetes resource; '
                    f"add the file to `{section}`"
                )
            else:
                message = f'"{shown}" was found only in {at}, which is not valid Kubernetes YAML'
            messages.setdefault(name, message)
    return messages


def _uncovered(
    resource: Resource, found: Collection[Location], names: frozenset[str], keywords: list[str] | None
) -> Iterator[_Occurrence]:
    """Yield the occurrences of names in a resource, except at the locations `found`, which rules cover."""
    if resource.ref.kind in (CRD, SECRET) or resource.ref.api_version == API_VERSION:
        return
    for location, text in _strings(resource.node, ()):
        if location in found or location[0] in ("metadata", "status"):
            continue
        # The configuration of a function of kpt can be the unused entry itself.
        if resource.ref.kind == "Kptfile" and "configMap" in location:
            continue
        if keywords is not None and not any(keyword in text for keyword in keywords):
            continue
        references = {token.reference for token in find_tokens(text)}
        # In a field whose name does not contain "image", a name such as `nginx` is rarely an image.
        if "image" in str(location[-1]).lower():
            references.add(parse_reference(text.strip()) or Reference(""))
        for reference in references:
            if reference.name and reference.normalized_name in names:
                field = ": ".join(filter(None, (str(resource.ref), format_location(location))))
                section = "files" if resource.ref == NO_REF else "kinds"
                file = resource.file[0] if resource.file else ""
                yield _Occurrence(reference.normalized_name, resource.line(location), field, section, file)


def _strings(node: Any, location: Location) -> Iterator[tuple[Location, str]]:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, str):
            yield (*location, key), value
        elif isinstance(value, dict | list):
            yield from _strings(value, (*location, key))


def _is_yaml(stream: Stream) -> bool:
    """Return whether all documents are valid YAML. A text without `kind` is not parsed before."""
    try:
        return bool(list(stream.documents()))
    except InputError:
        return False


def _in_text(text: str, names: frozenset[str]) -> Iterator[_Occurrence]:
    """Yield the occurrences of names in a text that contains no resource, such as a template or Helm values."""
    for number, line in enumerate(re.split(BREAK, text), 1):
        for match in re.finditer(r"[\w./:-]+", line):
            reference = parse_reference(match[0].rstrip(".:/-"))
            if reference is not None and reference.normalized_name in names:
                yield _Occurrence(reference.normalized_name, number)
