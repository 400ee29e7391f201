"""A Tiltfile -> ImageSetter: which images it builds, where it says images live, and its default registry.

The calls are those of tilt-dev/tilt `internal/tiltfile` (k8s.go, docker.go) and of tilt-dev/tilt-extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.images import check_reference, default_registry
from krm_image_setter.importers import Imported, Note
from krm_image_setter.importers.starlark import (
    Arguments,
    Function,
    NotReadError,
    Value,
    is_text,
    read_calls,
    shortened,
)
from krm_image_setter.importers.writing import Entry, Kinds, Node, block, images_to_give, imported, listed
from krm_image_setter.paths import parse_path


def import_tiltfile(text: str, file: str) -> Imported:
    """Return the ImageSetter that says what the Tiltfile `text` says; `file` is its name, for comments and errors.

    Raises InputError where it is not Starlark, or too much to be followed.
    """
    tiltfile = _Tiltfile()
    try:
        notes = read_calls(text, tiltfile.functions())
    except InputError as error:
        raise error.at(file=file) from error
    notes = sorted([*notes, *_left_out(tiltfile)], key=lambda note: note.line)
    return imported(file, _lines(tiltfile), notes)


def _left_out(tiltfile: _Tiltfile) -> Iterator[Note]:
    """Leave out the images that have no name in the default registry, and yield notes that say so."""
    for registry in [*tiltfile.registries][:1]:
        default = default_registry(registry.host_from_cluster or registry.host, registry.single_name or None)
        for ref, image in [*tiltfile.images.items()]:
            try:
                default.new_name(check_reference(ref))
            except ImageSetterError as error:
                del tiltfile.images[ref]
                line = int(next(iter(image.origins)).split()[1].rstrip(","))
                yield Note(line, f"default_registry: {error.message}: add the entry by hand")


class _ImageObject(NamedTuple):
    """A path to a mapping that holds a reference in two fields."""

    json_path: str
    repo_field: str
    tag_field: str


class _Registry(NamedTuple):
    """Where Tilt pushes to, what the cluster calls that, and the one repository there. Empty is not given."""

    host: str
    host_from_cluster: str
    single_name: str


_Path = str | _ImageObject


# An entry is written once, however often it is given; `origins` are the places that give it. Keys of a dict are an
# ordered set.
class _Image(NamedTuple):
    origins: dict[str, None]
    options: dict[str, None]


class _Tiltfile:
    """Gathers what the calls say."""

    def __init__(self) -> None:
        self.images: dict[str, _Image] = {}
        self.kinds = Kinds()
        self.registries: dict[_Registry, dict[str, None]] = {}

    def functions(self) -> dict[str, Function]:
        """Return the functions of Tilt and its extensions that have to do with images."""
        return {
            "k8s_kind": Function(("kind",), self._k8s_kind),
            "k8s_image_json_path": Function(
                ("paths", "api_version", "kind", "name", "namespace"), self._k8s_image_json_path
            ),
            "default_registry": Function(_Registry._fields, self._default_registry),
            "load": Function(("path",), _load),
            "load_dynamic": Function(("path",), _not_followed),
            "include": Function(("path",), _not_followed),
            "helm_resource": Function((), _custom_deploy),
            "k8s_custom_deploy": Function((), _custom_deploy),
            **{name: Function(parameters, self._build) for name, parameters in _BUILDS.items()},
        }

    def _build(self, arguments: Arguments) -> None:
        ref = arguments.required_text("ref")
        _check(arguments, "ref", partial(check_reference, ref))
        image = self.images.setdefault(ref, _Image({}, {}))
        image.origins[arguments.origin] = None
        in_env = arguments.value("match_in_env_vars")
        if in_env is True:
            image.options["env"] = None
        elif in_env not in (None, False):
            raise arguments.not_known("match_in_env_vars", in_env)

    def _default_registry(self, arguments: Arguments) -> None:
        registry = _Registry(*map(arguments.text, _Registry._fields))
        if not registry.host:  # as good as no call
            return
        host = registry.host_from_cluster or registry.host
        _check(arguments, "host", partial(default_registry, host, registry.single_name or None))
        self.registries.setdefault(registry, {})[arguments.origin] = None
        if registry != next(iter(self.registries)):
            raise arguments.error(
                f'"{shortened(registry.host)}" is a second one, and there can be one: choose by hand'
            )

    def _k8s_kind(self, arguments: Arguments) -> None:
        paths = [*_paths(arguments, "image_json_path"), *_image_object(arguments)]
        if paths:  # else it only says that there are pods
            arguments.required_text("kind")
        self._add(arguments, paths)

    def _k8s_image_json_path(self, arguments: Arguments) -> None:
        if not any(map(arguments.text, ("kind", "name", "namespace"))):
            raise arguments.error("kind, name or namespace is missing, Tilt wants one too: add it")
        self._add(arguments, _paths(arguments, "paths"))

    def _add(self, arguments: Arguments, paths: Sequence[_Path]) -> None:
        if not paths:
            return
        others = {
            name: _pattern(arguments, field, arguments.text(field))
            for field, name in (("api_version", "apiVersion"), ("name", "name"), ("namespace", "namespace"))
        }
        for regexp in _alternatives(arguments.text("kind")):
            kind = _pattern(arguments, "kind", regexp)
            if re.match("[a-z]", kind):
                message = (
                    f'Tilt finds "{shortened(kind)}" in any case, this as it stands: write it as the kind does'
                )
                arguments.notes.append(arguments.error(message).note)
            self.kinds.add(arguments.origin, {"kind": kind, **others}, map(_path_node, paths))


def _load(arguments: Arguments) -> None:
    path = arguments.value("path")
    names = [*arguments.more, *(arguments.values[name] for name in arguments.values if name != "path")]
    if not (is_text(path) and path.startswith("ext://") and all(name in _BUILDS for name in names)):
        _not_followed(arguments)


def _not_followed(arguments: Arguments) -> None:
    path = arguments.required_text("path")
    cure = "add by hand what it gives" if path.startswith("ext://") else "import that file too"
    raise arguments.error(f'"{shortened(path)}" is not read: {cure}')


def _custom_deploy(arguments: Arguments) -> None:
    if arguments.values.get("image_deps"):
        raise arguments.error("the command that it runs sets its image_deps: set them in what that command writes")


def _check(arguments: Arguments, parameter: str, read: Callable[[], object], told_of: str = "") -> None:
    """Raise NotReadError where `read` refuses what the parameter gives, as it would refuse the ImageSetter."""
    try:
        read()
    except ImageSetterError as error:
        column = f", column {error.column}" if error.column is not None else ""
        raise arguments.refused(parameter, f"{told_of}{error.message}{column}") from error


def _paths(arguments: Arguments, parameter: str) -> list[_Path]:
    value = arguments.value(parameter)
    paths: list[_Path] = []
    for path in value if isinstance(value, list | tuple) else [value]:
        if path in (None, ""):
            continue
        try:
            paths.append(_path(arguments, parameter, path))
        except NotReadError as error:  # the others may be known
            arguments.notes.append(error.note)
    return paths


def _path(arguments: Arguments, parameter: str, path: Value) -> str:
    if not is_text(path):
        raise arguments.not_known(parameter, path)
    _check(arguments, parameter, partial(parse_path, path), f'{parameter} "{shortened(path)}": ')
    return path


def _image_object(arguments: Arguments) -> list[_Path]:
    value = arguments.value("image_object")
    if not value:
        return []
    if isinstance(value, dict) and value.keys() == set(_ImageObject._fields) and all(map(is_text, value.values())):
        _path(arguments, "image_object", value["json_path"])
        return [_ImageObject(**value)]
    raise arguments.not_known("image_object", value)


# Selectors. Tilt's are regular expressions (RE2) that fit anywhere and in any case; ours fit the whole, in its
# case. Who writes a literal one means the whole (tilt-dev/tilt#5344: KafkaConnect also found KafkaConnector).


def _alternatives(kind: str) -> list[str]:
    """Return the regular expressions that `A|B` or `^(A|B)$` stands for."""
    match = re.fullmatch(r"(\^?)\((?:\?:)?([^()?]*)\)(\$?)", kind)
    before, middle, after = match.groups() if match else ("", kind, "")
    parts = middle.split("|")
    return [before + part + after for part in parts] if all(parts) and "(" not in middle else [kind]


def _pattern(arguments: Arguments, field: str, regexp: str) -> str:
    """Return the pattern that fits what `regexp` does. Raises NotReadError where `*` and `?` can't say it."""
    body = regexp.removeprefix("(?i)")
    from_start, to_end = body.startswith("^"), body.endswith("$")
    body = body.removeprefix("^").removesuffix("$")
    tokens = list(re.finditer(_REGEXP, body))
    if "".join(token[0] for token in tokens) != body or (regexp and not body):  # ^$ is a text that nothing has
        raise arguments.error(f'{field} "{shortened(regexp)}" can\'t be said with * and ?: add the entry by hand')
    # No kind has a dot in it; everywhere else it is one.
    words = {"any": "*", "some": "?*", "dot": "?" if field == "kind" else "."}
    pattern = "".join(words.get(token.lastgroup or "", token[0].removeprefix("\\")) for token in tokens)
    if from_start != to_end:
        pattern = f"{pattern}*" if from_start else f"*{pattern}"
    elif field == "api_version" and not from_start:
        pattern = _whole_api_version(pattern)
    return re.sub(r"\*+", "*", pattern if field == "kind" else pattern.lower())


