"""Chooses rules for images that no rule covers, and tries each rule before it is proposed.

A rule is tried in memory: each image that it finds is set to another name, tag and digest. The rule is safe if it
finds only images that were listed, if each image gets its new reference, and if no other image changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from collections.abc import Mapping as Map
from functools import cache, partial

from krm_image_setter.discovery.finding import VALUES, Finding, Kind, Steps, name_of
from krm_image_setter.discovery.parsed import ParsedStream
from krm_image_setter.discovery.resources import Unknown
from krm_image_setter.documents import Stream
from krm_image_setter.edits import apply_edits
from krm_image_setter.errors import NotResourceError
from krm_image_setter.images import ImageMap, image_rule, parse_reference
from krm_image_setter.line_breaks import count_breaks
from krm_image_setter.locators import Embedded, FileRule, Form, KindRule, SelectorMap, Split
from krm_image_setter.locators.shapes import contains_images
from krm_image_setter.resources import NO_REF, ResourceRef
from krm_image_setter.rules import Rules
from krm_image_setter.scan import FoundImage, images_in, images_of, scan, searched
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml.stream import cut_documents, has_escape, searchable

Visit = Callable[[Callable[[Stream], Any]], Iterable[Any]]
Search = Callable[[Stream], Sequence[Unknown]]
_Field = tuple[ResourceRef, str]  # the resource and the path
_Key = tuple[ResourceRef, str, int, str]  # also the line and the image
# If more rules than this match a stream, they are only tried together, because each trial reads the stream.
_MOST_ALONE: Final = 8

_DIGEST: Final = f"sha256:{'1234567890abcdef' * 4}"
# This rule finds no image. It selects documents that are not resources, so that they cause no error.
_ANY_FILE: Final = FileRule(("*",))
#: Each rule is tried with entries of `images` that have these fields.
_WISHES: Final[tuple[dict[str, str], ...]] = (
    {"new_name": "registry.example/moved"},
    {"new_tag": "v9.8.7"},
    {"new_tag": "v9.8.7", "digest": _DIGEST},
)


def propose(unknown: Sequence[Unknown], visit: Visit, search: Search, rules: Rules) -> list[Finding | None]:
    """For each of the `unknown` images, return the finding whose rule is safe, or None if no rule is safe.

    `visit` calls a function with the stream of each source, like the argument of `transform.plan_all`. `search`
    returns the unknown images of a stream.
    """
    if not unknown:
        return []
    candidates = [
        findings if each.variants else [] for each, findings in zip(unknown, _candidates(unknown), strict=True)
    ]
    failing: set[Finding] = set()
    tried: dict[Finding, KindRule] = {}
    while True:
        chosen = [next((each for each in findings if each not in failing), None) for findings in candidates]
        # Parse the paths only once. Parsing them for each file took a quarter of the time for 1,162 files.
        current = {each: tried.get(each) or each.rule for each in chosen if each is not None}
        trial = _Trial(current, tried, search, rules._replace(files=(*rules.files, _ANY_FILE)))
        found = list(visit(trial.failing))
        if not any(found):
            return chosen
        failing.update(*filter(None, found))
        tried = current


def _candidates(unknown: Sequence[Unknown]) -> list[list[Finding]]:
    """Return, for each image, the findings whose rules can find the image. The most general rule comes first.

    Split references at the same path share one rule with all of their keys, unless two keys conflict.
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
    """Return a form that reads the images of both forms, or None if there is no such form."""
    if one == other:
        return one
    if not isinstance(one, Split) or not isinstance(other, Split):
        return None
    if any(a and b and a != b for a, b in zip(one, other, strict=True)) or one.repository != other.repository:
        return None
    return Split(*(a or b for a, b in zip(one, other, strict=True)))


def _with_wildcards(unknown: Sequence[Unknown]) -> dict[Finding, list[Steps]]:
    """Return more general steps for each finding: a key becomes `*` if several paths differ only in this key."""
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
                    key = (
                        finding.kind,
                        isinstance(finding.form, Split) or finding.form,
                        path[:index],
                        path[index + 1 :],
                    )
                    groups.setdefault(key, []).append(finding)
        for group in groups.values():
            if len({steps[finding][index] for finding in group}) > 1:
                for finding in group:
                    path = steps[finding]
                    steps[finding] = (*path[:index], VALUES, *path[index + 1 :])
    return {finding: [path] if path != finding.steps else [] for finding, path in steps.items()}


