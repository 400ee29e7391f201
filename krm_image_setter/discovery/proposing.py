"""Chooses rules for images that no rule covers, and tries each rule before it is proposed.

A rule is tried in memory: each image that it finds is set to another name, tag and digest. The rule is safe if it
finds only images that were listed, if each image becomes what was set, and if no other image changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from krm_image_setter.discovery.finding import VALUES, Finding, Kind, Steps, name_of
from krm_image_setter.discovery.resources import Unknown
from krm_image_setter.documents import Stream
from krm_image_setter.edits import apply_edits
from krm_image_setter.errors import NotResourceError
from krm_image_setter.images import ImageMap, ImageRule, image_rule, parse_reference
from krm_image_setter.locators import FileRule, Form, SelectorMap, Split
from krm_image_setter.locators.shapes import contains_images
from krm_image_setter.resources import NO_REF, ResourceRef
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, images_in, scan

Visit = Callable[[Callable[[Stream], Any]], Iterable[Any]]
Search = Callable[[Stream], Sequence[Unknown]]
# An image and its location: the resource, the path, the line and the image.
_Key = tuple[ResourceRef, str, int, str]

_DIGEST: Final = f"sha256:{'1234567890abcdef' * 4}"
# This rule finds no image. It selects documents that are not resources, so that they cause no error.
_ANY_FILE: Final = FileRule(("*",))
#: The fields of an entry of `images` that a rule is tried with.
_WISHES: Final[tuple[dict[str, str], ...]] = (
    {"new_name": "registry.example/moved"},
    {"new_tag": "v9.8.7"},
    {"new_tag": "v9.8.7", "digest": _DIGEST},
)


def propose(unknown: Sequence[Unknown], visit: Visit, search: Search, rules: Rules) -> list[Finding | None]:
    """Return the field of the rule that finds each of the `unknown` images, or None if no rule is safe.

    `visit` calls a function with the stream of each source, like that of `transform.plan_all`. `search` returns
    the unknown images of a stream.
    """
    if not unknown:
        return []
    candidates = _candidates(unknown)
    failing: set[Finding] = set()
    tried: set[Finding] = set()
    while True:
        chosen = [next((each for each in findings if each not in failing), None) for findings in candidates]
        untried = [each for each in dict.fromkeys(chosen) if each is not None and each not in tried]
        tried.update(untried)
        if not untried:
            break
        for found in visit(partial(_failing, findings=untried, search=search, rules=rules, alone=True)):
            failing.update(found or ())
    together = [each for each in dict.fromkeys(chosen) if each is not None]
    for found in visit(partial(_failing, findings=together, search=search, rules=rules, alone=False)):
        failing.update(found or ())
    return [None if finding in failing else finding for finding in chosen]


def _candidates(unknown: Sequence[Unknown]) -> list[list[Finding]]:
    """Return the fields of the rules that can find each image, starting with the most general rule.

    Split references at one path have one rule for all of their keys, if no key contradicts another one.
    """
    general = _with_wildcards(unknown)
    splits: dict[tuple[Kind, Steps], list[Finding]] = {}
    for each in unknown:
        for steps in (*general[each.finding], *each.variants):
            finding = each.finding._replace(steps=steps)
            others = splits.setdefault((finding.kind, steps), [])
            for index, other in enumerate(others):
                form = _joined(other.form, finding.form)
                if form is not None:
                    others[index] = other._replace(form=form, confidence=max(other.confidence, finding.confidence))
                    break
            else:
                others.append(finding)
    return [
        [
            next(
                other
                for other in splits[each.finding.kind, steps]
                if _joined(other.form, each.finding.form) == other.form
            )
            for steps in dict.fromkeys((*general[each.finding], *each.variants))
        ]
        for each in unknown
    ]


def _joined(one: Form, other: Form) -> Form | None:
    """Return a form that reads the images of two forms, or None if there is no such form."""
    if one == other:
        return one
    if not isinstance(one, Split) or not isinstance(other, Split):
        return None
    if any(a and b and a != b for a, b in zip(one, other, strict=True)) or one.repository != other.repository:
        return None
    return Split(*(a or b for a, b in zip(one, other, strict=True)))


def _with_wildcards(unknown: Sequence[Unknown]) -> dict[Finding, list[Steps]]:
    """Return the steps with `*` in place of each key in which only the paths of fields differ."""
    findings = list(dict.fromkeys(each.finding for each in unknown))
    steps = {finding: finding.steps for finding in findings}
    for index in range(1, max(map(len, steps.values()), default=0)):
        groups: dict[Any, list[Finding]] = {}
        for finding in findings:
            path = steps[finding]
            if index < len(path) and path[index] == name_of(path[: index + 1])[0]:
                is_last = index == len(path) - 1
                # The last key is the name of the field, except in a mapping of images.
                if not is_last or isinstance(finding.form, Split) or contains_images(path[:index]):
                    key = finding.kind, type(finding.form), path[:index], path[index + 1 :]
                    groups.setdefault(key, []).append(finding)
        for group in groups.values():
            if len({steps[finding][index] for finding in group}) > 1:
                for finding in group:
                    path = steps[finding]
                    steps[finding] = (*path[:index], VALUES, *path[index + 1 :])
    return {finding: [path] if path != finding.steps else [] for finding, path in steps.items()}


def _failing(
    stream: Stream, *, findings: Sequence[Finding], search: Search, rules: Rules, alone: bool
) -> set[Finding]:
    """Return the findings whose rules are not safe in a stream, each `alone` or all together."""
    kinds = {finding.kind for finding in findings}
    if not any(kind.file == stream.file if kind.file else kind.kind in stream.text for kind in kinds):
        return set()
    rules = rules._replace(files=(*rules.files, _ANY_FILE))
    failing: set[Finding] = set()
    for one in stream.documents():
        try:
            refs = {resource.ref for resource in one.nodes()}
        except NotResourceError:  # a ResourceList without items
            continue
        mine = [each for each in findings if each not in failing and _is_for(each, stream, refs)]
        if mine:
            part = Stream(one.source.text, stream.file, stream.directory)
            listed = {_key(each.found) for each in search(part)}
            trial = _Trial(part, rules, listed, [_key(image) for image in images_in(part, rules)])
            for group in [[each] for each in mine] if alone else [mine]:
                failing |= trial.failing(group)
    return failing


def _is_for(finding: Finding, stream: Stream, refs: Collection[ResourceRef]) -> bool:
    """Return whether the rule of a finding selects a document of a stream, which contains the resources `refs`."""
    if finding.kind.file:
        return finding.kind.file == stream.file and NO_REF in refs
    return any(map(finding.selector.matches, refs))


def _key(image: FoundImage) -> _Key:
    return image.resource, image.path, image.line, image.image


class _Trial(NamedTuple):
    """A stream in which rules are tried, the images that are `listed` for it, and the images that `rules` find."""

    stream: Stream
    rules: Rules
    listed: Collection[_Key]
    known: Sequence[_Key]

    def failing(self, findings: Sequence[Finding]) -> set[Finding]:
        """Return the findings that find another image, or whose images do not become what is set."""
        failing: set[Finding] = set()
        owners: dict[tuple[ResourceRef, str], list[Finding]] = {}
        for finding in findings:
            for key in map(_key, images_in(self.stream, self._only([finding]))):
                owners.setdefault(key[:2], []).append(finding)
                if key not in self.listed and key not in self.known and parse_reference(key[3]) is not None:
                    failing.add(finding)
        for wish in _WISHES if owners else ():
            for location in self._wrong(findings, wish):
                failing.update(owners.get(location, findings))
        return failing

    def _only(self, findings: Sequence[Finding], images: Sequence[ImageRule] = ()) -> Rules:
        """Return rules that set `images` in the fields of `findings`, and in no other field."""
        rules = [finding.rule for finding in findings]
        kinds = SelectorMap((rule.selector, rule) for rule in rules if not rule.selector.files)
        files = [FileRule(rule.selector.files, (rule,)) for rule in rules if rule.selector.files]
        return self.rules._replace(
            images=ImageMap(images), kinds=kinds, files=(*files, _ANY_FILE), pod_spec_uses=(), catalog=False
        )

    def _wrong(self, findings: Sequence[Finding], wish: dict[str, str]) -> Iterator[tuple[ResourceRef, str]]:
        """Set all images of `findings`, and yield the locations with another image than expected."""
        before = [_key(image) for image in images_in(self.stream, self._only(findings))]
        names = sorted({found.name for key in before if (found := parse_reference(key[3])) is not None})
        images = [image_rule(name, **_numbered(wish, number)) for number, name in enumerate(names)]
        edits = scan(self.stream, self._only(findings, images)).edits
        stream = Stream(apply_edits(self.stream.text, edits), self.stream.file, self.stream.directory)
        wanted = ImageMap(images)
        after = [_key(image) for image in images_in(stream, self._only(findings))]
        yield from _different(before, after, lambda image: (wanted.new(image) or (image,))[0])
        mine = {key[:2] for key in before}
        after = [_key(image) for image in images_in(stream, self.rules)]
        for location in _different(self.known, after, lambda image: image):
            if location not in mine:
                yield location


def _numbered(wish: dict[str, str], number: int) -> dict[str, Any]:
    return {key: f"{text}/{number}" if key == "new_name" else text for key, text in wish.items()}


def _different(
    before: Sequence[_Key], after: Sequence[_Key], new: Callable[[str], str]
) -> Iterator[tuple[ResourceRef, str]]:
    """Yield the locations whose image after a change is not the new one, or of all images if some are missing."""
    if len(before) != len(after):
        yield from (key[:2] for key in before)
        return
    for old, found in zip(before, after, strict=True):
        expected = parse_reference(new(old[3]))
        if old[:2] != found[:2] or (parse_reference(found[3]) != expected if expected else found[3] != old[3]):
            yield old[:2]
