"""The fuzz targets: bytes in, and an AssertionError, or any exception, out where something does not hold.

The first byte of an input says what the others are: the text itself, or the choices of the writer of the property
tests (tests/properties/strategies.py), with or without damage to what it wrote. Raw bytes hardly ever get beyond
the parser; those always do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple
from zlib import crc32

import oracles
import yaml
from importers.acceptance import accepted, filled, source
from oracles import Pair, check_function, check_run, check_told, events_of
from properties import features, laws, strategies
from properties.reader import NonString, construct, documents, load
from properties.strategies import MASK, UP_TO, Choices, Written
from trees import assert_same_as_parsed

from krm_image_setter import ImageSetterError, read_config, set_images
from krm_image_setter.config import ImageSetter
from krm_image_setter.documents import Stream
from krm_image_setter.errors import InputError
from krm_image_setter.images import (
    ImageMap,
    InvalidReference,
    RegistryMap,
    check_reference,
    default_registry,
    image_rule,
    parse_reference,
    registry_rule,
)
from krm_image_setter.images.tokens import find_tokens
from krm_image_setter.importers.tiltfile import import_tiltfile
from krm_image_setter.paths import Location, PathError, format_location, parse_path
from krm_image_setter.yaml import building, events, lines, parsing, stream

ROOT: Final = Path(__file__).parents[1]


class Target(NamedTuple):
    """What is fuzzed: a check, and seeds for it; its share of the time, the bytes and the seconds of an input."""

    check: Callable[[bytes], Pair | None]
    seeds: Callable[[], Iterable[bytes]]
    share: int
    longest: int
    seconds: float


# --- from bytes to what is checked -------------------------------------------------------------------------------

_LIMITS: Final = {id(strategy): limit for limit, strategy in enumerate(UP_TO)} | {id(MASK): 2**24 - 1}


def choices(data: bytes, *, aliases: bool = True) -> Choices:
    """Return choices that bytes make; where there are no more of them, the simplest."""
    position = 0

    def draw(strategy: Any) -> int:
        nonlocal position
        limit = _LIMITS[id(strategy)]
        width = 3 if limit > 255 else 1
        number = int.from_bytes(data[position : position + width], "big")
        position += width
        return number % (limit + 1)

    return Choices(draw, aliases=aliases, directives=aliases)


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def pumped(text: str, times: int) -> str:
    """Return a text whose middle stands there many times: what takes more than linear time shows it."""
    third = len(text) // 3
    return text[:third] + text[third : 2 * third] * times + text[2 * third :]


WORDS: Final = (
    *strategies.KINDS, *strategies.IMAGES, *strategies.INVALID_IMAGES, *strategies.COMMENTS, *strategies.NON_STRINGS,
    *strategies.TEXTS, "apiVersion: ", "kind: ", "metadata:", "name: ", "spec:", "containers:", "initContainers:", "image: ",
    "volumes:", "reference: ", "items:", "- ", "---\n", "\n---\n", "...\n", "%YAML 1.2\n", "\ufeff", "&a ", "*a", "<<: *a", "!!str ",
    "!x ", "|", ">", "|-\n", ">+2\n", "? ", ": ", "{", "}", "[", "]", ", ", "#", "\n", "\r\n", "\r", "\t", "  ", "'", '"', "\\",
    "\\u0041", '"\\x7f\\L\\ufffe"', "\\ud83d\\ude00", "\\ud800", "\\\n", "\x85", "\u2028", "\0", "\ud800", "ResourceList", "functionConfig:", "results:", "List", "ImageSetter",
    "config.kubernetes.io/v1", "krm-image-setter.dev/v1alpha1", "images:", "newTag: ", "data:",
)  # fmt: skip


def damaged(c: Choices, text: str) -> str:
    """Return a text with one to three lines doubled, moved, indented otherwise, given another value, or broken."""
    for _ in range(c.one_of((1, 1, 1, 2, 3))):
        parts = text.splitlines(keepends=True) or [""]
        at, how = c.draw(MASK) % len(parts), c.pick(8)
        line = parts[at]
        if how == 0:
            parts.insert(c.draw(MASK) % len(parts), line)
        elif how == 1:
            parts.insert(c.draw(MASK) % len(parts), parts.pop(at))
        elif how == 2:
            parts[at] = " " * c.pick(7) + line.lstrip(" ")
        elif how in (3, 4):
            head, colon, _ = line.partition(": " if ": " in line else "- ")
            parts[at] = head + colon + c.one_of(WORDS[:128]) + "\n"
        elif how == 5:
            parts[at] = ""
        else:
            column = c.pick(1 + min(80, len(line)))
            word = c.one_of((c.one_of(WORDS[:128]), c.one_of(WORDS[-60:]), ""))
            parts[at] = line[:column] + word + line[column + c.pick(5) :]
        text = "".join(parts)
    return text


def written(c: Choices) -> Written:
    return c.one_of((strategies.draw_stream, strategies.draw_resource_list, strategies.draw_json_stream))(c)


def some_text(data: bytes) -> str:
    """Return the text that an input is: as it stands, or written, or written and damaged."""
    mode, rest = data[:1], data[1:]
    if mode < b"\x55":
        return pumped(text_of(rest), 20) if mode >= b"\x50" else text_of(rest)
    c = choices(rest)
    text = written(c).text
    return text if mode < b"\x66" else damaged(c, text)


# --- references --------------------------------------------------------------------------------------------------

# As distribution/reference has it, part by part (regexp.go, ParseNormalizedNamed and splitDockerDomain).
_COMPONENT: Final = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_DOMAIN_COMPONENT: Final = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST: Final = rf"(?:{_DOMAIN_COMPONENT}(?:\.{_DOMAIN_COMPONENT})*|\[[a-fA-F0-9:]+\])"
_PUBLISHED: Final = re.compile(
    rf"((?:{_HOST}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*)(?::([\w][\w.-]{{0,127}}))?"
    r"(?:@([A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?",
    re.ASCII,
)


def docker_reads(text: str) -> tuple[str, str | None, str | None] | None:
    """Return the normalized name, tag and digest that Docker reads; it refuses some algorithms of digests."""
    if re.fullmatch("[a-f0-9]{64}", text):
        return None
    domain, slash, remote = text.partition("/")
    if not slash or not (re.search("[.:]", domain) or domain == "localhost" or domain.lower() != domain):
        domain, remote = "docker.io", text
    if domain == "index.docker.io":
        domain = "docker.io"
    if domain == "docker.io" and "/" not in remote:
        remote = f"library/{remote}"
    if not text.isascii() or re.search("[A-Z]", re.split("[:@]", remote)[0]):
        return None
    match = _PUBLISHED.fullmatch(f"{domain}/{remote}")
    if match is None or len(match[1]) - len(domain) - 1 > 255:
        return None
    return match[1], match[2], match[3]


def check_references(data: bytes) -> None:
    """A text is the reference that it is to Docker, or none."""
    text = text_of(data)
    if data[:1] == b"\xff":
        text = pumped(text[1:], 50)
    reference, docker = parse_reference(text), docker_reads(text)
    if reference is not None:
        ours = reference.normalized_name, reference.tag, reference.digest
        assert ours == docker, f"{text!r} is {ours}, and {docker} to Docker"
        assert str(reference) == text
        assert f"{reference.domain}/{reference.path}" == ours[0]
        return
    assert docker is None, f"{text!r} is none, and {docker} to Docker"
    if crc32(data) % 8 == 0:  # to say why takes three times as long
        with refused(InvalidReference):
            check_reference(text)


@contextmanager
def refused(error_type: type[ImageSetterError]) -> Iterator[None]:
    try:
        yield
    except error_type as error:
        check_told(error)
    else:
        raise AssertionError("this is taken")


def check_texts(data: bytes) -> None:
    """References are found in texts as whole tokens."""
    text = text_of(data)
    check_tokens(pumped(text[1:], 50) if data[:1] == b"\xff" else text)


def check_tokens(text: str) -> None:
    end = 0
    for token in find_tokens(text):
        assert end <= token.start < token.end
        end = token.end
        found = text[token.start : end]
        assert found == str(token.reference)
        assert docker_reads(found) is not None
        around = text[token.start - 1 : token.start], text[end : end + 1]
        assert not re.match(r"[\w@%+-]", around[0]), f"{found!r} begins within a word"
        assert not re.match(r"[\w/@:$%+-]", around[1]), f"{found!r} ends within a word"


def check_rules(data: bytes) -> None:
    """What rules make of references are references, and the same if made again."""
    number, parts = data[0] if data else 0, text_of(data[1:]).split("\n", 9)
    first, *more = parts
    references = [parsed for parsed in map(parse_reference, parts) if parsed is not None]
    fields = ("new_name", "new_tag", "digest", "tag_suffix", "new_image")
    given = {field: text for bit, (field, text) in enumerate(zip(fields, more, strict=False)) if number >> bit & 1}
    makers: list[Callable[[], Any]] = [
        lambda: image_rule(first, **given),  # type: ignore[arg-type]
        lambda: registry_rule(first, more[0] if more else ""),
        lambda: default_registry(first, more[0] if more else None),
    ]
    rule, registry, default = map(made, makers)
    for reference in references:
        text = str(reference)
        if rule is not None:
            assert ImageMap([rule]).find(text) == ((reference, rule) if rule.matches(reference) else None)
            again = once = rule.rewrite(reference)
            if rule.matches(reference):
                assert rule.keyword in text
                new = parse_reference(once)
                # What is too long is left as it is, with a warning.
                too_long = len(once) > 255 or len(f"{reference.tag}{rule.tag_suffix}") > 128
                assert new is not None or too_long, f"{text!r} becomes {once!r}, no reference"
                again = rule.rewrite(new) if new is not None else once
            assert again == once, f"{text!r} becomes {once!r}, and then {again!r}"
        if registry is not None:
            moved = RegistryMap([registry]).find(text)
            assert moved == ((reference, registry) if registry.matches(reference) else None)
            if moved is not None:
                once = registry.rewrite(reference)
                assert registry.keyword in text
                assert once.startswith(registry.to)
        if default is not None:
            try:
                new_name = default.new_name(reference)
            except InvalidReference as error:
                check_told(error)
            else:
                assert parse_reference(new_name) is not None


def made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except InvalidReference as error:
        check_told(error)
        return None


_REFERENCES: Final = (
    *strategies.IMAGES, *strategies.INVALID_IMAGES, *strategies.NEW_NAMES, "FOO/x:1", "a__b/c--d:T_1.2-3", "f" * 64,
)  # fmt: skip


def reference_seeds() -> Iterator[bytes]:
    yield from map(str.encode, _REFERENCES)


def rule_seeds() -> Iterator[bytes]:
    digest = strategies.DIGEST
    for mode, text in enumerate(_REFERENCES):
        yield bytes([mode]) + f"{text}\nquay.io/a/b\n1.2\n{digest}\n-rc1\nfresh/app:2@{digest}".encode()
    yield b"\0docker.io\nm.example.com\nnginx:1\nlibrary/nginx"


def token_seeds() -> Iterator[bytes]:
    yield from (text.encode() for text in (*strategies.BLOCKS, *strategies.TEXTS))
    yield f"run --image=nginx:1 docker://a/b:${{TAG}} [::1]:5000/x@{strategies.DIGEST}, 'q/r:2'.\n".encode()


# --- paths -------------------------------------------------------------------------------------------------------

DATA: Final[dict[str, Any]] = {
    "kind": "A", "spec": {
        "image": "nginx:1", "x": "y", "a.b": "c", "a/b": "d", "": "e", "n": 1, "t": True, "f": 1.5, "z": None,
        "containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "x"}, "s", [["u"], {"image": "v"}]],
        "é": {"image": {"image": ["w"]}}, "it's": "q", "a": {"b": "r"},
    },
}  # fmt: skip
TREE: Final = parsing.parse(json.dumps(DATA, ensure_ascii=False))[0].root
KEYS: Final = ("spec", "image", "a", "b", "items", "x", "name", "é", "a-b", "A_b")


def check_paths(data: bytes) -> None:
    if data[:1] >= b"\x80":
        check_notations(choices(data[1:]))
        return
    text = text_of(data[1:])
    if data[:1] >= b"\x70":
        text = pumped(text, 50)
    try:
        path = parse_path(text)
    except PathError as error:
        check_told(error)
        assert error.column is None or 1 <= error.column <= len(text) + 2
        return
    assert path.text == text
    found = path.find(DATA)
    assert found == path.find(TREE)
    assert len({location for location, _ in found}) == len(found)
    for location, value in found:
        here: Any = DATA
        for step in location:
            assert isinstance(here, dict | list), f"{text!r} leads into a scalar, to {location}"
            assert isinstance(here, dict) == isinstance(step, str)
            assert not isinstance(step, int) or step >= 0
            here = here[step]  # type: ignore[index]
        assert here is value
        assert location == () or format_location(location)


def check_notations(c: Choices) -> None:
    """A path of keys, items and indexes leads to the same fields in each notation."""
    data = some_data(c, 0)
    steps = [c.one_of((*KEYS, *KEYS, "*", "*", 0, 1)) for _ in range(1 + c.pick(5))]
    while isinstance(steps[0], int) or steps[0] == "*":
        steps[0] = c.one_of(KEYS)
    text = "".join(f"[{step}]" if step == "*" or isinstance(step, int) else f".{step}" for step in steps)
    expected = sorted(walked(data, steps), key=repr)
    notations = [text, text[1:], f"{{{text}}}", f"{{{text[1:]}}}"]
    # jsonpath-ng wants some keys in quotes; and [*] of a mapping depends on its version.
    if crc32(text.encode()) % 8 == 0 and text.isascii() and "-" not in text and not enters_mapping(data, steps):
        notations.append(f"${text}")
    for notation in notations:
        found = parse_path(notation).find(data)
        assert sorted((location for location, _ in found), key=repr) == expected, f"{notation} in {data}"
    keys = [step for step in steps if isinstance(step, str) and step != "*"]
    if len(keys) > 1:
        found = parse_path("/".join(keys)).find(data)
        assert sorted((location for location, _ in found), key=repr) == sorted(entered(data, keys), key=repr)


def enters_mapping(data: Any, steps: list[Any]) -> bool:
    stars = [number for number, step in enumerate(steps) if step == "*"]
    return any(isinstance(at(data, location), dict) for n in stars for location in walked(data, steps[:n]))


def at(data: Any, location: Location) -> Any:
    for step in location:
        data = data[step]
    return data


def some_data(c: Choices, depth: int) -> Any:
    kind = c.pick(4) if depth < 5 else 0
    if depth and kind == 0:
        return c.one_of(("nginx:1", "x", 1, None, True))
    if depth and kind == 1:
        return [some_data(c, depth + 1) for _ in range(c.pick(4))]
    return {c.one_of(KEYS): some_data(c, depth + 1) for _ in range(1 + c.pick(3))}


def walked(data: Any, steps: list[Any], here: Location = ()) -> Iterator[Location]:
    if not steps:
        yield here
        return
    step, *rest = steps
    if step == "*":
        chosen = list(range(len(data))) if isinstance(data, list) else []
    elif isinstance(data, list):
        chosen = [step] if isinstance(step, int) and step < len(data) else []
    else:
        chosen = [step] if isinstance(data, dict) and step in data else []
    for key in chosen:
        yield from walked(data[key], rest, (*here, key))


def entered(data: Any, keys: list[str], here: Location = ()) -> Iterator[Location]:
    if not keys:
        yield here
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from entered(item, keys, (*here, index))
    elif isinstance(data, dict) and keys[0] in data:
        yield from entered(data[keys[0]], keys[1:], (*here, keys[0]))


def path_seeds() -> Iterator[bytes]:
    texts = [path for paths in strategies.KIND_PATHS.values() for path in paths]
    texts += [
        '{.spec.containers[?(@.name=="a")].image}', "{range .spec.containers[*]}{.image}{end}", "{.spec['a.b']}",
        "{..image}", "{.spec.containers[0:2:1]['name','image']}", "{.spec.containers[-1:]}", r"{.spec.a\.b}",
        "$.spec.containers[?(@.name='a')].image", "$..image", "spec/containers[]/image", r"spec/a\/b", "$.spec.`len`",
    ]  # fmt: skip
    yield from (b"\0" + text.encode() for text in texts)
    yield from (b"\x80" + seed for seed in random_seeds(20, 60))


# --- streams: cutting --------------------------------------------------------------------------------------------


def check_streams(data: bytes) -> None:
    """Slices hold what the whole does, what is said not to mention a word does not, and skipping hides no error."""
    text = some_text(data)
    slices = stream.cut_documents(text)
    if slices is not None:
        assert_covers(slices, 0, len(text))
        check_slices(
            text.removeprefix("\ufeff"), [text[start:end].removeprefix("\ufeff") for start, end in slices]
        )
    start = int(text.startswith("\ufeff"))
    listing = stream.cut_items(text, start, len(text))
    if listing is not None:
        assert_covers(listing.items, listing.items[0][0], listing.resumes + listing.shift + start)
        items = "".join(text[a:b] for a, b in listing.items)
        assert len(items) == listing.shift
        assert listing.frame[: listing.resumes] + items + listing.frame[listing.resumes :] == text[start:]
        check_items(text[start:])
    laws.check_names_change_neither_problems_nor_counts(text)


def assert_covers(slices: list[stream.Slice], start: int, end: int) -> None:
    edges = [start, *(edge for part in slices for edge in part), end]
    assert edges[::2] == edges[1::2], f"slices {slices} of {start} to {end}"


def check_slices(text: str, parts: list[str]) -> None:
    whole = events_of(text)
    if whole is None or any(isinstance(event, yaml.AliasEvent) for event in whole):
        return  # without anchors: an alias may lack one, and then nobody reads it
    read_apart = [events_of(part) for part in parts]
    found = []
    for part, apart in zip(parts, read_apart, strict=True):
        assert apart is not None, f"{part!r} is no YAML, but a part of it"
        found += values(apart)
        for word in ("nginx", "a", "kind", "é"):
            if not stream.keyword_test(part, [word])(part):
                assert not any(word in value for value in values(apart)), f"{part!r} mentions {word}"
    assert found == values(whole)


def values(found: list[Any]) -> list[str]:
    return [event.value for event in found if isinstance(event, yaml.ScalarEvent) and event.value]


def check_items(text: str) -> None:
    try:
        trees = list(Stream(text).trees())
    except InputError:
        return
    if not all(one is not None and one.list_kind for one in trees):
        return
    apart = [one.document.root for one in trees if one is not None]
    if not apart or events_of(text) is None:
        return
    documents_of = load(text, oracles.LOADER)
    if len(documents_of) != 1:
        return
    assert_same([item for items in apart for item in items], documents_of[0]["items"])


# --- the tree ----------------------------------------------------------------------------------------------------


def check_tree(data: bytes) -> None:
    """The reader by lines, the C parser and the pure one give one tree, and its data are those that PyYAML reads."""
    text = some_text(data).removeprefix("\ufeff")
    read_by_line = lines.read(text)
    pure = events.pure_parser()
    fast = events.c_parser() or pure
    try:
        trees = building.build(text, fast)
    except fast.refusals:
        assert read_by_line is None, "the reader by lines takes what is no YAML"
        try_parsing(text)
        return
    except InputError as error:
        check_told(error)
        return
    if read_by_line is not None:
        assert_same_as_parsed(text, read_by_line)
    if fast is pure and (differs_by_design(text) or events_of(text) is None):
        return
    expected = [construct(next(found), found, {}) for found in documents(text, oracles.LOADER)]
    assert_same([document.root for document in trees], expected)
    if crc32(data) % 8 == 0:
        refusals: tuple[type[Exception], ...] = (*pure.refusals, InputError)
        try:
            others = building.build(text, pure)
        except refusals:
            return
        if not differs_by_design(text):
            assert laws.described(text, others) == laws.described(text, trees)


def differs_by_design(text: str) -> bool:
    """Say whether the parsers may disagree.

    By line breaks that YAML 1.2 has no more, in names of anchors, and on what starts a line in a block scalar that is
    a whole document: to the C parser it is behind it, to the pure one in it, even the marker of the next document.
    """
    odd = r"[\x85\u2028\u2029\ufeff]|[&*][\w-]*[^\w\s-]|^(?:---[ \t]+)?(?:[&!]\S*\s+)*[|>]"
    return re.search(odd, text, re.MULTILINE) is not None


def try_parsing(text: str) -> None:
    try:
        parsing.parse(text)
    except InputError as error:
        check_told(error)


def assert_same(ours: Any, theirs: Any) -> None:
    """What they take for a number may be a text to us, as it is to Kubernetes: 12:30."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict)
        by_text = {key.text if isinstance(key, NonString) else key: value for key, value in theirs.items()}
        assert ours.keys() == by_text.keys()
        for key, value in by_text.items():
            assert_same(ours[key], value)
    elif isinstance(theirs, list):
        assert isinstance(ours, list)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    elif isinstance(ours, str):
        assert ours == (theirs.text if isinstance(theirs, NonString) else theirs)
    else:
        assert isinstance(theirs, NonString)


