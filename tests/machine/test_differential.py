"""The interpreter and an independent simulator make the same choices on random runs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.machine.machine import Machine, Mode, Phase
from tests.support.policies import compiled, policies
from tests.support.simulator import Running, Simulator
from tests.support.traces import Act, Action, param_values, traces


class Pair:
    """Both machines, driven alike."""

    def __init__(self, machine: Machine, simulator: Simulator) -> None:
        self.machine, self.simulator = machine, simulator
        self.now = 0

    def take(self, action: Action) -> None:
        self.now += action.ns
        is_running = self.machine.cpus[0].mode is Mode.RUNNING
        sleepers = [i for i, t in enumerate(self.machine.tasks) if t.phase is Phase.BLOCKED]
        match action.act:
            case Act.WAKE if sleepers:
                number = sleepers[action.pick % len(sleepers)]
                self.machine.wake(number, self.now)
                self.simulator.wake(number, self.now)
            case Act.FORK | Act.WAKE:
                self.machine.fork(action.spec, self.now)
                self.simulator.fork(action.spec, self.now)
            case Act.CHOOSE if is_running:
                self.machine.settle(0, self.now)
                self.simulator.settle(self.now)
            case Act.REQUEUE | Act.BLOCK if is_running:
                blocked = action.act is Act.BLOCK
                self.machine.stop(0, self.now, blocked=blocked)
                self.simulator.stop(self.now, blocked)
            case Act.CHOOSE | Act.REQUEUE | Act.BLOCK:
                assert self.machine.choose(0, self.now) == self.simulator.choose(self.now)

    def compare(self) -> None:
        ours, theirs = self.machine, self.simulator
        turn = ours.cpus[0].turn
        expected = theirs.cpu.task if isinstance(theirs.cpu, Running) else None
        assert (turn.task if turn is not None else None) == expected
        assert [queue.clock for queue in ours.queues] == theirs.clocks
        entries = [
            (number, entry.key, entry.seq, entry.task)
            for number, queue in enumerate(ours.queues)
            for entry in queue.entries
        ]
        waiting = [(entry.queue, entry.key, entry.seq, entry.task) for entry in theirs.waiting]
        assert entries == sorted(waiting)
        for task, twin in zip(ours.tasks, theirs.tasks, strict=True):
            assert list(task.states) == list(twin.own.values())
            assert (task.queue, task.slice_ns) == (twin.queue, twin.slice_ns)
            for number, states in enumerate(task.order_states):
                assert (states is not None) == (number in twin.by_queue)
                assert list(states or ()) == list(twin.by_queue.get(number, {}).values())


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_the_interpreter_agrees_with_the_simulator(data: st.DataObject) -> None:
    policy = compiled(data.draw(policies(), label="policy"))
    params = data.draw(param_values(policy), label="params")
    pair = Pair(Machine(policy, 1, params), Simulator(policy, params))
    for action in data.draw(traces(), label="trace"):
        pair.take(action)
        pair.compare()
