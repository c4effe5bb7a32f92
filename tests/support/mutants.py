"""The rules of docs/machine.md, each changed in one way: machines that do not follow the page.

Every class is one change of the independent simulator. tests/prover/test_machine_mutants.py tells
who notices.
"""

from __future__ import annotations

from fractions import Fraction

from schedlang.syntax import ast
from tests.support.meaning import Values
from tests.support.reading import Kind
from tests.support.simulated_cpu import SimCpu, TreePath
from tests.support.simulator import SimTask, Simulator, States, Waiting

# --- what happens to a task


class WakesAtEachArrival(Simulator):
    """A requeued task runs its `wake` handlers, too."""

    def handle(self, event: str, kind: Kind | None, task: SimTask, given: Values) -> None:
        if event == "join":
            super().handle("wake", kind, task, given)
        super().handle(event, kind, task, given)


class LastRuleDecides(Simulator):
    def routed(self, task: SimTask, given: States) -> int:
        rules = [r for r in self.policy.route.rules if self.read(r.condition, None, task, given)]
        if rules:
            return self.policy.number(rules[-1].queue)
        return super().routed(task, given)


class ForgetsTheQueue(Simulator):
    """The order's states are initialised at each arrival."""

    def join(self, kind: Kind, task: SimTask, queue: int, unit: int, given: States) -> None:
        task.by_queue.pop(queue, None)
        super().join(kind, task, queue, unit, given)


class OrderJoinsFirst(Simulator):
    """The order's `join` handlers run before the task's."""

    def handle(self, event: str, kind: Kind | None, task: SimTask, given: Values) -> None:
        if event != "join":
            super().handle(event, kind, task, given)
        elif kind is not None:
            super().handle(event, kind, task, given)
            super().handle(event, None, task, given)


class Unbounded(Simulator):
    """A state with a range leaves it."""

    def saturated(self, value: int, lo: int, hi: int) -> int:
        return value


class PlacesRequeued(Simulator):
    """A task whose turn ended is placed like one that woke."""

    def enqueue(self, number: int, key: int) -> bool:
        if (claimed := self.placed(number, None)) is None:
            return super().enqueue(number, key)
        self.claim(number, claimed)
        return True


class PlacesAnywhere(Simulator):
    """Every rung takes any idle CPU."""

    def fits(self, rung: ast.Rung, number: int, cpu: int) -> bool:
        return True


class NeverPlaces(Simulator):
    def placed(self, number: int, sync: int | None) -> int | None:
        return None


class IgnoresTheWaker(Simulator):
    """`waker if sync` is passed over."""

    def placed(self, number: int, sync: int | None) -> int | None:
        return super().placed(number, None)


class KnowsNoCaches(Simulator):
    """`in llc` and `in node` look everywhere."""

    def fits(self, rung: ast.Rung, number: int, cpu: int) -> bool:
        self.parts = dict.fromkeys(self.parts, 1)
        return super().fits(rung, number, cpu)


class WakesNobody(Simulator):
    """A task that joins a queue wakes no CPU."""

    def wake_one(self, options: list[int]) -> bool:
        return False


class NeverCuts(Simulator):
    def cut(self, number: int, now: int, home: int) -> None:
        pass


class CutsWhoeverIsNear(Simulator):
    """`earlier` makes no difference on arrival."""

    def is_cut(self, cpu: int, rule: ast.Cut, key: int, now: int) -> bool:
        return super().is_cut(cpu, rule, -(1 << 70), now)


class CutsTheFarthest(Simulator):
    def distance(self, home: int, cpu: int) -> tuple[int, ...]:
        return tuple(-part for part in super().distance(home, cpu))


class CutsAgain(Simulator):
    """A turn that is ended is found once more."""

    def is_cut(self, cpu: int, rule: ast.Cut, key: int, now: int) -> bool:
        turn = self.cpus[cpu].turn
        if turn is not None:
            turn.is_ended = False
        return super().is_cut(cpu, rule, key, now)


class CutsForWhoComesBack(Simulator):
    """Also for a task whose own CPU chooses next."""

    def arrive(
        self,
        number: int,
        now: int,
        anew: bool,
        sync: int | None = None,
        back_on: int | None = None,
    ) -> None:
        super().arrive(number, now, anew, sync)


class LeavesNothing(Simulator):
    """A turn is ended although it has not lasted D."""

    def left_by(self, rule: ast.Cut) -> int:
        return 1


class StartsAtLength(Simulator):
    """Who waits when a turn starts makes no difference to it."""

    def shortened(self, number: int, cpu: int) -> int:
        return self.tasks[number].slice_ns


class HandsNothingOn(Simulator):
    def hand_on(self, cpu: int) -> None:
        pass


class RunsAnywhere(Simulator):
    """A CPU takes tasks that may not run there."""

    def may_run(self, number: int, cpu: int) -> bool:
        return True


class LastInFirstOut(Simulator):
    """Of equal keys the youngest goes first."""

    def rank(self, entry: Waiting) -> tuple[int, int]:
        key, seq = super().rank(entry)
        return key, -seq


