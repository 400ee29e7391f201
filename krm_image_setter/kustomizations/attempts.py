"""One attempt to change the entries and scalars of kustomizations so that each build gets the wanted images.

The attempt writes a new name to the entry or scalar that determines the name, and then changes the `name` of
later entries to the new name. It writes tags in the same way. Finally, it checks the image of every route.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from krm_image_setter.images import Usage, parse_reference
from krm_image_setter.kustomizations.flows import Route, Scalar, applied, matches
from krm_image_setter.kustomizations.reading import Entry, Sources
from krm_image_setter.locators.kustomize_entry import EntryKeys, joined, split_image
from krm_image_setter.typed import Any, Final, Record, TypeAlias

Place: TypeAlias = Scalar | Entry
#: The new values of the entries and scalars that change.
State: TypeAlias = dict[Any, Any]
#: A function that takes an image and the usage of its field, and returns the wanted image.
Wish: TypeAlias = Callable[[str, Usage], str]

#: Where an attempt writes a name or tag that no entry sets. "scalar" writes it to the scalar, and "entry" to the
#: last matching entry. "renamed" is like "scalar", but writes the tag of a renamed image to the last such entry.
WAYS: Final = ("renamed", "scalar", "entry")


class Flow(Record):
    """A route, its entries that match (`trail`), its final image, and the final image that the rules want."""

    route: Route
    trail: tuple[Entry, ...]
    image: str
    wanted: str

    @property
    def moves(self) -> bool:
        """Whether the image must change."""
        return self.image != self.wanted

    @property
    def places(self) -> list[Place]:
        """The scalar and the matching entries of the flow."""
        return [*([self.route.scalar] if self.route.scalar else []), *self.trail]


def shown_location(place: Place, sources: Sources) -> str:
    """Return the location of an entry or a scalar for messages, in the form `FILE:LINE`."""
    return f"{sources.shown(place.file)}:{place.line}"


def follow(route: Route, state: State) -> tuple[str, tuple[Entry, ...]]:
    """Return the image at the end of a route, and the entries of the route that match the image."""
    start = _start(route, state)
    made = list(_along(route.steps, start, state))
    return made[-1][1] if made else start, tuple(entry for entry, _ in made)


def _start(route: Route, state: State) -> str:
    image: str = route.start if route.scalar is None else state.get(route.scalar, route.scalar.image)
    return image


def _along(steps: Iterable[tuple[Entry, int]], image: str, state: State) -> Iterator[tuple[Entry, str]]:
    """Apply the entries of `steps` to an image. Yield each entry that matches, and the image after this entry."""
    for entry, times in steps:
        new = applied(state.get(entry, entry.keys), image, times)
        if new is not None:
            image = new
            yield entry, image


class Reason(Record):
    """Why an image cannot become the wanted image: a message, and the conflicting place and build if known."""

    message: str
    place: Place | None = None
    build: str = ""


class Group(Record):
    """Flows that share entries or scalars, and the facts about other groups that an attempt needs.

    `hard` contains the kustomizations whose builds must contain the wanted images. `by_place` contains the flows
    of all groups, by their scalar and by each entry on their route. `at` contains only the flows of this group,
    with the same keys. `before` contains the changes that are already decided for other groups.
    """

    flows: list[Flow]
    hard: set[str]
    wish: Wish
    by_place: dict[Place, list[Flow]]
    before: State
    at: dict[Place, list[Flow]]

    def is_hard(self, flow: Flow) -> bool:
        """Return whether the build of a flow must contain the wanted image."""
        return flow.route.root in self.hard


class Attempt(Record):
    """The result of a `Try`: the new values, the flows with a wrong image, and why. A lower rank is better."""

    state: State
    failed: list[Flow]
    reasons: dict[int, Reason]
    rank: tuple[int, int, int]


class Try:
    """Tries to give `flows` their wanted images in one of the WAYS, and then checks the flows in `checked`."""

    def __init__(self, group: Group, flows: list[Flow], checked: list[Flow], way: str) -> None:
        self._flows = flows
        self._checked = checked
        self._way = way
        self._group = group
        self._state: State = {}
        self._reasons: dict[int, Reason] = {}
        self._can_write: dict[tuple[Entry, str, str, str], bool] = {}
        self._through: dict[Entry, list[Flow]] = {}
        for flow in flows:
            for entry in flow.trail:
                self._through.setdefault(entry, []).append(flow)

    def run(self) -> Attempt:
        """Return the new values, and the flows whose image is wrong with these values."""
        self._write(is_name=True)
        self._follow_names()
        self._write(is_name=False)
        self._follow_tags()
        self._write_overridden()
        self._follow_tests()
        failed = self._failed()
        hard = sum(map(self._group.is_hard, failed))
        keys = sum(
            not getattr(place.keys, name) and bool(getattr(new, name))
            for place, new in self._state.items()
            if isinstance(place, Entry)
            for name in EntryKeys._fields
        )
        return Attempt(self._state, failed, self._reasons, (hard, len(failed), len(self._reasons) + keys))

    # The present values of entries and scalars

    def _keys(self, entry: Entry) -> EntryKeys:
        keys: EntryKeys = self._state.get(entry, entry.keys)
        return keys

    def _image(self, scalar: Scalar) -> str:
        image: str = self._state.get(scalar, scalar.image)
        return image

    def _set(self, place: Place, value: Any) -> None:
        if value == (place.keys if isinstance(place, Entry) else place.image) and place not in self._state:
            return
        if isinstance(place, Entry) or place.accepts(value):
            self._state[place] = value

    # Write the name, or the tag and the digest, to the entry or scalar that determines it

    def _write(self, *, is_name: bool) -> None:
        asking: dict[Any, tuple[Place | None, list[Flow]]] = {}
        for flow in self._flows:
            place = self._controller(flow, is_name=is_name)
            asking.setdefault(id(place) if place else id(flow), (place, []))[1].append(flow)
        pushed: list[Flow] = []
        for place, flows in asking.values():
            wanted = {_part(flow.wanted, is_name=is_name) for flow in flows}
            moved = [flow for flow in flows if _moves(flow, is_name=is_name)]
            if not moved:
                continue
            if place is not None and len(wanted) == 1:
                self._write_at(place, wanted.pop(), is_name=is_name)
            else:
                pushed += moved
                for flow in moved:
                    others = [other for other in flows if other.wanted != flow.wanted]
                    self._conflict(flow, place, others)
        for flow in pushed:
            self._push(flow, is_name=is_name)

    def _conflict(self, flow: Flow, place: Place | None, others: list[Flow]) -> None:
        if place is None:
            scalar = flow.route.scalar
            message = "no file that was passed determines it"
            if scalar is not None and scalar.node is None and not scalar.is_writable and not flow.trail:
                message = (
                    "the file was not passed, or .gitignore excludes it; name it on the command line, or add an "
                    f'entry with the name "{split_image(flow.image)[0]}" to `images` of this kustomization'
                )
            self._reasons[id(flow)] = Reason(message, scalar)
        elif others:
            other = others[0]
            changes = f'become "{other.wanted}"' if other.moves else "not change"
            message = f'"{other.image}", which has the same source, must {changes}'
            self._reasons[id(flow)] = Reason(message, place, other.route.root)

    def _controller(self, flow: Flow, *, is_name: bool) -> Place | None:
        """Return the entry or scalar that determines the name or tag of an image; None if it cannot be changed."""
        trail, scalar = flow.trail, flow.route.scalar
        for entry in reversed(trail):
            if entry.keys.new_name if is_name else entry.keys.sets_tag:
                return entry if entry.is_writable else None
        if scalar is None or not scalar.is_writable or parse_reference(scalar.image) is None:
            return None
        if trail and self._way == "entry":
            return None
        if not is_name and self._way == "renamed" and any(entry.keys.renames for entry in trail):
            return None
        return scalar

    def _push(self, flow: Flow, *, is_name: bool) -> None:
        """Write the name or tag to the last matching entry in which all flows want the same value."""
        wanted = _part(flow.wanted, is_name=is_name)
        for entry in reversed(flow.trail):
            if (entry, *wanted) not in self._can_write:
                parts = {_part(other.wanted, is_name=is_name) for other in self._through[entry]}
                self._can_write[entry, *wanted] = entry.is_writable and parts == {wanted}
            if self._can_write[entry, *wanted]:
                self._write_at(entry, wanted, is_name=is_name)
                self._reasons.pop(id(flow), None)
                return
            if entry.keys.new_name if is_name else entry.keys.sets_tag:
                return

    def _write_at(self, place: Place, value: tuple[str, str, str], *, is_name: bool) -> None:
        name, tag, digest = value
        if isinstance(place, Entry):
            keys = self._keys(place)
            self._set(place, keys._replace(new_name=name) if is_name else keys.with_tag(tag, digest))
        else:
            old_name, old_tag, old_digest = split_image(self._image(place))
            self._set(place, joined(name, old_tag, old_digest) if is_name else joined(old_name, tag, digest))

    # Change the `name` of later entries to the new name of the image

    def _follow_names(self) -> None:
        images = [_start(flow.route, self._state) for flow in self._flows]
        steps = [0] * len(images)
        while True:
            ready: dict[Entry, list[int]] = {}
            for index, flow in enumerate(self._flows):
                if steps[index] < len(flow.trail):
                    ready.setdefault(flow.trail[steps[index]], []).append(index)
            if not ready:
                return
            entry = next((one for one in ready if not self._is_needed_later(one, ready, steps)), next(iter(ready)))
            self._follow_name(entry, ready[entry], images)
            for index in ready[entry]:
                times = next(times for one, times in self._flows[index].route.steps if one is entry)
                images[index] = applied(self._keys(entry), images[index], times) or images[index]
                steps[index] += 1

    def _is_needed_later(self, entry: Entry, ready: dict[Entry, list[int]], steps: list[int]) -> bool:
        waiting = set(ready[entry])
        return any(
            index not in waiting and entry in flow.trail[steps[index] :] for index, flow in enumerate(self._flows)
        )

    def _follow_name(self, entry: Entry, indexes: list[int], images: list[str]) -> None:
        keys = self._keys(entry)
        if all(matches(keys.name, images[index]) for index in indexes):
            return
        is_bare = keys.name == split_image(keys.name)[0]
        names = {split_image(images[index])[0] if is_bare else images[index] for index in indexes}
        if len(names) == 1 and entry.is_writable:
            self._set(entry, keys._replace(name=names.pop()))
            return
        for index in indexes:
            if entry.is_writable:
                reason = f'the entry "{keys.name}" would have to match several names: {", ".join(sorted(names))}'
            else:
                reason = f'the entry "{keys.name}" is in a file that was not passed, and would no longer match'
            self._reasons[id(self._flows[index])] = Reason(reason, entry)

    def _follow_tags(self) -> None:
        """Change the tag in the `name` of later entries, such as `nginx:1`, to the new tag of the image."""
        for flow in self._flows:
            if not self._state:
                return
            image = _start(flow.route, self._state)
            for entry, times in flow.route.steps:
                keys = self._keys(entry)
                has_tag = keys.name != split_image(keys.name)[0]
                if entry in flow.trail and has_tag and entry.is_writable and not matches(keys.name, image):
                    self._set(entry, keys._replace(name=image))
                image = applied(self._keys(entry), image, times) or image

    # Also set tags that an entry overrides

    def _write_overridden(self) -> None:
        """Set the tags that entries override in every build, unless this would change the image in a build."""
        wish = self._group.wish
        renamed = {
            flow.route.scalar for flow in self._group.flows if any(entry.keys.new_name for entry in flow.trail)
        }
        for place in dict.fromkeys(place for flow in self._group.flows for place in flow.places):
            if place in self._state or not place.is_writable:
                continue
            if isinstance(place, Scalar):
                new: Any = wish(place.image, place.field.usage)
                if place in renamed or not place.field.is_known or not place.accepts(new):
                    continue
                if new == place.image or split_image(new)[0] != split_image(place.image)[0]:
                    continue
            else:
                keys = place.keys
                if not (keys.new_tag or keys.digest):
                    continue
                name, tag, digest = split_image(wish(keys.image, Usage()))
                if name != (keys.new_name or keys.name) or (tag, digest) == (keys.new_tag, keys.digest):
                    continue
                new = keys.with_tag(tag, digest)
            before = self._results(place)
            self._state[place] = new
            if self._results(place) != before:
                del self._state[place]

    def _results(self, place: Place) -> list[str]:
        return [follow(flow.route, self._state)[0] for flow in self._group.at.get(place, ())]

    def _follow_tests(self) -> None:
        """Set the value of each JSON patch operation `test` to the new image that kustomize compares with it."""
        for test in self._group.flows:
            scalar, steps = test.route.scalar, test.route.steps
            if scalar is None or not scalar.field.is_test or not scalar.is_writable:
                continue
            new = set()
            for route in (flow.route for flow in self._group.flows if flow.route.root == test.route.root):
                earlier = route.steps[: len(route.steps) - len(steps)]
                if route.scalar is None or route.scalar.field.is_test or route.steps[len(earlier) :] != steps:
                    continue
                if _images(earlier, route.scalar.image, {})[-1] == scalar.image:
                    new.add(_images(earlier, self._image(route.scalar), self._state)[-1])
            if len(new) == 1:
                self._set(scalar, new.pop())

    # Check the images of all routes

    def _failed(self) -> list[Flow]:
        """Return the flows whose final image is not the wanted image, including flows of other groups."""
        state = {**self._group.before, **self._state}
        failed = [flow for flow in self._checked if follow(flow.route, state)[0] != flow.wanted]
        mine = set(map(id, self._group.flows))
        for entry, keys in self._state.items():
            # Only an entry whose `name` changes can start to match an image of another group.
            if not isinstance(entry, Entry) or keys.name == entry.keys.name:
                continue
            for flow in (one for one in self._group.by_place.get(entry, ()) if id(one) not in mine):
                trail = ((each, 1) for each in flow.trail)  # the entries that matched before
                images = _images(trail, _start(flow.route, state), state)
                if not any(matches(keys.name, image) for image in images):
                    continue
                if follow(flow.route, state)[0] != follow(flow.route, self._group.before)[0]:
                    # The wanted image is the present one, because no group must change flows of other groups.
                    failed.append(flow._replace(wanted=flow.image))
        return failed


def _images(steps: Iterable[tuple[Entry, int]], image: str, state: State) -> list[str]:
    """Return an image, and the image after each entry of `steps` that matches."""
    return [image, *(made for _, made in _along(steps, image, state))]


def _part(image: str, *, is_name: bool) -> tuple[str, str, str]:
    """Return `(name, "", "")` for an image if `is_name` is true, otherwise `("", tag, digest)`."""
    name, tag, digest = split_image(image)
    return (name, "", "") if is_name else ("", tag, digest)


def _moves(flow: Flow, *, is_name: bool) -> bool:
    return _part(flow.image, is_name=is_name) != _part(flow.wanted, is_name=is_name)
