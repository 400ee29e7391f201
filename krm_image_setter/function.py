"""The KRM function protocol: computes the edits that set the images in a ResourceList and add `results` to it.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md

If there is an error, the edits add the error to `results` and change no image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from krm_image_setter.config import ImageSetter, Value, config_value
from krm_image_setter.documents import Frame, Stream
from krm_image_setter.edits import Edit
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.line_breaks import line_break, line_start, only_in_yaml_1_1
from krm_image_setter.resources import file_of
from krm_image_setter.results import ERROR, Result, to_json, to_yaml
from krm_image_setter.transform import Plan, plan
from krm_image_setter.typed import TYPE_CHECKING, Final, Record
from krm_image_setter.yaml import scalar, tree, writer
from krm_image_setter.yaml.stream import Source

if TYPE_CHECKING:
    from krm_image_setter.yaml.tree import Written

_API_VERSIONS: Final = tuple(f"config.kubernetes.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_VALIDATOR: Final = (
    "the images differ from the configuration, but kpt discards the changes of a validator; "
    "declare this function in `pipeline.mutators` of the Kptfile"
)


class ResourceList(Record):
    """A stream that contains a ResourceList. The text of `frame` can omit the items of the list."""

    stream: Stream
    frame: Frame

    @property
    def function_config(self) -> Value | None:
        """The functionConfig of the ResourceList, or None if it has none.

        Its lines count from its start, because the user does not see the ResourceList. Its file is the path in the
        annotations of the functionConfig.
        """
        root = self.frame.root
        config, pair = root.get("functionConfig"), root.written("functionConfig")
        if config is None:
            return None
        file = file_of(config)
        written = root.origin("functionConfig")
        # If the functionConfig comes from a merge key (`<<`), the ResourceList itself has no key for it.
        key, start = (tree.start_mark(node).index for node in (pair[0] if pair else written, written))
        # Do not count the lines of the items, which are usually before the functionConfig.
        text = self.stream.text[self.at(key) :]
        source = Source(text, text, 0)

        def line(offset: int) -> int:
            return source.line(max(self.at(offset) - self.at(key), 0))

        is_below = line(start) > 1
        value = config_value(config, lambda offset: max(line(offset) - is_below, 1), file and file[0])
        return value._replace(field="functionConfig", written=written)

    def at(self, offset: int) -> int:
        """Return the offset in the text for an offset in the frame's source. Both are in code points."""
        listing = self.frame.listing
        items = listing.shift if listing is not None and offset >= listing.resumes else 0
        return offset + self.stream.text.startswith("\ufeff") + items

    def in_text(self, edit: Edit) -> Edit:
        """Convert an edit of the frame's source to the corresponding edit of the text."""
        return Edit(self.at(edit.start), self.at(edit.end), edit.text)


def read_resource_list(stream: Stream) -> ResourceList | None:
    """Return the stream as a ResourceList. Return None if it is not YAML, or not a ResourceList."""
    frame = stream.resource_list()
    return None if frame is None else ResourceList(stream, frame)


def plan_function(resource_list: ResourceList, configure: Callable[[Value | None], ImageSetter]) -> Plan:
    """Compute the edits of a ResourceList that set the images and add the results.

    `configure` decodes the functionConfig. An ImageSetterError is reported as a result.
    """
    try:
        api_version = resource_list.frame.root.get("apiVersion")
        if api_version is None:
            raise InputError(f"missing required field `apiVersion` of the ResourceList; add {_API_VERSIONS[0]}")
        if api_version not in _API_VERSIONS:
            expected = ", ".join(_API_VERSIONS)
            raise InputError(f'unsupported apiVersion "{api_version}" of the ResourceList; expected {expected}')
        value = resource_list.function_config
        edits, results = plan(resource_list.stream, configure(value))
        if value is not None and "validators" in resource_list.stream.text:
            from krm_image_setter.kptfile import is_validator  # noqa: PLC0415  (few runs need it)

            if edits and is_validator(resource_list.stream, value.data):
                raise InputError(_VALIDATOR)
    except ImageSetterError as error:
        edits, results = [], tuple(Result(sentence, ERROR) for sentence in error.sentences)
    return Plan(_with_results(resource_list, edits, results) if results else edits, results)