# --- whole runs --------------------------------------------------------------------------------------------------

_HEAD: Final = {"apiVersion": "krm-image-setter.dev/v1alpha1", "kind": "ImageSetter", "catalog": False}
_IMAGES: Final[list[dict[str, Any]]] = [
    {"name": "nginx", "newTag": "2"},
    {"name": "gcr.io/foo/bar", "newName": "fresh/app", "env": True, "args": True},
    {"name": "other/app:2", "newImage": f"mirror.example.com/app@{strategies.OTHER_DIGEST}", "args": True},
    {"name": "localhost:5000/nginx", "newName": "12", "newTag": "1e3"},
]


def _config(**fields: Any) -> ImageSetter:
    return read_config(json.dumps({**_HEAD, "images": _IMAGES, **fields}))


#: They change scalars and add none.
CONFIGS: Final = (
    _config(),
    _config(kinds=[{"kind": "*", "paths": ["{.spec.image}", "spec/a/b[]/image", "{.data.*}", "{..image}"]}]),
    _config(kinds=[{"kind": "*", "paths": [{"path": "{.data.*}", "as": "text"}, {"path": "{.spec.*}", "as": "text"}]}]),
    _config(podSpecs=False, kinds=[{"kind": "*", "paths": [{"path": ".spec.tag", "part": "tag", "of": "nginx"}, "{..containers[*].image}"]}]),
    _config(registries=[{"from": "docker.io", "to": "m.example.com/hub"}, {"from": "quay.io", "to": "m.example.com"}]),
)  # fmt: skip
EMBEDDED: Final = {
    form: _config(kinds=[{"kind": "ConfigMap", "paths": [
        {"path": "{.data.*}", "as": form, **({} if form == "text" else {"paths": [".web.image", ".image", "{..image}"]})},
    ]}])
    for form in ("yaml", "json", "text")
}  # fmt: skip


