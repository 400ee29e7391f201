"""Finds image fields in the schemas of CustomResourceDefinitions (apiextensions.k8s.io v1 and v1beta1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from krm_image_setter.discovery.definitions import MAX_DEPTH, mapping, schemas
from krm_image_setter.discovery.finding import (
    ITEMS,
    NOT_SPECIFIED,
    VALUES,
    Confidence,
    Finding,
    Kind,
    Steps,
    name_of,
)
from krm_image_setter.discovery.judging import (
    Beside,
    Field,
    can_be_set,
    is_container,
    is_prefix,
    is_url,
    is_whole_tag,
    judged,
    tag_beside,
)
from krm_image_setter.locators import TEXT, WHOLE, Form, KindRule, Part, Split
from krm_image_setter.locators.image_field import Keys
from krm_image_setter.locators.kustomize_entry import KUSTOMIZE
from krm_image_setter.locators.shapes import can_be_split, has_image_word, means_image, split_references
from krm_image_setter.resources import ResourceRef
from krm_image_setter.typed import Any, Final, Record

_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")
_OPAQUE: Final = "x-kubernetes-preserve-unknown-fields"
# A field without a schema can contain pod specs if it has one of these names.
_POD_NAMES: Final = re.compile(
    r"pod|^(?:job)?template$|deployment|statefulset|daemonset|^(?:init)?containers$", re.IGNORECASE
)
# Next to one of these fields, `name` is not the name of an image.
_WHOLE: Final = frozenset(("reference", "uri", "url"))
_CAN_BE_TAG: Final = "; `version` next to it can be its tag"
# `_can_be_image` tests for these words before the slower `judged`, because most fields do not contain images.
_NAME: Final = re.compile(r"image|tag|registry|repo|digest", re.IGNORECASE)
_NO_FIELDS: Final = ("boolean", "integer", "number")

RulesFor = Callable[[ResourceRef], Iterable[KindRule]]


class Definition(Record):
    """The image fields of a kind that need an entry in `kinds`, and its pod specs, which need no entry."""

    kind: Kind
    findings: tuple[Finding, ...]
    pod_specs: tuple[Steps, ...]


def find_in_crd(crd: Mapping[str, Any], rules_for: RulesFor = lambda _: ()) -> Definition | None:
    """Return the image fields in all versions of a CustomResourceDefinition; None if it does not define a kind.

    `rules_for` returns the rules for a resource. Fields that these rules find, in any form, are omitted.
    """
    spec = mapping(crd.get("spec"))
    group, name = spec.get("group"), mapping(spec.get("names")).get("kind")
    if not isinstance(group, str) or not isinstance(name, str):
        return None
    kind = Kind(group, name)
    if name.lower().endswith("report"):  # a report contains images that a controller or a scanner found
        return Definition(kind, (), ())
    findings: dict[tuple[Steps, Form | None], Finding] = {}
    pod_specs: dict[Steps, None] = {}
    for version, schema in schemas(spec):
        search = _Search(kind)
        for field, its_schema in _properties(schema).items():
            if field not in NOT_SPECIFIED:
                search.walk(its_schema, (field,), (), {})
        found = search.findings
        rules = list(rules_for(ResourceRef(f"{group}/{version}", name, "", "")))
        known = _found_by(rules, found.values()) if rules else set()
        for key, finding in found.items():
            is_known = any(steps[:end] in known for steps in _parts(finding) for end in range(1, len(steps) + 1))
            if not is_known and (key not in findings or findings[key].confidence < finding.confidence):
                findings[key] = finding
        pod_specs.update(search.pod_specs)
    return Definition(kind, tuple(findings.values()), tuple(pod_specs))


class _Search:
    """A search in the schema of one version of a kind. It collects findings and pod specs."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.findings: dict[tuple[Steps, Form | None], Finding] = {}
        self.pod_specs: dict[Steps, None] = {}
        # By the id of an object's fields. Each item keeps the object, so that no other object gets its id.
        self._beside: dict[int, tuple[Mapping[str, Any], Beside]] = {}

    def walk(self, schema: Any, steps: Steps, texts: tuple[str, ...], beside: Mapping[str, Any]) -> None:
        """Search the schema of a field, and the schemas of the fields in it.

        `texts` contains the descriptions of its parents, and `beside` the schemas of the fields next to it.
        """
        kind = schema.get("type") if isinstance(schema, dict) else "number"
        # Return before any other call: most fields contain no image. One call for each takes a tenth of the time.
        if kind in _NO_FIELDS or len(steps) > MAX_DEPTH or steps[-1] == "status":
            return
        text = schema.get("description")
        if kind == "string":
            if _can_be_image(steps, text) and "enum" not in schema:
                self._field(schema, steps, texts, beside)
            return
        if isinstance(text, str):
            texts = (*texts, text)
        fields = schema.get("properties")
        if isinstance(fields, dict) and fields:
            handled = self._object(schema, fields, steps, texts)
            for name, field in fields.items():
                if name not in handled:
                    self.walk(field, (*steps, name), texts, fields)
        elif schema.get(_OPAQUE) is True and _POD_NAMES.search(name_of(steps)[0]):
            self.pod_specs[steps] = None
        for step, key in ((ITEMS, "items"), (VALUES, "additionalProperties")):
            if isinstance(inner := schema.get(key), dict):
                # An item of a list has the description of the list too.
                self.walk(inner, (*steps, step), texts if isinstance(text, str) else (*texts, ""), {})

    def _field(
        self, schema: dict[str, Any], steps: Steps, texts: tuple[str, ...], beside: Mapping[str, Any]
    ) -> None:
        """Add a string field if it contains an image, or a part of one."""
        field = self._field_of(schema, steps, texts, beside)
        judgement = judged(field)
        if judgement is not None:
            confidence, reason, part = judgement
            if part == "reference" and "version" in beside and not field.default:
                reason += _CAN_BE_TAG
            form = Part(part) if part != "reference" else TEXT if is_url(field) else WHOLE
            self._add(steps, confidence, reason, schema=schema, form=form)

    def _object(
        self, schema: dict[str, Any], fields: dict[str, Any], steps: Steps, texts: tuple[str, ...]
    ) -> set[str]:
        """Add an object if it is a container or a split reference. Return the handled fields."""
        handled: set[str] = {
            name for name in _CONTAINERS if name in fields and "image" in _item_fields(fields[name])
        }
        if handled:
            self.pod_specs[steps] = None
        if "volumes" in fields and "emptyDir" in _item_fields(
            fields["volumes"]
        ):  # the volumes of KubeVirt contain images of disks
            handled.add("volumes")
        name, around = name_of(steps)
        if not can_be_split(name, fields):
            return handled
        strings = {
            key: field
            for key, field in fields.items()
            if isinstance(field, dict) and field.get("type") == "string" and "enum" not in field
        }
        if {"name", "newName", "newTag"} <= strings.keys():
            self._add(steps, Confidence.LIKELY, "kustomize entry", schema=schema, form=KUSTOMIZE)
            return {*handled, *strings}
        names = tuple(sorted(strings.keys() - {"name"} if _WHOLE & strings.keys() else strings))
        splits = dict.fromkeys(split_references(name, names, tuple(around), is_complete=True))
        for all_keys in [*splits, *self._with_version(name, strings, around, steps, texts)]:
            keys = _used(all_keys, strings)
            field = self._field_of(strings[keys.repository], (*steps, keys.repository), texts, strings)
            is_part = keys.tag or keys.digest
            if keys.repository in handled or not is_part or not can_be_set(field) or is_prefix(field.text):
                continue
            is_repository = keys.repository.lower().endswith(("repository", "repo"))
            has_word = has_image_word(name) or (is_repository and has_image_word(keys.repository))
            is_sure = all_keys in splits and has_word
            confidence = Confidence.SURE if is_sure else Confidence.LIKELY
            self._add(steps, confidence, "split reference", schema=schema, form=Split(*keys))
            handled.update(keys)
        if "image" not in handled and "image" in strings and is_container(fields.keys()):
            self._container(fields, steps, texts)
            handled.add("image")
        return handled

    def _with_version(
        self, name: str, strings: dict[str, Any], around: Steps, steps: Steps, texts: tuple[str, ...]
    ) -> Iterator[Keys]:
        """Yield the keys of split references whose tag is in a field such as `version`."""
        if {"repository", "version"} <= strings.keys() and (means_image(name) or "registry" in strings):
            yield from split_references(name, tuple(sorted(strings.keys() - {"image"})), tuple(around))
        for key, schema in strings.items():
            if "mage" in key or "MAGE" in key or key.endswith("epository"):
                tag = tag_beside(self._field_of(schema, (*steps, key), texts, strings))
                if tag:
                    yield Keys(key, tag=tag)

    def _field_of(
        self, schema: dict[str, Any], steps: Steps, texts: tuple[str, ...], beside: Mapping[str, Any]
    ) -> Field:
        """Return the facts about a string field. An item of a list has the name and text of the list."""
        name, around = name_of(steps)
        default, text = schema.get("default"), _text(schema)
        if texts and steps[-1] in (ITEMS, VALUES):
            text, texts = f"{text} {_line(texts[-1])}".strip(), texts[:-1]
        context = _line(" ".join(texts[-2:]))
        if id(beside) not in self._beside:
            descriptions = Beside((key, _text(mapping(field))) for key, field in beside.items())
            self._beside[id(beside)] = beside, descriptions
        _, descriptions = self._beside[id(beside)]
        return Field(name, around, text, context, descriptions, default if isinstance(default, str) else "")

    def _container(self, fields: dict[str, Any], steps: Steps, texts: tuple[str, ...]) -> None:
        """Add the image of a container, and its arguments, which can contain other images."""
        field = self._field_of(fields["image"], (*steps, "image"), texts, fields)
        if not can_be_set(field):
            return
        if "version" in fields and not field.default:
            self._add((*steps, "image"), Confidence.LIKELY, f"container{_CAN_BE_TAG}", schema=fields["image"])
        else:
            self._add((*steps, "image"), Confidence.SURE, "container", schema=fields["image"])
        for key in ("command", "args"):
            if key in fields:
                reason = "arguments of a container"
                self._add((*steps, key, ITEMS), Confidence.POSSIBLE, reason, schema={}, form=TEXT)

    def _add(
        self, steps: Steps, confidence: Confidence, reason: str, *, schema: dict[str, Any], form: Form = WHOLE
    ) -> None:
        finding = Finding(self.kind, steps, form, confidence, reason, _text(schema))
        key = steps, form if isinstance(form, Split) else None
        if key not in self.findings or self.findings[key].confidence < confidence:
            self.findings[key] = finding


