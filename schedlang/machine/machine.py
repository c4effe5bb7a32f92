"""The reference interpreter of docs/machine.md: CPUs, queues, tasks, what happens to them.

The caller is the world: it forks and wakes tasks, lets CPUs choose, and ends their turns, at times
that never decrease. Where the page leaves the adversary a choice among idle CPUs, the one with the
least number is taken; a wake-up is handed on for the first entry, of the first instance of the
first queue, that has one. Sets of CPUs and of queues are bits of a number.
"""

from __future__ import annotations

from typing import final

from schedlang.ir.nodes import MAX_CHARGE_NS, MIN_CHARGE_NS, Policy
from schedlang.ir.walk import leaves
from schedlang.machine.arbitration import Arbiter, Arbitration
from schedlang.machine.compiled import CompiledPolicy, compile_policy
from schedlang.machine.evaluate import Environment
from schedlang.machine.groups import Groups, Member
from schedlang.machine.parts import Chosen, Cpu, Mode, Phase, Task, Turn
from schedlang.machine.placement import Places, follows_waker, least
from schedlang.machine.preemption import Preemption
from schedlang.machine.queue import Instances, QueueInstance
from schedlang.machine.scenario import TaskSpec
from schedlang.topology import Topology

__all__ = ["Chosen", "Cpu", "Machine", "Mode", "Phase", "Task", "Turn"]

# An enumeration's members are slow to look up, and these are needed at every step.
_IDLE, _CHOOSING, _RUNNING = Mode.IDLE, Mode.CHOOSING, Mode.RUNNING
_BLOCKED, _QUEUED, _ON_CPU = Phase.BLOCKED, Phase.QUEUED, Phase.RUNNING