def check_runs(data: bytes) -> Pair | None:
    """A run on a drawn text does what load and replace does; on any, only what the results say."""
    mode = data[0] if data else 0
    if mode < 0xC0:
        return ran(data, some_text(data[:1] + data[2:]), CONFIGS[(data[1:2] or b"\0")[0] % len(CONFIGS)])
    c = choices(data[1:])
    stream_text = written(c)
    config = laws.draw_config(c)
    laws.check_output_reads_as_load_and_replace(stream_text, config, oracles.LOADER)
    if crc32(data) % 4 == 0:
        laws.check_an_error_writes_nothing(stream_text, config)
    return ran(data, stream_text.text, config)


def ran(data: bytes, text: str, config: ImageSetter) -> Pair | None:
    checked = check_run(text, config)
    return Pair(text, *checked, data) if checked and checked[1] else None


def check_embedded(data: bytes) -> Pair | None:
    """The same for documents in strings, of whatever form."""
    mode = data[0] if data else 0
    if mode < 0x80:
        form = ("yaml", "json", "text")[mode % 3]
        inner = some_text(bytes([(mode * 2) & 0xFF]) + data[1:])
        spelt = json.dumps(inner)
        text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  a: {spelt}\n"
        if "\ud800" <= max(inner, default="") <= "\udfff":
            text = text.replace("\\ud", "\\u0")
        return ran(data, text, EMBEDDED[form])
    c = choices(data[1:], aliases=False)
    drawn, config = features.draw_stream(c), features.draw_config(c)
    features.check_output_reads_as_load_and_replace(drawn, config, oracles.LOADER)
    if crc32(data) % 16 == 0:
        features.check_nothing_else_differs(drawn, config)
    laws.check_a_second_run_changes_nothing(set_images(drawn.text, config).text, config)
    laws.check_splitting_and_skipping_change_nothing(drawn.text, config)
    return None


