"""Changes the style of YAML, but not its data: the style of whole documents, or of single nodes.

Each changed text is parsed again. A change that also changes the data is dropped.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final

import yaml

from differential.model import NonString
from differential.source import (
    BREAK,
    LOADER,
    Node,
    Source,
    UnreadableError,
    content_span,
    is_merge,
    read,
    scalar_of,
)
from differential.writing import Writer, frozen


def mutate(text: str, random: Random, count: int) -> tuple[str, Counter[str]]:
    """Make up to `count` changes of a text, and count their kinds. Raises UnreadableError if it is not YAML."""
    source = read(text)
    data = source.data()
    done: Counter[str] = Counter()
    names = list(CHANGES)
    for _ in range(count):
        name = random.choices(names, weights=[CHANGES[name][1] for name in names])[0]
        used: Counter[str] = Counter()
        changed = CHANGES[name][0](source, random, used)
        if changed is None or changed == source.text:
            continue
        try:
            new = read(changed)
            if new.data() != data:
                raise UnreadableError("other data")
        except UnreadableError:
            done[f"dropped: {name}"] += 1
            continue
        source = new
        done[name] += 1
        done.update(used.keys())
    return source.text, done


# --- whole documents -------------------------------------------------------------------------------------------


def rewrite(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Write all documents in another style."""
    writer = Writer(random)
    written = ""
    for number, document in enumerate(source.documents):
        text = writer.document(document)
        if number == 0 and random.random() < 0.6:
            mark = ""
        else:
            mark = random.choice(("---\n", "---\n", "--- # next\n", "---  \n"))
            if number and random.random() < 0.1:
                mark = "...\n" + mark
            if random.random() < 0.03 and (number == 0 or mark.startswith("...")):
                mark = mark.replace("---", "%YAML 1.1\n---", 1)
                used["directive"] += 1
        # A collection in flow style, or a quoted scalar, can begin next to the mark.
        if mark == "---\n" and text.startswith(("{", "[", '"')) and random.random() < 0.4:
            mark = "--- "
        written += mark + text
        if not written.endswith("\n"):
            written += "\n"
    used.update(writer.used)
    return written