def _found_by(rules: Iterable[KindRule], findings: Iterable[Finding]) -> set[Steps]:
    """Return the steps of the fields that rules find in an example resource with the fields of `findings`."""
    fields: dict[str, Any] = {}
    for finding in findings:
        for steps in _parts(finding):
            node = fields
            for step in steps:
                node = node.setdefault(step, {})
    example = _example(fields)
    known: set[Steps] = set()
    for rule in rules:
        for location, _ in rule.path.find(example):
            steps = tuple(ITEMS if isinstance(step, int) else step for step in location)
            if isinstance(rule.form, Split):
                known.update((*steps, *key.split(".")) for key in rule.form if key)
            else:
                known.add(steps)
    return known


def _parts(finding: Finding) -> list[Steps]:
    """Return the steps of a field, or of all fields of a split reference."""
    if isinstance(finding.form, Split):
        return [(*finding.steps, key) for key in finding.form if key]
    return [finding.steps]


def _example(fields: dict[str, Any]) -> Any:
    """Return an example value with these nested fields, and with one item in each list."""
    if ITEMS in fields:
        return [_example(fields[ITEMS])]
    return {name: _example(inner) for name, inner in fields.items()} if fields else ""


def _used(keys: Keys, strings: Mapping[str, dict[str, Any]]) -> Keys:
    """Return `keys` without deprecated keys, or only the repository if the tag is a whole reference."""
    texts = {key: _text(strings[key]) for key in keys if key}
    if is_whole_tag(texts.get(keys.tag, "")):
        return Keys(keys.repository)
    old = {key for key, text in texts.items() if "deprecated" in text.lower()} - {keys.repository}
    return Keys(*("" if key in old else key for key in keys))


def _can_be_image(steps: Steps, text: Any) -> bool:
    """Return whether the description or the name of a string field, or a near parent name, suggests an image."""
    if isinstance(text, str) and ("image" in text or "Image" in text or "OCI" in text or "artifact" in text):
        return True
    return _is_near_image(steps[-1]) or any(map(_is_near_image, steps[-3:-1]))


@lru_cache(maxsize=4096)
def _is_near_image(name: str) -> bool:
    return _NAME.search(name) is not None


def _text(schema: dict[str, Any]) -> str:
    """Return the description of a field on one line. Without a description, return an empty string."""
    description = schema.get("description")
    return _line(description) if isinstance(description, str) else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _item_fields(schema: Any) -> dict[str, Any]:
    """Return the fields of the items of a list."""
    return _properties(mapping(mapping(schema).get("items")))


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    return mapping(schema.get("properties"))