class IgnoresKeys(Simulator):
    def rank(self, entry: Waiting) -> tuple[int, int]:
        return 0, super().rank(entry)[1]


class ClockGoesBack(Simulator):
    def move_clock(self, queue: int, unit: int, v: int) -> None:
        self.clocks[queue, unit] = v


class ClockStandsStill(Simulator):
    def move_clock(self, queue: int, unit: int, v: int) -> None:
        pass


class ChargesWhatWasUsed(Simulator):
    """`used` may be less than a microsecond."""

    def used(self, ns: int) -> int:
        return ns


class StopsOrderFirst(Simulator):
    """The order's `stop` handlers run before the task's."""

    def handle(self, event: str, kind: Kind | None, task: SimTask, given: Values) -> None:
        if event != "stop":
            super().handle(event, kind, task, given)
        elif kind is not None:
            super().handle(event, kind, task, given)
            super().handle(event, None, task, given)


class NeverStops(Simulator):
    """The end of a turn changes no state."""

    def handle(self, event: str, kind: Kind | None, task: SimTask, given: Values) -> None:
        if event != "stop":
            super().handle(event, kind, task, given)


# --- guards and the tree


class NoRest(SimCpu):
    """A CPU that was idle has not seen its queues empty."""

    def leave_idleness(self, now: int) -> None:
        pass


class NoWalkForPlaced(SimCpu):
    """A placed turn does not move V."""

    def walk_for_placed(self, queue: int) -> None:
        pass


class TreeFirst(SimCpu):
    """Overdue guards wait for the tree."""

    def served(self, full: set[int], now: int) -> int | None:
        super().served(full, now)
        return self.walk(self.tree, (), full)


class GuardsInOrderOfText(SimCpu):
    def precedence(self, queue: int) -> tuple[int, int]:
        return 0, list(self.guards).index(queue)


class NewestFirst(SimCpu):
    def precedence(self, queue: int) -> tuple[int, int]:
        return -self.due[queue], 0


class NeverSeesEmptyAfter(SimCpu):
    """An empty queue's `after` runs on."""

    def see_empty_after(self, queue: int, now: int) -> None:
        pass


class NeverSeesEmptyShare(SimCpu):
    """An empty queue's debt grows."""

    def see_empty_share(self, queue: int, now: int) -> None:
        pass


class ForgivesShare(SimCpu):
    """An empty queue's surplus is forgotten."""

    def see_empty_share(self, queue: int, now: int) -> None:
        self.due[queue] = now


class RestartsFromDue(SimCpu):
    """`after D` counts from the last deadline, not from the service."""

    def settle_after(self, queue: int, now: int) -> None:
        self.due[queue] += self.guarded(queue)


class AfterNeverSettles(SimCpu):
    def settle_after(self, queue: int, now: int) -> None:
        pass


class ShareIsFree(SimCpu):
    def settle_share(self, queue: int, served_ns: int) -> None:
        pass


class ShareCostsTwice(SimCpu):
    def settle_share(self, queue: int, served_ns: int) -> None:
        super().settle_share(queue, 2 * served_ns)


class RoundsDown(SimCpu):
    def settle_share(self, queue: int, served_ns: int) -> None:
        self.due[queue] += served_ns * 100 // self.guarded(queue)


class KeepsSurplus(SimCpu):
    """A turn that the tree granted ahead of the guard counts against it in full."""

    def start_share(self, queue: int, now: int) -> None:
        pass


class ServiceIsFree(SimCpu):
    def charge(self, path: TreePath, k: int, cost: Fraction) -> None:
        pass


class WeightsUpsideDown(SimCpu):
    """More weight costs more."""

    def cost(self, tree: ast.Weighted, k: int, served_ns: int) -> Fraction:
        return Fraction(served_ns * tree.shares[k].weight.value)


class ComesBackWhereItWas(SimCpu):
    def rejoin(self, path: TreePath, k: int) -> None:
        pass


class ComesBackWithoutDebt(SimCpu):
    def rejoin(self, path: TreePath, k: int) -> None:
        self.p[*path, k] = self.v.get(path, Fraction())


class VStandsStill(SimCpu):
    def advance(self, path: TreePath, p: Fraction) -> None:
        pass


class VGoesBack(SimCpu):
    def advance(self, path: TreePath, p: Fraction) -> None:
        self.v[path] = p


class GreatestFirst(SimCpu):
    """The child that has had most is taken."""

    def weigh(self, path: TreePath, present: list[int], number: int) -> list[int]:
        return super().weigh(path, present, number)[::-1]


class LastOfStrict(SimCpu):
    def in_order(self, present: list[int]) -> list[int]:
        return present[::-1]


def on(cpu: type[SimCpu]) -> type[Simulator]:
    """The whole machine, with CPUs that do not follow the page."""
    return type(cpu.__name__, (Simulator,), {"cpu_kind": cpu})