def _with_results(resource_list: ResourceList, edits: list[Edit], results: tuple[Result, ...]) -> list[Edit]:
    """Combine `edits` of a ResourceList's text with the edits that append `results` to the existing results.

    If nothing can be appended to the existing results, they are copied into a new list. For example, they can be
    an alias, or under `items`, where older functions write them. Aliases of the results are replaced with copies.
    """
    root, source, listing = resource_list.frame
    pair = root.written("results")
    changed: list[Written] = []
    if pair is None:
        added = _new_results(source, root, results)
    elif isinstance(pair[1], tree.Sequence) and any(map(_is_written, pair[1].children)):
        changed = [pair[1]]
        added = _more_results(source, pair[1], results)
    else:
        changed = list(tree.nodes_in(pair[1]))
        added = _copied_results(source, root, *pair, results)
    start, end, text = resource_list.in_text(added)
    # The copied results already contain the edits in this range.
    if start < end:
        edits = [edit for edit in edits if not start <= edit.start <= edit.end <= end]
    if changed and "*" in source:
        from krm_image_setter.yaml import aliases  # noqa: PLC0415

        edited = {edit[:2] for edit in edits}
        copies = map(resource_list.in_text, aliases.replaced(source, root, changed))
        edits = edits + [copy for copy in copies if copy[:2] not in edited and not start <= copy.start < end]
    # If the text ends with an alias, the copy that replaces it is inserted at the same offset as the results.
    before = [edit for edit in edits if edit.start == edit.end == start == end]
    others = [edit for edit in edits if edit not in before] if before else edits
    edits = [*others, Edit(start, end, "".join(edit.text for edit in before) + text)]
    if listing is None:
        moved = (Edit(edit.start - resource_list.at(0), edit.end - resource_list.at(0), "") for edit in edits)
        edits = edits + list(map(resource_list.in_text, writer.closing(source, root, moved)))
    return edits


def _is_written(written: Written) -> bool:
    """Return whether a node is not empty. The parsers report different positions for an empty node."""
    return isinstance(written, tree.Alias | tree.Collection) or any(
        (written.value, written.style, written.anchor, written.tag)
    )


def _new_results(source: str, root: tree.Mapping, results: Iterable[Result]) -> Edit:
    """Return the edit that adds the field `results` to a ResourceList without this field."""
    # If there are existing results, they come from a merge key (`<<`).
    earlier = _copies(source, root)
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
    """Return the edit that appends results to the list of existing results, which is not empty."""
    if not earlier.flow:
        dash = scalar.content_start(source, earlier.start, len(source))  # after its anchor and tag
        return _added_lines(source, earlier, dash - line_start(source, dash), None, results)
    end = tree.content_end(source, next(filter(_is_written, earlier.children[::-1])))
    # libyaml does not read `a:,`, so a comma after a pair without a value needs a space.
    comma = " ," if source[end - 1] == ":" else ","
    return Edit(end, end, f"{comma} {to_json(results)}")


def _copied_results(
    source: str, root: tree.Mapping, key: Written, value: Written, results: Iterable[Result]
) -> Edit:
    """Return the edit that replaces the existing results with a list of their copies and the new `results`."""
    text = f"[{', '.join([*_copies(source, root), to_json(results)])}]"
    end = tree.content_end(source, key)
    colon = re.compile(tree.COLON).match(source, end)
    if colon is not None:
        is_written = _is_written(value)
        stop = tree.content_end(source, value) if is_written else colon.end()
        # At this point, a block sequence contains only empty items.
        if isinstance(value, tree.Sequence) and not value.flow:
            stop = max(stop, source.index("-", tree.start_mark(value).index) + 1)
        return Edit(colon.end(), max(colon.end(), stop), f" {text}")
    if root.flow:
        return Edit(end, end, f": {text}")
    return writer.lines_added(source, end, writer.pair_column(source, key), [f": {text}"])


def _copies(source: str, root: tree.Mapping) -> list[str]:
    """Return a copy of each existing result, as one line in flow style."""
    if "results" not in root:
        return []
    from krm_image_setter.yaml import aliases  # noqa: PLC0415

    holder, key = root, "results"
    earlier = root["results"]
    if isinstance(earlier, tree.Mapping) and isinstance(earlier.get("items"), tree.Sequence):
        holder, key = earlier, "items"
    value = tree.target_of(holder.origin(key))
    alone = [] if holder[key] in (None, {}) else [value]
    written = value.children if isinstance(value, tree.Sequence) else alone
    in_json = root.flow and getattr(root.children[0], "style", "") == '"'
    return [aliases.in_flow(source, one, in_json=in_json) for one in written]


def _added_lines(
    source: str, before: tree.Mapping | tree.Sequence, column: int, head: str | None, results: Iterable[Result]
) -> Edit:
    """Return the edit that adds results as lines after the block `before`, but before the next token.

    The first of these lines is `head`, unless it is None.
    """
    end = before.end.start_mark.index
    ending = line_break(source, end)
    lines = (head + ending if head is not None else "") + to_yaml(results, column=column, line_break=ending)
    start = line_start(source, end)
    if not source[start:end].strip(" "):
        # Add a line break after NEL, LS and PS, because they do not end the previous line in YAML 1.2. After a
        # block scalar with `+`, add none, because the line break would belong to the scalar.
        last = writer.last_block_scalar(before)
        keeps = last is not None and "+" in writer.block_header(source, last)
        return Edit(start, start, ending * (only_in_yaml_1_1(source, start) and not keeps) + lines)
    return Edit(end, end, ending + lines.removesuffix(ending))
