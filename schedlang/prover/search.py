"""Looks for plans under which a task of a queue waits long: a portfolio, and steps uphill from it.

Everything is deterministic. Effort is counted in turns played, never in time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import final

from schedlang.ir import nodes as ir
from schedlang.machine.machine import Machine
from schedlang.prover.adversary import Ending, Length, Part, Performance, Plan, Play
from schedlang.prover.casting import Casting
from schedlang.topology import Topology

NEVER = 1 << 30
MEETING = 8
"""The turn at whose end sleepers come back and bursts arrive, if a plan has any."""

ENTERS = (0, 1, 2, MEETING, MEETING + 1, NEVER)
RESTS = (0, MEETING, 2 * MEETING)
FIRST_TURNS = 40
MOST_PARAM_SETTINGS = 8
CLIMBS = 2


@final
@dataclass(frozen=True, slots=True)
class Scene:
    """What the adversary may do: `tasks` tasks, of these weights, in `queue`, and any elsewhere;
    if it is `unrestricted`, only such as may run everywhere.
    """

    policy: ir.Policy
    queue: int
    tasks: int
    weights: ir.Interval
    tick_ns: int
    unrestricted: bool = False


@final
@dataclass(frozen=True, slots=True)
class Budget:
    """`turns` played in all, at most `longest` of them in one run."""

    turns: int
    longest: int


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A plan, and what came of it."""

    plan: Plan
    performance: Performance

    @property
    def ended_ns(self) -> int:
        """The longest wait that has come to an end."""
        return 0 if self.performance.longest is None else self.performance.longest.ns

    @property
    def ns(self) -> int:
        """The longest wait, whether it has come to an end or not."""
        return max(self.ended_ns, self.performance.pending_ns)

    @property
    def is_open(self) -> bool:
        """Whether the longest wait had no end when the play was broken off."""
        return self.ns > self.ended_ns

    def worth(self) -> tuple[int, int]:
        return self.ns, -len(self.performance.steps)


@final
@dataclass(frozen=True, slots=True)
class _Troupe:
    """Who there is under `params`: tasks for the queue, and one for each other that has any."""

    params: tuple[int, ...]
    own: tuple[Part, ...]
    others: tuple[Part, ...]


@final
class Search:
    """One search on one scene; it notes what it has spent."""

    def __init__(self, scene: Scene, budget: Budget, *, ended: bool) -> None:
        """`ended`: waits without an end do not count, and only the queue's own parts may use it."""
        self._scene, self._budget, self._ended = scene, budget, ended
        self._spent = 0
        self._machines: dict[tuple[int, ...], Machine] = {}
        self._tried: dict[Plan, Found | None] = {}

    def found(self) -> Iterator[Found]:
        """The portfolio's plans, then what steps uphill lead to from the best of them."""
        troupes = [t for params in settings(self._scene.policy) for t in self._cast(params)]
        tops: list[tuple[Found, _Troupe]] = []
        for troupe in troupes:
            for plan in self._portfolio(troupe):
                found = self._try(plan)
                if found is not None:
                    tops.append((found, troupe))
                    yield found
        tops.sort(key=lambda top: top[0].worth(), reverse=True)
        for found, troupe in tops[:CLIMBS]:
            yield from self._climb(found, troupe)

    def shrunk(self, found: Found, is_as_good: Callable[[Found], bool]) -> Found:
        """With fewer and plainer parts, as far as what comes of it is as good."""
        for number, part in enumerate(found.plan.parts):
            for plainer in _plainer(part):
                other = self._perform(_with(found.plan, range(number, number + 1), plainer))
                if other is not None and is_as_good(other):
                    found = other
                    break
        return found

    def _cast(self, params: tuple[int, ...]) -> Iterator[_Troupe]:
        """Nobody, if no task goes to the queue."""
        scene = self._scene
        casting = Casting(scene.policy, params, unrestricted=scene.unrestricted)
        own = casting.parts(scene.queue, scene.weights)
        others = (
            casting.longest(queue)
            for queue in range(len(scene.policy.queues))
            if queue != scene.queue
        )
        if own:
            yield _Troupe(params, own, tuple(other for other in others if other is not None))

    def _portfolio(self, troupe: _Troupe) -> Iterator[Plan]:
        """The first part of the queue's own is the one that is meant to wait."""
        plain, others = troupe.own[0], list(troupe.others)
        mates = self._scene.tasks - 1
        guests = [replace(part, enters=1) for part in others]
        brief = replace(plain, length=Length.SHORT, ending=Ending.BLINKS)
        sleeper = replace(plain, rests_until=MEETING)
        blinking = replace(plain, ending=Ending.BLINKS)
        late = replace(plain, enters=MEETING)
        storm = replace(plain, enters=1, ending=Ending.STORMS)
        raid = replace(storm, rests_until=2 * MEETING, patience=2)
        first = [replace(part, early=True, enters=0) for part in [plain] * (mates + 1)]
        if others:
            yield Plan(troupe.params, (*first, *others))
        for number, part in enumerate(others):
            filling = [*others[:number], replace(part, length=Length.FILL), *others[number + 1 :]]
            yield Plan(troupe.params, (*[plain] * (mates + 1), *filling))
        for crowd in (others, guests, [replace(part, enters=MEETING) for part in others], []):
            yield Plan(troupe.params, (plain, *[plain] * mates, *crowd))
            yield Plan(troupe.params, (brief, *[replace(plain, enters=1)] * mates, *crowd))
            yield Plan(troupe.params, (plain, *[sleeper] * mates, *crowd))
            yield Plan(troupe.params, (plain, *[late] * mates, *crowd))
            yield Plan(troupe.params, (plain, *[blinking] * mates, *crowd))
            if self._ended:  # a storm never comes back to where it was
                yield Plan(troupe.params, (plain, *[storm] * mates, *crowd))
                yield Plan(troupe.params, (plain, *[raid] * mates, *crowd))
        for other in troupe.own[1:]:
            for lead, mate in ((other, plain), (plain, other)):
                yield Plan(troupe.params, (lead, *[replace(mate, enters=1)] * mates, *others))
                resting = replace(mate, rests_until=MEETING)
                yield Plan(troupe.params, (lead, *[resting] * mates, *others))

    def _try(self, plan: Plan) -> Found | None:
        """None if the plan is none for the scene, or the budget is used up."""
        if plan not in self._tried and self._spent < self._budget.turns:
            self._tried[plan] = self._perform(plan)
        return self._tried.get(plan)

    def _perform(self, plan: Plan) -> Found | None:
        """Played until the longest wait is over, or long enough; None: it is not for the scene."""
        machine = self._machine(plan.params).afresh()
        play = Play(machine, plan, self._scene.queue, self._scene.tick_ns)
        turns, before = FIRST_TURNS, 0
        while True:
            found = Found(plan, play.perform(turns))
            self._spent += turns - before
            if self._ended and found.performance.users > self._scene.tasks:
                return None
            if not found.is_open:
                return found
            if turns >= self._budget.longest:
                return None if self._ended else found
            turns, before = min(2 * turns, self._budget.longest), turns

    def _machine(self, params: tuple[int, ...]) -> Machine:
        if params not in self._machines:
            self._machines[params] = Machine(self._scene.policy, Topology(cpus=1), params)
        return self._machines[params]

    def _climb(self, found: Found, troupe: _Troupe) -> Iterator[Found]:
        is_better = True
        while is_better:
            is_better = False
            for plan in _neighbours(found.plan, self._scene.tasks, troupe.own):
                other = self._try(plan)
                if other is not None and other.worth() > found.worth():
                    found, is_better = other, True
                    yield found