class _Trial:
    """The rules of `findings`, which are tried together in each stream, and the rules of the trial before."""

    def __init__(
        self, findings: dict[Finding, KindRule], earlier: dict[Finding, KindRule], search: Search, rules: Rules
    ) -> None:
        self.findings = findings
        self.search = search
        self.rules = rules
        self.new = findings.keys() ^ earlier.keys()
        # The order of `findings` decides which of several rules for one image fails.
        self.tried: dict[tuple[str, str], list[tuple[Finding, KindRule]]] = {}
        for finding, rule in (findings | earlier).items():
            self.tried.setdefault((finding.kind.kind, finding.kind.file), []).append((finding, rule))

    def failing(self, stream: Stream) -> set[Finding]:
        """Return the findings whose rules are not safe in a stream."""
        stream = ParsedStream.of(stream, finds_errors=False)  # no rule is for a CustomResourceDefinition
        by_kind: dict[str, list[tuple[Finding, KindRule]]] = {}
        is_new = False
        can_match = _key_test(stream.text)
        for (kind, file), same in self.tried.items():
            if file == stream.file if file else kind in stream.text:
                for finding, rule in same:
                    if can_match(finding):
                        by_kind.setdefault(file or kind, []).append((finding, rule))
                        is_new = is_new or finding in self.new
        failing: set[Finding] = set()
        # In later trials, most files can only match the same rules again, so they need not be parsed.
        # A JSON Schema can contain the words of a rule for a kind, but no resource.
        if not is_new or (stream.file not in by_kind and stream.json_root is not None):
            return failing
        owners: dict[_Field, dict[Finding, None]] = {}
        try:
            matched = [
                (finding, _key(image))
                for resource, _, _ in searched(stream, self.rules)
                for finding, rule in by_kind.get(stream.file if resource.ref == NO_REF else resource.ref.kind, ())
                if finding.kind.file or rule.selector.matches(resource.ref)
                for image in images_of(resource, [rule], (), self.rules)
            ]
            # Most files do not contain any of the images. In later trials, most files match the same rules again,
            # and trying these again took an eighth of the time.
            if self.new.isdisjoint(finding for finding, _ in matched):
                return failing
            listed = {_key(each.found) for each in self.search(stream)}
            known = {_key(image) for image in images_in(stream, self.rules)}
        except NotResourceError:  # a file that contains no resource
            return failing
        for finding, key in matched:
            if finding not in self.findings:
                continue
            if key in listed:
                owners.setdefault(key[:2], {})[finding] = None
            elif key not in known and parse_reference(key[3]) is not None:
                failing.add(finding)
        # A trial would only find again that these rules are not safe.
        if not failing.issuperset(finding for findings in owners.values() for finding in findings):
            tried = _documents_at(stream, {key[2] for _, key in matched})
            failing |= _StreamTrial(tried, self.rules, owners).failing()
        return failing


def _key_test(text: str) -> Callable[[Finding], bool]:
    """Return a function that tests whether a text can contain all keys in the path of a finding.

    Parsing each file with a resource of the same kind took half of the time for the 1,127 files of Skaffold.
    """
    if has_escape(text):
        return lambda _: True
    contains = cache(text.__contains__)
    return lambda finding: all(contains(searchable(step)) for step in finding.steps if step[:1] not in _NOT_KEYS)


# A step that is not a key starts with one of these characters.
_NOT_KEYS: Final = (*"[.", "")


def _documents_at(stream: ParsedStream, lines: Collection[int]) -> ParsedStream:
    """Return a stream with only the documents that contain one of the lines. Rules change no other documents.

    A trial reads the stream up to 12 times, so for large files, this takes a sixth of the time.
    """
    text, wanted = stream.text, sorted(lines)
    kept: list[str] = []
    line = 1
    documents = cut_documents(text) or [(0, len(text))]
    for start, end in documents:
        last = line + count_breaks(text, start, end)
        if bisect_left(wanted, line) < bisect_right(wanted, last):
            kept.append(text[start:end])
        line = last
    if len(kept) == len(documents):
        return stream
    return stream.with_text("".join(kept))