def check_functions(data: bytes) -> None:
    """A function gives back the ResourceList, with images and results; a pipe may have its own configuration."""
    if data[:1] < b"\x55":
        text = text_of(data[1:])
    else:
        c = choices(data[1:])
        text = strategies.draw_resource_list(c).text
        if data[:1] >= b"\xa0":
            text = damaged(c, text)
    check_function(text)


def fixture_texts() -> Iterator[bytes]:
    yield from (path.read_bytes() for path in sorted(ROOT.glob("fixtures/*/input.yaml")))


def run_seeds() -> Iterator[bytes]:
    for number, text in enumerate(fixture_texts()):
        yield bytes([0, number]) + text
    for mode in (0x60, 0x70, 0xC0):
        yield from (bytes([mode]) + seed for seed in random_seeds(20, 300))
    yield from (
        bytes([0, i]) + written(choices(seed)).text.encode() for i, seed in enumerate(random_seeds(30, 300))
    )


def text_seeds() -> Iterator[bytes]:
    yield from (b"\0" + text for text in fixture_texts())
    yield from (b"\0" + written(choices(seed)).text.encode() for seed in random_seeds(40, 300))
    for mode in (b"\x55", b"\x70"):
        yield from (mode + seed for seed in random_seeds(20, 300))


def embedded_seeds() -> Iterator[bytes]:
    for mode, text in enumerate(fixture_texts()):
        yield bytes([mode % 3]) + text
    yield from (
        b"\2--image=nginx:1 docker://other/app:2",
        b"\1" + b'{"image": "nginx:1", "web": {"image": "nginx"}}',
    )
    yield from (b"\x80" + seed for seed in random_seeds(30, 300))