def _neighbours(plan: Plan, tasks: int, own: tuple[Part, ...]) -> Iterator[Plan]:
    """Plans that differ in one respect of one part, or of all the first one's mates."""
    groups = [range(1), range(1, tasks)]
    groups += [range(number, number + 1) for number in range(tasks, len(plan.parts))]
    groups += [range(number, number + 1) for number in range(1, tasks)]
    for group in groups:
        if group:
            part = plan.parts[group[0]]
            for other in _variants(part, own if group[0] < tasks else ()):
                yield _with(plan, group, other)


def _variants(part: Part, own: tuple[Part, ...]) -> Iterator[Part]:
    yield from (replace(part, enters=turn) for turn in ENTERS)
    yield replace(part, early=not part.early)
    yield from (replace(part, ending=ending) for ending in Ending)
    yield from (replace(part, patience=turns) for turns in (0, 1, 2))
    yield from (replace(part, length=length) for length in Length)
    yield from (replace(part, rests_until=turn) for turn in RESTS)
    yield from (replace(part, spec=other.spec, youth=other.youth) for other in own)


def _plainer(part: Part) -> Iterator[Part]:
    yield replace(part, enters=NEVER)
    yield Part(part.spec, length=Length.WHOLE, youth=part.youth)
    yield Part(part.spec, youth=part.youth)
    yield replace(part, rests_until=0)
    yield replace(part, early=False)
    yield replace(part, patience=0)
    yield replace(part, length=Length.WHOLE)
    yield replace(part, length=Length.LONG)
    yield replace(part, ending=Ending.STAYS)


def _with(plan: Plan, group: range, part: Part) -> Plan:
    """The plan with that part in the places of the group."""
    parts = tuple(part if i in group else old for i, old in enumerate(plan.parts))
    return replace(plan, parts=parts)


def settings(policy: ir.Policy) -> Iterator[tuple[int, ...]]:
    """The params as the policy sets them, then their ends: all combinations if there are few."""
    yield from dict.fromkeys(_settings(policy))


def _settings(policy: ir.Policy) -> Iterator[tuple[int, ...]]:
    yield tuple(param.default for param in policy.params)
    tunable = sum(param.lo != param.hi for param in policy.params)
    if 2**tunable <= MOST_PARAM_SETTINGS:
        yield from product(*(dict.fromkeys((param.hi, param.lo)) for param in policy.params))
    else:
        yield tuple(param.hi for param in policy.params)
        yield tuple(param.lo for param in policy.params)