def _key(image: FoundImage) -> _Key:
    return image.resource, image.path, image.line, image.image


class _StreamTrial(Record):
    """A stream in which rules are tried. `owners` contains the findings whose rules match each field."""

    stream: ParsedStream
    rules: Rules
    owners: Map[_Field, Collection[Finding]]

    def failing(self) -> set[Finding]:
        """Return the findings whose images do not get the new reference, or whose rules change other images."""
        mine = list(dict.fromkeys(finding for owners in self.owners.values() for finding in owners))
        groups = [mine]
        if 1 < len(mine) <= _MOST_ALONE and not self._is_independent(mine):
            groups += [[finding] for finding in mine]
        known = [_key(image) for image in images_in(self.stream, self.rules)]
        return {finding for group in groups for finding in self._failing(group, known)}

    def _is_independent(self, findings: Iterable[Finding]) -> bool:
        """Return whether trying each finding alone has the same result as trying them together.

        Each string, and each mapping with a split reference, must be set by only one of the rules. A rule for a
        document in a string also finds pod specs. A change of an anchor also depends on its aliases.
        """
        if any(isinstance(finding.form, Embedded) for finding in findings):
            return False
        owners: dict[_Field, set[Finding]] = {}
        for (resource, path), found in self.owners.items():
            owners.setdefault((resource, path.partition(": ")[0]), set()).update(found)
        outer: _Field | None = None
        for field in sorted(owners):
            if outer is None or field[0] != outer[0] or not field[1].startswith(outer[1]):
                outer = field
            if len(owners[field]) > 1 or owners[field] != owners[outer]:
                return False
        return not any(one.document.aliased for one in self.stream.trees() if one)

    def _failing(self, findings: Sequence[Finding], known: Sequence[_Key]) -> Iterator[Finding]:
        """Set all images of `findings` to each of the wishes. Yield the findings with a wrong new image.

        If one of the `known` images changes, all findings are yielded.
        """
        only = self._only(findings)
        before = [_key(image) for image in images_in(self.stream, only)]
        mine = {key[:2] for key in before}
        names = sorted({found.name for key in before if (found := parse_reference(key[3])) is not None})
        for wish in _WISHES:
            images = ImageMap(image_rule(name, **_numbered(wish, number)) for number, name in enumerate(names))
            edits = scan(self.stream, only._replace(images=images)).edits
            stream = self.stream.with_text(apply_edits(self.stream.text, edits))
            after = [_key(image) for image in images_in(stream, only)]
            for field in _different(before, after, partial(_new_image, images)):
                yield from self.owners.get(field, ())
            after = [_key(image) for image in images_in(stream, self.rules)]
            if any(field not in mine for field in _different(known, after, lambda image: image)):
                yield from findings

    def _only(self, findings: Sequence[Finding]) -> Rules:
        """Return rules that match the fields of `findings`, and if possible no other fields."""
        rules = [finding.rule for finding in findings]
        kinds = SelectorMap((rule.selector, rule) for rule in rules if not rule.selector.files)
        files = [FileRule(rule.selector.files, (rule,)) for rule in rules if rule.selector.files]
        only = self.rules._replace(kinds=kinds, files=(*files, _ANY_FILE))
        if any(isinstance(finding.form, Embedded) for finding in findings):
            return only  # the resources in an embedded document can contain pod specs
        return only._replace(pod_spec_uses=(), catalog=False)


def _new_image(images: ImageMap, image: str) -> str:
    return (images.new(image) or (image,))[0]


def _numbered(wish: dict[str, str], number: int) -> dict[str, Any]:
    return {key: f"{text}/{number}" if key == "new_name" else text for key, text in wish.items()}


def _different(before: Sequence[_Key], after: Sequence[_Key], new: Callable[[str], str]) -> Iterator[_Field]:
    """Yield the fields whose image in `after` is not the expected one. If a field is missing, yield all fields."""
    if len(before) != len(after):
        yield from (key[:2] for key in before)
        return
    for old, found in zip(before, after, strict=True):
        expected = parse_reference(new(old[3]))
        if old[:2] != found[:2] or (parse_reference(found[3]) != expected if expected else found[3] != old[3]):
            yield old[:2]