def function_seeds() -> Iterator[bytes]:
    yield from (b"\0" + text for text in fixture_texts() if b"ResourceList" in text)
    for path in sorted(ROOT.glob("fixtures/*/input.yaml")):
        config = path.with_name("config.yaml")
        if config.exists():
            yield b"\0" + config.read_bytes() + b"\n---\n" + path.read_bytes()
    for mode in (b"\x55", b"\xa0"):
        yield from (mode + seed for seed in random_seeds(20, 300))
    for seed in random_seeds(20, 300):
        yield b"\0" + strategies.draw_resource_list(choices(seed)).text.encode()


def random_seeds(count: int, length: int) -> Iterator[bytes]:
    random = Random(length)
    yield from (random.randbytes(length) for _ in range(count))


# --- Tiltfiles ---------------------------------------------------------------------------------------------------


def check_tiltfile(data: bytes) -> None:
    """What is written is a configuration, and names the images that are given as literals."""
    expected: list[str] | None = None
    if data[:1] < b"\x80":
        text = text_of(data[1:])
        if data[:1] >= b"\x70":
            text = pumped(text, 30)
    else:
        text, expected = drawn_tiltfile(choices(data[1:]))
    try:
        imported = import_tiltfile(source(text, "Tiltfile"))
    except InputError as error:
        check_told(error)
        assert expected is None
        return
    accepted(imported)
    for note in imported.notes:
        oracles.check_sentence(note.message)
        assert 1 <= note.line <= 1 + text.count("\n") + text.count("\r") + text.count("\f")
    assert imported.text.isascii() or imported.text.replace("\n", "").isprintable()
    (found,) = yaml.load_all(filled(imported.text), Loader=oracles.LOADER)
    if expected is not None:
        assert [image["name"] for image in found.get("images", ())] == expected


