"""Streams and configurations with everything switched on, and what must come out.

Parts, texts, documents in strings, registries, policies, `from`: for the property tests and the fuzzer (fuzz/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import yaml
from properties.laws import outside
from properties.reader import Location, NonString, load
from properties.strategies import (
    DIGEST,
    IMAGES,
    INVALID_IMAGES,
    Choices,
    data_of,
    draw_image_rules,
    finished,
    to_json,
    to_node,
    write_stream,
)

from krm_image_setter import read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.images import ARGS, ENV, IMAGE, ImageMap, Reference, RegistryMap, Usage, parse_reference
from krm_image_setter.images.tokens import find_tokens

HEX: Final = DIGEST.removeprefix("sha256:")
PARTS: Final = {"registry": "registry", "repository": "repository", "tag": "tag", "digest": "digest"}
KINDS: Final[list[dict[str, Any]]] = [
    {
        "kind": "Gadget",
        "paths": [
            ".spec.image",
            {"path": ".spec.all", "fields": PARTS},
            {"path": ".spec.two", "fields": {"repository": "repository", "tag": "tag"}},
            {"path": ".spec.base", "part": "name"},
            {"path": ".spec.version", "part": "tag", "of": "nginx"},
            {"path": ".spec.sha", "part": "digest", "of": "other/app"},
            {"path": ".spec.text", "as": "text"},
        ],
    },
    {
        "kind": "Application",
        "paths": {
            "path": ".spec.source.helm.values",
            "as": "yaml",
            "paths": [".web.image", {"path": ".web.parts", "fields": {"repository": "repository", "tag": "tag"}}],
        },
    },
    {
        "kind": "ConfigMap",
        "paths": [
            {"path": ".data.doc", "as": "yaml"},
            {
                "path": ".data.values",
                "as": "yaml",
                "paths": [
                    ".web.image",
                    {"path": ".web.parts", "fields": {"repository": "repository", "tag": "tag"}},
                ],
            },
        ],
    },
]
REGISTRIES: Final = [
    {"from": "docker.io/other", "to": "m.example.com/o"},
    {"from": "quay.io", "to": "m.example.com"},
]
POLICY: Final = "Always"
SOURCE: Final[dict[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Source",
    "metadata": {"name": "s"},
    "image": "fresh.example.com/a:1",
}
FROM: Final = {"name": "quay.io/a/b", "from": {"kind": "Source", "name": "s", "path": ".image"}}


class Stream(NamedTuple):
    """A stream, and what its documents hold; a document in a string is an Embedded."""

    text: str
    documents: list[Any]


class Embedded(str):
    """A string that is a document, and its data."""

    __slots__ = ("data",)
    data: Any


# --- streams -----------------------------------------------------------------------------------------------------


def image(c: Choices) -> str:
    return c.one_of((*IMAGES, "quay.io/a/b:3", *INVALID_IMAGES))


def parts(c: Choices, *, registry: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if registry and c.chance(2):
        found["registry"] = c.one_of(("docker.io", "gcr.io", "localhost:5000", "quay.io/a"))
    repository = c.one_of(("nginx", "library/nginx", "foo/bar", "other/app", "other/app:2", "NGINX", "a/b"))
    found["repository"] = repository
    if c.chance(2):
        found["tag"] = c.one_of(
            ("1", "1.25-alpine", NonString("1.20"), NonString("1"), NonString("null"), NonString(""), "")
        )
    if registry and c.chance(4):
        found["digest"] = c.one_of((DIGEST, HEX, ""))
    if c.chance(3):
        found["pullPolicy"] = "Never"
    return found


def text(c: Choices) -> str:
    words = (
        "run",
        "--image=nginx:1",
        f"docker://nginx@{DIGEST}",
        "quay.io/a/b:3",
        "nginx",
        "'other/app:2'",
        "a=gcr.io/foo/bar:1,b",
    )
    return c.one_of((" ", "\n")).join(c.one_of(words) for _ in range(1 + c.pick(4)))


def container(c: Choices, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "image": image(c)}
    if c.chance(3):
        found["imagePullPolicy"] = c.one_of(("Never", POLICY, NonString("null")))
    if c.chance(3):
        found["env"] = [{"name": "A", "value": image(c)}, {"name": "B", "value": text(c)}, {"name": "C"}]
    if c.chance(3):
        found[c.one_of(("args", "command"))] = [text(c), image(c)]
    return found


def pods(c: Choices) -> dict[str, Any]:
    return {"containers": [container(c, name) for name in ("a", "b")[: 1 + c.pick(2)]]}


def gadget(c: Choices) -> dict[str, Any]:
    spec: dict[str, Any] = {"image": image(c), "all": parts(c, registry=True), "two": parts(c, registry=False)}
    spec["base"] = c.one_of(("nginx", "other/app", "x/y"))
    spec["version"] = c.one_of(("1", "1.25-alpine", NonString("1.20"), NonString("null")))
    spec["sha"] = c.one_of((DIGEST, HEX))
    spec["text"] = text(c)
    spec["imagePullPolicy"] = "Never"
    spec["template"] = {"spec": pods(c)}
    keys = [key for key in spec if c.pick(2)]
    return {
        "apiVersion": "example.com/v1",
        "kind": "Gadget",
        "metadata": {"name": "g"},
        "spec": {key: spec[key] for key in keys},
    }


def config_map(c: Choices, depth: int) -> dict[str, Any]:
    values = {"web": {"image": image(c), "parts": parts(c, registry=False)}, "note": "nginx:1"}
    data = {"other": "nginx:1", "doc": embedded(c, resource(c, depth + 1)), "values": embedded(c, values)}
    keys = [key for key in data if c.pick(3)]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {key: data[key] for key in keys},
    }


def resource(c: Choices, depth: int = 0) -> dict[str, Any]:
    kind = c.pick(5)
    if kind == 4:
        values = embedded(c, {"web": {"image": image(c), "parts": parts(c, registry=False)}, "note": "nginx:1"})
        source = {"chart": "c", "helm": {"values": values}}
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": "a"},
            "spec": {"source": source},
        }
    if kind == 0 and depth < 3:
        return config_map(c, depth)
    if kind == 1 and depth < 3:
        return {"apiVersion": "v1", "kind": "List", "items": [resource(c, depth + 1) for _ in range(c.pick(3))]}
    if kind == 2:
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pods(c)}
    return gadget(c)


def embedded(c: Choices, data: Any) -> Embedded:
    node = to_node(data)
    as_json = c.chance(3) and not has_non_strings(data)
    written = Embedded(finished(c, to_json(c, data_of(node, {}))) if as_json else write_stream(c, [node]))
    written.data = data
    return written


def has_non_strings(data: Any) -> bool:
    if isinstance(data, dict | list):
        return any(map(has_non_strings, data.values() if isinstance(data, dict) else data))
    return isinstance(data, NonString)


def draw_stream(c: Choices) -> Stream:
    documents = [*(resource(c) for _ in range(1 + c.pick(2))), SOURCE]
    return Stream(write_stream(c, map(to_node, documents)), documents)


def draw_config(c: Choices) -> ImageSetter:
    rules: list[dict[str, Any]] = list(draw_image_rules(c))
    for rule in rules:
        rule |= {key: True for key in ("env", "args") if c.chance(2)}
        if c.chance(4):
            rule["containers"] = ["a"]
    if c.chance(3):
        rules.append(FROM)
    fields: dict[str, Any] = {"images": rules, "kinds": KINDS}
    if c.chance(4) and not any(rule["name"].startswith("[") for rule in rules):  # that has no name in a registry
        fields["defaultRegistry"] = {"host": "h.example.com"}
    if c.chance(2):
        fields["registries"] = REGISTRIES
    if c.chance(2):
        fields["imagePullPolicy"] = POLICY
    head = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter"}
    return read_config(json.dumps({**head, **fields}))


# --- what must come out, the plain way ---------------------------------------------------------------------------


class Model:
    """What a configuration makes of plain data."""

    def __init__(self, config: ImageSetter) -> None:
        self.config = config
        self.rules = [rule._replace(new_image=SOURCE["image"]) if rule.source else rule for rule in config.images]
        self.images = ImageMap(self.rules)
        self.registries = RegistryMap(config.registries)

    def new(self, current: str, use: str = IMAGE, container: str | None = None, *, is_name: bool = False) -> str:
        reference = parse_reference(current)
        if reference is None:
            return current
        for rule in self.rules:
            if rule.matches(reference) and rule.reaches(Usage(container, use)):
                return rule.rewrite(reference)
        is_set = self.images.has_set_name(current) if is_name else self.images.has_set(current)
        moved = self.registries.find(current) if use == IMAGE and not is_set else None
        return moved[1].rewrite(moved[0]) if moved else current

    def whole(self, value: Any, use: str = IMAGE, container: str | None = None) -> Any:
        return (
            value.replace(value.strip(), self.new(value.strip(), use, container))
            if isinstance(value, str)
            else value
        )

    def text(self, value: str, use: str = IMAGE, container: str | None = None) -> str:
        for start, end, reference in reversed(list(find_tokens(value))):
            bare = (
                use == IMAGE
                and reference.tag is None
                and reference.digest is None
                and reference.domain == "docker.io"
            )
            new = self.new(str(reference), use, container)
            if not bare or any(rule.matches(reference) for rule in self.rules):
                value = value[:start] + new + value[end:]
        return value

    def parts(self, found: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
        old = {key: said_text(found.get(key)) for key in keys}
        repository = parse_reference(old["repository"])
        if repository is None:
            return found
        name = f"{old['registry']}/{repository.name}" if old.get("registry") else repository.name
        digest = old.get("digest", "")
        bare = digest == HEX
        digest = f"sha256:{digest}" if bare else digest
        old_reference = Reference(name, old["tag"] or repository.tag, digest or repository.digest)
        new = parse_reference(self.new(str(old_reference)))
        if new is None or new == old_reference:
            return found
        said = dict(found)
        own, registry = repository.name, old.get("registry", "")
        if new.normalized_name != Reference(name).normalized_name:
            own = new.name
            if "/" in registry and new.name.endswith(f"/{repository.name}"):
                said["registry"], own = new.name.removesuffix(f"/{repository.name}"), repository.name
            elif registry:
                said["registry"], own = new.domain, new.name.removeprefix(f"{new.domain}/")
        if new[1:] == old_reference[1:]:
            said["repository"] = own + old["repository"].removeprefix(repository.name)
            return said
        tag = new.tag or ""
        if "digest" in keys:
            set_part(said, "digest", (new.digest or "").removeprefix("sha256:" if bare else ""))
        elif new.digest and not tag:  # there is no place for it
            return found
        elif new.digest:
            tag = f"{tag}@{new.digest}"
        said["repository"] = own
        set_part(said, "tag", tag)
        return said

    def container(self, found: dict[str, Any]) -> dict[str, Any]:
        name = found["name"]
        said = {**found, "image": self.whole(found["image"], IMAGE, name)}
        if said["image"] != found["image"] and self.config.image_pull_policy:
            said["imagePullPolicy"] = POLICY
        if "env" in found:
            said["env"] = [
                {k: self.whole(v, ENV, name) if k == "value" else v for k, v in one.items()}
                for one in found["env"]
            ]
        for key in ("args", "command"):
            if key in found:
                said[key] = [self.text(value, ARGS, name) for value in found[key]]
        return said

    def pods(self, found: dict[str, Any]) -> dict[str, Any]:
        return {"containers": [*map(self.container, found["containers"])]}

    def gadget(self, spec: dict[str, Any]) -> dict[str, Any]:
        said = dict(spec)
        if "image" in spec:
            said["image"] = self.whole(spec["image"])
            if said["image"] != spec["image"] and self.config.image_pull_policy and "imagePullPolicy" in spec:
                said["imagePullPolicy"] = POLICY
        if "all" in spec:
            said["all"] = self.parts(spec["all"], PARTS)
        if "two" in spec:
            said["two"] = self.parts(spec["two"], ("repository", "tag"))
        if "base" in spec:
            said["base"] = part(self.new(spec["base"], is_name=True), "name")
        if "version" in spec and said_text(spec["version"]):
            old = said_text(spec["version"])
            new = part(self.new(f"nginx:{old}"), "tag")
            said["version"] = spec["version"] if new in (None, old) else new
        if "sha" in spec:
            prefix = "sha256:" if spec["sha"] == HEX else ""
            new = part(self.new(f"other/app@{prefix}{spec['sha']}"), "digest")
            said["sha"] = spec["sha"] if new is None else new.removeprefix(prefix)
        if "text" in spec:
            said["text"] = self.text(spec["text"])
        if "template" in spec:
            said["template"] = {"spec": self.pods(spec["template"]["spec"])}
        return said

    def resource(self, found: dict[str, Any]) -> dict[str, Any]:
        kind = found["kind"]
        if kind == "Source":
            return found
        if kind == "List":
            return {**found, "items": [*map(self.resource, found["items"])]}
        if kind == "Pod":
            return {**found, "spec": self.pods(found["spec"])}
        if kind == "Gadget":
            return {**found, "spec": self.gadget(found["spec"])}
        if kind == "Application":
            source = found["spec"]["source"]
            return {
                **found,
                "spec": {"source": {**source, "helm": {"values": self.values(source["helm"]["values"])}}},
            }
        data = dict(found["data"])
        if "doc" in data:
            data["doc"] = self.resource(data["doc"].data)
        if "values" in data:
            data["values"] = self.values(data["values"])
        return {**found, "data": data}

    def values(self, found: Embedded) -> dict[str, Any]:
        web = found.data["web"]
        web = {"image": self.whole(web["image"]), "parts": self.parts(web["parts"], ("repository", "tag"))}
        return {**found.data, "web": web}


def part(reference: str, name: str) -> Any:
    return getattr(parse_reference(reference), name)


def said_text(value: Any) -> str:
    if isinstance(value, NonString):
        return "" if value.text in ("", "null") else value.text
    return value or ""


def set_part(said: dict[str, Any], key: str, text: str) -> None:
    if said_text(said.get(key)) != text:
        said[key] = text


def assert_holds(found: Any, expected: Any, loader: Any) -> None:
    """Assert that data read back is what is expected; where data are expected for a string, it is their document."""
    if isinstance(found, str) and not isinstance(expected, str):
        (found,) = load(found.removeprefix("\ufeff"), loader)
    if isinstance(expected, dict):
        assert isinstance(found, dict)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert_holds(found[key], value, loader)
    elif isinstance(expected, list):
        assert isinstance(found, list)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_holds(one, other, loader)
    else:
        assert found == expected


def check_output_reads_as_load_and_replace(
    stream: Stream, config: ImageSetter, loader: Any = yaml.SafeLoader
) -> None:
    model = Model(config)
    for found, document in zip(load(set_images(stream.text, config).text, loader), stream.documents, strict=True):
        assert_holds(found, model.resource(document), loader)


def check_nothing_else_differs(stream: Stream, config: ImageSetter) -> None:
    assert_only_scalars_differ(stream.text, set_images(stream.text, config._replace(image_pull_policy=None)).text)


def assert_only_scalars_differ(before: str, after: str) -> None:
    """Assert that the texts are the same outside of scalars that differ, and in documents in them; or keys are new."""
    old, new = load(before.removeprefix("\ufeff")), load(after.removeprefix("\ufeff"))
    changed: list[dict[Location, str]] = []
    for one, other in zip(map(scalars, old), map(scalars, new), strict=True):
        if one.keys() != other.keys():
            return
        changed.append({location: "" for location in one if one[location] != other[location]})
        if "" in [other[location] for location in changed[-1]]:  # a block can't hold nothing, and becomes ""
            return
        for location in changed[-1]:
            if location[-1] in ("doc", "values"):
                assert_only_scalars_differ(one[location], other[location])
    rests = [
        [piece.rstrip(" ") for piece in outside(text.removeprefix("\ufeff"), changed)] for text in (before, after)
    ]
    assert rests[0] == rests[1]


def scalars(data: Any, here: Location = ()) -> dict[Location, Any]:
    if not isinstance(data, dict | list):
        return {here: data}
    found: dict[Location, Any] = {}
    for key, child in data.items() if isinstance(data, dict) else enumerate(data):
        found |= scalars(child, (*here, key))
    return found
