"""The KRM function protocol: a ResourceList's text in; out what to change there for images and `results`.

https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md. Nothing
is ever lost: where something is wrong the ResourceList comes back as it came, with `results` that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from krm_image_setter.config import ImageSetter, Value, config_value
from krm_image_setter.edits import Edit
from krm_image_setter.errors import ImageSetterError, InputError
from krm_image_setter.results import ERROR, Result, to_json, to_yaml
from krm_image_setter.transform import Plan, plan
from krm_image_setter.yaml import parsing, sharing, stream, tree
from krm_image_setter.yaml.stream import Listing

_API_VERSIONS: Final = tuple(f"config.kubernetes.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


class ResourceList(NamedTuple):
    """A ResourceList's text, its mapping and the text that it was parsed from: all, or the frame of `listing`."""

    text: str
    root: tree.Mapping
    source: str
    listing: Listing | None

    @property
    def function_config(self) -> Value | None:
        """The functionConfig, or None where there is none."""
        config = self.root.get("functionConfig")
        if config is None:
            return None
        return config_value(config, self.line)._replace(
            field="functionConfig", written=self.root.origin("functionConfig")
        )

    def line(self, offset: int) -> int:
        """Return the line of the text, from 1, that code point `offset` of the mapping's source stands in."""
        return self.text.count("\n", 0, self.at(offset)) + 1

    def at(self, offset: int) -> int:
        """Return where code point `offset` of the mapping's source stands in the text."""
        listing = self.listing
        left_out = listing.shift if listing is not None and offset >= listing.resumes else 0
        return offset + self.text.startswith("\ufeff") + left_out


def read_resource_list(text: str) -> ResourceList | None:
    """Return the ResourceList that `text` is, or None where it is something else, or not YAML."""
    if "ResourceList" not in text:
        return None
    start = int(text.startswith("\ufeff"))
    listing = stream.cut_items(text, start, len(text))
    if listing is not None:
        root = _resource_list_root(listing.frame)
        if root is not None and root.get("items", "") is None:
            return ResourceList(text, root, listing.frame, listing)
    root = _resource_list_root(text[start:])
    return None if root is None else ResourceList(text, root, text[start:], None)


def _resource_list_root(source: str) -> tree.Mapping | None:
    try:
        roots = [document.root for document in parsing.parse(source) if document.root is not None]
    except InputError:
        return None
    root = roots[0] if len(roots) == 1 else None
    return root if isinstance(root, tree.Mapping) and root.get("kind") == "ResourceList" else None


def plan_function(resource_list: ResourceList, configure: Callable[[Value | None], ImageSetter]) -> Plan:
    """Return the edits of the ResourceList's text that set the images and add the results.

    `configure` makes the configuration of the functionConfig. Any ImageSetterError becomes a result.
    """
    try:
        api_version = resource_list.root.get("apiVersion")
        if api_version not in _API_VERSIONS:
            raise InputError(f"the ResourceList is of {api_version}: give one of {', '.join(_API_VERSIONS)}")
        config = configure(resource_list.function_config)
        edits, results = plan(resource_list.text, config, resource_list.listing)
    except ImageSetterError as error:
        edits, results = [], tuple(Result(sentence, ERROR) for sentence in error.sentences)
    if results:
        edits = _with(edits, _results_edit(resource_list, results))
    return Plan(edits, results)


def _with(edits: list[Edit], last: Edit) -> list[Edit]:
    """Return edits and one more; an alias that ends the text may be written out where the results are added."""
    start, end, text = last
    same = {edit for edit in edits if edit.start == start == edit.end}
    others = [edit for edit in edits if edit not in same] if same else edits
    return [*others, Edit(start, end, "".join(edit.text for edit in same) + text)]


def _results_edit(resource_list: ResourceList, results: Iterable[Result]) -> Edit:
    """Return the edit that adds `results` behind those that earlier functions have left."""
    root, at = resource_list.root, resource_list.at
    pair = root.written("results")
    if pair is None:
        if root.flow:
            end = at(root.end.start_mark.index)
            return Edit(end, end, f', "results": [{to_json(results)}]')
        column = sharing.pair_column(resource_list.source, root.children[0])
        return _added_lines(resource_list, root, column, " " * column + "results:", results)
    key, value = pair
    if isinstance(value, tree.Sequence) and not value.flow:
        return _added_lines(resource_list, value, _dash_column(resource_list.source, value), None, results)
    if isinstance(value, tree.Sequence):
        end = at(value.end.start_mark.index)
        return Edit(end, end, (", " if value.children else "") + to_json(results))
    # Nothing, or what is no list of results: ours takes its place.
    start = resource_list.source.index(":", key.end_mark.index) + 1
    end = max(start, tree.end_of(resource_list.source, value))
    return Edit(at(start), at(end), f" [{to_json(results)}]")


def _added_lines(
    resource_list: ResourceList,
    behind: tree.Mapping | tree.Sequence,
    column: int,
    head: str | None,
    results: Iterable[Result],
) -> Edit:
    """Return the edit that adds results as lines where the block `behind` ends, before the next token."""
    text = resource_list.text
    end = resource_list.at(behind.end.start_mark.index)
    line_break = sharing.line_break(text)
    lines = (head + line_break if head is not None else "") + to_yaml(
        results, column=column, line_break=line_break
    )
    start_of_line = text.rfind("\n", 0, end) + 1
    if not text[start_of_line:end].strip(" "):
        return Edit(start_of_line, start_of_line, lines)
    return Edit(end, end, line_break + lines.removesuffix(line_break))


def _dash_column(source: str, sequence: tree.Sequence) -> int:
    """Return the column of a block sequence's dashes; its own mark may be that of an anchor."""
    dash = source.rindex("-", 0, tree.start_mark(sequence.children[0]).index)
    return dash - source.rfind("\n", 0, dash) - 1