_BUILDS: Final = (
    "docker_build({ref}, '.')", "custom_build({ref}, 'make', deps=['.'])", "docker_build(ref={ref}, context='.', match_in_env_vars=True)",
    "custom_build(ref={ref}, command='make')", "if config:\n  docker_build({ref}, '.')",
    "def build():\n  docker_build({ref}, '.')", "x = docker_build({ref}, '.')", "[docker_build({ref}, '.') for i in y]",
    "for i{n} in [{ref}]:\n  docker_build(i{n}, '.')",
)  # fmt: skip
_OTHER_CALLS: Final = (
    "k8s_kind('KafkaConnect', image_json_path='{.spec.image}')", "k8s_yaml('a.yaml')", "# docker_build('no/image', '.')",
    "k8s_kind('^(A|B)$', api_version='a.b/v1', image_object={'json_path': '{.spec}', 'repo_field': 'r', 'tag_field': 't'})",
    "k8s_image_json_path(['{.a}', '{.b'], kind='UselessMachine', name='.*')", "load('ext://restart_process', 'docker_build_with_restart')",
    "include('other')", "k8s_custom_deploy('x', 'a', 'b', [], image_deps=['i'])", "docker_build(names[0], '.')", "docker_build('NOT:a:ref', '.')",
)  # fmt: skip


