"""Models one run: finds the fields of all resources, and sets their images."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from differential.model.configuration import Image, Rules, decode
from differential.model.data import NULL, Change, Embedded, Expected, NonString, Read, Refused, Unspecified, Warned
from differential.model.parts import new_parts, read_parts
from differential.model.paths import Match, Resource, everything, matches, resources_in, selects
from differential.model.references import Reference, is_apart, normalized, parse, tokens, whole


class Finder(NamedTuple):
    """One way in which a rule finds a field.

    `form` specifies the contents of the field: a `reference`, a `text`, or the part `name`, `tag` or `digest` of
    the image `of`. `container` is the name of the container around the field. `policy` is the key of its pull policy.
    """

    rule: str  # podSpecs, env, args, kinds
    form: str = "reference"
    of: str = ""
    container: str | None = None
    policy: str = ""


@dataclass
class Fields:
    """The fields of one resource, by place. Each field has all rules that find it.

    peers.md, L23: "two rules match the same field | the field is changed and counted once". Issue 17, point 7: the
    fields that one rule finds do not depend on other rules.
    """

    strings: dict[tuple[int, Any], tuple[Match, list[Finder]]] = field(default_factory=dict)
    parts: dict[tuple[int, Any], tuple[Match, dict[str, str]]] = field(default_factory=dict)
    embedded: dict[tuple[int, Any], tuple[Match, list[dict[str, Any]]]] = field(default_factory=dict)
    others: list[Match] = field(default_factory=list)  # fields with a type that the rule does not expect

    def add(self, match: Match, finder: Finder) -> None:
        """Add a rule that finds a string."""
        self.strings.setdefault(match.place, (match, []))[1].append(finder)


@dataclass
class Run:
    """The state of a run: the rules, the expected result, and the rules and images found so far."""

    rules: Rules
    expected: Expected
    read: Read
    used: set[int] = field(default_factory=set)  # indexes of `images` that matched a field
    names: set[str] = field(default_factory=set)  # normalized names of all references found
    paths: dict[tuple[str, str], bool] = field(default_factory=dict)  # whether a path matched, by kind and path

    def warn(self, cause: str, *contains: str, required: bool = True) -> None:
        """Add an expected warning."""
        self.expected.warnings.append(Warned(cause, contains, required))

    def put(self, match: Match, new: Any) -> None:
        """Set the value of a field."""
        match.parent[match.key] = new


def expected(documents: Sequence[Any], config: dict[str, Any], read: Read) -> Expected:
    """Return the expected result for the documents of a stream.

    Raises Refused if the program must end with an error, and Unspecified if the documentation does not specify the
    result.
    """
    result = Expected(copy.deepcopy(list(documents)))
    resources = [resource for document in result.documents for resource in resources_in(document)]
    run = Run(decode(config, resources), result, read)
    for resource in resources:
        before = len(result.changes)
        set_resource(run, resource, run.rules.kinds)
        if resource.kind == "Secret":  # SECURITY.md: results show no values of a Secret
            result.changes[before:] = [Change(rule, "None", "None") for rule, *_ in result.changes[before:]]
    report_unused(run)
    return result


def expected_list(document: dict[str, Any], config: dict[str, Any], read: Read) -> Expected:
    """Return the expected result for a ResourceList, without the results that the run adds.

    Issue 17, point 4: the output is valid YAML, and contains all items, all earlier results and all other fields.
    """
    items = document.get("items")
    result = expected(items if isinstance(items, list) else [], config, read)
    new = {"items": result.documents} if isinstance(items, list) else {}
    result.documents = [{**copy.deepcopy(document), **new}]
    return result


# --- finding ---------------------------------------------------------------------------------------------------


def set_resource(run: Run, resource: Resource, kinds: Sequence[dict[str, Any]]) -> None:
    """Find all fields of a resource, and then set the images in them."""
    fields = Fields()
    # configuration.md: "It searches pod specs at any depth of a resource, except in `metadata` and in
    # CustomResourceDefinitions."
    if run.rules.pod_specs and not resource.is_crd and resource.kind:
        for match, finder in pod_specs(run.rules, resource.data):
            fields.add(match, finder)
    for entry in kinds:
        if selects(entry, resource):
            for path in entry["paths"] if isinstance(entry["paths"], list) else [entry["paths"]]:
                find_by_path(run, fields, entry, {"path": path} if isinstance(path, str) else path, resource)
    places = [*fields.strings, *fields.embedded]
    if fields.embedded.keys() & fields.strings.keys() or any(
        id(match.value) == container for match, _ in fields.parts.values() for container, _ in places
    ):
        raise Unspecified("a field is a part or a document, and also something else")
    if run.rules.pull_policy and any(place[1] in ("imagePullPolicy", "pullPolicy") for place in places):
        raise Unspecified("an image in the field of a pull policy")
    for match in fields.others:
        # Another rule can expect this type, or the field can be a part of a split reference.
        is_found = (
            id(match.parent) in {id(mapping.value) for mapping, _ in fields.parts.values()}
            or match.place in fields.strings.keys() | fields.parts.keys() | fields.embedded.keys()
        )
        run.warn("type", *map(str, match.location[:1]), required=not is_found)
    for match, finders in fields.strings.values():
        (set_part if {finder.form for finder in finders} & {"name", "tag", "digest"} else set_string)(
            run, match, finders
        )
    for match, keys in fields.parts.values():
        set_parts(run, match, keys)
    for match, rules in fields.embedded.values():
        set_embedded(run, match, rules)


def find_by_path(
    run: Run, fields: Fields, entry: dict[str, Any], rule: dict[str, Any], resource: Resource
) -> None:
    """Find the fields of one path of `kinds`."""
    found = matches(rule["path"], resource.data)
    if entry.keys() != {"paths"}:  # false for the paths of an embedded document
        label = (entry.get("kind", ""), rule["path"])
        run.paths[label] = run.paths.get(label, False) or bool(found)
    for match in found:
        value: Any = match.value
        if value in (NULL, ""):
            continue  # paths.md: "A field that is missing, null or empty is skipped."
        if isinstance(value, NonString) and rule.get("part") in ("tag", "digest"):
            raise Unspecified("a tag that YAML reads as a number")
        if isinstance(value, NonString) and re.fullmatch(r"=|<<|\d{4}-\d.*|.*:.*", value.text, re.DOTALL):
            raise Unspecified("a value that some readers take for a time or a number, and kubectl for a string")
        if not isinstance(value, dict) if "fields" in rule else not isinstance(value, str):
            fields.others.append(match)  # paths.md: "A field that is not a string is not changed"
        elif "fields" in rule:
            if read_parts(value, rule["fields"]) is None:
                may_find_nothing(run, rule["path"])
            if fields.parts.setdefault(match.place, (match, rule["fields"]))[1] != rule["fields"]:
                raise Unspecified("two rules with other keys for one mapping")
        elif rule.get("as") in ("yaml", "json"):
            fields.embedded.setdefault(match.place, (match, []))[1].append(rule)
        else:
            if rule.get("as") == "text" and not any(tokens(str(value))):
                may_find_nothing(run, rule["path"])
            fields.add(match, Finder("kinds", rule.get("as") or rule.get("part", "reference"), rule.get("of", "")))


def may_find_nothing(run: Run, path: str) -> None:
    """Allow a warning. It is not specified whether a path matches nothing if its field contains no image."""
    if run.rules.on_unused == "error":
        raise Unspecified("whether a path to something without an image leads nowhere")
    run.warn("nothing to set", path, required=False)


_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


def pod_specs(rules: Rules, data: Any) -> Iterator[tuple[Match, Finder]]:
    """Find the images of pod specs.

    configuration.md: "Whether to search pod specs in every resource, at any depth (default `true`): containers,
    init containers, ephemeral containers and image volumes".
    """
    for match in everything(data):
        if match.key not in (*_CONTAINERS, "volumes") or not isinstance(match.value, list):
            continue
        if "metadata" in match.location:
            if match.location[0] != "metadata":
                raise Unspecified("a pod spec in a nested `metadata`")
            continue
        for item in match.value:
            if not isinstance(item, dict):
                continue
            image = item.get("image")
            if match.key == "volumes":
                if isinstance(image, dict) and isinstance(image.get("reference"), str):
                    yield Match(image, "reference", ()), Finder("podSpecs", policy="pullPolicy")
                continue
            name = item["name"] if isinstance(item.get("name"), str) else ""
            # configuration.md: "`image: auto` in a container `istio-proxy` is not an image"
            if isinstance(image, str) and (name, image) != ("istio-proxy", "auto"):
                yield Match(item, "image", ()), Finder("podSpecs", container=name, policy="imagePullPolicy")
            yield from environment(rules, item, name)


def environment(rules: Rules, item: dict[Any, Any], container: str) -> Iterator[tuple[Match, Finder]]:
    """Find the environment variables and arguments of a container that `env` and `args` can set.

    configuration.md: "Whether to also set this image if it is the whole value of an environment variable of a
    container", and "Whether to also set this image in `command` and `args` of containers, as a whole token".
    """
    for variable in listed(item.get("env")):
        if (
            isinstance(variable, dict)
            and isinstance(variable.get("value"), str)
            and any(i.env for i in rules.images)
        ):
            yield Match(variable, "value", ()), Finder("env", container=container)
    for words in (listed(item.get("command")), listed(item.get("args"))):
        for index, word in enumerate(words):
            if isinstance(word, str) and any(image.args for image in rules.images):
                yield Match(words, index, ()), Finder("args", "text", container=container)


def listed(value: Any) -> list[Any]:
    """Return a value if it is a list, otherwise an empty list."""
    return value if isinstance(value, list) else []


# --- choosing --------------------------------------------------------------------------------------------------


def choose(run: Run, old: Reference, finders: Sequence[Finder], *, has_open_tag: bool = False) -> Reference | None:
    """Return the new reference, or None if no rule matches the old one."""
    run.names.add(normalized(old.name))
    for index, image in enumerate(run.rules.images):
        # configuration.md: "The first entry that matches an image wins, and each field is set once"
        if image.matches(old, has_open_tag=has_open_tag) and any(allows(image, finder) for finder in finders):
            run.used.add(index)
            return run.rules.new_reference(image, old)
    # configuration.md: "`registries` does not move an image that an entry of `images` sets. With `env` and `args`,
    # it also moves images in environment variables and arguments". The model does not have these two fields.
    if all(finder.rule in ("env", "args") for finder in finders):
        return None
    name = normalized(old.name)
    for source, target in sorted(run.rules.registries, key=lambda move: -len(move[0])):
        # "The longest `from` that matches wins", "in whole components. `docker.io` includes names without a host"
        if name == source:
            raise Unspecified("a registry that is the whole name")
        if name.startswith(f"{source}/"):
            if is_set_already(run.rules, old):
                return None
            if not (old.tag or old.digest) and all(finder.form == "text" for finder in finders):
                raise Unspecified("whether `registries` moves words with a slash in a text")
            return old._replace(name=target + name.removeprefix(source))
    return None


def allows(image: Image, finder: Finder) -> bool:
    """Return whether an entry applies to a field that a rule found.

    configuration.md: `containers` has the "Names of the containers in which to set the image"; `env` and `args`
    have the default `false`.
    """
    if image.containers and finder.container is None and finder.rule == "kinds":
        raise Unspecified("`containers` and a path of `kinds`")
    return (
        (not image.containers or finder.container in image.containers)
        and (image.env or finder.rule != "env")
        and (image.args or finder.rule != "args")
    )


def is_set_already(rules: Rules, old: Reference) -> bool:
    """Return whether a reference is already the result of an entry of `images`.

    configuration.md: "`registries` does not move an image that an entry of `images` sets." This also applies to a
    second run, in which the entry finds the new reference.
    """
    for image in rules.images:
        new = rules.new_reference(image, image.match)
        if normalized(new.name) == normalized(old.name):
            if image.containers:
                raise Unspecified("a registry for what an entry sets in some containers only")
            if (
                new.tag in ("", old.tag)
                and new.digest in ("", old.digest)
                and (new.tag or new.digest or not image.new_image)
            ):
                return True
            raise Unspecified("a registry for a name that an entry gives")
    return False


# --- setting ---------------------------------------------------------------------------------------------------


def set_string(run: Run, match: Match, finders: Sequence[Finder]) -> None:
    """Set each reference in a string once."""
    text: str = match.value
    spans: dict[tuple[int, int], list[Finder]] = {}
    for finder in finders:
        for span in tokens(text) if finder.form == "text" else [whole(text)]:
            spans.setdefault(span, []).append(finder)
    ends = [end for _, end in sorted(spans)]
    if any(start < end for (start, _), end in zip(sorted(spans)[1:], ends, strict=False)):
        raise Unspecified("two rules find different parts of a string")
    if any(finder.form == "text" for finder in finders) and re.search(
        r"(?:docker|oci)://[\w.-]+(?![\w./:@-])", text
    ):
        raise Unspecified("a single word behind `docker://` or `oci://`")
    label = " and ".join(sorted({f"{finder.rule}/{finder.form}" for finder in finders}))
    written, position = "", 0
    for (start, end), found in sorted(spans.items()):
        old = parse(text[start:end])  # "A value that is not an image reference […] is not changed."
        new = choose(run, old, found) if old else None
        if new is None:
            continue
        if all(finder.form == "text" for finder in found) and not is_apart(text, start, end):
            raise Unspecified("a reference in a text with something else around it")
        if new == old:
            continue
        if parse(str(new)) is None:
            # "If the new reference would be invalid, for example too long, the field is not changed, and a warning
            # reports it."
            run.warn("too long", required=False)
            continue
        written += text[position:start] + str(new)
        position = end
        run.expected.changes.append(Change(label, str(old), str(new)))
    if position:
        run.put(match, written + text[position:])
        if any(finder.form == "reference" for finder in finders):
            set_pull_policy(run, match, finders)


def set_pull_policy(run: Run, match: Match, finders: Sequence[Finder]) -> None:
    """Set the pull policy next to an image that changes.

    configuration.md: "Pull policy to set next to each image that changes. In containers and image volumes,
    a missing policy is added. Next to a field of `kinds`, only an existing policy is changed."
    """
    policy, parent = run.rules.pull_policy, match.parent
    if not policy or not isinstance(parent, dict):
        return
    keys = {finder.policy for finder in finders if finder.policy}
    if not keys and "imagePullPolicy" in parent and any(finder.rule == "kinds" for finder in finders):
        keys = {"imagePullPolicy"}
    for key in keys:
        old = parent.get(key, "")
        if not isinstance(old, str):
            raise Unspecified("a pull policy that is not a string")
        if old != policy:
            run.put(Match(parent, key, ()), policy)
            run.expected.changes.append(Change("pull policy", old, policy))


def set_part(run: Run, match: Match, finders: Sequence[Finder]) -> None:
    """Set a field that contains only a part of a reference.

    configuration.md: "Part of a reference that the field contains", and `of` is "Name of the image that the tag or
    digest belongs to". Issue 17, point 2: the rules for a tag key with `v1@D` also apply to `part: tag`.
    """
    if len({(finder.form, finder.of) for finder in finders}) > 1:
        raise Unspecified("a field is a part, and also something else")
    form, of = finders[0].form, finders[0].of
    text: str = match.value
    tag, _, digest = text.partition("@")
    old = {"name": parse(text), "tag": Reference(of, tag, digest), "digest": Reference(of, "", text)}[form]
    if old is None or parse(str(old)) is None:
        if form == "tag" and not set(text) & set("$({"):
            raise Unspecified("a tag that is not one")
        return
    if form == "name" and old != Reference(text):
        raise Unspecified("a name with a tag")
    new = choose(run, old, finders, has_open_tag=form == "name")
    if new is None:
        return
    written = {"name": new.name, "tag": new.tag, "digest": new.digest}[form]
    if form == "tag" and new.digest and not new.tag:
        run.warn("newTag is needed", "tag")
        return
    if not written or (form == "tag" and new.digest and not digest):
        raise Unspecified("a part that the new reference does not have, or that the field does not have")
    if form == "tag" and digest:
        written += f"@{new.digest}" if new.digest else ""
        run.warn("a digest that goes", required=False)
    if form != "name" and new.name != old.name:
        # messages.md: "and no other field of the resource has `part: name`"
        run.warn("a name without a field", "name", required=False)
    if written != text:
        run.put(match, written)
        run.expected.changes.append(Change(f"part: {form}", text, written))


def set_parts(run: Run, match: Match, keys: dict[str, str]) -> None:
    """Set a split reference."""
    mapping = match.value
    old = read_parts(mapping, keys)
    new = choose(run, old, [Finder("kinds", "fields")], has_open_tag=True) if old else None
    if old is None or new is None:
        return
    if normalized(new.name) == normalized(old.name):
        new = new._replace(name=old.name)  # peers.md, R13: "the image matches and keeps its spelling"
    if new == old:
        return
    if run.rules.pull_policy and isinstance(match.parent, dict) and "imagePullPolicy" in match.parent:
        raise Unspecified("a pull policy next to a reference in parts")
    parts = new_parts(mapping, keys, old, new)
    if parts is None:
        run.warn("newTag is needed", "newTag")
        return
    for part, value in parts.items():
        before = mapping.get(keys[part], "")
        if before != value:
            run.put(Match(mapping, keys[part], ()), value)
            run.expected.changes.append(Change(f"fields: {part}", str(before), value))


def set_embedded(run: Run, match: Match, rules: Sequence[dict[str, Any]]) -> None:
    """Set the images in an embedded document.

    configuration.md: "Kubernetes resources in this embedded document are processed like all other resources." The
    field `paths`: "Image fields in an embedded document that is not a Kubernetes resource".
    """
    text: str = match.value
    documents = run.read(text, rules[0]["as"])
    if documents is None:
        run.warn("not YAML", required=False)
        return
    before = copy.deepcopy(documents)
    paths = [{"paths": rule["paths"]} for rule in rules if "paths" in rule]
    for document in documents:
        # Issue 17, point 18: a list of resources is searched too, and `paths` also apply inside a resource.
        resources = [resource for item in listed(document) or [document] for resource in resources_in(item)]
        if paths and resources and (len(resources) > 1 or resources[0].data is not document):
            raise Unspecified("several resources in a string, and paths")
        for resource in resources:
            set_resource(run, resource, [*run.rules.kinds, *paths])
        if not resources:
            if any(pod_specs(run.rules, document)):
                raise Unspecified("a pod spec in a document that is not a resource")
            set_resource(run, Resource("", {}, document), paths)
    if documents != before:
        run.put(match, Embedded(text, documents))


# --- rules that did nothing ------------------------------------------------------------------------------------


def report_unused(run: Run) -> None:
    """Add the warnings about unused entries, or raise Refused with `onUnused: error`.

    configuration.md: "What to do if an entry of `images` sets nothing, if an entry of `registries` is mistyped, or if
    a path of `kinds` matches no field in the resources that it selects".
    """
    rules = run.rules
    if rules.on_unused == "ignore":
        return
    for index, image in enumerate(rules.images):
        if index not in run.used:
            name = normalized(image.match.name)
            # "An entry is not reported as unused if an earlier entry of the same name overrides it". In a second
            # run, the image can already have the new name, or another tag than the entry matches.
            is_known = [normalized(other.match.name) for other in rules.images].count(name) > 1
            is_known |= normalized(rules.new_reference(image, image.match).name) in run.names - {name}
            is_known |= bool(image.match.tag or image.match.digest or image.suffix) and name in run.names
            if rules.on_unused == "error":
                raise Unspecified("an unused entry that was used before") if is_known else Refused(image.name)
            run.warn("unused image", f'"{image.name}"', required=not is_known)
    if not run.used:
        # messages.md: "No resource has the kind of an entry of `kinds`, and nothing was set"
        run.warn("absent kind", "no resource of kind", required=False)
    for (_, path), is_found in run.paths.items():
        if not is_found:
            if rules.on_unused == "error":
                raise Refused(path)
            run.warn("unused path", path)
