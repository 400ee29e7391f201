"""Makes cases from real YAML: inserts images, makes a matching configuration, and mutates the source."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from differential.model import NonString
from differential.model.paths import Match, everything
from differential.model.references import Reference, familiar, host_and_path, normalized, parse
from differential.mutate import mutate
from differential.source import Node, Source, UnreadableError, content_span, is_merge, read
from differential.writing import Writer, node_of

ROOT: Final = Path(__file__).parents[1]
#: The directory with real manifests, next to the repository. It is optional.
CORPUS: Final = ROOT.parent / "shared" / "corpus"
_LONGEST: Final = 3_000  # characters of a document

TAGS: Final = ("2", "1.20", "v9-x", "1e3", "0777", "on", "null", "0x1F", "latest", "_x", "1_0", "2.0.0-rc.1", "12")
NAMES: Final = (
    "nginx", "redis", "busybox", "kafkaconnect", "quay.io/shop/web", "ghcr.io/new/name", "registry.example:5000/team/app",
    "localhost:5000/nginx", "foo/nginx", "docker.io/library/redis", "index.docker.io/library/nginx", "library/redis",
    "12", "docker.io/team/app", "[::1]:5000/nginx",
)  # fmt: skip
HOSTED: Final = tuple(name for name in NAMES if host_and_path(name)[0])
DIGESTS: Final = tuple(f"sha256:{digit * 64}" for digit in "0a7") + ("sha512:" + "b" * 128,)
SUFFIXES: Final = ("-alpine", "-arm64", "_1")


@dataclass
class Case:
    """One case: the input, the configuration, and the way to run the program (`mode`: library, fork or process).

    If `is_list` is true, the text is a ResourceList, which also contains the configuration. `origin` is the source
    of the YAML, and `done` counts the mutations.
    """

    text: str
    config: dict[str, Any]
    config_text: str
    mode: str = "library"
    is_list: bool = False
    origin: str = ""
    done: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        fields = ("text", "config", "config_text", "mode", "is_list", "origin")
        return {name: getattr(self, name) for name in fields} | {"done": dict(self.done)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Case:
        return cls(**{**data, "done": Counter(data.get("done", {}))})


class Unfit(Exception):  # noqa: N818  (the next case is made instead)
    """No case can be made from a text."""


# --- real YAML -------------------------------------------------------------------------------------------------


@functools.cache
def files() -> dict[str, list[Path]]:
    """Return the files with real YAML, by their origin."""
    here = Path(__file__).parent
    return {
        "seeds": sorted(here.glob("seeds/*.yaml")),
        "fixtures": sorted(ROOT.glob("fixtures/*/input.yaml")),
        "corpus": sorted(path for path in CORPUS.rglob("*.y*ml") if path.is_file()) if CORPUS.is_dir() else [],
    }


@functools.lru_cache(maxsize=2_000)
def pieces(path: Path) -> list[str]:
    """Return the documents of a file that contain resources and are short enough."""
    try:
        text = path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    if len(text) > 400_000:
        return []
    found = []
    for piece in re.split(r"(?m)^---(?:[ \t]*\n|\r\n)", text.removeprefix("\ufeff")):
        if 0 < len(piece) <= _LONGEST and is_resources(piece):
            found.append(piece if piece.endswith("\n") else piece + "\n")
    return found


def is_resources(text: str) -> bool:
    """Return whether all documents have a kind, and none is an ImageSetter, ResourceList or Kustomization."""
    try:
        documents = read(text).data()
    except UnreadableError:
        return False
    return bool(documents) and all(
        isinstance(document, dict)
        and isinstance(document.get("kind"), str)
        and document["kind"] not in ("ImageSetter", "ResourceList", "Kustomization")
        for document in documents
    )


def real_text(random: Random, *, with_corpus: bool) -> tuple[str, str]:
    """Return a text of one to three real documents, and its origin."""
    available = [name for name, paths in files().items() if paths and (with_corpus or name != "corpus")]
    weights = [{"seeds": 3, "fixtures": 0.5, "corpus": 6}[name] for name in available]
    origin = random.choices(available, weights)[0]
    for _ in range(100):
        path = random.choice(files()[origin])
        found = pieces(path)
        if found:
            chosen = [random.choice(found) for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3)))]
            return "---\n".join(chosen), f"{origin}: {path.name}"
    raise Unfit


# --- planting --------------------------------------------------------------------------------------------------


def reference(random: Random) -> str:
    """Return an image reference, or sometimes a placeholder or another unusual value."""
    name, tag, digest = random.choice(NAMES), random.choice(TAGS), random.choice(DIGESTS)
    kind = random.random()
    if kind < 0.6:
        return f"{name}:{tag}"
    if kind < 0.75:
        return name
    if kind < 0.85:
        return f"{name}@{digest}"
    if kind < 0.93:
        return f"{name}:{tag}@{digest}"
    return random.choice(
        (
            f"{name}:${{TAG}}",
            "$(IMAGE)",
            "{{ .Values.image }}",
            "",
            f" {name}:{tag} ",
            f"{name}:{tag}\n",
            "NGINX:1",
        )
    )


def planted_data(random: Random) -> Any:
    """Return data with images: a split reference, a longer text, an embedded document, or containers."""
    kind = random.random()
    name, tag, digest = random.choice(NAMES), random.choice(TAGS), random.choice(DIGESTS)
    if kind < 0.45:
        host, path = host_and_path(name)
        parts = {"registry": host, "repository": path} if host and random.random() < 0.3 else {"repository": name}
        form = random.random()
        if form < 0.4:
            parts["tag"] = tag
        elif form < 0.6:
            parts["tag"] = f"{tag}@{digest}"
        elif form < 0.7:
            parts |= {"tag": tag, "digest": ""}
        elif form < 0.8:
            parts |= {"tag": "", "digest": digest}
        elif form < 0.88 and digest.startswith("sha256:"):
            parts |= {"repository": f"{parts['repository']}@sha256", "tag": digest.removeprefix("sha256:")}
        if random.random() < 0.3:
            parts["pullPolicy"] = "Always"
        items = list(parts.items())
        random.shuffle(items)
        return dict(items)
    if kind < 0.6:
        words = random.choice(
            ("--image={} -x", "docker://{}", "pull {}, then {}", "a\n{}\n", "'{}' oci://{}", "--a --b={},{}")
        )
        return words.format(*(reference(random) for _ in range(words.count("{}"))))
    if kind < 0.8:
        inner: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "inner"},
            "spec": {"containers": [container(random)]},
        }
        if random.random() < 0.4:
            inner = {"image": reference(random), "parts": {"image": {"repository": name, "tag": tag}}}
        if random.random() < 0.4:
            return json.dumps(inner, indent=random.choice((None, 2)))
        return Writer(random).document(node_of(inner))
    return {"containers": [container(random) for _ in range(random.choice((1, 2)))]}


def container(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {"name": random.choice("abc"), "image": reference(random)}
    if random.random() < 0.3:
        made["env"] = [{"name": "IMAGE", "value": reference(random)}]
    if random.random() < 0.3:
        made["args"] = [f"--image={reference(random)}", "-v"]
    if random.random() < 0.3:
        made["imagePullPolicy"] = random.choice(("Always", "Never"))
    items = list(made.items())
    random.shuffle(items)
    return dict(items)


def plant(text: str, random: Random) -> str:
    """Replace some scalar values with image references, or with other data that contain images."""
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        source = read(text)
        nodes = [
            (key, value)
            for document in source.documents
            for mapping in document.walk()
            if mapping.kind == "mapping"
            for key, value in mapping.value
            if value.kind == "scalar" and key.kind == "scalar" and value.style not in ("|", ">") and value.end > value.start
            and key.value not in ("kind", "apiVersion") and not value.anchor and not value.tag and not is_merge(key)
        ]  # fmt: skip
        if not nodes:
            return text
        likely = [
            pair for pair in nodes if "image" in str(pair[0].value).lower() or pair[0].value in ("value", "name")
        ]
        _, value = random.choice(likely if likely and random.random() < 0.5 else nodes)
        start, end = content_span(value, text)
        if random.random() < 0.6:
            writer = Writer(random, {"block scalar": 0, "folded scalar": 0, "multi-line scalar": 0})
            new = writer.scalar(Node("scalar", reference(random), style='"'), 20, flow=True)
        else:
            new = json.dumps(planted_data(random))
        changed = text[:start] + new + text[end:]
        if is_resources(changed):
            text = changed
    return text


# --- configurations --------------------------------------------------------------------------------------------


def strings(data: Any) -> list[Match]:
    return [match for match in everything(data) if isinstance(match.value, str) and match.location]


def spelled(name: str, random: Random) -> str:
    """Return another spelling of a name."""
    spellings = [name, name, name, familiar(name)]
    if normalized(name).startswith("docker.io/"):
        spellings += [normalized(name), "index." + normalized(name)]
    return random.choice(spellings)


def image_entry(old: Reference, random: Random, *, has_containers: list[str]) -> dict[str, Any]:
    """Return an entry of `images` that matches a reference in the text."""
    name = spelled(old.name, random)
    if random.random() < 0.12:
        name += (f":{old.tag}" if old.tag else "") + (f"@{old.digest}" if old.digest else "")
    entry: dict[str, Any] = {"name": name}
    kind = random.random()
    if kind < 0.3:
        entry["newTag"] = random.choice(TAGS)
    elif kind < 0.45:
        entry["newName"] = random.choice(NAMES)
    elif kind < 0.55:
        entry |= {"newName": random.choice(HOSTED), "newTag": random.choice(TAGS)}
    elif kind < 0.65:
        entry["digest"] = random.choice(DIGESTS)
    elif kind < 0.75:
        entry |= {"newTag": random.choice(TAGS), "digest": random.choice(DIGESTS)}
    elif kind < 0.8:
        entry["tagSuffix"] = random.choice(SUFFIXES)
    else:
        entry["newImage"] = f"{random.choice(NAMES)}:{random.choice(TAGS)}" + random.choice(
            ("", "", f"@{random.choice(DIGESTS)}")
        )
    if random.random() < 0.15:
        entry["env"] = True
    if random.random() < 0.15:
        entry["args"] = True
    if has_containers and random.random() < 0.08:
        chosen = random.sample(has_containers, min(len(has_containers), random.choice((1, 2))))
        entry["containers"] = chosen if len(chosen) > 1 or random.random() < 0.5 else chosen[0]
    return entry


_PLAIN_KEY: Final = re.compile(r"[A-Za-z_]\w*")


def path_to(match: Match, random: Random) -> str | None:
    """Return a path that matches a field and possibly others; None if no notation can express it."""
    keys = match.location
    if any(isinstance(key, str) and (re.search(r"['\\\[\]{}\n]", key) or not key) for key in keys):
        return None
    if any(not isinstance(key, (str, int)) for key in keys):
        return None
    if random.random() < 0.15 and _PLAIN_KEY.fullmatch(str(keys[-1])) and isinstance(keys[-1], str):
        return "{.." + keys[-1] + "}" if len(keys) < 2 or random.random() < 0.5 else "{." + "..".join(
            [str(keys[0]), keys[-1]]) + "}" if _PLAIN_KEY.fullmatch(str(keys[0])) else None  # fmt: skip
    plain = all(isinstance(key, int) or re.fullmatch(r"[\w.-]+(?:/[\w.-]+)*", key) for key in keys)
    if plain and len(keys) > 1 and random.random() < 0.2:
        return field_spec(keys)
    path = ""
    for index, key in enumerate(keys):
        if isinstance(key, int):
            path += random.choice(("[*]", "[*]", "[*]", f"[{key}]"))
        elif index and random.random() < 0.07:
            path += ".*"
        elif _PLAIN_KEY.fullmatch(key) and random.random() < 0.93:
            path += f".{key}"
        elif re.fullmatch(r"[\w.-]+", key) and re.match("[a-zA-Z_]", key) and random.random() < 0.4:
            path += "." + key.replace(".", "\\.")
        else:
            path += f"['{key}']"
    if (
        path.startswith(".")
        and "\\" not in path
        and random.random() < 0.1
        and ".*" not in path
        and re.fullmatch(r"[.\w\[\]*]+", path)
    ):
        return "$" + path
    if path.startswith(".") and random.random() < 0.4:
        return random.choice((path, path[1:]))
    return "{" + path + "}"


def field_spec(keys: tuple[Any, ...]) -> str | None:
    """Return a path in the notation of kustomize; None if this notation cannot express it."""
    parts: list[str] = []
    for key in keys:
        if isinstance(key, int):
            if not parts or parts[-1].endswith("[]"):
                return None
            parts[-1] += "[]"
        else:
            parts.append(key.replace("/", "\\/"))
    path = "/".join(parts)
    return path if len(parts) > 1 else None


def kind_entry(document: dict[str, Any], random: Random) -> dict[str, Any] | None:
    """Return an entry of `kinds` with paths into a document; None if there is no suitable path."""
    kind = document["kind"]
    fields = [match for match in strings(document) if match.location[0] not in ("kind", "apiVersion")]
    images = [
        match
        for match in fields
        if (found := parse(match.value.strip())) and (found.tag or found.digest or "/" in found.name)
    ]
    mappings = [
        match
        for match in everything(document)
        if isinstance(match.value, dict) and isinstance(match.value.get("repository"), str) and match.location
    ]
    texts = [match for match in fields if re.search(r"[:@/]", match.value) and re.search(r"[\s=]", match.value)]
    paths: list[Any] = []
    for _ in range(random.choice((1, 1, 1, 2))):
        what = random.random()
        if mappings and what < 0.4:
            chosen = random.choice(mappings)
            keys = {"repository": "repository"}
            for part, share in (("registry", 0.3), ("tag", 0.95), ("digest", 0.3)):
                if part in chosen.value or random.random() < share:
                    keys[part] = part
            if path := path_to(chosen, random):
                paths.append({"path": path, "fields": keys})
        elif texts and what < 0.6:
            chosen = random.choice(texts)
            if path := path_to(chosen, random):
                paths.append(text_rule(path, chosen.value, random))
        elif fields:
            chosen = random.choice(images if images and random.random() < 0.8 else fields)
            path = path_to(chosen, random)
            if path and random.random() < 0.12:
                paths.append(part_rule(path, chosen.value, random))
            elif path:
                paths.append(path if random.random() < 0.8 else {"path": path})
    if random.random() < 0.04:
        paths.append(random.choice(("{.spec.missing}", "spec/missing", ".nowhere[*].image")))
    if not paths:
        return None
    entry: dict[str, Any] = {"kind": kind}
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if random.random() < 0.1 and len(kind) > 3:
        entry["kind"] = random.choice((kind[:3] + "*", kind[:-1] + "?"))
    if isinstance(document.get("apiVersion"), str) and random.random() < 0.4:
        version = document["apiVersion"]
        entry["apiVersion"] = random.choice(
            (version, version.partition("/")[0] + "/*" if "/" in version else version)
        )
    if isinstance(name, str) and name and not re.search(r"[*?\[\]]", name) and random.random() < 0.15:
        entry["name"] = name
        if random.random() < 0.5:
            del entry["kind"]
    entry["paths"] = paths if len(paths) > 1 or random.random() < 0.5 else paths[0]
    return entry


def text_rule(path: str, value: str, random: Random) -> dict[str, Any]:
    """Return a path object for a string that is a longer text or an embedded document."""
    inner = None
    try:
        inner = read(value).data()
    except UnreadableError:
        inner = None
    if inner and all(isinstance(document, (dict, list)) for document in inner) and random.random() < 0.9:
        form = "json" if value.lstrip().startswith(("{", "[")) and random.random() < 0.7 else "yaml"
        rule: dict[str, Any] = {"path": path, "as": form}
        if not any(isinstance(document, dict) and "kind" in document for document in inner):
            rule["paths"] = random.choice(
                ("{..image}", {"path": "{..image}", "fields": {"repository": "repository", "tag": "tag"}})
            )
        return rule
    return {"path": path, "as": "text"}


def part_rule(path: str, value: str, random: Random) -> dict[str, Any]:
    """Return a path object for a string that is a part of a reference."""
    if re.fullmatch(r"sha\d+:[0-9a-f]+", value):
        return {"path": path, "part": "digest", "of": random.choice(NAMES)}
    if ":" in value and "@" not in value:
        return {"path": path, "part": "reference"}
    if "/" in value and "@" not in value:
        return {"path": path, "part": "name"}
    return {"path": path, "part": "tag", "of": random.choice(NAMES)}


def configuration(documents: list[Any], random: Random) -> dict[str, Any]:
    """Return a random configuration that matches fields of the documents."""
    resources = [resource for document in documents for resource in _resources(document)]
    config: dict[str, Any] = {
        "apiVersion": "krm-image-setter.dev/v1alpha1",
        "kind": "ImageSetter",
        "catalog": False,
    }
    if random.random() < 0.3:
        config["metadata"] = {"name": "set"}
    kinds = []
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        entry = kind_entry(random.choice(resources), random) if resources else None
        if entry:
            kinds.append(entry)
    found = [
        old
        for document in documents
        for match in strings(document)
        for word in re.split(r"[\s=,'\"]+|docker://|oci://", match.value)
        if (old := parse(word)) is not None
        and (old.tag or old.digest or "/" in old.name or "image" in str(match.key) or match.key == "repository")
    ]
    of = [rule["of"] for entry in kinds for rule in _rules(entry) if "of" in rule]
    containers = [
        match.value
        for document in documents
        for match in strings(document)
        if match.key == "name" and match.value and len(match.location) > 2 and isinstance(match.location[-2], int)
    ]
    images = [
        image_entry(
            random.choice(found) if found and random.random() < 0.93 else Reference(random.choice(NAMES)),
            random,
            has_containers=containers,
        )
        for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5)))
    ]
    images += [image_entry(Reference(name), random, has_containers=[]) for name in of if random.random() < 0.8]
    random.shuffle(images)
    if images:
        config["images"] = images
    if kinds:
        config["kinds"] = kinds
    hosts = [normalized(old.name) for old in found]
    if hosts and random.random() < (0.15 if images else 0.9):
        moves = []
        for _ in range(random.choice((1, 1, 2))):
            components = random.choice(hosts).split("/")
            moves.append(
                {
                    "from": "/".join(components[: random.randint(1, max(1, len(components) - 1))]),
                    "to": random.choice(("mirror.example/hub", "localhost:5000", "mirror.example")),
                }
            )
        config["registries"] = list({move["from"]: move for move in moves if move["from"] != move["to"]}.values())
    if images and random.random() < 0.06:
        config["defaultRegistry"] = {"host": "localhost:5005"} | (
            {"singleName": "team/dev"} if random.random() < 0.3 else {}
        )
        config["images"] = [
            entry
            if random.random() < 0.5
            else {
                key: value
                for key, value in entry.items()
                if key not in ("newName", "newImage", "newTag", "tagSuffix", "digest")
            }
            for entry in images
        ]
    if random.random() < 0.25:
        config["imagePullPolicy"] = random.choice(("Always", "IfNotPresent"))
    if kinds and random.random() < 0.15:
        config["podSpecs"] = False
    if random.random() < 0.15:
        config["onUnused"] = random.choice(("ignore", "error", "warn"))
    jobs = [
        resource
        for resource in resources
        if resource.get("kind") == "Job" and resource["metadata"].get("name") == "no-op"
    ]
    if jobs and images and random.random() < 0.7:
        config["images"][0] = {
            "name": images[0]["name"],
            "from": {
                "kind": "Job",
                "name": random.choice(("no-op", "no-op", "no-op", "missing")),
                "path": "{.spec.template.spec.containers[0].image}",
            },
        }
    return shorthand(config, random)


def shorthand(config: dict[str, Any], random: Random) -> dict[str, Any]:
    """Replace lists of the configuration with their short form, if there is one, in some cases."""
    images, kinds = config.get("images", []), config.get("kinds", [])
    if images and all(entry.keys() == {"name", "newImage"} for entry in images) and random.random() < 0.7:
        config["images"] = {entry["name"]: entry["newImage"] for entry in images}
    if (
        kinds
        and all(entry.keys() == {"kind", "paths"} and entry["kind"].isalpha() for entry in kinds)
        and len({entry["kind"] for entry in kinds}) == len(kinds)
        and random.random() < 0.4
    ):
        config["kinds"] = {entry["kind"]: entry["paths"] for entry in kinds}
    return config


def _resources(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, dict) and isinstance(document.get("kind"), str):
        if document["kind"].endswith("List") and isinstance(document.get("items"), list):
            for item in document["items"]:
                yield from _resources(item)
        else:
            yield {"metadata": {}, **document} if not isinstance(document.get("metadata"), dict) else document


def _rules(entry: dict[str, Any]) -> list[dict[str, Any]]:
    given = entry["paths"]
    return [rule for rule in (given if isinstance(given, list) else [given]) if isinstance(rule, dict)]


# --- cases -----------------------------------------------------------------------------------------------------


def resource_list(source: Source, config: dict[str, Any], random: Random, done: Counter[str]) -> str:
    """Write a ResourceList that contains the documents of `source`, in a random style."""
    done["ResourceList"] += 1
    items = Node("sequence", list(source.documents))
    fields: list[tuple[str, Node]] = [
        (
            "apiVersion",
            node_of(
                random.choice(
                    (
                        "config.kubernetes.io/v1",
                        "config.kubernetes.io/v1",
                        "config.kubernetes.io/v1beta1",
                        "config.kubernetes.io/v1alpha1",
                    )
                )
            ),
        ),
        ("kind", node_of("ResourceList")),
        ("items", items),
        ("functionConfig", node_of(config)),
    ]
    result = {
        "message": "from an earlier function",
        "severity": random.choice(("info", "warning")),
        "tags": {"a": "1"},
    }
    shape = random.random()
    results: Any = [result, {"message": "another\nline\n"}][: random.choice((1, 2))]
    if shape < 0.12:
        results = {"items": results}
    elif shape < 0.2:
        results = []
    elif shape < 0.27:
        results = NonString("null")
    if shape < 0.65:
        done["earlier results"] += 1
        fields.append(("results", node_of(results)))
        if random.random() < 0.3:
            fields.append((random.choice(("extra", "x-results")), node_of(results)))
    if random.random() < 0.2:
        fields.append(("other", node_of(random.choice(("text\n", "line\n\n", {"a": ["b"]}, [])))))
    if random.random() < 0.7:
        random.shuffle(fields)
    writer = Writer(random)
    text = writer.document(Node("mapping", [(node_of(key), value) for key, value in fields]))
    done.update(writer.used.keys())
    return random.choice(("", "", "---\n", "# a list\n---\n")) + text


def make(random: Random, *, with_corpus: bool = True) -> Case:
    """Make a case. Raises Unfit if the chosen text is not suitable."""
    try:
        text, origin = real_text(random, with_corpus=with_corpus)
        text = plant(text, random)
        source = read(text)
        documents = source.data()
        config = configuration(documents, random)
        done: Counter[str] = Counter()
        is_list = random.random() < 0.25
        if is_list:
            text = resource_list(source, config, random, done)
            if read(text).data()[0]["items"] != documents:
                raise Unfit
        text, more = mutate(text, random, random.choice((0, 1, 1, 2, 3, 4, 6)))
        done.update(more)
        text.encode()
        config_text = json.dumps(config)
        if random.random() < 0.3:
            writer = Writer(random, {"merge key": 0, "complex key": 0, "anchor": 0, "tag": 0})
            config_text = writer.document(node_of(config))
            read(config_text)  # raises UnreadableError: the writer can put a tab where YAML allows none
    except (UnreadableError, UnicodeEncodeError, RecursionError) as error:
        raise Unfit from error
    kind = random.random()
    mode = "process" if kind < 0.01 else "fork" if kind < 0.12 or is_list else "library"
    if mode == "library":
        text = text.removeprefix("\ufeff")
    return Case(text, config, config_text, mode, is_list, origin, done)


def config_of(data: Any) -> Any:
    """Convert the functionConfig of a ResourceList from plain data of the model to Python data."""
    if isinstance(data, NonString):
        return {"true": True, "false": False, "null": None}.get(data.text, data.text)
    if isinstance(data, dict):
        return {key: config_of(value) for key, value in data.items()}
    return [config_of(item) for item in data] if isinstance(data, list) else data