def drawn_tiltfile(c: Choices) -> tuple[str, list[str]]:
    """Return a Tiltfile and the images that it builds, in order."""
    statements: list[str] = []
    expected: dict[str, None] = {}
    for n in range(1 + c.pick(6)):
        if c.pick(3) == 2:
            statements.append(c.one_of(_OTHER_CALLS))
            continue
        ref = c.one_of((*strategies.IMAGES, *strategies.INVALID_IMAGES))
        spelt = c.one_of((repr(ref), json.dumps(ref), f"{ref[:3]!r} + {ref[3:]!r}", f'"""{ref}"""', f"({ref!r})"))
        statements.append(c.one_of(_BUILDS).replace("{ref}", spelt).replace("{n}", str(n)))
        if docker_reads(ref) is not None:
            expected[ref] = None
    return c.one_of(("\n", "\r\n", "\n\n")).join(statements) + c.one_of(("\n", "")), list(expected)


def tiltfile_seeds() -> Iterator[bytes]:
    for build in (*_BUILDS, *_OTHER_CALLS):
        yield b"\0" + build.replace("{ref}", "'quay.io/a/b'").encode()
    yield b"\0default_registry('localhost:5000', host_from_cluster='registry:5000', single_name='dev')\ndocker_build('a/b', '.')\n"
    yield from (b"\x80" + seed for seed in random_seeds(20, 30))


TARGETS: Final = {
    "references": Target(check_references, reference_seeds, 2, 100, 0.5),
    "tokens": Target(check_texts, token_seeds, 1, 200, 0.5),
    "rules": Target(check_rules, rule_seeds, 1, 300, 0.5),
    "paths": Target(check_paths, path_seeds, 2, 120, 0.5),
    "streams": Target(check_streams, text_seeds, 2, 1500, 2),
    "tree": Target(check_tree, text_seeds, 3, 1500, 2),
    "embedded": Target(check_embedded, embedded_seeds, 3, 1500, 5),
    "tiltfile": Target(check_tiltfile, tiltfile_seeds, 2, 800, 2),
    "runs": Target(check_runs, run_seeds, 4, 2000, 5),
    "functions": Target(check_functions, function_seeds, 2, 2000, 5),
}
