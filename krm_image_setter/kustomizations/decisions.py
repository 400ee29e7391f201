"""Decides which entries and scalars change, so that each build contains the images that the rules want.

The rules are those of docs/kustomizations.md: the final name of an image is compared with the wish. A name is
written where it is made, and the names of later entries follow. A tag is written where it is made. After that, all
routes are followed again. An image that does not come out right, or that would change without a wish, is left as
it was, together with everything that shares an entry or a scalar with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from krm_image_setter.images import Usage, parse_reference
from krm_image_setter.kustomizations.flows import BEFORE_VOLUMES, WITH_VOLUMES, Flows, Route, Scalar, applied, matches
from krm_image_setter.kustomizations.reading import Entry
from krm_image_setter.locators.kustomize_entry import EntryKeys, joined, split_image

Place: TypeAlias = Scalar | Entry
#: The new values of places that change.
State: TypeAlias = dict[Any, Any]
#: Returns the new reference for an image that is used in a certain way.
Wish: TypeAlias = Callable[[str, Usage], str]

#: The ways to write changes: into the scalar, except for a tag that no entry sets on a renamed image; always into
#: the scalar; always into the last entry.
_WAYS: Final = ("renamed", "scalar", "entry")
_MOST_ROUNDS: Final = 12


class Flow(NamedTuple):
    """A route with the entries that match on it, its image, and the image that the rules want."""

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


class Reason(NamedTuple):
    """Why an image cannot be right: a message, and the location and the build in the way if they are known."""

    message: str
    place: Place | None = None
    build: str = ""


_SHARED: Final = Reason("another image in the build shares an entry with it")
_OLDER: Final = Reason("only kustomize 5.7 and later sets image volumes like this")


class Problem(NamedTuple):
    """An image that is not right, and the reason. If `is_left` is true, the image is left as it was."""

    flow: Flow
    wanted: str
    reason: Reason
    is_left: bool = True


class Decisions(NamedTuple):
    """The new values of the places that change, the images that are left as they were, and all flows before."""

    state: State
    problems: list[Problem]
    flows: list[Flow]


def decide(flows: Flows, wish: Wish) -> Decisions:
    """Decide how all builds change. Each group of images that share entries or scalars is decided alone."""
    every = followed(flows, wish)
    groups = _groups(every, wish)
    by_step: dict[Entry, list[Flow]] = {}
    for flow in every:
        for entry, _ in flow.route.steps:
            by_step.setdefault(entry, []).append(flow)
    state: State = {}
    problems: list[Problem] = []
    for group in groups:
        solved = _Group(group, set(flows.hard), wish, by_step, state).solve()
        state.update(solved.state)
        problems += solved.problems
    return Decisions(state, problems, every)


def followed(flows: Flows, wish: Wish) -> list[Flow]:
    """Return each route with its image and with the image that the rules want."""
    return [_flow(route, wish) for route in flows.routes]


def _flow(route: Route, wish: Wish) -> Flow:
    image, trail = follow(route, {})
    wanted = wish(image, route.usage) if route.is_known else image
    return Flow(route, trail, image, wanted)


def follow(route: Route, state: State) -> tuple[str, tuple[Entry, ...]]:
    """Return the image at the end of a route, and the entries that match it on the way."""
    scalar = route.scalar
    image = route.start if scalar is None else state.get(scalar, scalar.image)
    trail = []
    for entry, times in route.steps:
        new = applied(state.get(entry, entry.keys), image, times)
        if new is not None:
            trail.append(entry)
            image = new
    return image, tuple(trail)


def _groups(flows: list[Flow], wish: Wish) -> Iterator[list[Flow]]:
    """Yield the groups of flows that share places. Yield only groups in which something changes."""
    parents: dict[Any, Any] = {}

    def top(place: Any) -> Any:
        while parents.setdefault(place, place) is not place:
            parents[place] = place = parents[parents[place]]
        return place

    members: dict[Any, list[Flow]] = {}
    for flow in flows:
        # An entry that would match the new image belongs to the group, because it can capture the image.
        captures = [
            entry
            for entry, _ in (flow.route.steps if flow.moves else ())
            if matches(entry.keys.name, flow.wanted) or matches(entry.keys.name, split_image(flow.wanted)[0])
        ]
        first, *rest = [*flow.places, *captures]
        for place in rest:
            parents[top(place)] = top(first)
    for flow in flows:
        members.setdefault(top(flow.places[0]), []).append(flow)
    for group in members.values():
        if any(flow.moves or _has_own_wish(flow.route.scalar, wish) for flow in group):
            yield group


def _has_own_wish(scalar: Scalar | None, wish: Wish) -> bool:
    return scalar is not None and wish(scalar.image, scalar.field.usage) != scalar.image


class _Solved(NamedTuple):
    state: State
    problems: list[Problem]


class _Attempt(NamedTuple):
    """A state, the flows that do not come out right in it, and why."""

    state: State
    failed: list[Flow]
    reasons: dict[int, Reason]
    rank: tuple[int, int, int]


class _Group:
    """A group of flows that share entries or scalars."""

    def __init__(
        self, flows: list[Flow], hard: set[str], wish: Wish, by_step: dict[Entry, list[Flow]], before: State
    ) -> None:
        self._all = flows
        self._hard = hard
        self._wish = wish
        self._by_step = by_step
        self._before = before

    def _is_hard(self, flow: Flow) -> bool:
        return flow.route.root in self._hard

    def solve(self) -> _Solved:
        """Try to make all flows right. Leave those as they were that cannot be made right."""
        flows = [flow for flow in self._all if self._is_hard(flow) or not self._gives_way(flow)]
        problems: dict[Any, Problem] = {}
        for _ in range(_MOST_ROUNDS):
            best = min(self._attempts(flows), key=lambda attempt: attempt.rank)
            if all(flow.route.reading == BEFORE_VOLUMES for flow in best.failed):
                older = [Problem(flow, flow.wanted, _OLDER, is_left=False) for flow in best.failed]
                return _Solved(best.state, [*problems.values(), *older])
            soft = self._soft_neighbors(flows, best.failed)
            if soft:
                flows = [flow for flow in flows if id(flow) not in soft]
                continue
            frozen = self._failed_with_neighbors(flows, best)
            if not frozen:
                break
            for flow in flows:
                if id(flow) in frozen and flow.moves:
                    reason = best.reasons.get(id(flow), _SHARED)
                    problems.setdefault(flow.route.identity, Problem(flow, flow.wanted, reason))
            flows = [flow._replace(wanted=flow.image) if id(flow) in frozen else flow for flow in flows]
        for flow in flows:
            if flow.moves:
                problems.setdefault(flow.route.identity, Problem(flow, flow.wanted, _SHARED))
        return _Solved(self._unchanged(), list(problems.values()))

    def _unchanged(self) -> State:
        """Return the state in which no scalar changes."""
        return {flow.route.scalar: flow.route.scalar.image for flow in self._all if flow.route.scalar}

    def _attempts(self, flows: list[Flow]) -> Iterator[_Attempt]:
        """Yield attempts, and stop at the first one that is right."""
        newer = [flow for flow in flows if flow.route.reading in ("", WITH_VOLUMES)]
        for some in (flows, newer) if len(newer) < len(flows) else (flows,):
            for way in _WAYS:
                attempt = _Try(some, flows, way, self).run()
                yield attempt
                if not attempt.failed:
                    return

    def _gives_way(self, flow: Flow) -> bool:
        """Return whether the build of a base alone is not made right: it would cost a new key or a placeholder."""
        if not flow.moves:
            return False
        scalar, trail = flow.route.scalar, flow.trail
        mine = [other for other in self._all if other.route.scalar is scalar and self._is_hard(other)]
        is_placeholder = bool(mine) and all(any(entry.keys.new_name for entry in other.trail) for other in mine)
        if is_placeholder and split_image(flow.wanted)[0] != split_image(flow.image)[0]:
            return True
        is_inserted = split_image(flow.wanted)[1:] != split_image(flow.image)[1:]
        renames = any(entry.keys.renames for entry in trail)
        return is_inserted and renames and not any(entry.keys.sets_tag for entry in trail)

    def _soft_neighbors(self, flows: list[Flow], failed: list[Flow]) -> set[int]:
        """Return the flows of builds of bases that share a place with a failed flow."""
        places = {id(place) for flow in failed for place in flow.places}
        return {
            id(flow)
            for flow in flows
            if not self._is_hard(flow) and any(id(place) in places for place in flow.places)
        }

    def _failed_with_neighbors(self, flows: list[Flow], attempt: _Attempt) -> set[int]:
        """Return the failed flows that move. For a flow that changed without a wish, return its neighbors."""
        frozen = {id(flow) for flow in attempt.failed if flow.moves}
        changed = set(map(id, attempt.state))
        for flow in attempt.failed:
            if not flow.moves:
                steps = [*flow.places, *(entry for entry, _ in flow.route.steps)]
                places = changed.intersection(map(id, steps))
                frozen |= {
                    id(other)
                    for other in flows
                    if other.moves and not places.isdisjoint(map(id, other.places))
                }
        return frozen


class _Try:
    """One attempt to make flows right. `way` is one of _WAYS."""

    def __init__(self, flows: list[Flow], checked: list[Flow], way: str, group: _Group) -> None:
        self._flows = flows
        self._checked = checked
        self._way = way
        self._group = group
        self._state: State = {}
        self._reasons: dict[int, Reason] = {}

    def run(self) -> _Attempt:
        """Return the resulting state, and what is wrong with it."""
        self._write(is_name=True)
        self._follow_names()
        self._write(is_name=False)
        self._follow_tags()
        self._write_overridden()
        failed = self._failed()
        hard = sum(map(self._group._is_hard, failed))
        keys = sum(
            not getattr(place.keys, name) and bool(getattr(new, name))
            for place, new in self._state.items()
            if isinstance(place, Entry)
            for name in EntryKeys._fields
        )
        return _Attempt(self._state, failed, self._reasons, (hard, len(failed), len(self._reasons) + keys))

    # The values of places

    def _keys(self, entry: Entry) -> EntryKeys:
        keys: EntryKeys = self._state.get(entry, entry.keys)
        return keys

    def _image(self, scalar: Scalar) -> str:
        image: str = self._state.get(scalar, scalar.image)
        return image

    def _set(self, place: Place, value: Any) -> None:
        if value == (place.keys if isinstance(place, Entry) else place.image) and place not in self._state:
            return
        self._state[place] = value

    # R1 and R3: write the name, or the tag and the digest, at the place that controls it

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
            self._reasons[id(flow)] = Reason("no file that was passed determines it", flow.route.scalar)
        elif others:
            other = others[0]
            changes = f'become "{other.wanted}"' if other.moves else "not change"
            message = f'"{other.image}", which has the same source, must {changes}'
            self._reasons[id(flow)] = Reason(message, place, other.route.root)

    def _controller(self, flow: Flow, *, is_name: bool) -> Place | None:
        """Return the place that determines a part of the image; None if it cannot be written there."""
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
        """Write a part of the image of a flow into the last entry in which no other flow wants another value."""
        wanted = _part(flow.wanted, is_name=is_name)
        for entry in reversed(flow.trail):
            through = [other for other in self._flows if entry in other.trail]
            if entry.is_writable and all(_part(other.wanted, is_name=is_name) == wanted for other in through):
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

    # R2: the names of later entries follow

    def _follow_names(self) -> None:
        images = [self._image(f.route.scalar) if f.route.scalar else f.route.start for f in self._flows]
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
        """Let the names that contain a tag follow a changed tag."""
        for flow in self._flows:
            if not self._state:
                return
            image = self._image(flow.route.scalar) if flow.route.scalar else flow.route.start
            for entry, times in flow.route.steps:
                keys = self._keys(entry)
                if entry in flow.trail and keys.name != split_image(keys.name)[0] and entry.is_writable:
                    if not matches(keys.name, image):
                        self._set(entry, keys._replace(name=image))
                image = applied(self._keys(entry), image, times) or image

    # R4: set overridden tags as well

    def _write_overridden(self) -> None:
        """Set the tags that are overridden in every build, if that changes no build."""
        wish = self._group._wish
        renamed = {
            flow.route.scalar for flow in self._group._all if any(entry.keys.new_name for entry in flow.trail)
        }
        for place in dict.fromkeys(place for flow in self._group._all for place in flow.places):
            old = self._state.get(place)
            if isinstance(place, Scalar):
                new: Any = wish(place.image, place.field.usage)
                if place in renamed or not place.field.is_known or not place.is_writable or old is not None:
                    continue
                if new == place.image or split_image(new)[0] != split_image(place.image)[0]:
                    continue
            else:
                keys = place.keys
                if not place.is_writable or old is not None or not (keys.new_tag or keys.digest):
                    continue
                name, tag, digest = split_image(wish(keys.image, Usage()))
                if name != (keys.new_name or keys.name) or (tag, digest) == (keys.new_tag, keys.digest):
                    continue
                new = keys.with_tag(tag, digest)
            before = self._results()
            self._state[place] = new
            if self._results() != before:
                del self._state[place]

    def _results(self) -> list[str]:
        return [follow(flow.route, self._state)[0] for flow in self._group._all]

    # R7: follow all routes again

    def _failed(self) -> list[Flow]:
        """Return the flows that do not end with the wanted image, also those of other groups."""
        state = {**self._group._before, **self._state}
        failed = [flow for flow in self._checked if follow(flow.route, state)[0] != flow.wanted]
        mine = set(map(id, self._group._all))
        for entry in self._state:
            for flow in self._group._by_step.get(entry, ()) if isinstance(entry, Entry) else ():
                if id(flow) in mine:
                    continue
                if follow(flow.route, state)[0] != follow(flow.route, self._group._before)[0]:
                    # The wanted image of another group is its present image, so that this group gives way.
                    failed.append(flow._replace(wanted=flow.image))
        return failed


def _part(image: str, *, is_name: bool) -> tuple[str, str, str]:
    """Return the name, or the tag and the digest, of an image. The other parts are empty."""
    name, tag, digest = split_image(image)
    return (name, "", "") if is_name else ("", tag, digest)


def _moves(flow: Flow, *, is_name: bool) -> bool:
    return _part(flow.image, is_name=is_name) != _part(flow.wanted, is_name=is_name)
