"""The file that `lock` writes: an ImageSetter with one entry per image, which sets the digest of the image.

An update keeps the text and the comments of an entry whose digest is the same. The other fields of the
ImageSetter, and the comments outside the list, are not changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from krm_image_setter.config import API_VERSION, KIND, Value, read_values
from krm_image_setter.errors import ConfigError
from krm_image_setter.images import parse_reference
from krm_image_setter.images.reference import is_digest
from krm_image_setter.typed import Any, Final, Record
from krm_image_setter.yaml import tree, writer

_FIELDS: Final = ("name", "newTag", "digest")
_NOT_LOCK: Final = (
    "expected only entries that `lock` writes; put other entries of `images` into another ImageSetter"
)
_DIGEST: Final = re.compile(r"^([ ]*(?:- )?digest:[ ]+[\"']?)[\w+.:-]+", re.MULTILINE)
_PLATFORM: Final = r"[a-z0-9]+/[a-z0-9_-]+(?:/[a-z0-9.]+)?"
_PLATFORMS: Final = re.compile(rf"[ \t]+# {_PLATFORM}(?:, {_PLATFORM})*[ \t]*$")


class Locked(Record):
    """The digest of an image, and the platforms of the image if they are known."""

    digest: str
    platforms: tuple[str, ...] = ()


class Entry(Record):
    """An entry in the text of a lock: its digest, its line (from 1), and its text with the comments above it."""

    digest: str
    line: int
    text: str


class LockFile(Record):
    """The parts of the text of a lock. The keys of `entries` are references with a tag, such as `nginx:1.27`.

    `key` is the line of the field `images`, and `indent` is the indentation of the entries.
    """

    head: str
    key: str
    entries: dict[str, Entry]
    tail: str
    indent: str = ""

    def updated(self, images: Mapping[str, Locked]) -> str:
        """Return the text of a lock with exactly these images, sorted by their names."""
        newline = "\r\n" if self.head.endswith("\r\n") or self.key.endswith("\r\n") else "\n"
        texts = [self._text(name, images[name], newline) for name in sorted(images)]
        value = "" if texts else " []"
        key = re.sub(r"^images:(?:[ \t]*\[[ \t]*\])?", f"images:{value}", self.key)
        pieces = [self.head, key, *texts, self.tail]
        return "".join(
            f"{piece}{newline}" if piece and not piece.endswith("\n") and any(pieces[number + 1 :]) else piece
            for number, piece in enumerate(pieces)
        )

    def _text(self, name: str, locked: Locked, newline: str) -> str:
        comment = f"  # {', '.join(locked.platforms)}" if locked.platforms else ""
        old = self.entries.get(name)
        if old is None:
            _, _, tag = name.rpartition(":")
            lines = writer.block([{"name": name, "newTag": tag, "digest": locked.digest}]).splitlines()
            lines[0] += comment
            return "".join(f"{self.indent}{line}{newline}" for line in lines)
        if old.digest == locked.digest:
            return old.text
        lines = _DIGEST.sub(rf"\g<1>{locked.digest}", old.text, count=1).split("\n")
        return "\n".join(_with_platforms(line, comment) for line in lines)


def new_lock(comments: Iterable[str]) -> LockFile:
    """Return a lock without entries. Its text starts with `comments`."""
    lines = (
        *(f"# {line}" for line in comments),
        f"apiVersion: {API_VERSION}",
        f"kind: {KIND}",
        "metadata:",
        "  name: images-lock",
        '  annotations: {config.kubernetes.io/local-config: "true"}',
    )
    return LockFile("".join(f"{line}\n" for line in lines), "images:\n", {}, "")


def read_lock(text: str, file: str) -> LockFile:
    """Read the text of a lock. Raises ConfigError if the file is not a lock that `lock` can update."""
    documents = read_values(text, file)
    if not documents:
        raise ConfigError("expected a lock, got an empty file; remove the file", file=file)
    document = documents[0]
    for other in documents[1:]:
        other.fail("expected one document in a lock; put the others into another file")
    fields = document.fields()
    if [fields[key].data if key in fields else None for key in ("apiVersion", "kind")] != [API_VERSION, KIND]:
        document.fail(f"expected a lock: an ImageSetter with the apiVersion {API_VERSION}")
    if "images" not in fields:
        document.fail("missing required field `images`")
    start = (document.location("images").line or 1) - 1
    lines = text.split("\n")
    lines = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    items = list(fields["images"].items()) if fields["images"].data is not None else []
    if not re.match(r"images:[ \t]*(?:#.*)?$" if items else r"images:", lines[start].rstrip("\r\n")):
        fields["images"].fail(_NOT_LOCK)
    entries: dict[str, Entry] = {}
    end, indent = start + 1, ""
    for item in items:
        name, digest, first, last = _read_entry(item)
        dash = re.match(r"([ ]*)- ", lines[first])
        if name in entries:
            item.fail(f'there is another entry for "{name}"; remove one of them')
        text = "".join(lines[end : last + 1])
        written = _DIGEST.search(text)
        if dash is None or first < end or written is None or not written[0].endswith(digest):
            item.fail(_NOT_LOCK)
        indent = dash[1]
        entries[name] = Entry(digest, first + 1, text)
        end = last + 1
    return LockFile("".join(lines[:start]), lines[start], entries, "".join(lines[end:]), indent)


def _read_entry(item: Value) -> tuple[str, str, int, int]:
    """Return the name and the digest of an entry, and the numbers of its first and last line (from 0)."""
    if not isinstance(item.written, tree.Mapping) or item.data.keys() != set(_FIELDS):
        item.fail(_NOT_LOCK)
    fields = item.fields()
    name, tag, digest = (fields[key].string() for key in _FIELDS)
    reference = parse_reference(name)
    if reference is None or reference[1:] != (tag, None) or not is_digest(digest):
        item.fail(_NOT_LOCK)
    marks: Sequence[Any] = [item.written, *(fields[key].written for key in _FIELDS)]
    starts = [item.line(tree.start_mark(written).index) - 1 for written in marks]
    return str(reference.familiar), digest, starts[0], max(starts)


def _with_platforms(line: str, comment: str) -> str:
    """Replace the platforms in the comment of an entry's first line. Return any other line unchanged."""
    content = line.rstrip("\r")
    if not re.match(r"[ ]*- ", content):
        return line
    without = _PLATFORMS.sub("", content)
    return line if " #" in without else without + comment + line[len(content) :]
