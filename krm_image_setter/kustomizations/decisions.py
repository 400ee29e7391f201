"""Decides which entries and scalars change, so that each build contains the images that the rules want.

The rules apply to the image in the output of a build. No other image changes. An image that cannot become the
wanted image is not changed, and neither are the images that share an entry or a scalar with it. Builds that use
a base have priority over the build of the base alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from krm_image_setter.kustomizations.attempts import (
    WAYS,
    Attempt,
    Flow,
    Group,
    Place,
    Reason,
    State,
    Try,
    Wish,
    follow,
)
from krm_image_setter.kustomizations.flows import BEFORE_VOLUMES, WITH_VOLUMES, Copy, Flows, Route, Scalar, matches
from krm_image_setter.locators.kustomize_entry import split_image
from krm_image_setter.typed import Any, Final, Record

_MOST_ROUNDS: Final = 12
_SHARED: Final = Reason("another image shares an entry or a resource with it")
_OLDER: Final = Reason("only kustomize 5.7 and later sets image volumes like this")


class Problem(Record):
    """An image that does not become `wanted`, and the reason. If `is_left` is true, the image is not changed."""

    flow: Flow
    wanted: str
    reason: Reason
    is_left: bool = True


class Decisions(Record):
    """The new values of entries and scalars, the images with a problem, and all flows before the changes."""

    state: State
    problems: list[Problem]
    flows: list[Flow]


def decide(flows: Flows, wish: Wish) -> Decisions:
    """Decide the changes of all builds. Images that share entries or scalars are decided together, as a group."""
    every = followed(flows, wish)
    groups = _groups(every, wish)
    by_place = _by_place(every)
    state: State = {}
    hard = set(flows.hard)
    problems: list[Problem] = []
    for group in groups:
        changed, unsolved = _Solver(Group(group, hard, wish, by_place, state, _by_place(group))).solve()
        state.update(changed)
        problems += unsolved
    return Decisions(state, problems, every)


def followed(flows: Flows, wish: Wish) -> list[Flow]:
    """Return each route with its image and with the image that the rules want."""
    parts = [copy for copy in flows.copies.values() if copy.part]
    return [_flow(route, wish, parts) for route in flows.routes]


def _flow(route: Route, wish: Wish, parts: list[Copy]) -> Flow:
    image, trail = follow(route, {})
    wanted = wish(image, route.usage) if route.is_known else image
    if any(copy.replaces(route) and copy.destroys(image, wanted) for copy in parts):
        wanted = image
    return Flow(route, trail, image, wanted)


def _groups(flows: list[Flow], wish: Wish) -> Iterator[list[Flow]]:
    """Yield the groups of flows that share entries or scalars. Omit groups in which nothing changes."""
    parents: dict[Any, Any] = {}

    def top(place: Any) -> Any:
        while parents.setdefault(place, place) is not place:
            parents[place] = place = parents[parents[place]]
        return place

    members: dict[Any, list[Flow]] = {}
    for flow in flows:
        # An entry that would match the new image belongs to the group, because it could change the new image.
        captures = [
            entry
            for entry, _ in (flow.route.steps if flow.moves else ())
            if matches(entry.keys.name, flow.wanted) or matches(entry.keys.name, split_image(flow.wanted)[0])
        ]
        places: list[Any] = [*flow.places, *captures]
        for place in places[1:]:
            parents[top(place)] = top(places[0])
    for flow in flows:
        members.setdefault(top(flow.places[0]), []).append(flow)
    for group in members.values():
        if any(flow.moves or _has_own_wish(flow.route.scalar, wish) for flow in group):
            yield group


def _by_place(flows: list[Flow]) -> dict[Any, list[Flow]]:
    """Return the flows of each scalar, and the flows of each entry that is on their routes."""
    found: dict[Any, list[Flow]] = {}
    for flow in flows:
        for place in (flow.route.scalar, *(entry for entry, _ in flow.route.steps)):
            if place is not None:
                found.setdefault(place, []).append(flow)
    return found


def _has_own_wish(scalar: Scalar | None, wish: Wish) -> bool:
    return scalar is not None and wish(scalar.image, scalar.field.usage) != scalar.image


class _Solver:
    """Decides how one group of flows changes."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def solve(self) -> tuple[State, list[Problem]]:
        """Try to give all flows their wanted images. Flows for which this fails are not changed."""
        flows = [flow for flow in self._group.flows if self._group.is_hard(flow) or not self._gives_way(flow)]
        problems: dict[Any, Problem] = {}
        for _ in range(_MOST_ROUNDS):
            best = min(self._attempts(flows), key=lambda tried: tried.rank)
            if all(flow.route.reading == BEFORE_VOLUMES for flow in best.failed):
                older = [Problem(flow, flow.wanted, _OLDER, is_left=False) for flow in best.failed]
                return best.state, [*problems.values(), *older]
            frozen = self._failed_with_neighbors(flows, best)
            soft = self._soft_neighbors(flows, [*best.failed, *(flow for flow in flows if id(flow) in frozen)])
            if soft:
                flows = [flow for flow in flows if id(flow) not in soft]
                continue
            if not frozen:
                break
            for flow in flows:
                if id(flow) in frozen and flow.moves:
                    reason = best.reasons.get(id(flow), frozen[id(flow)])
                    problems.setdefault(flow.route.identity, Problem(flow, flow.wanted, reason))
            flows = [flow._replace(wanted=flow.image) if id(flow) in frozen else flow for flow in flows]
        for flow in flows:
            if flow.moves:
                problems.setdefault(flow.route.identity, Problem(flow, flow.wanted, _SHARED))
        unchanged = {one.route.scalar: one.route.scalar.image for one in self._group.flows if one.route.scalar}
        return unchanged, list(problems.values())

    def _attempts(self, flows: list[Flow]) -> Iterator[Attempt]:
        """Yield attempts, and stop after the first attempt in which no flow fails."""
        newer = [flow for flow in flows if flow.route.reading in ("", WITH_VOLUMES)]
        for some in (flows, newer) if len(newer) < len(flows) else (flows,):
            for way in WAYS:
                tried = Try(self._group, flows=some, checked=flows, way=way).run()
                yield tried
                if not tried.failed:
                    return

    def _gives_way(self, flow: Flow) -> bool:
        """Return whether to skip a base's own build because a change would add a key or rename a placeholder."""
        if not flow.moves:
            return False
        scalar, trail = flow.route.scalar, flow.trail
        same = self._group.at[scalar] if scalar else [flow]
        mine = [other for other in same if self._group.is_hard(other)]
        is_placeholder = bool(mine) and all(any(entry.keys.renames for entry in other.trail) for other in mine)
        if is_placeholder and split_image(flow.wanted)[0] != split_image(flow.image)[0]:
            return True
        is_inserted = split_image(flow.wanted)[1:] != split_image(flow.image)[1:]
        renames = any(entry.keys.renames for entry in trail)
        return is_inserted and renames and not any(entry.keys.sets_tag for entry in trail)

    def _soft_neighbors(self, flows: list[Flow], others: list[Flow]) -> set[int]:
        """Return the flows of bases' own builds that share an entry or a scalar with one of `others`."""
        places = {place for flow in others for place in flow.places}
        soft = (flow for flow in flows if not self._group.is_hard(flow))
        return {id(flow) for flow in soft if not places.isdisjoint(flow.places)}

    def _failed_with_neighbors(self, flows: list[Flow], tried: Attempt) -> dict[int, Reason]:
        """Return the flows that cannot get the wanted image, or whose change would also change another image."""
        frozen: dict[int, Reason] = {}
        state = {**self._group.before, **tried.state}
        neighbors: dict[Place, tuple[Flow, str]] = {}
        for flow in tried.failed:
            got, trail = follow(flow.route, state)
            if flow.moves:
                frozen[id(flow)] = Reason(f'it would become "{got}"', trail[-1] if trail else None)
                continue
            for place in (*flow.places, *(entry for entry, _ in flow.route.steps)):
                if place in tried.state:
                    neighbors.setdefault(place, (flow, got))
        for flow in flows if neighbors else ():
            shared = [place for place in flow.places if place in neighbors]
            if flow.moves and shared:
                other, got = neighbors[shared[0]]
                reason = Reason(f'"{other.image}" would become "{got}"', shared[0], other.route.root)
                frozen.setdefault(id(flow), reason)
        return frozen
