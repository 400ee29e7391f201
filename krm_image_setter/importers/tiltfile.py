"""The importer for Tiltfiles: imports the images that Tilt builds, the paths of images, and the default registry.

The Starlark functions are defined in `internal/tiltfile` (k8s.go, docker.go) of tilt-dev/tilt, and in
tilt-dev/tilt-extensions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from krm_image_setter.config.decode import message_with_column
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.images import check_reference, default_registry
from krm_image_setter.importers import NOT_IMPORTED, Imported, Note, Source
from krm_image_setter.importers.starlark import (
    Arguments,
    Function,
    NotReadError,
    Value,
    is_text,
    read_calls,
    shortened,
)
from krm_image_setter.importers.writing import Entry, Kinds, Node, block, images_to_complete, imported, listed
from krm_image_setter.paths import parse_path
from krm_image_setter.typed import Final, Record


def is_tiltfile(source: Source) -> bool:
    """Return whether the name of a source is the name of a Tiltfile."""
    return source.name.startswith("Tiltfile") or source.name.lower().endswith((".tiltfile", ".star"))


def import_tiltfile(source: Source) -> Imported:
    """Convert a Tiltfile to an ImageSetter. Raises InputError if it is not Starlark, or is nested too deeply."""
    tiltfile = _Tiltfile()
    try:
        notes = read_calls(source.text, tiltfile.functions())
    except InputError as error:
        raise error.at(file=source.file) from error
    notes = sorted([*notes, *_without_images_outside_registry(tiltfile)], key=lambda note: note.line)
    return imported(source.file, _lines(tiltfile), notes)


def _without_images_outside_registry(tiltfile: _Tiltfile) -> Iterator[Note]:
    """Remove the images that have no valid name in the default registry. Yield a note about each of them."""
    for registry in [*tiltfile.registries][:1]:
        default = default_registry(registry.host_from_cluster or registry.host, registry.single_name or None)
        for ref, image in [*tiltfile.images.items()]:
            try:
                default.new_name(check_reference(ref))
            except ImageSetterError as error:
                del tiltfile.images[ref]
                yield Note(image.line, f"default_registry: {NOT_IMPORTED}{error.message}")


class _Registry(Record):
    """The default registry. The cluster uses `host_from_cluster`, unless it is empty, instead of `host`."""

    host: str
    host_from_cluster: str
    single_name: str


class _Image(Record):
    """An image that Tilt builds: the line of the first call, and the origins and options of all calls."""

    line: int
    origins: dict[str, None]
    options: dict[str, None]


class _Tiltfile:
    def __init__(self) -> None:
        self.images: dict[str, _Image] = {}
        self.kinds = Kinds()
        self.registries: dict[_Registry, dict[str, None]] = {}

    def functions(self) -> dict[str, Function]:
        """Return the functions of Tilt and its extensions that concern images."""
        return {
            "k8s_kind": Function(("kind",), self._k8s_kind),
            "k8s_image_json_path": Function(
                ("paths", "api_version", "kind", "name", "namespace"), self._k8s_image_json_path
            ),
            "default_registry": Function(_Registry._fields, self._default_registry),
            "load": Function(("path",), _load),
            "load_dynamic": Function(("path",), _not_read),
            "include": Function(("path",), _not_read),
            "helm_resource": Function((), _custom_deploy),
            "k8s_custom_deploy": Function((), _custom_deploy),
            "pulumi_resource": Function((), _custom_deploy),
            **{name: Function(parameters, self._build) for name, parameters in _BUILDS.items()},
        }

    def _build(self, arguments: Arguments) -> None:
        ref = arguments.required_text("ref")
        _check(arguments, "ref", partial(check_reference, ref))
        image = self.images.setdefault(ref, _Image(arguments.line, {}, {}))
        image.origins[arguments.origin] = None
        in_env = arguments.value("match_in_env_vars")
        if in_env is True:
            image.options["env"] = None
        elif in_env not in (None, False):
            raise arguments.not_known("match_in_env_vars", in_env)

    def _default_registry(self, arguments: Arguments) -> None:
        registry = _Registry(*map(arguments.text, _Registry._fields))
        # Tilt ignores a default registry without a host.
        if not registry.host:
            return
        host = registry.host_from_cluster or registry.host
        _check(arguments, "host", partial(default_registry, host, registry.single_name or None))
        self.registries.setdefault(registry, {})[arguments.origin] = None
        if registry != next(iter(self.registries)):
            raise arguments.error(f'"{shortened(registry.host)}" is a second default registry; the first is used')

    def _k8s_kind(self, arguments: Arguments) -> None:
        paths = [*_paths(arguments, "image_json_path"), *_image_object(arguments)]
        # A call without paths only declares that the kind has pods.
        if paths:
            arguments.required_text("kind")
        self._add(arguments, paths)

    def _k8s_image_json_path(self, arguments: Arguments) -> None:
        if not any(map(arguments.text, ("kind", "name", "namespace"))):
            raise arguments.error("missing argument `kind`, `name` or `namespace`, which Tilt requires too")
        self._add(arguments, _paths(arguments, "paths"))

    def _add(self, arguments: Arguments, paths: Sequence[Node]) -> None:
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
                    f'imported, but "{shortened(kind)}" is case-sensitive here and not in Tilt; correct its case'
                )
                arguments.notes.append(arguments.note(message))
            self.kinds.add(arguments.origin, {"kind": kind, **others}, paths)


def _load(arguments: Arguments) -> None:
    path = arguments.value("path")
    names = [*arguments.more, *(arguments.values[name] for name in arguments.values if name != "path")]
    extension = path.removeprefix("ext://") if is_text(path) and path.startswith("ext://") else ""
    if not extension or not (extension in _WITHOUT_IMAGES or all(name in _BUILDS for name in names)):
        _not_read(arguments, "import it separately, and copy the functions that this file calls into this file")


def _not_read(arguments: Arguments, remedy: str = "import it separately") -> None:
    path = arguments.required_text("path")
    remedy = "add its entries by hand" if path.startswith("ext://") else remedy
    raise arguments.error(f'"{shortened(path)}" was not read; {remedy}')


def _custom_deploy(arguments: Arguments) -> None:
    if arguments.values.get("image_deps"):
        raise arguments.error(
            "Tilt passes the images in `image_deps` to the command; run krm-image-setter on the YAML it applies"
        )


def _check(arguments: Arguments, parameter: str, read: Callable[[], object], subject: str = "") -> None:
    """Raise NotReadError if `read` raises an error. The argument would make the ImageSetter invalid."""
    try:
        read()
    except ImageSetterError as error:
        raise arguments.invalid(parameter, subject + message_with_column(error)) from error


def _paths(arguments: Arguments, parameter: str) -> list[Node]:
    value = arguments.value(parameter)
    paths: list[Node] = []
    for path in value if isinstance(value, list | tuple) else [value]:
        if path in (None, ""):
            continue
        try:
            paths.append(_path(arguments, parameter, path))
        except NotReadError as error:
            arguments.notes.append(error.note)
    return paths


def _path(arguments: Arguments, parameter: str, path: Value) -> str:
    if not is_text(path):
        raise arguments.not_known(parameter, path)
    _check(arguments, parameter, partial(parse_path, path), f'{parameter} "{shortened(path)}": ')
    return path


def _image_object(arguments: Arguments) -> list[Node]:
    """Return the path of a mapping that contains a split reference, with the names of its fields."""
    value = arguments.value("image_object")
    if not value:
        return []
    keys = {"json_path", "repo_field", "tag_field"}
    if isinstance(value, dict) and value.keys() == keys and all(map(is_text, value.values())):
        path = _path(arguments, "image_object", value["json_path"])
        return [{"path": path, "fields": {"repository": value["repo_field"], "tag": value["tag_field"]}}]
    raise arguments.not_known("image_object", value)


# The following functions convert selectors. In Tilt, a selector is a regular expression (RE2) that matches any
# part of a text and ignores case. In an ImageSetter, a selector matches the whole text and is case-sensitive.
# Users of Tilt expect that a literal text matches the whole name: tilt-dev/tilt#5344 reports that KafkaConnect
# also matched KafkaConnector.


def _alternatives(kind: str) -> list[str]:
    """Return the alternatives of a regular expression: `A` and `B` for `A|B` or `^(A|B)$`."""
    match = re.fullmatch(r"(\^?)\((?:\?:)?([^()?]*)\)(\$?)", kind)
    before, middle, after = match.groups() if match else ("", kind, "")
    parts = middle.split("|")
    return [before + part + after for part in parts] if all(parts) and "(" not in middle else [kind]


def _pattern(arguments: Arguments, field: str, regexp: str) -> str:
    """Convert `regexp` to a pattern with `*` and `?`. Raises NotReadError if there is no equivalent pattern."""
    body = regexp.removeprefix("(?i)")
    from_start, to_end = body.startswith("^"), body.endswith("$")
    body = body.removeprefix("^").removesuffix("$")
    tokens = list(re.finditer(_REGEXP, body))
    # `^$` matches no resource.
    if "".join(token[0] for token in tokens) != body or (regexp and not body):
        message = f'`{field}`: the regular expression "{shortened(regexp)}" has no equivalent with * and ?'
        raise arguments.error(f"{message}; add the entry by hand")
    # In a kind, `.` means any character, because a kind contains no dots. In other fields, `.` usually means a
    # dot.
    words = {"any": "*", "some": "?*", "dot": "?" if field == "kind" else "."}
    pattern = "".join(words.get(token.lastgroup or "", token[0].removeprefix("\\")) for token in tokens)
    if from_start != to_end:
        pattern = f"{pattern}*" if from_start else f"*{pattern}"
    elif field == "api_version" and not from_start:
        pattern = _whole_api_version(pattern)
    return re.sub(r"\*+", "*", pattern if field == "kind" else pattern.lower())


def _whole_api_version(part: str) -> str:
    """Return the pattern of a whole apiVersion. `part` can be an apiVersion, or only its group or version."""
    if re.fullmatch(r"v[0-9]\w*", part):
        return f"*{part}"
    if part and "/" not in part and "*" not in part:
        return f"{part}/*"
    return f"{'*' * part.startswith('/')}{part}{'*' * part.endswith('/')}"


# The following functions write the ImageSetter.


def _lines(tiltfile: _Tiltfile) -> Iterator[str]:
    images = [
        Entry(image.origins, {"name": name, **dict.fromkeys(image.options, True)})
        for name, image in tiltfile.images.items()
    ]
    if tiltfile.registries:
        yield from listed("images", images)
        yield from _default_registry(tiltfile.registries)
    else:
        yield from images_to_complete("A Tiltfile does not contain the new references.", images)
    yield from listed(
        "kinds",
        tiltfile.kinds.entries(),
        "Kinds here must match completely and case-sensitively; Tilt matches any part and ignores case.",
    )


def _default_registry(registries: Mapping[_Registry, dict[str, None]]) -> Iterator[str]:
    registry, origins = next(iter(registries.items()))
    yield from (f"# {origin}" for origin in origins)
    if registry.host_from_cluster:
        yield f"# host as seen from the cluster; Tilt pushes to {registry.host}"
    fields = {"host": registry.host_from_cluster or registry.host, "singleName": registry.single_name}
    yield from block({"defaultRegistry": {key: text for key, text in fields.items() if text}})


# This pattern matches one token of a regular expression that has an equivalent with `*` and `?`.
_REGEXP: Final = r"(?P<any>\.\*)|(?P<some>\.\+)|(?:(?P<dot>\.)|\\[./:-]|[\w/:-])(?![?*+{])"

# The functions that build an image, and the names of their positional parameters. The parameters after the last
# one that the importer needs are omitted. A Tiltfile must import all functions except the first two with `load`.
_BUILDS: Final[dict[str, Sequence[str]]] = {
    "docker_build": (
        "ref", "context", "build_args", "dockerfile", "dockerfile_contents", "cache", "live_update",
        "match_in_env_vars",
    ),
    "custom_build": (
        "ref", "command", "deps", "tag", "disable_push", "skips_local_docker", "live_update", "match_in_env_vars",
    ),
    "earthly_build": ("context", "target", "ref"),
    "earthly_build_with_restart": ("context", "target", "ref"),
    **dict.fromkeys((
        "docker_build_with_restart", "custom_build_with_restart", "docker_build_sub", "image_build", "kim_build",
        "ko_build", "kubectl_build", "nerdctl_build", "podman_build", "podman_build_with_restart",
        "build_nix_image", "build_flake_image",
    ), ("ref",)),
}  # fmt: skip

# The extensions in tilt-dev/tilt-extensions (July 2026) that neither build an image nor declare a kind. Calls of
# `helm_resource` and `pulumi_resource` are read for their `image_deps`.
_WITHOUT_IMAGES: Final = frozenset((
    "api_server_logs", "base64", "cancel", "cert_manager", "color", "configmap", "coreos_prometheus",
    "current_namespace", "deployment", "dotenv", "execute_in_pod", "github_token", "global_vars", "hasura",
    "hello_world", "helm_remote", "helm_resource", "honeycomb", "jest_test_runner", "k8s_attach", "k8s_yaml_glob",
    "kubefwd", "list_dependencies", "list_port_forwards", "local_output", "logger", "min_k8s_version",
    "min_tilt_version", "namespace", "ngrok", "print_tiltfile_dir", "procfile", "pulumi", "pypiserver", "secret",
    "snyk", "syncback", "tarfetch", "tests", "tests/golang", "tests/javascript", "tilt_inspector", "uibutton",
    "vault_client", "wait_for_it", "workflow", "yarn",
))  # fmt: skip
