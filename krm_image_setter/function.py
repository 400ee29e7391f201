"""The KRM function protocol: a ResourceList's text in; out what to change there for images and `results`.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md. Nothing
is ever lost: where something is wrong the ResourceList comes back as it came, with `results` that say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from krm_image_setter.config import ImageSetter, Value, config_value
from krm_image_setter.documents import Frame, Stream
from krm_image_setter.edits import Edit
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.line_breaks import line_break, line_start, only_in_yaml_1_1
from krm_image_setter.results import ERROR, Result, to_json, to_yaml
from krm_image_setter.transform import Plan, plan
from krm_image_setter.yaml import scalar, tree, writer
from krm_image_setter.yaml.stream import Source

_API_VERSIONS: Final = tuple(f"config.kubernetes.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


class ResourceList(NamedTuple):
    """A stream that is a ResourceList, and the frame of that."""

    stream: Stream
    frame: Frame

    @property
    def function_config(self) -> Value | None:
        """The functionConfig, or None if there is none."""
        root = self.frame.root
        config = root.get("functionConfig")
        if config is None:
            return None
        return config_value(config, self.line)._replace(
            field="functionConfig", written=root.origin("functionConfig")
        )

    def line(self, offset: int) -> int:
        """Return the line of the text, from 1, of code point `offset` of the frame's source."""
        return Source(self.stream.text, self.stream.text, 0).line(self.at(offset))

    def at(self, offset: int) -> int:
        """Return where in the text code point `offset` of the frame's source is."""
        listing = self.frame.listing
        left_out = listing.shift if listing is not None and offset >= listing.resumes else 0
        return offset + self.stream.text.startswith("\ufeff") + left_out

    def in_text(self, edit: Edit) -> Edit:
        """Return an edit of the frame's source as one of the text."""
        return Edit(self.at(edit.start), self.at(edit.end), edit.text)


def read_resource_list(stream: Stream) -> ResourceList | None:
    """Return the ResourceList that a stream is, or None if it is something else or not YAML."""
    frame = stream.resource_list()
    return None if frame is None else ResourceList(stream, frame)


def plan_function(resource_list: ResourceList, configure: Callable[[Value | None], ImageSetter]) -> Plan:
    """Return the edits of the ResourceList's text that set the images and add the results.

    `configure` makes the configuration of the functionConfig. Any ImageSetterError becomes a result.
    """
    try:
        api_version = resource_list.frame.root.get("apiVersion")
        if api_version not in _API_VERSIONS:
            raise InputError(f"the ResourceList is of {api_version}: give one of {', '.join(_API_VERSIONS)}")
        config = configure(resource_list.function_config)
        edits, results = plan(resource_list.stream, config)
    except ImageSetterError as error:
        edits, results = [], tuple(Result(sentence, ERROR) for sentence in error.sentences)
    return Plan(_with_results(resource_list, edits, results) if results else edits, results)


def _with_results(resource_list: ResourceList, edits: list[Edit], results: tuple[Result, ...]) -> list[Edit]:
    """Return edits of the ResourceList's text, and with them those that add `results` to the earlier ones.

    Earlier results in a form that cannot take more are copied into a list: results of an alias, and results under
    `items`, where older functions put them. An alias of the earlier results gets a copy of them.
    """
    root, source, listing = resource_list.frame
    pair = root.written("results")
    changed: list[Any] = []
    if pair is None:
        added = _new_results(source, root, results)
    elif isinstance(pair[1], tree.Sequence) and any(map(_is_written, pair[1].children)):
        changed = [pair[1]]
        added = _more_results(source, pair[1], results)
    else:
        changed = list(_written_in(pair[1]))
        added = _copied_results(source, root, results)
    start, end, text = resource_list.in_text(added)
    if start < end:  # what else is to be edited there is part of the copy
        edits = [edit for edit in edits if not start <= edit.start <= edit.end <= end]
    if changed and "*" in source:
        from krm_image_setter.yaml import aliases  # noqa: PLC0415  (few documents have any)

        edited = {edit[:2] for edit in edits}
        copies = map(resource_list.in_text, aliases.replaced(source, root, changed))
        edits = edits + [copy for copy in copies if copy[:2] not in edited and not start <= copy.start < end]
    # The copy of an alias that ends the text is added at the same point.
    before = [edit for edit in edits if edit.start == edit.end == start == end]
    others = [edit for edit in edits if edit not in before] if before else edits
    edits = [*others, Edit(start, end, "".join(edit.text for edit in before) + text)]
    if listing is None:
        moved = (Edit(edit.start - resource_list.at(0), edit.end - resource_list.at(0), "") for edit in edits)
        edits = edits + list(map(resource_list.in_text, writer.closing(source, root, moved)))
    return edits


