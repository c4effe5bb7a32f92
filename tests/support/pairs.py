"""The interpreter and the independent simulator, driven alike and compared."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from schedlang.machine.machine import Machine, Mode, Phase
from schedlang.machine.scenario import TaskSpec
from schedlang.syntax import ast
from schedlang.topology import Topology
from tests.support.policies import compiled, policies, steered_policies
from tests.support.reading import Reading, children
from tests.support.simulated_cpu import SimCpu, TreePath
from tests.support.simulator import Simulator
from tests.support.traces import Act, Action, param_values, traces

MODES = {"idle": Mode.IDLE, "running": Mode.RUNNING}
ONE_CPU = Topology(1)
SHAPES = [
    *(ONE_CPU, Topology(2), Topology(3), Topology(4, smt=2), Topology(6, smt=2)),
    *(Topology(2, 2, 2), Topology(4, 2), Topology(6, 3), Topology(8, 4, 2)),
    *(Topology(4, 2, little=2), Topology(3, little=1)),
]
PHASES = {
    "asleep": Phase.BLOCKED,
    "waiting": Phase.QUEUED,
    "claimed": Phase.CLAIMED,
    "running": Phase.RUNNING,
}


def simulated(
    text: str,
    params: tuple[int, ...],
    topology: Topology = ONE_CPU,
    kind: type[Simulator] = Simulator,
) -> Simulator:
    reading = Reading(text)
    names = [param.name.name for param in reading.params]
    values = dict(zip(names, params, strict=True))
    return kind(
        reading,
        topology.cpus,
        values,
        topology.smt,
        llcs=topology.llcs,
        nodes=topology.nodes,
        little=topology.little,
    )


def arbitration(cpu: SimCpu, now: int) -> tuple[object, ...]:
    """A CPU's arbitration state as the interpreter tells it: what can still matter, as of `now`.

    A rested CPU will see its queues empty; a child that was seen empty comes back at V at least.
    """
    dues = []
    for queue, due in cpu.due.items():
        is_share = isinstance(cpu.guards[queue], ast.GuardShare)
        dues.append(due - now if not cpu.rested else max(due - now, 0) if is_share else 0)
    debts = []
    nodes = [
        (path, node, tree is cpu.tree)
        for _, tree in cpu.policy.trees
        for path, node in weighted_nodes(tree, ())
    ]
    for path, node, is_own in nodes:
        states = []
        for k in range(len(node.shares)):
            if not is_own:  # Nobody has touched it.
                states.append((0, False))
                continue
            ahead = int(cpu.p.get((*path, k), 0) - cpu.v.get(path, 0))
            seen = cpu.seen.get((*path, k), False)
            states.append((ahead if seen else max(ahead, 0), seen))
        debts.append(tuple(states))
    return cpu.rested, tuple(dues), tuple(debts)


def weighted_nodes(tree: ast.Tree, path: TreePath) -> list[tuple[TreePath, ast.Weighted]]:
    """Outermost and leftmost first."""
    found = [(path, tree)] if isinstance(tree, ast.Weighted) else []
    for k, child in enumerate(children(tree)):
        found += weighted_nodes(child, (*path, k))
    return found


GROUPS = ("/a", "/a/b", "/ab")
WEIGHTS = st.one_of(st.sampled_from([1, 100, 10_000]), st.integers(1, 10_000))


class Pair:
    """Both machines under the policy `text`; the world is the same for both."""

    def __init__(
        self,
        text: str,
        params: tuple[int, ...],
        topology: Topology = ONE_CPU,
        kind: type[Simulator] = Simulator,
    ) -> None:
        self.machine = Machine(compiled(text), topology, params)
        self.simulator = simulated(text, params, topology, kind)
        self.cpus = topology.cpus
        self.now = 0

    def take(self, action: Action) -> None:
        self.now += action.ns
        cpu = action.pick % self.cpus
        turn = self.machine.cpus[cpu].turn
        is_running, waker = turn is not None, turn.task if turn is not None else None
        sleepers = [i for i, t in enumerate(self.machine.tasks) if t.phase is Phase.BLOCKED]
        match action.act:
            case Act.WAKE if sleepers:
                number = sleepers[action.pick % len(sleepers)]
                self.machine.wake(number, self.now, waker, sync=action.sync)
                self.simulator.wake(number, self.now, waker, action.sync)
            case Act.FORK | Act.WAKE:
                spec = self._fitting(action.spec)
                self.machine.fork(spec, self.now, cpu, waker)
                self.simulator.fork(spec, self.now, cpu, waker)
            case Act.CHOOSE if is_running:
                self.machine.settle(cpu, self.now)
                self.simulator.settle(cpu, self.now)
            case Act.REQUEUE | Act.BLOCK if is_running:
                blocked = action.act is Act.BLOCK
                self.machine.stop(cpu, self.now, blocked=blocked)
                self.simulator.stop(cpu, self.now, blocked)
            case Act.CHOOSE | Act.REQUEUE | Act.BLOCK:
                chosen = self.machine.choose(cpu, self.now)
                assert chosen == self.simulator.choose(cpu, self.now)

    def _fitting(self, spec: TaskSpec) -> TaskSpec:
        """A task that may run nowhere here gets the first CPU besides."""
        if any(spec.may_run_on(cpu) for cpu in range(self.cpus)):
            return spec
        return replace(spec, affinity=(spec.affinity or frozenset()) | {0})

    def compare(self) -> None:
        ours, theirs = self.machine, self.simulator
        for cpu, other in zip(ours.cpus, theirs.cpus, strict=True):
            ours_turn = cpu.turn and (cpu.turn.task, cpu.turn.granted_ns, cpu.turn.is_ended)
            theirs_turn = other.turn and (
                other.turn.task,
                other.turn.slice_ns,
                other.turn.is_ended,
            )
            assert ours_turn == theirs_turn
            assert cpu.mode is MODES.get(other.state, Mode.CHOOSING)
            assert cpu.claimed == other.claim
            assert cpu.arbiter.relative(self.now) == arbitration(other, self.now)
        instances = {
            (number, instance.unit): instance
            for number, queue in enumerate(ours.queues)
            for instance in queue.all
        }
        assert {place: instance.clock for place, instance in instances.items()} == theirs.clocks
        entries = [
            (*place, entry.key, entry.seq, entry.task)
            for place, instance in instances.items()
            for entry in instance.entries
        ]
        waiting = [(e.queue, e.unit, e.key, e.seq, e.task) for e in theirs.waiting]
        assert entries == sorted(waiting)
        for task, twin in zip(ours.tasks, theirs.tasks, strict=True):
            assert list(task.states)[: len(twin.own)] == list(twin.own.values())
            known = {**twin.known(), **twin.of_waker}
            for state, value in zip(ours.policy.states, task.states, strict=True):
                assert known.get(state.name, value) == value
            assert (task.queue, task.slice_ns) == (twin.queue, twin.slice_ns)
            assert task.phase is PHASES[twin.place]
            units = [i.unit if i is not None else None for i in task.instances]
            assert units == [twin.units.get(number) for number in range(len(units))]
            for number, states in enumerate(task.order_states):
                assert (states is not None) == (number in twin.by_queue)
                assert list(states or ()) == list(twin.by_queue.get(number, {}).values())


def compare(data: st.DataObject, kind: type[Simulator] = Simulator) -> None:
    """A random policy, on a random machine, through a random run; the states are the same."""
    text = data.draw(st.one_of(policies(), steered_policies(4)), label="policy")
    params = data.draw(param_values(compiled(text)), label="params")
    pair = Pair(text, params, data.draw(st.sampled_from(SHAPES), label="topology"), kind)
    groups = data.draw(st.dictionaries(st.sampled_from(GROUPS), WEIGHTS), label="cgroups")
    for path, weight in groups.items():
        pair.machine.weigh(path, weight)
        pair.simulator.group_weights[path] = weight
    for action in data.draw(traces(), label="trace"):
        pair.take(action)
        pair.compare()
