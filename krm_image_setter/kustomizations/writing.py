"""Writes decisions into kustomizations: entries of `images`, and images in strings such as patches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from krm_image_setter.documents import Stream
from krm_image_setter.edits import Edit
from krm_image_setter.errors import InputError
from krm_image_setter.kustomizations.fields import ANY_FILE
from krm_image_setter.kustomizations.flows import Scalar
from krm_image_setter.kustomizations.reading import Entry, Node, Text
from krm_image_setter.locators.json_patch import is_json_patch
from krm_image_setter.locators.kustomize_entry import EntryKeys, entry_changes
from krm_image_setter.paths import format_location
from krm_image_setter.resources import NO_REF, ResourceRef
from krm_image_setter.results import INFO, Result
from krm_image_setter.rules import Rules
from krm_image_setter.scan import Scan, scan
from krm_image_setter.typed import Final
from krm_image_setter.yaml import aliases, writer
from krm_image_setter.yaml.tree import Change, Fragment

#: The resource that messages show for a change or an image in the kustomization itself.
KUSTOMIZATION: Final = ResourceRef("", "Kustomization", "", "")


class Writer:
    """Collects the changes of texts, and computes the edits of the files that contain the texts."""

    def __init__(self, rules: Rules) -> None:
        self.scans: dict[str, Scan] = {}
        self._rules = rules
        self._changes: dict[Text, dict[int, list[Change]]] = {}

    def write_entry(self, entry: Entry, new: EntryKeys) -> None:
        """Write the new values of an entry."""
        can_rename = not entry.root.tree.document.aliased
        self._add(entry, entry_changes(entry.value, entry.location, entry.keys, new, can_rename=can_rename))
        old, now = entry.keys.image, new.image
        if old == now:
            old, now = entry.keys.name, new.name
        self._report(entry, (old, now), is_image=new[1:] != entry.keys[1:])

    def write_value(self, node: Node, scalar: Scalar, new: str) -> None:
        """Write an image that is the value of a field of a kustomization, such as `sourceValue`."""
        changes = [Change(node.location, Fragment(0, len(scalar.image), new))]
        self._add(node, changes if scalar.changes is None else scalar.changes(new).changes)
        self._report(node, (scalar.image, new), is_image=True)

    def write_string(self, text: Text, decided: Mapping[int, str]) -> None:
        """Write images into a string with resources or a patch. `decided` contains all new images by offset."""
        # `catalog: false` must not disable the images of a JSON patch, because all of them have a decision.
        is_patch = is_json_patch(text.roots[0].node)
        rules = self._rules._replace(catalog=self._rules.catalog or is_patch)
        inner = scan(Stream(text.source, ANY_FILE), rules, decided=decided)
        if text.parent is None or not inner.edits:
            return
        self._add_edits(text.parent, dict.fromkeys(inner.edits))
        found = self._scan(text)
        found.images_set += inner.images_set
        found.renamed |= inner.renamed
        field = format_location(text.parent.location)
        for result in inner.results:
            ref = KUSTOMIZATION if result.resource_ref in (None, NO_REF) else result.resource_ref
            # A result has no line if the run does not need lines, because counting them takes time.
            line = text.line_in_file(result.line) if result.line else text.roots[0].line(())
            inner_field = f"{field}: {result.field}"
            found.results.append(result._replace(resource_ref=ref, field=inner_field, line=line, column=None))

    def finish(self) -> None:
        """Compute the edits of all files. Raises InputError if a change cannot be written."""
        # Write a string before the text that contains the string.
        while nested := [(text, text.parent) for text in self._changes if text.parent]:
            for text, parent in nested:
                self._add_edits(parent, self._edits(text))
        for text in self._changes:
            self._scan(text).edits += self._edits(text)

    def _edits(self, text: Text) -> list[Edit]:
        edits: list[Edit] = []
        for number, changes in self._changes.pop(text).items() if text.parent else self._changes[text].items():
            one = text.roots[number].tree
            source, root = one.source, one.document.root
            try:
                if one.document.aliased:
                    new, _ = aliases.write(source.text, root, changes)
                else:
                    new = writer.write(source.text, root, changes)
            except InputError as error:
                error.line = text.line_in_file(text.roots[number].line(())) + (error.line or 1) - 1
                raise error.at(file=text.file.key) from None
            edits += [Edit(start + source.start, end + source.start, changed) for start, end, changed in new]
        return edits

    def _add(self, node: Node, changes: list[Change]) -> None:
        self._changes.setdefault(node.text, {}).setdefault(node.number, []).extend(changes)

    def _add_edits(self, string: Node, edits: Iterable[Edit]) -> None:
        self._add(string, [Change(string.location, Fragment(*edit)) for edit in edits])

    def _scan(self, text: Text) -> Scan:
        return self.scans.setdefault(text.file.key, Scan())

    def _report(self, node: Node, values: tuple[str, str], *, is_image: bool) -> None:
        found = self._scan(node.text)
        found.images_set += is_image
        old, new = values
        found.add_change(old, new)
        message = f'set {"image" if is_image else "name"} "{old}" to "{new}"'
        path = format_location(node.location)
        found.results.append(
            Result(message, INFO, KUSTOMIZATION, path, old, new, line=node.line, column=node.column)
        )