def _is_written(child: Any) -> bool:
    """Return whether there is a text for a child: the parsers do not agree on the place of one without."""
    return isinstance(child, tree.Alias | tree.Mapping | tree.Sequence) or any(
        (child.value, child.style, child.anchor, child.tag)
    )


def _written_in(child: Any) -> Iterator[Any]:
    """Yield a child and all that is written in it."""
    yield child
    for one in child.children if isinstance(child, tree.Mapping | tree.Sequence) else ():
        yield from _written_in(one)


def _new_results(source: str, root: tree.Mapping, results: Iterable[Result]) -> Edit:
    """Return the edit that adds the field `results` at the end of the ResourceList."""
    earlier = _copies(source, root)  # that a merge key brings
    if not root.flow and not earlier:
        column = writer.pair_column(source, root.children[0])
        return _added_lines(source, root, column, " " * column + "results:", results)
    text = f"[{', '.join([*earlier, to_json(results)])}]"
    if root.flow:
        end = tree.content_end(source, next(filter(_is_written, root.children[::-2])))
        return Edit(end, end, f', "results": {text}')
    name, value = root.written("<<") or root.children[:2]
    (edit,) = writer.lines_after(source, value, writer.pair_column(source, name), [f"results: {text}"])
    return edit


def _more_results(source: str, earlier: tree.Sequence, results: Iterable[Result]) -> Edit:
    """Return the edit that adds results to a list that has some."""
    if not earlier.flow:
        return _added_lines(source, earlier, _dash_column(source, earlier), None, results)
    end = tree.content_end(source, next(filter(_is_written, earlier.children[::-1])))
    return Edit(end, end, f", {to_json(results)}")


def _copied_results(source: str, root: tree.Mapping, results: Iterable[Result]) -> Edit:
    """Return the edit that puts a list in the place of earlier results: copies of them, then `results`."""
    key: Any
    key, value = root.written("results") or (None, None)
    text = f"[{', '.join([*_copies(source, root), to_json(results)])}]"
    end = key.end_mark.index
    colon = re.compile(writer.COLON).match(source, end)
    if colon is not None:
        is_written = _is_written(value)
        stop = tree.content_end(source, value) if is_written else colon.end()
        if (
            isinstance(value, tree.Sequence) and not value.flow
        ):  # of nulls, whose places the parsers do not agree on
            stop = max(stop, source.index("-", tree.start_mark(value).index) + 1)
        return Edit(colon.end(), max(colon.end(), stop), f" {text}")
    if root.flow:
        return Edit(end, end, f": {text}")
    return writer.lines_added(source, end, writer.pair_column(source, key), [f": {text}"])


def _copies(source: str, root: tree.Mapping) -> list[str]:
    """Return the earlier results, each in one line of flow style."""
    if "results" not in root:
        return []
    from krm_image_setter.yaml import aliases  # noqa: PLC0415  (orchestrators send a list)

    holder, key = root, "results"
    earlier = root["results"]
    if isinstance(earlier, tree.Mapping) and isinstance(earlier.get("items"), tree.Sequence):
        holder, key = earlier, "items"
    value = holder.origin(key)
    value = value.target if isinstance(value, tree.Alias) else value
    if isinstance(value, tree.Sequence):
        written = value.children
    else:
        written = [] if value == {} or _is_null(value) else [value]
    in_json = root.flow and getattr(root.children[0], "style", "") == '"'
    return [aliases.in_flow(source, one, in_json=in_json) for one in written]


def _is_null(written: Any) -> bool:
    """Return whether a written child is null."""
    return hasattr(written, "value") and not written.style and tree.typed(written.value) is None


def _added_lines(
    source: str, before: tree.Mapping | tree.Sequence, column: int, head: str | None, results: Iterable[Result]
) -> Edit:
    """Return the edit that adds results as lines where the block `before` ends, in front of the next token."""
    end = before.end.start_mark.index
    ending = line_break(source, end)
    lines = (head + ending if head is not None else "") + to_yaml(results, column=column, line_break=ending)
    start = line_start(source, end)
    if not source[start:end].strip(" "):
        # To YAML 1.2 the line before has not ended; an empty line does no harm, except in a scalar that keeps it.
        last = writer.last_block_scalar(before)
        keeps = last is not None and "+" in writer.block_header(source, last)
        return Edit(start, start, ending * (only_in_yaml_1_1(source, start) and not keeps) + lines)
    return Edit(end, end, ending + lines.removesuffix(ending))


def _dash_column(source: str, sequence: tree.Sequence) -> int:
    """Return the column of a block sequence's dashes; its own mark may be that of an anchor."""
    dash = scalar.content_start(source, sequence.start, len(source))
    return dash - line_start(source, dash)
