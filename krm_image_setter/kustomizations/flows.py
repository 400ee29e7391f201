"""Finds out which entries of `images` kustomize applies to each image of a build, and in which order.

kustomize builds each kustomization in this order: the resources and bases, the components, the patches, `images`,
`imageTags`, `replacements`, and `transformers`. This module does not apply patches. Instead, an image in a patch
counts as one more image of the kustomization that contains the patch.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from functools import lru_cache

from krm_image_setter.images import NO_CONTAINER, Usage
from krm_image_setter.kustomizations.charts import chart_images, values_sources
from krm_image_setter.kustomizations.fields import CHART_IMAGE, FoundField
from krm_image_setter.kustomizations.reading import Entry, Node, Reader, Text
from krm_image_setter.locators.image_field import ImageField, Written
from krm_image_setter.locators.kustomize_entry import EntryKeys, split_image
from krm_image_setter.resources import NO_REF, ResourceRef
from krm_image_setter.typed import Any, Final, Record, TypeAlias
from krm_image_setter.yaml.tree import Location

#: The values of `Route.reading` for an image volume, which kustomize sets only since version 5.7.
BEFORE_VOLUMES: Final = "before 5.7"
WITH_VOLUMES: Final = "since 5.7"


class Scalar:
    """A scalar that contains a whole image. `file` is the key of its file, and `offset` is in code points.

    `text` is set if the scalar is inside a string, such as an inline patch. `node` is set if the image is the
    value of a field of a kustomization. `changes` is set for inline Helm values, and returns their changes.
    """

    __slots__ = ("changes", "field", "file", "image", "is_writable", "node", "offset", "text")

    def __init__(
        self, key: str, text: Text | None, node: Node | None, field: FoundField, *, is_writable: bool
    ) -> None:
        self.text = text
        self.node = node
        self.file = text.file.key if text else key
        self.field = field
        self.image = field.image
        self.offset = field.offset
        self.is_writable = is_writable
        self.changes: Callable[[str], Written] | None = None

    def accepts(self, image: str) -> bool:
        """Return whether `image` can be written to this scalar, or to these Helm values."""
        try:
            return self.changes is None or not self.changes(image).omitted
        except ValueError:
            return False

    @property
    def line(self) -> int:
        """The line in the file, counted from 1. It is computed on access, to save time."""
        return self.text.line_in_file(self.field.line) if self.text and not self.node else self.field.line


class Spec(Record):
    """A fieldSpec of `configurations`: a path in resources of a group and a kind. An empty text matches all."""

    group: str
    kind: str
    path: str

    def matches(self, resource: ResourceRef, location: Location) -> bool:
        """Return whether the fieldSpec selects the field at `location` in a resource."""
        group, slash, _ = resource.api_version.partition("/")
        keys = [key.removesuffix("[]") for key in self.path.strip("/").split("/")]
        return (
            self.kind in ("", resource.kind)
            and (not self.group or not resource.api_version or self.group == (group if slash else ""))
            and keys == [step for step in location if isinstance(step, str)]
        )


class Route:
    """One image in one build, with the entries of `images` that kustomize applies to it.

    `root` is the key of the kustomization that is built. If the build contains an image several times, for example
    through two bases, `way` distinguishes its routes. If `scalar` is None, the source of the image is unknown.
    `steps` contains each entry and how often kustomize applies it. `reading` is set if the steps depend on the
    version of kustomize.
    """

    __slots__ = (
        "image", "is_known", "location", "reading", "resource", "root",
        "scalar", "start", "steps", "times", "usage", "way"
    )  # fmt: skip

    def __init__(self, start: str, scalar: Scalar | None, field: FoundField | None) -> None:
        self.root = ""
        self.way = ""
        self.scalar = scalar
        self.start = start
        self.image = start  # after the steps so far
        self.steps: list[tuple[Entry, int]] = []
        self.reading = ""
        self.location: Location = field.location if field else ()
        self.resource: ResourceRef = field.resource if field else NO_REF
        self.usage: Usage = field.usage if field else NO_CONTAINER
        self.is_known = field.is_known if field else True
        self.times = field.times if field else 1

    def copy(self) -> Route:
        """Return a copy with its own list of steps."""
        other = copy(self)
        other.steps = list(self.steps)
        return other

    @property
    def identity(self) -> tuple[Any, ...]:
        """A key that identifies the route: two routes with equal keys are the same route."""
        return self.root, self.way, self.reading, self.scalar, self.start, self.location


class Copy(Record):
    """A replacement or variable (`vars`), which copies a field. This program does not set the target of the copy.

    `node` is its location. The field at `path` in the resource with the kind `source` and the name `name` is
    copied. If the target is an image, `location` is its location in the resource `target`. If only a part of the
    image is replaced, `part` is "tag", or "text" for any other part.
    """

    node: Node
    what: str
    source: str
    name: str
    path: str
    target: ResourceRef = NO_REF
    location: Location = ()
    part: str = ""

    def has_source(self, route: Route) -> bool:
        """Return whether the image of a route is copied."""
        return _selects(self.source, self.name, route) and _same_path(self.path, route.location)

    def replaces(self, route: Route) -> bool:
        """Return whether a part of the image of a route is replaced."""
        selected = _selects(self.target.kind, self.target.name, route)
        return bool(self.part) and selected and route.location == self.location

    def destroys(self, old: str, new: str) -> bool:
        """Return whether the replacement would overwrite a part in which `new` can differ from `old`."""
        return old != new and (self.part != "tag" or split_image(old)[1:] != split_image(new)[1:])


class Unknown(Record):
    """A source of images that cannot be read: the node that refers to it, and a description for messages."""

    node: Node
    what: str


#: Returns the image fields of the file with a key. If a `Text` is passed, returns those of this string in a file.
FieldsOf: TypeAlias = Callable[[str, Text | None], Iterable[FoundField] | None]


class Flows:
    """The routes of all builds, and the sources of images that cannot be read.

    `fields` returns the image fields of a file or of a string in a file; None if the text cannot be read. `hard`
    contains the keys of the kustomizations that no other kustomization uses, and `soft` the keys of bases.
    """

    def __init__(self, reader: Reader, hard: Iterable[str], soft: Iterable[str], fields: FieldsOf) -> None:
        self.routes: list[Route] = []
        self.copies: dict[tuple[str, Location], Copy] = {}
        self.unknown: dict[tuple[str, Location], Unknown] = {}
        self.entries: dict[Entry, bool] = {}  # the value is whether the entry matches an image
        #: For each entry, the keys in `unknown` of the sources whose images kustomize applies the entry to.
        self.unknown_of: dict[Entry, set[tuple[str, Location]]] = {}
        #: The files that a generator puts into a ConfigMap or Secret, each with its key in `data`.
        self.text_files: dict[str, str] = {}
        self.specs: list[Spec] = []
        self.hard = list(hard)
        self.reader = reader
        self.fields = fields
        self._scalars: dict[tuple[str, int], Scalar] = {}
        #: For each build, the keys of the texts with images and of the kustomizations that it contains.
        self.texts: dict[str, set[str]] = {}
        self.kustomizations: dict[str, set[str]] = {}
        roots = [*self.hard, *soft]
        self.budget = _MOST_KUSTOMIZATIONS[0] + _MOST_KUSTOMIZATIONS[1] * len(roots)
        for root in roots:
            build = _Build(self, root)
            for route in build.routes:
                route.root = root
            self.routes += build.routes
            self.texts[root] = build.texts
            self.kustomizations[root] = build.kustomizations

    def started(self, key: str, text: Text | None, target: ResourceRef = NO_REF) -> list[Route]:
        """Return a new route for each image in a text. `target` is the resource that a JSON patch changes.

        `text` is set if the text is a string in a file.
        """
        routes = []
        for field in self.fields(key, text) or ():
            if field.is_patch:
                field = field._replace(resource=target)  # noqa: PLW2901
            scalar = self._scalar(key, text, field)
            route = Route(field.image, scalar, field)
            if field.is_volume:
                route.reading = BEFORE_VOLUMES
                newer = route.copy()
                newer.reading, newer.times = WITH_VOLUMES, 1
                routes.append(newer)
            routes.append(route)
        return routes

    def value(self, node: Node, field: FoundField, changes: Callable[[str], Written] | None = None) -> Route:
        """Return the route of an image that is the value of a node. `changes` is stored in its `Scalar`."""
        scalar = self._scalar(node.text.key, node.text, field, node)
        scalar.changes = changes
        return Route(field.image, scalar, field)

    def _scalar(self, key: str, text: Text | None, field: FoundField, node: Node | None = None) -> Scalar:
        place = key, field.offset
        if place not in self._scalars:
            is_writable = (text.file.key if text else key) in self.reader.sources.names
            self._scalars[place] = Scalar(key, text, node, field, is_writable=is_writable)
        return self._scalars[place]


# A kustomization can refer to the same base many times, at every level. These limits prevent an endless run: all
# builds together can contain the first number of kustomizations, plus the second number for each build.
_MOST_KUSTOMIZATIONS: Final = (10_000, 20)


#: The fields of a kustomization in lower case, grouped by the step of the build that reads them.
_SOURCES: Final = frozenset(
    (
        "components", "configmapgenerator", "configurations", "generators", "helmcharts",
        "helmchartinflationgenerator", "secretgenerator",
    )
)  # fmt: skip
_WITH_IMAGES: Final = _SOURCES - {"components", "configurations"} | {"resources", "bases"}
_PATCHES: Final = frozenset(("patches", "patchesstrategicmerge", "patchesjson6902"))
_LAST: Final = frozenset(("replacements", "transformers", "vars"))


class _Build:
    """The build of one kustomization: collects the routes of its images."""

    def __init__(self, flows: Flows, root: str) -> None:
        self._flows = flows
        self._reader = flows.reader
        self._stack: list[str] = []
        self.routes: list[Route] = []
        self.texts: set[str] = set()
        self.kustomizations: set[str] = set()
        self._specs: list[Spec] = []
        self._has_sources = False  # whether a kustomization so far names a source of images
        self._is_complete = True  # whether all sources of the images so far are known
        self._unknown: set[tuple[str, Location]] = set()  # the sources so far that cannot be read
        self._generators: list[tuple[str, Node]] = []  # those of ConfigMaps, with their directories
        node = self._reader.kustomization(posixpath.dirname(root))
        if node is not None:
            self._add(posixpath.dirname(root), node)

    def _add(self, directory: str, node: Node) -> None:
        """Add the images of a kustomization or component, and apply its entries to all images so far."""
        self._flows.budget -= 1
        if directory in self._stack or self._flows.budget < 0:
            self._is_complete = False  # kustomize itself reports a cycle
            return
        self._stack.append(directory)
        self.kustomizations.add(node.text.key)
        # Test for groups of fields first, because few are present. Looking up all fields took a third of the time.
        keys = node.names.keys()
        if any(map(node.items, keys & _WITH_IMAGES)):
            self._has_sources = True
        if not self._has_sources:  # such as a component that is built alone
            self._is_complete = False
        for field in ("resources", "bases"):
            for item in node.items(field) if field in keys else ():
                self._add_resource(directory, item)
        if not keys.isdisjoint(_SOURCES):
            self._add_other_sources(directory, node)
        if not keys.isdisjoint(_PATCHES):
            self._add_patches(directory, node)
        for field in ("images", "imageTags"):
            for item in node.items(field) if field.lower() in keys else ():
                self._apply(item, self._specs)
        if not keys.isdisjoint(_LAST):
            self._add_last(directory, node)
        self._stack.pop()

    def _add_other_sources(self, directory: str, node: Node) -> None:
        for item in node.items("configurations"):
            documents = self._reader.documents(directory, item.string())
            specs = [_spec(spec) for root in documents for spec in root.items("images")]
            self._specs += specs
            self._flows.specs += specs
        for field in ("generators", "helmCharts", "helmChartInflationGenerator"):
            for item in node.items(field):
                kind = "chart" if "helm" in field else "generator"
                name = item.string("name") or item.string().partition("\n")[0]
                self._lose(item, f'the {kind} "{name}"')
                if field == "helmCharts":
                    self._add_chart(directory, item, node.child("helmGlobals").string("chartHome") or "charts")
        for field in ("configMapGenerator", "secretGenerator"):
            for item in node.items(field):
                self._add_text_files(directory, item)
        # Not those of Secrets, because messages must not show their values.
        self._generators += ((directory, item) for item in node.items("configMapGenerator"))
        for item in node.items("components"):
            path = self._reader.resolved(directory, item.string())
            component = None if path is None else self._reader.kustomization(path)
            if component is None or path is None:
                self._lose(item, f'the component "{item.string()}"')
            else:
                self._add(path, component)

    def _add_chart(self, directory: str, chart: Node, charts: str) -> None:
        """Add the images in the values of a chart. Assume that the chart uses each of them for a container."""
        for source, field in chart_images(values_sources(self._reader, directory, chart, charts)):
            route = None if source is None else self._chart_route(source, field)
            if route is None:  # the values are in several files, or in a file that is not read
                found = FoundField(chart.offset, chart.line, field.current, CHART_IMAGE, NO_REF, field.usage)
                route = Route(field.current, Scalar(chart.text.key, None, chart, found, is_writable=False), found)
            self.routes.append(route)

    def _chart_route(self, source: Node, field: ImageField) -> Route | None:
        offset = source.root.offset(field.location)
        if source.location:
            node = Node(source.text, source.number, field.location, None)
            found = FoundField(offset, node.line, field.current, CHART_IMAGE, NO_REF, field.usage)
            return self._flows.value(node, found, field.changes)
        self.texts.add(source.text.key)
        routes = self._flows.started(source.text.key, None)
        return next((route for route in routes if route.scalar and route.scalar.offset == offset), None)

    def _add_patches(self, directory: str, node: Node) -> None:
        for item in node.items("patchesStrategicMerge"):
            self._add_patch(directory, item, NO_REF, is_file="\n" not in item.string())
        for field in ("patches", "patchesJson6902"):
            for item in node.items(field):
                target = _target(item.child("target"))
                if item.string("path"):
                    self._add_patch(directory, item.child("path"), target, is_file=True)
                elif item.string("patch"):
                    self._add_patch(directory, item.child("patch"), target, is_file=False)

    def _add_last(self, directory: str, node: Node) -> None:
        self._replace(directory, node.items("replacements"))
        for item in node.items("transformers"):
            self._add_transformer(directory, item)
        for item in node.items("vars"):
            path = item.child("fieldref").string("fieldpath")
            if "image" in path:
                source = item.child("objref")
                what = f"the variable {item.string('name')}"
                self._copy(Copy(item, what, source.string("kind"), source.string("name"), path))

    def _add_resource(self, directory: str, item: Node) -> None:
        path = self._reader.resolved(directory, item.string())
        base = None if path is None or not item.string() else self._reader.kustomization(path)
        if base is not None and path is not None:
            # Apply the entries of the base only to the images of the base, before this kustomization continues.
            outer, self.routes = self.routes, []
            specs, self._specs = self._specs, []
            is_complete, self._is_complete = self._is_complete, True
            has_sources, self._has_sources = self._has_sources, False
            unknown, self._unknown = self._unknown, set()
            self._add(path, base)
            for route in self.routes:
                route.way += f"@{item.location[-1]}{item.string()}"
            self.routes = outer + self.routes
            self._specs = specs + self._specs
            self._is_complete = is_complete and self._is_complete
            self._has_sources = has_sources
            self._unknown |= unknown
        elif path is not None and self._can_read(path):
            self._start(path, None)
        else:
            self._lose(item, f'the resource "{item.string()}"')

    def _can_read(self, key: str) -> bool:
        """Return whether the images of a file are known. A file with only comments contains no images."""
        if self._flows.fields(key, None) is not None:
            return True
        text = self._reader.text(key)
        return text is not None and not any(node.value for node in text.documents)

    def _add_text_files(self, directory: str, generator: Node) -> None:
        for item in generator.items("files"):
            key, _, file = item.string().rpartition("=")
            path = self._reader.resolved(directory, file)
            if path is not None:
                self._flows.text_files.setdefault(path, key or posixpath.basename(file))

    def _generated(self, copy: Copy) -> Iterator[Route]:
        """Yield a route for each value of a generated ConfigMap that a replacement copies."""
        for directory, generator in self._generators:
            resource = ResourceRef("v1", "ConfigMap", generator.string("name"), "")
            for node, pair in self._pairs(directory, generator):
                key, _, value = pair.partition("=")
                location = ("data", key)
                if _same_path(copy.path, location):
                    image = value.strip("'\"")  # as in kustomize
                    field = FoundField(
                        node.offset, node.line, image, location, resource, NO_CONTAINER, is_known=False
                    )
                    route = Route(image, Scalar(node.text.key, None, node, field, is_writable=False), field)
                    if copy.has_source(route):
                        yield route

    def _pairs(self, directory: str, generator: Node) -> Iterator[tuple[Node, str]]:
        """Yield the pairs `KEY=VALUE` of a generator, each with its node or with the node of its file."""
        for item in generator.items("literals"):
            yield item, item.string()
        for item in (*generator.items("envs"), generator.child("env")):
            path = self._reader.resolved(directory, item.string())
            text = self._reader.sources.read(path) if path and item.string() else None
            yield from ((item, line.strip()) for line in (text or "").splitlines())

    def _start(self, key: str, text: Text | None, target: ResourceRef = NO_REF) -> None:
        self.texts.add(key)
        self.routes += self._flows.started(key, text, target)

    def _lose(self, item: Node, what: str) -> None:
        self._is_complete = False
        self._note_unknown(item, what)

    def _note_unknown(self, item: Node, what: str) -> None:
        key = item.text.key, item.location
        self._flows.unknown.setdefault(key, Unknown(item, what))
        self._unknown.add(key)

    def _copy(self, copy: Copy) -> None:
        self._flows.copies.setdefault((copy.node.text.key, (*copy.node.location, copy.what)), copy)

    # Entries

    def _apply(self, node: Node, specs: Iterable[Spec]) -> None:
        """Apply an entry of `images` to all images so far."""
        entry = self._reader.entry(node)
        if entry is None or not entry.keys.name:
            return
        has_matched = False
        self._flows.entries.setdefault(entry, False)
        self._flows.unknown_of.setdefault(entry, set()).update(self._unknown)
        for route in self.routes:
            times = route.times or sum(spec.matches(route.resource, route.location) for spec in specs)
            if not times:
                continue
            route.steps.append((entry, times))
            new = applied(entry.keys, route.image, times)
            if new is not None:
                has_matched, route.image = True, new
        if has_matched:
            self._flows.entries[entry] = True
        elif not self._is_complete and matches(entry.keys.name, entry.keys.name):
            # Assume that the entry matches an image from a source that cannot be read.
            self._flows.entries[entry] = True
            route = Route(entry.keys.name, None, None)
            route.steps.append((entry, 1))
            route.image = entry.keys.applied(route.start)
            route.way = f"{node.text.key}{node.location}"
            self.routes.append(route)

    # Patches

    def _add_patch(self, directory: str, item: Node, target: ResourceRef, *, is_file: bool) -> None:
        if is_file:
            path = self._reader.resolved(directory, item.string())
            if path is None or not self._can_read(path):
                self._note_unknown(item, f'the patch "{item.string()}"')
            else:
                self._start(path, None, target)
            return
        text = self._reader.string(item)
        if text is not None:
            self._start(text.key, text, target)

    def _add_transformer(self, directory: str, item: Node) -> None:
        first, is_inline, _ = item.string().partition("\n")
        path = self._reader.resolved(directory, first)
        text = self._reader.string(item) if is_inline else None if path is None else self._reader.text(path)
        documents = text.documents if text else []
        if text is None or not all(isinstance(node.value, dict) for node in documents):
            self._note_unknown(item, f'the transformer "{first}"')
            return
        for node in documents:
            self._add_builtin(directory, node)

    def _add_builtin(self, directory: str, node: Node) -> None:
        kind = node.string("kind")
        if node.string("apiVersion") != "builtin":
            self._note_unknown(node, f'the transformer "{kind}"')
        elif kind == "ImageTagTransformer":
            self._apply(node.child("imageTag"), list(map(_spec, node.items("fieldSpecs"))))
        elif kind in ("PatchTransformer", "PatchJson6902Transformer", "PatchStrategicMergeTransformer"):
            target = _target(node.child("target"))
            for field in ("jsonOp", "patch", "patches"):
                if node.string(field):
                    self._add_patch(directory, node.child(field), target, is_file=False)
            for at in [node.child("path")] * bool(node.string("path")) + node.items("paths"):
                self._add_patch(directory, at, target, is_file=True)
        elif kind == "ReplacementTransformer":
            self._replace(directory, node.items("replacements"))

    # Replacements

    def _replace(self, directory: str, replacements: Iterable[Node]) -> None:
        for item in replacements:
            if item.string("path") and not item.items("targets"):
                for root in self._reader.documents(directory, item.string("path")):
                    self._replace(directory, root.items() or [root])
                continue
            for target in item.items("targets"):
                for field_path in target.items("fieldPaths"):
                    self._replace_field(item, target, field_path)

    def _replace_field(self, item: Node, target: Node, path: Node) -> None:
        source, to = item.child("source"), _target(target.child("select"))
        from_, into = source.string("fieldPath"), path.string()
        options = target.child("options")
        copy = Copy(path, f"the replacement into {into}", source.string("kind"), source.string("name"), from_)
        if not _is_image_path(into):
            if _is_image_path(from_):
                self._copy(copy)
            return
        delimiter, part = options.string("delimiter"), ""
        if delimiter or source.child("options").string("delimiter"):
            part = "tag" if delimiter == ":" and options.child("index").value == 1 else "text"
        field = FoundField(0, path.line, item.string("sourceValue"), _location(into), to, NO_CONTAINER)
        if item.string("sourceValue") and not part:
            node = item.child("sourceValue")
            self.routes.append(self._flows.value(node, field._replace(offset=node.offset, line=node.line)))
            return
        sources = [route for route in self.routes if route.scalar and route.is_known and copy.has_source(route)]
        if part or not sources:
            self._copy(copy._replace(target=to, location=field.location, part=part))
            if not part:
                self.routes += self._generated(copy)
            return
        for route in sources:
            target_route = route.copy()
            target_route.way += f">{path.line}{path.location}"
            target_route.resource, target_route.location, target_route.times = to, field.location, field.times
            self.routes.append(target_route)


def _selects(kind: str, name: str, route: Route) -> bool:
    """Return whether the resource of a route has this kind and name. An empty kind or name matches all."""
    resource = route.resource
    return kind in ("", resource.kind) and (name in ("", resource.name) or not resource.name)


def _spec(node: Node) -> Spec:
    return Spec(node.string("group"), node.string("kind"), node.string("path"))


def _target(node: Node) -> ResourceRef:
    """Return the resource that the fields of `target` select. A missing field is empty in the result."""
    group, version = node.string("group"), node.string("version")
    return ResourceRef("/".join(filter(None, (group, version))), node.string("kind"), node.string("name"), "")


def _is_image_path(path: str) -> bool:
    return path.rpartition(".")[2] in ("image", "reference")


_STEP: Final = r"\[[^]]*\]|(?:\\.|[^.\[\\])+"


def _location(path: str) -> Location:
    """Return the location for a field path of a replacement. An item such as `[name=web]` gets the index 0."""
    return tuple(
        0 if step.startswith("[") or step == "*" else int(step) if step.isdecimal() else step
        for step in re.findall(_STEP, path)
    )


def _same_path(path: str, location: Location) -> bool:
    steps = re.findall(_STEP, path)
    return len(steps) == len(location) and all(
        step == str(at) or (isinstance(at, int) and (step.startswith("[") or step == "*"))
        for step, at in zip(steps, location, strict=True)
    )


# How kustomize matches names


_TAIL: Final = r"(:[a-zA-Z0-9_.{}-]*)?(@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{}-]*)?"
#: The special characters of regular expressions, except the dot, because a dot also matches itself.
METACHARACTERS: Final = frozenset("*+?|()[]{}^$\\")


@lru_cache(maxsize=65536)
def matches(name: str, image: str) -> bool:
    """Return whether an entry with this `name` matches an image. kustomize reads it as a regular expression."""
    if not name:
        return False
    if METACHARACTERS.intersection(name):
        pattern = _pattern(name)
        return pattern is not None and pattern.search(image) is not None
    # Compiling a regular expression for each name took a fifth of the time of `list`.
    head, tail = image[: len(name)], image[len(name) :]
    if head != name and (len(head) < len(name) or any(a not in (b, ".") for a, b in zip(name, head, strict=True))):
        return False
    return not tail or re.fullmatch(_TAIL, tail) is not None


@lru_cache(maxsize=1024)
def _pattern(name: str) -> re.Pattern[str] | None:
    try:
        return re.compile(f"^{name}{_TAIL}\\Z")
    except (re.error, OverflowError, RecursionError):
        return None


def applied(keys: EntryKeys, image: str, times: int) -> str | None:
    """Apply an entry to an image `times` times, and return the new image; None if the entry does not match."""
    if not matches(keys.name, image):
        return None
    for _ in range(times):
        if not matches(keys.name, image):
            break
        image = keys.applied(image)
    return image