def as_json(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Write the documents as JSON, sometimes with escapes; None if JSON cannot represent them."""
    documents = source.data()
    if any(not isinstance(document, (dict, list)) for document in documents):
        return None
    try:
        texts = [
            json.dumps(
                _json(document), ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 1, 2))
            )
            for document in documents
        ]
    except UnreadableError:
        return None
    if random.random() < 0.5:
        used["JSON escape"] += 1
        texts = [
            re.sub(
                r'(?<=[\w/"])/(?=\w)|(?<=\w)[-a-z](?=\w*")',
                lambda match: _escaped(match[0], random),
                text,
            )
            for text in texts
        ]
    return "\n---\n".join(texts) + "\n"


def _escaped(character: str, random: Random) -> str:
    if random.random() < 0.8:
        return character
    return "\\/" if character == "/" and random.random() < 0.5 else f"\\u{ord(character):04x}"


def _json(data: Any) -> Any:
    if isinstance(data, NonString):
        if data.text in ("true", "false", "null") or re.fullmatch(r"-?(0|[1-9][0-9]{0,14})", data.text):
            return json.loads(data.text)
        raise UnreadableError("not in JSON")
    if isinstance(data, dict):
        if any(not isinstance(key, str) for key in data):
            raise UnreadableError("not in JSON")
        return {key: _json(value) for key, value in data.items()}
    return [_json(item) for item in data] if isinstance(data, list) else data


def shift(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Indent all lines, except document marks, directives and empty lines."""
    del used
    margin = " " * random.randint(1, 3)
    lines = source.text.removeprefix("\ufeff").splitlines(keepends=True)
    return "".join(line if re.match(r"---|\.\.\.|%|\s*$", line) else margin + line for line in lines)


# --- single nodes ----------------------------------------------------------------------------------------------


def _scalars(source: Source) -> list[Node]:
    """Return all scalars, except empty scalars and merge keys."""
    return [
        node
        for document in source.documents
        for node in document.walk()
        if node.kind == "scalar" and not is_merge(node) and node.end > node.start
    ]


def _replace(source: Source, start: int, end: int, new: str) -> str:
    return source.text[:start] + new + source.text[end:]


def requote(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Write one scalar with other quotes, escapes or line breaks."""
    nodes = [node for node in _scalars(source) if node.style not in ("|", ">")]
    if not nodes:
        return None
    node = random.choice(nodes)
    writer = Writer(
        random, {"quoted": 0.7, "escape": 0.5, "block scalar": 0, "folded scalar": 0, "multi-line scalar": 0.3}
    )
    start, end = content_span(node, source.text)
    new = writer.scalar(Node("scalar", node.value, style=node.style), 20, flow=True, tagged=bool(node.tag))
    used.update(writer.used)
    return _replace(source, start, end, new)


def add_tag(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Add a tag to a scalar or a flow collection."""
    del used
    nodes = [
        node
        for document in source.documents
        for node in document.walk()
        if not node.tag and not node.anchor and node.end > node.start
        and (node.style == "{" or (node.kind == "scalar" and not is_merge(node) and isinstance(scalar_of(node), str)))
    ]  # fmt: skip
    if not nodes:
        return None
    node = random.choice(nodes)
    tag = {"scalar": "!!str", "sequence": "!!seq", "mapping": "!!map"}[node.kind]
    return _replace(source, node.start, node.start, f"{tag} ")


def add_anchor(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Add an anchor to a node, and replace some equal nodes with an alias."""
    number = random.randrange(len(source.documents))
    nodes = [
        node
        for node in source.documents[number].walk()
        if node.kind != "alias" and not node.anchor and not node.tag and node.end > node.start
        and (node.kind == "scalar" or node.style == "{") and not is_merge(node)
    ]  # fmt: skip
    groups: dict[Any, list[Node]] = {}
    for node in nodes:
        groups.setdefault(frozen(node), []).append(node)
    several = [group for group in groups.values() if len(group) > 1]
    if several and random.random() < 0.9:
        first, *others = random.choice(several)
        text = source.text
        for other in reversed(others):
            if random.random() < 0.6:
                used["alias"] += 1
                line_end = "\n" if other.style in ("|", ">") else ""
                colon = " " if text[other.end : other.end + 1] == ":" else ""
                text = text[: other.start] + f"*m{first.start}{colon}{line_end}" + text[other.end :]
        return text[: first.start] + f"&m{first.start} " + text[first.start :]
    if not nodes:
        return None
    node = random.choice(nodes)
    return _replace(source, node.start, node.start, f"&m{node.start} ")


def _pairs(source: Source) -> list[tuple[Node, Node, Node, int]]:
    """Return the pairs of block mappings that start a line or follow `- `.

    Each item contains the mapping, the key, the value, and the column of the key, counted from 0.
    """
    found = []
    for document in source.documents:
        for node in document.walk():
            if node.kind != "mapping" or node.style:
                continue
            for key, value in node.value:
                before = BREAK.split(source.text[: key.start])[-1]
                if re.fullmatch(r"\ufeff?[ ]*(?:- +)*", before):
                    found.append((node, key, value, len(before.removeprefix("\ufeff"))))
    return found


def rewrite_value(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Write the value of one pair in another style, for example in flow style or with a merge key."""
    pairs = _pairs(source)
    if not pairs:
        return None
    _, key, value, column = random.choice(pairs)
    end = max(key.end, value.end)
    if value.kind == "alias" or is_merge(key) or end - key.start > 4000:
        return None
    writer = Writer(random)
    for node in value.walk():
        if node.anchor or node.kind == "alias":
            return None  # an alias elsewhere can refer to this anchor
        writer.counts[frozen(node)] += 1
    written = writer.pair(key, value, column)
    tail = source.text[end:]
    rest = re.match(r"[ \t]*(?:#[^\n\r\x85\u2028\u2029]*)?(?:\r\n|[\n\r\x85\u2028\u2029]|$)", tail)
    if source.text[end - 1 : end] in ("\n", "\r", "\x85"):
        pass  # a block scalar ends with its line
    elif rest is None:
        return None
    elif "#" in rest[0] and not written.count("\n") > 1 and "#" not in written and random.random() < 0.8:
        written = written.rstrip()
    else:
        tail = tail[rest.end() :]
    used.update(writer.used)
    return source.text[: key.start] + written + tail


def merge_pair(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Replace a pair on one line with a merge key: `a: b` becomes `<<: {a: b}`."""
    candidates = [
        (mapping, key, value)
        for mapping, key, value, _ in _pairs(source)
        if value.kind == "scalar" and not value.anchor and value.end > value.start and not value.tag and not key.anchor
        and not BREAK.search(source.text, key.start, value.end) and not any(is_merge(name) for name, _ in mapping.value)
        and key.kind == "scalar"
    ]  # fmt: skip
    if not candidates:
        return None
    _, key, value = random.choice(candidates)
    writer = Writer(random, {"comment": 0, "line break in flow": 0})
    used.update(writer.used)
    flow = writer.flow(Node("mapping", [(key, value)]), 0)
    if random.random() < 0.3:
        flow = f"[{flow}]"
    anchor = f"&m{key.start} " if random.random() < 0.3 else ""
    return _replace(source, key.start, value.end, f"<<: {anchor}{flow}")


def add_comment(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Add a comment, white space or an empty line at a line end that is outside all scalars."""
    del used
    breaks = structural_breaks(source.text)
    if not breaks:
        return None
    start, _ = random.choice(breaks)
    new = random.choice((" # more", "  #", "\n\n", "\n# whole line", "\n      # deep", " \t", "\t# after a tab"))
    return _replace(source, start, start, new)


def structural_breaks(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each line end that is not inside a scalar."""
    shift_ = int(text.startswith("\ufeff"))
    found, position = [], shift_
    try:
        for token in yaml.scan(text, Loader=LOADER):
            start, end = token.start_mark.index + shift_, token.end_mark.index + shift_
            if start > position:
                found += [match.span() for match in BREAK.finditer(text, position, start)]
            position = max(position, end)
    except yaml.YAMLError:
        return []
    return found + [match.span() for match in BREAK.finditer(text, position)]


def line_ends(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Replace line ends: all of them, all outside scalars, or some outside scalars."""
    name, new = random.choice(
        (
            ("CRLF", "\r\n"),
            ("CR", "\r"),
            ("CR", "\r"),
            ("NEL", "\x85"),
            ("LS", "\u2028"),
            ("PS", "\u2029"),
            ("LF", "\n"),
        )
    )
    used[f"{name} line ends"] += 1
    if random.random() < 0.5 and new not in "\u2028\u2029":
        return BREAK.sub(new, source.text)
    text, share = source.text, random.choice((1, 1, 0.3))
    for start, end in reversed(structural_breaks(text)):
        if random.random() < share:
            text = text[:start] + new + text[end:]
    return text


def ends(source: Source, random: Random, used: Counter[str]) -> str | None:
    """Change the start or the end of the text."""
    del used
    text = source.text
    return random.choice(
        (
            lambda: text.rstrip("\n"),
            text.rstrip,
            lambda: text + "\n\n",
            lambda: text + "# the end",
            lambda: text + "   ",
            lambda: text.rstrip("\n") + "\n...\n",
            lambda: text if text.startswith("\ufeff") else f"\ufeff{text}",
            lambda: text if text.startswith(("---", "\ufeff", "%", " ")) else f"---\n{text}",
            lambda: "# the start\n\n" + text.removeprefix("\ufeff"),
        )
    )()


#: The changes, and how often each is chosen.
CHANGES: Final[dict[str, tuple[Callable[[Source, Random, Counter[str]], str | None], float]]] = {
    "rewrite": (rewrite, 1.5),
    "as JSON": (as_json, 0.15),
    "shift": (shift, 0.3),
    "requote": (requote, 3),
    "add tag": (add_tag, 1),
    "add anchor": (add_anchor, 2),
    "rewrite value": (rewrite_value, 4),
    "merge pair": (merge_pair, 1.5),
    "add comment": (add_comment, 2),
    "line ends": (line_ends, 1),
    "ends": (ends, 1),
}
