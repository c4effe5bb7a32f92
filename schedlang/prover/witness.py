"""From a run of queues to a run of tasks that the interpreter can replay."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.evaluate import Environment, compile_initial, compile_route
from schedlang.machine.replay import Replay, replay
from schedlang.machine.scenario import Lasso, Step, TaskSpec, Turn, Wake
from schedlang.prover.lasso import Run

ROUNDS = 64
"""Passes of the loop within which the interpreter's state has to come back."""

MOST_DEVIATIONS = 3


def replayed(policy: ir.Policy, params: tuple[int, ...], run: Run, victim: int) -> Lasso | None:
    """The run as a lasso, if tasks for it exist and the interpreter agrees with every step."""
    lasso = _lasso(policy, params, run, victim)
    if lasso is None or not isinstance(replay(policy, lasso, ROUNDS), Replay):
        return None
    return lasso


def hogged(policy: ir.Policy, params: tuple[int, ...], queue: int, ran_ns: int) -> Lasso | None:
    """The run in which one task of the queue goes on and on beside another, if there is one: where
    running does not move a task back in its own queue.
    """
    spec = task_for(policy, params, queue)
    if spec is None:
        return None
    turn = Turn(0, ran_ns, blocks=False)
    lasso = Lasso((spec, spec), (Wake(0), turn, Wake(1), turn, turn), 4, 1, queue, params)
    return lasso if isinstance(replay(policy, lasso, ROUNDS), Replay) else None


def _lasso(policy: ir.Policy, params: tuple[int, ...], run: Run, victim: int) -> Lasso | None:
    used = sorted({q for turn in run.turns for q, there in enumerate(turn.occupied) if there})
    specs: list[TaskSpec] = []
    for queue in used:
        spec = task_for(policy, params, queue)
        if spec is None:
            return None
        specs.append(spec)
    number = {queue: index for index, queue in enumerate(used)}
    steps, starts = _steps(run, number)
    return Lasso(tuple(specs), tuple(steps), starts[run.loop_start], number[victim], victim, params)


def _steps(run: Run, number: dict[int, int]) -> tuple[list[Step], list[int]]:
    """The steps, and by turn of the run where its steps start. Wake-ups follow the turn in which
    they happen, so that a pass of the loop ends with those that the next one starts with."""
    first = run.turns[0]
    steps: list[Step] = [Wake(number[q]) for q, there in enumerate(first.occupied) if there]
    starts = []
    for index, turn in enumerate(run.turns):
        following = index + 1 if index + 1 < len(run.turns) else run.loop_start
        then = run.turns[following].occupied
        starts.append(len(steps))
        steps.append(Turn(number[turn.queue], turn.ran_ns, blocks=not then[turn.queue]))
        steps += [Wake(number[q]) for q, there in enumerate(then) if there and not turn.occupied[q]]
    return steps, starts


def task_for(policy: ir.Policy, params: tuple[int, ...], queue: int) -> TaskSpec | None:
    """A plain task that is routed to the queue when it is forked; None if none was found."""
    route = compile_route(policy.route)
    initial = compile_initial(policy.states, ir.Owner.TASK)
    for spec in _candidates(policy, policy.queues[queue].name[:15]):
        env = Environment(params, task=spec)
        env.task_states = initial(env)
        if route(env) == queue:
            return spec
    return None


def _candidates(policy: ir.Policy, name: str) -> Iterator[TaskSpec]:
    """Tasks that differ from an ordinary one in as few ways as possible."""
    axes = _axes(policy)
    for count in range(MOST_DEVIATIONS + 1):
        for fields in combinations(range(len(axes)), count):
            for values in product(*(axes[field] for field in fields)):
                yield _spec(name, dict(zip(fields, values, strict=True)))


_Value = str | int


def _spec(name: str, values: dict[int, _Value]) -> TaskSpec:
    affinity = int(values.get(6, 0))
    return TaskSpec(
        comm=str(values.get(0, name)),
        process=str(values.get(1, "")),
        cgroup=str(values.get(2, "/")),
        nice=int(values.get(3, 0)),
        weight=int(values.get(4, ir.DEFAULT_WEIGHT)),
        kthread=bool(values.get(5, 0)),
        affinity=frozenset(range(affinity)) if affinity else None,
    )


def _axes(policy: ir.Policy) -> tuple[tuple[_Value, ...], ...]:
    """What the route's conditions ask about: names, cgroups, and values around its constants."""
    nodes = [node for rule in policy.route.rules for node in walk(rule.condition)]
    names = [n for n in nodes if isinstance(n, ir.Match)]
    constants = sorted({n.value for n in nodes if isinstance(n, ir.Const)})
    around = sorted({near for c in constants for near in (c - 1, c, c + 1)})
    return (
        tuple(n.text for n in names if n.name is ir.Name.COMM),
        tuple(n.text for n in names if n.name is ir.Name.PROCESS),
        tuple(n.path for n in nodes if isinstance(n, ir.CgroupUnder)),
        _within(around, ir.Attribute.NICE),
        _within(around, ir.Attribute.WEIGHT),
        (1,),
        (1, 2),
    )


def _within(values: list[int], attribute: ir.Attribute) -> tuple[int, ...]:
    _, interval = ir.ATTRIBUTE_TYPES[attribute]
    return tuple(value for value in values if interval.lo <= value <= interval.hi)