def _whole_api_version(part: str) -> str:
    """Return the pattern for an apiVersion of which perhaps only the group or the version is said."""
    if re.fullmatch(r"v[0-9]\w*", part):
        return f"*{part}"
    if part and "/" not in part and "*" not in part:
        return f"{part}/*"
    return f"{'*' * part.startswith('/')}{part}{'*' * part.endswith('/')}"


# What is written


def _lines(tiltfile: _Tiltfile) -> Iterator[str]:
    images = [
        Entry(image.origins, {"name": name, **dict.fromkeys(image.options, True)})
        for name, image in tiltfile.images.items()
    ]
    if tiltfile.registries:
        yield from listed("images", images)
        yield from _default_registry(tiltfile.registries)
    else:
        yield from images_to_give("A Tiltfile doesn't say the new references.", images)
    yield from listed(
        "kinds",
        tiltfile.kinds.entries(),
        "These fit as a whole and in their case, in Tilt in any case and as a part too; * is any text.",
    )


def _default_registry(registries: Mapping[_Registry, dict[str, None]]) -> Iterator[str]:
    registry, origins = next(iter(registries.items()))
    yield from (f"# {origin}" for origin in origins)
    if registry.host_from_cluster:
        yield f"# as the cluster calls it; Tilt pushes to {registry.host}"
    fields = {"host": registry.host_from_cluster or registry.host, "singleName": registry.single_name}
    yield from block({"defaultRegistry": {key: text for key, text in fields.items() if text}})