@final
class Machine:
    """A machine under `policy`, at first idle and without tasks.

    `params` are the values of the policy's params. A task is a number, counted from 0 as they are
    forked. `woken` lists the CPUs that were idle, or away, and have to choose, in the order of
    their wake-ups. A CPU whose turn was stopped has to choose as well, and is not listed. `cut` are
    the CPUs whose turn was cut short after it began; the world may take them out. `code` is the
    policy compiled, if that has been done before.
    """

    def __init__(
        self,
        policy: Policy,
        topology: Topology,
        params: tuple[int, ...],
        code: CompiledPolicy | None = None,
    ) -> None:
        self.policy = policy
        self.tasks: list[Task] = []
        self.woken: list[int] = []
        self.cut: set[int] = set()
        self._code = code or compile_policy(policy)
        self._topology = topology
        self._arbitration = Arbitration(policy, params)
        self._places = Places(topology, policy.cpusets)
        self._ladders = tuple(map(policy.ladder, range(len(policy.queues))))
        preempts = bool(policy.preemptions)
        self._preemption = Preemption(policy, topology, params) if preempts else None
        self.queues = [
            Instances(queue, code, topology)
            for queue, code in zip(policy.queues, self._code.queues, strict=True)
        ]
        served = [self._places.served(self._arbitration.trees, c) for c in range(topology.cpus)]
        self.cpus = [
            Cpu(Arbiter(self._arbitration, tree), tuple(queue.here[cpu] for queue in self.queues))
            for cpu, tree in enumerate(served)
        ]
        orders = [[leaf.queue for leaf in leaves(serve.tree)] for serve in policy.serves]
        stolen = [[q for q in order if policy.queues[q].steal] for order in orders]
        self._stolen = [stolen[self._arbitration.trees.index(tree)] for tree in served]
        self.state_types = self._code.state_types
        self._idle = (1 << topology.cpus) - 1
        self._seq = 0
        self._env = Environment(params, cpus=topology.cpus)
        self._groups = Groups()

    def afresh(self) -> Machine:
        """A machine like this one when it was new: nothing of the policy is compiled again."""
        return Machine(self.policy, self._topology, self._env.params, self._code)

    # --- what happens to tasks

    def fork(self, spec: TaskSpec, now: int, cpu: int = 0, waker: int | None = None) -> int:
        """A task appears, runnable; `cpu` is its parent's, `waker` the parent if it runs. The
        number of the task.
        """
        self._env.now = now
        self._describe(spec)
        states = self._code.initial(self._env)
        none: list[None] = [None] * len(self.queues)
        self.tasks.append(Task(spec, self._places.allowed(spec), states, [*none], [*none], cpu))
        self.wake(len(self.tasks) - 1, now, waker)
        return len(self.tasks) - 1

    def wake(self, task: int, now: int, waker: int | None = None, *, sync: bool = False) -> None:
        """`waker` is the task that does it, which runs, or None. `sync`: it is about to sleep."""
        assert self.tasks[task].phase is _BLOCKED
        if waker is not None and self._code.asks_for_wakers:
            self._note_waker(self.tasks[task], self.tasks[waker], now)
        on = self.tasks[waker].cpu if sync and waker is not None else None
        self._arrive(task, now, woke=True, sync=on)

    def change(self, task: int, spec: TaskSpec, now: int) -> int | None:
        """The task's attributes become those of `spec`.

        The CPU that has to choose now, if it ran the task, which may no longer run there.
        """
        t = self.tasks[task]
        moved = (spec.nice, spec.weight, spec.cgroup, spec.affinity)
        renamed = moved == (t.spec.nice, t.spec.weight, t.spec.cgroup, t.spec.affinity)
        t.spec, t.cpus = spec, self._places.allowed(spec)
        match t.phase:
            case Phase.QUEUED | Phase.CLAIMED if not renamed:
                self._leave(task)
                self._arrive(task, now, woke=False)
            case Phase.RUNNING if not t.cpus >> (cpu := t.cpu) & 1:
                self.stop(cpu, now, blocked=False)
                return cpu
            case _:
                pass
        return None

    def exit(self, task: int) -> None:
        """The task is no more. If it runs, its turn is stopped first."""
        t = self.tasks[task]
        assert t.phase not in (Phase.RUNNING, Phase.EXITED)
        self._leave(task)
        self._uncount(t)
        t.phase = Phase.EXITED

    def set_param(self, param: int, value: int) -> None:
        params = self._env.params
        self._env.params = (*params[:param], value, *params[param + 1 :])
        self._arbitration.set_params(self._env.params)
        if self._preemption is not None:
            self._preemption.set_params(self._env.params)

    def weigh(self, cgroup: str, weight: int) -> None:
        """The cgroup's own weight, which is 100 at first."""
        self._groups.weigh(cgroup, weight)

    # --- what CPUs do

    def choose(self, cpu: int, now: int, begins: int | None = None) -> Chosen | None:
        """A CPU without a turn starts its claimed task, or what it chooses; None: it is idle.

        The turn begins at once, or, as in a kernel, at `begins`, somewhat later.
        """
        c, begins = self.cpus[cpu], now if begins is None else begins
        assert c.mode is _CHOOSING or c.mode is _IDLE
        was_woken, c.woken = c.woken, False
        if was_woken:
            self.woken.remove(cpu)
        elif c.mode is _IDLE:
            self._idle &= ~(1 << cpu)
        if c.claimed is not None:
            task, c.claimed = c.claimed, None
            c.arbiter.place(self.tasks[task].queue, now)
            return self._start(cpu, task, begins)
        chosen = self._take(cpu, now, begins)
        if was_woken:
            self._hand_on(cpu)
        return chosen

    def settle(self, cpu: int, now: int) -> None:
        """Charge the CPU's turn up to `now`."""
        c = self.cpus[cpu]
        assert c.turn is not None
        assert now >= c.settled_at
        c.arbiter.settle(c.turn.queue, now - c.settled_at, now)
        c.settled_at = now

    def stop(self, cpu: int, now: int, *, blocked: bool) -> None:
        """End the CPU's turn; unless `blocked`, the task arrives again. Next the CPU chooses."""
        self.settle(cpu, now)
        c, env = self.cpus[cpu], self._env
        assert c.turn is not None
        turn, c.turn, c.mode = c.turn, None, _CHOOSING
        self.cut.discard(cpu)
        t = self.tasks[turn.task]
        self._about(t, turn.queue, now)
        ran = now - turn.start
        env.used = MIN_CHARGE_NS if ran < MIN_CHARGE_NS else min(ran, MAX_CHARGE_NS)
        env.granted, env.blocked = turn.granted_ns, blocked
        for effect in self._code.queues[turn.queue].on_stop:
            effect(env)
        if blocked:
            t.phase = _BLOCKED
            self._uncount(t)
        else:
            self._arrive(turn.task, now, woke=False, stays=cpu)

    def take_away(self, cpu: int, now: int) -> None:
        """A higher class takes the CPU, from a turn or from idleness."""
        c = self.cpus[cpu]
        if c.turn is not None:
            self.stop(cpu, now, blocked=False)
        if c.woken:
            c.woken = False
            self.woken.remove(cpu)
        c.mode = Mode.AWAY
        self._idle &= ~(1 << cpu)

    def give_back(self, cpu: int) -> None:
        """The CPU is free again and has to choose."""
        c = self.cpus[cpu]
        assert c.mode is Mode.AWAY
        self._rouse(cpu)

    # --- the steps of an arrival

    def _describe(self, spec: TaskSpec) -> None:
        """Let expressions be about such a task."""
        self._env.task = spec
        if self._code.asks_for_groups:
            self._env.group_weight = self._groups.share(Member(spec.cgroup, spec.weight))

    def _count(self, t: Task) -> None:
        """From its arrival on the task counts in its group, until it sleeps."""
        self._uncount(t)
        t.member = Member(t.spec.cgroup, t.spec.weight)
        self._groups.add(t.member)

    def _uncount(self, t: Task) -> None:
        if t.member is not None:
            self._groups.remove(t.member)
            t.member = None

    def _note_waker(self, task: Task, waker: Task, now: int) -> None:
        assert waker.phase is _ON_CPU
        env = self._env
        env.task_states, env.now = waker.states, now
        self._describe(waker.spec)
        for effect in self._code.on_waking:
            effect(env)
        for snapshot in self._code.snapshots:
            task.states[snapshot.into] = waker.states[snapshot.of]

    def _arrive(
        self, task: int, now: int, *, woke: bool, stays: int | None = None, sync: int | None = None
    ) -> None:
        """If it `stays` on a CPU that may run it next, it cuts no turn short."""
        env, t = self._env, self.tasks[task]
        if self._code.asks_for_groups:
            self._count(t)
        env.task_states, env.now, env.woken = t.states, now, woke
        self._describe(t.spec)
        if woke:
            for effect in self._code.on_wake:
                effect(env)
        t.queue = self._code.route(env)
        t.eligible = self._places.eligible(t.cpus, self.policy.queues[t.queue].cpus)
        code = self._code.queues[t.queue]
        claimed = self._claimed(t, sync) if woke else None
        t.cpu = self._home(t, sync) if claimed is None else claimed
        instance = self.queues[t.queue].here[t.cpu]
        if t.instances[t.queue] is not instance:
            self._join(t, instance, now)
        self._about(t, t.queue, now)
        if woke:
            for effect in code.on_wake:
                effect(env)
        for effect in code.on_join:
            effect(env)
        t.key = key = 0 if code.key is None else code.key(env)
        t.slice_ns = code.slice(env)
        if claimed is not None:
            self.cpus[claimed].claimed, t.phase = task, Phase.CLAIMED
            self._rouse(claimed)
            return
        t.phase = _QUEUED
        instance.add(key, self._seq, task, t.eligible)
        self._seq += 1
        if self._idle and self._wake_idle(instance, t.eligible):
            return
        if stays is None or not t.eligible >> stays & 1:
            self._cut(t, instance, now)

    def _claimed(self, t: Task, sync: int | None) -> int | None:
        """The idle CPU that the rungs of its ladder find."""
        return self._places.claimed(self._ladders[t.queue], t.cpu, self._idle, t.eligible, sync)

    def _home(self, t: Task, sync: int | None) -> int:
        """The CPU whose instance a task joins that claims none."""
        if sync is not None and t.eligible >> sync & 1 and follows_waker(self._ladders[t.queue]):
            return sync
        return t.cpu if t.eligible >> t.cpu & 1 else least(t.eligible)

    def _join(self, t: Task, instance: QueueInstance, now: int) -> None:
        """The task joins an instance of its queue that it was not in before."""
        before, code, env = t.instances[t.queue], instance.code, self._env
        t.instances[t.queue] = instance
        states, clocked = t.order_states[t.queue], code.clock_state
        env.task_states, env.now, env.clock = t.states, now, instance.clock
        self._describe(t.spec)
        if before is None or states is None:
            t.order_states[t.queue] = code.initial(env)
        elif clocked is not None:
            moved = states[clocked] + instance.clock - before.clock
            states[clocked] = max(moved, code.initial(env)[clocked])

    def _about(self, t: Task, queue: int, now: int) -> None:
        """Let expressions be about `t` and its states in `queue`, which it has joined."""
        env, instance, order_states = self._env, t.instances[queue], t.order_states[queue]
        assert instance is not None
        assert order_states is not None
        env.task_states, env.now, env.clock = t.states, now, instance.clock
        self._describe(t.spec)
        env.order_states, env.length = order_states, len(instance.entries)

    def _leave(self, task: int) -> None:
        """The task waits no more: its entry disappears, or its CPU is claimed no more."""
        t = self.tasks[task]
        instance = t.instances[t.queue]
        if t.phase is Phase.QUEUED and instance is not None:
            instance.drop(task)
        elif t.phase is Phase.CLAIMED:
            next(c for c in self.cpus if c.claimed == task).claimed = None

    def _cut(self, t: Task, instance: QueueInstance, now: int) -> None:
        if self._preemption is not None:
            cpu = self._preemption.cut(t, instance, self.tasks, self.cpus, now)
            if cpu is not None:
                self.cut.add(cpu)

    def _wake_idle(self, instance: QueueInstance, cpus: int) -> bool:
        """Wake an idle CPU of `cpus` that may take from `instance`; False if there is none."""
        idle = self._idle & instance.takers & cpus
        if idle:
            self._rouse(least(idle & instance.members or idle))
        return idle != 0

    def _rouse(self, cpu: int) -> None:
        c = self.cpus[cpu]
        c.mode, c.woken = _CHOOSING, True
        self._idle &= ~(1 << cpu)
        self.woken.append(cpu)

    # --- the steps of a choice

    def _take(self, cpu: int, now: int, begins: int) -> Chosen | None:
        occupied = 0
        c = self.cpus[cpu]
        for instance in c.here:
            if instance.entries and instance.is_occupied(cpu):
                occupied |= instance.code.bit
        chosen = c.arbiter.choose(occupied, now)
        if chosen is not None:
            return self._start(cpu, c.here[chosen].take(cpu), begins)
        for queue in self._stolen[cpu]:
            for instance in self.queues[queue].others[cpu]:
                if instance.entries and instance.is_occupied(cpu):
                    c.arbiter.place(queue, now)
                    return self._start(cpu, instance.take(cpu), begins)
        c.mode = _IDLE
        self._idle |= 1 << cpu
        return None

    def _hand_on(self, cpu: int) -> None:
        """Wake an idle CPU for an entry that `cpu` may have been woken for, if there is one: for
        one of all global queues, and for one of each other queue."""
        for_global = False
        for queue in self.queues:
            if self._idle and not (queue.is_global and for_global):
                woke = any(
                    self._wake_idle(instance, entry.cpus)
                    for instance in queue.all
                    if instance.takers >> cpu & 1
                    for entry in instance.entries
                )
                for_global |= woke and queue.is_global

    def _start(self, cpu: int, task: int, now: int) -> Chosen:
        c, t = self.cpus[cpu], self.tasks[task]
        instance, states = t.instances[t.queue], t.order_states[t.queue]
        assert instance is not None
        clock_state = instance.code.clock_state
        if clock_state is not None and states is not None and states[clock_state] > instance.clock:
            instance.clock = states[clock_state]
        c.arbiter.start(t.queue, now)
        slice_ns = t.slice_ns
        if self._preemption is not None:
            slice_ns = self._preemption.shortened(t, cpu, c.here)
        c.mode, c.turn, c.settled_at = _RUNNING, Turn(task, t.queue, now, slice_ns), now
        t.phase, t.cpu = _ON_CPU, cpu
        if t.chosen is None or t.chosen.queue != t.queue:
            t.chosen = Chosen(task, t.queue)
        return t.chosen
