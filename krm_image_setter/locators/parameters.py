"""Finds the images that replace a placeholder: defaults and values of its parameter in the same resource.

- Tekton `$(params.X)`: `params` of the task, of its use in a pipeline, and of the pipeline. The inner scope wins
  over the outer scope, but a value wins over a default
  (https://tekton.dev/docs/pipelines/pipelineruns/#scope-and-precedence). `$(tt.params.X)`: `params` of the
  TriggerTemplate (https://tekton.dev/docs/triggers/triggertemplates/).
- Shipwright `$(params.X)`: `parameters` (https://shipwright.io/docs/build/buildstrategies/#strategy-parameters).
- Argo Workflows `{{inputs.parameters.X}}`: `inputs` of the template, and `arguments` of the steps and tasks that
  use the template. `{{workflow.parameters.X}}`: `arguments` of the workflow
  (https://argo-workflows.readthedocs.io/en/latest/variables/).
- OpenShift `${X}`: `parameters` of the Template (https://docs.okd.io/latest/openshift_images/using-templates.html).

If a parameter has a default and a value, both are images, because another run can use the default. A value such as
`nexus` is not an image if the same placeholder is in the name of an object, which would become invalid.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from krm_image_setter.images import parse_reference
from krm_image_setter.locators.image_field import ImageField, whole_field
from krm_image_setter.resources import is_resource
from krm_image_setter.typed import Any, Final, Record, TypeAlias
from krm_image_setter.yaml import tree
from krm_image_setter.yaml.tree import Location

# A name in quotes can contain any character: $(params["a.b"]).
_NAME: Final = r"(?:\.(?P<name>[\w-]+)|\[(?P<quote>[\"'])(?P<quoted>[^\"']+)(?P=quote)\])"
_TASK: Final = rf"\$\((?:inputs\.)?params{_NAME}\)"
_TRIGGER: Final = rf"\$\(tt\.params{_NAME}\)"
_INPUT: Final = rf"\{{\{{=?\s*inputs\.parameters{_NAME}\s*\}}\}}"
_WORKFLOW: Final = rf"\{{\{{=?\s*workflow\.parameters{_NAME}\s*\}}\}}"
_TEMPLATE: Final = r"\$\{(?P<name>\w+)\}"
_PLACEHOLDER: Final = r"\$\{\w+\}|\$\([^()]+\)|\{\{[^{}]+\}\}"
_MOST_LEVELS: Final = 8


class _Node(Record):
    """A mapping in the resource, and its location."""

    location: Location
    node: dict[str, Any]

    def texts(self, *keys: str) -> Iterator[Location]:
        """Yield the location of each of `keys` whose value is a string that is not empty."""
        for key in keys:
            value = self.node.get(key)
            if isinstance(value, str) and value.strip():
                yield (*self.location, key)


_Enclosing: TypeAlias = list[_Node]  # the mappings that contain a field, the innermost first


class Parameters:
    """The parameters of one resource. The lists of parameters and the uses of templates are indexed by name."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._indexes: dict[int, dict[str, int]] = {}
        self._uses: dict[int, dict[str, list[Location]]] = {}
        self._in_names: set[str] | None = None
        self._look_ups = (
            (_TASK, self._task),
            (_TRIGGER, self._trigger),
            (_INPUT, self._input),
            (_WORKFLOW, self._workflow),
            (_TEMPLATE, self._template),
        )

    def images(self, field: ImageField) -> list[ImageField]:
        """Return the fields with the images that replace the placeholder in `field`, or an empty list."""
        found: dict[Location, str] = {}
        placeholders = [(field.current, field.location)]
        # A value can be a placeholder too. Stop after a few levels, because a chain can be very long.
        for _ in range(_MOST_LEVELS):
            placeholders = [inner for each in placeholders for inner in self._follow(*each, found)]
        policy = (field.policy[0], False) if field.policy else None
        return [
            whole_field(location, text, usage=field.usage, policy=policy)
            for location, text in found.items()
            if parse_reference(text.strip()) and not (_can_be_name(text) and self._is_in_name(field.current))
        ]

    def _is_in_name(self, placeholder: str) -> bool:
        """Return whether a placeholder is in a name, a label or a selector of the resource."""
        if self._in_names is None:
            found = (re.findall(_PLACEHOLDER, text) for text in _names_in(self._root, in_metadata=False))
            self._in_names = {one for each in found for one in each}
        return placeholder in self._in_names

    def _follow(
        self, placeholder: str, location: Location, found: dict[Location, str]
    ) -> Iterator[tuple[str, Location]]:
        """Add the strings that replace a placeholder to `found`. Yield each with the location of its scope."""
        for pattern, look_up in self._look_ups:
            match = re.fullmatch(pattern, placeholder)
            if match is None:
                continue
            name = match["name"] or match["quoted"]
            for at in look_up(name, self._enclosing(location)):
                if at not in found:
                    found[at] = text = tree.at(self._root, at)
                    # In Tekton, a value in `params` of a mapping refers to the parameters of an outer mapping.
                    yield text.strip(), at[:-3] if pattern is _TASK else at

    def _enclosing(self, location: Location) -> _Enclosing:
        node, found = self._root, [_Node((), self._root)]
        for depth, step in enumerate(location[:-1], 1):
            node = node[step]
            found.append(_Node(location[:depth], node))
        return [one for one in reversed(found) if isinstance(one.node, dict)]

    def _named(self, holder: _Node, *keys: str, name: str) -> _Node | None:
        """Return the item named `name` in the list at `keys` of a mapping, or None if there is no such item."""
        items: Any = holder.node
        for key in keys:
            items = items.get(key) if isinstance(items, dict) else None
        if not isinstance(items, list):
            return None
        index = self._indexes.get(id(items))
        if index is None:
            names = ((number, item.get("name")) for number, item in enumerate(items) if isinstance(item, dict))
            index = {one: number for number, one in names if isinstance(one, str)}
            self._indexes[id(items)] = index
        number = index.get(name)
        return None if number is None else _Node((*holder.location, *keys, number), items[number])

    def _task(self, name: str, enclosing: _Enclosing) -> Iterator[Location]:
        has_default = False
        for holder in enclosing:
            for key in ("params", "parameters"):
                parameter = self._named(holder, key, name=name)
                if parameter is not None:
                    yield from parameter.texts("value", *(() if has_default else ("default",)))
                    has_default = has_default or "default" in parameter.node
                    if "value" in parameter.node:
                        return
            if is_resource(holder.node):
                return

    def _trigger(self, name: str, enclosing: _Enclosing) -> Iterator[Location]:
        for holder in enclosing:
            if holder.node.get("kind") == "TriggerTemplate":
                parameter = self._named(holder, "spec", "params", name=name)
                yield from parameter.texts("default") if parameter else ()

    def _input(self, name: str, enclosing: _Enclosing) -> Iterator[Location]:
        for holder in enclosing:
            parameter = self._named(holder, "inputs", "parameters", name=name)
            if parameter is not None:
                yield from parameter.texts("value", "default")
                yield from self._arguments(name, holder, enclosing)
                return

    def _arguments(self, name: str, template: _Node, enclosing: _Enclosing) -> Iterator[Location]:
        """Yield the locations of the values that steps, tasks and workflows pass to a template's parameter."""
        users: list[_Node] = []
        if template.location[-1:] == ("inline",):
            users.append(_Node(template.location[:-1], tree.at(self._root, template.location[:-1])))
        for workflow in filter(_is_workflow, enclosing):
            uses = self._uses.get(id(workflow.node))
            if uses is None:
                uses = self._uses[id(workflow.node)] = {}
                _find_uses(workflow.node["templates"], (*workflow.location, "templates"), uses)
            template_name = str(template.node.get("name"))
            named = self._named(workflow, "templates", name=template_name)
            if named is None or named.node is not template.node:
                continue
            users += (_Node(at, tree.at(self._root, at)) for at in uses.get(template_name, ()))
            if template_name == workflow.node.get("entrypoint"):
                users.append(workflow)
        for user in users:
            parameter = self._named(user, "arguments", "parameters", name=name)
            yield from parameter.texts("value", "default") if parameter else ()

    def _workflow(self, name: str, enclosing: _Enclosing) -> Iterator[Location]:
        for holder in filter(_is_workflow, enclosing):
            parameter = self._named(holder, "arguments", "parameters", name=name)
            yield from parameter.texts("value", "default") if parameter else ()

    def _template(self, name: str, enclosing: _Enclosing) -> Iterator[Location]:
        for holder in enclosing:
            if holder.node.get("kind") == "Template":
                parameter = self._named(holder, "parameters", name=name)
                yield from parameter.texts("value") if parameter else ()


def _can_be_name(text: str) -> bool:
    return not any(character in text for character in "/:@")


def _names_in(node: Any, *, in_metadata: bool) -> Iterator[str]:
    """Yield the strings below a node that are names of objects, or are in metadata or in a selector."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict | list):
            yield from _names_in(value, in_metadata=in_metadata or key in ("metadata", "selector"))
        elif isinstance(value, str) and (in_metadata or key == "name"):
            yield value


def _is_workflow(holder: _Node) -> bool:
    return isinstance(holder.node.get("templates"), list)


def _find_uses(node: Any, location: Location, uses: dict[str, list[Location]]) -> None:
    """Add the locations of all steps and tasks to `uses`, by the name of the template that they use."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(value, dict) and isinstance(value.get("template"), str):
            uses.setdefault(value["template"], []).append((*location, key))
        if isinstance(value, dict | list):
            _find_uses(value, (*location, key), uses)