def _path_node(path: _Path) -> Node:
    if isinstance(path, str):
        return path
    return {"path": path.json_path, "fields": {"repository": path.repo_field, "tag": path.tag_field}}


# The part of a regular expression that `*` and `?` can say.
_REGEXP: Final = r"(?P<any>\.\*)|(?P<some>\.\+)|(?:(?P<dot>\.)|\\[./:-]|[\w/:-])(?![?*+{])"

# The functions that build an image, and their positional parameters as far as we ask for them. All but the first
# two come by `load`.
_BUILDS: Final[dict[str, Sequence[str]]] = {
    "docker_build": (
        "ref", "context", "build_args", "dockerfile", "dockerfile_contents", "cache", "live_update",
        "match_in_env_vars",
    ),
    "custom_build": (
        "ref", "command", "deps", "tag", "disable_push", "skips_local_docker", "live_update", "match_in_env_vars",
    ),
    "docker_build_with_restart": ("ref",),
    "custom_build_with_restart": ("ref",),
    "docker_build_sub": ("ref",),
    "earthly_build": ("context", "target", "ref"),
    "earthly_build_with_restart": ("context", "target", "ref"),
    "image_build": ("ref",),
    "kim_build": ("ref",),
    "ko_build": ("ref",),
    "kubectl_build": ("ref",),
    "nerdctl_build": ("ref",),
    "podman_build": ("ref",),
    "podman_build_with_restart": ("ref",),
    "build_nix_image": ("ref",),
    "build_flake_image": ("ref",),
}  # fmt: skip
