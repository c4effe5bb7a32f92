"""Small runs that can be followed by hand: what the engine settles, to the nanosecond."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedlang.ir.nodes import Policy
from schedlang.simulate.engine import Setting, Simulation, simulate
from schedlang.simulate.record import Record
from schedlang.source import Source
from schedlang.topology import Topology
from schedlang.tuning import Tune
from schedlang.workload.format import parse_workload
from schedlang.workload.model import Workload
from schedlang.workload.outcome import GroupOutcome
from tests.support.policies import compiled

EXAMPLES = Path(__file__).parents[2] / "examples"
US, MS = 1_000, 1_000_000


def fifo(slice_: str = "4ms") -> Policy:
    head = f"policy fifo\nqueue tasks {{ global  order fifo  slice {slice_} }}\n"
    return compiled(f"{head}route {{ else -> tasks }}\nserve tasks\nplace {{ prev  cpu in any }}\n")


def example(name: str) -> Policy:
    return compiled((EXAMPLES / f"{name}.sched").read_text())


def workload(text: str) -> Workload:
    """Groups in short: a line for each, `NAME THREADS: PHASES`, and more keys after a `;`."""
    lines: list[str] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        if ":" not in line:
            lines.insert(0, line)
            continue
        head, _, rest = line.partition(":")
        phases, _, more = rest.partition(";")
        name, threads = head.split()
        lines += ["[[group]]", f'name = "{name}"', f"threads = {threads}", f"phases = [{phases}]"]
        lines += [more.strip()] if more else []
    found = parse_workload(Source("w", "\n".join(lines)), "w")
    assert isinstance(found, Workload), found
    return found


def run(
    text: str, policy: Policy | None = None, cpus: int = 1, *, tick_ns: int = 4 * MS
) -> Simulation:
    chosen = policy or fifo()
    setting = Setting(Topology(cpus), tuple(p.default for p in chosen.params), 0, tick_ns)
    return simulate(chosen, workload(text), setting, recorded=True)


TUNED = """policy tuned
param quantum : duration = 4ms in 1ms..20ms
queue tasks { global  order fifo  slice quantum }
route { else -> tasks }
serve tasks
"""


def test_a_tune_changes_a_param_from_then_on() -> None:
    policy = compiled(TUNED)
    tunes = (Tune(24 * MS, "quantum", MS), Tune(12 * MS, "quantum", 8 * MS))
    setting = Setting(Topology(1), (4 * MS,), 0, MS, tunes)
    found = simulate(policy, workload('a 2: "run 20ms"'), setting, recorded=True)
    turns = record(found).turns
    lengths = [(turn.end_ns - turn.start_ns) // MS for turn in turns]
    # Whoever is in the queue already keeps its slice.
    assert lengths[:6] == [4, 4, 4, 4, 8, 8]
    assert lengths[6:12] == [1] * 6


def group(found: Simulation, name: str) -> GroupOutcome:
    return next(g for g in found.outcome.groups if g.group == name)


def record(found: Simulation) -> Record:
    assert found.record is not None
    return found.record


def turns(found: Simulation) -> list[tuple[int, int, int, int]]:
    return [(t.cpu, t.thread, t.start_ns, t.end_ns) for t in record(found).turns]


def test_a_thread_alone_runs_and_ends() -> None:
    found = run('a 1: "run 10ms"')
    end = 10 * MS + 1 * US  # its end costs a microsecond
    assert found.outcome.makespan_ns == end
    a = group(found, "a")
    assert (a.threads, a.ended, a.ended_ns, a.run_ns, a.wait_ns) == (1, 1, end, end, 0)
    assert (a.switches, a.migrations, a.passes, a.wakeups.count) == (1, 0, 0, 0)


def test_a_turn_ends_at_the_first_tick_after_its_slice() -> None:
    found = run('a 2: "run 10ms"', fifo("3ms"))
    assert turns(found)[:3] == [(0, 0, 0, 4 * MS), (0, 1, 4 * MS, 8 * MS), (0, 0, 8 * MS, 12 * MS)]
    found = run('a 2: "run 10ms"', fifo("5ms"))
    assert turns(found)[:2] == [(0, 0, 0, 8 * MS), (0, 1, 8 * MS, 16 * MS)]


def test_a_slice_that_ends_at_a_tick_ends_there() -> None:
    assert turns(run('a 2: "run 10ms"', fifo("4ms")))[0] == (0, 0, 0, 4 * MS)


def test_ticks_of_cpus_are_shifted() -> None:
    found = run('a 4: "run 20ms"', fifo("1ms"), cpus=4, tick_ns=4 * MS)
    first_ends = {cpu: end for cpu, _, start, end in reversed(turns(found)) if start == 0}
    assert first_ends == {0: 4 * MS, 1: 1 * MS, 2: 2 * MS, 3: 3 * MS}


def test_sleepers_wake_and_wait() -> None:
    found = run('h 1: "run 20ms"\ns 1: "run 1ms", "sleep 2ms", "run 1ms"')
    # h runs to 4 ms, s to 5.001, h to 8 (the tick): s has been awake since 7.001.
    assert turns(found)[:4] == [
        (0, 0, 0, 4 * MS),
        (0, 1, 4 * MS, 5 * MS + US),
        (0, 0, 5 * MS + US, 12 * MS),
        (0, 1, 12 * MS, 13 * MS + US),
    ]
    s = group(found, "s")
    assert (s.wakeups.count, s.wakeups.max_ns) == (1, 12 * MS - (7 * MS + US))
    assert s.wait_ns == 4 * MS + s.wakeups.max_ns


def test_every_counts_periods_and_what_is_missed() -> None:
    found = run('a 1: "run 1ms", "every 5ms", "run 12ms", ["loop 4", "every 5ms"], "run 1ms"')
    a = group(found, "a")
    # The second period ends at 10 ms, the third at 15: at 17 both are missed; the others are not.
    assert a.missed == 2
    assert a.ended_ns == 25 * MS + 1 * MS + US


def test_a_period_may_be_used_to_its_end() -> None:
    found = run('a 1: "run 4999us", "every 5ms", "run 5000us", "every 5ms"')
    assert group(found, "a").missed == 1


def test_messages_go_to_whom_waits_longest() -> None:
    found = run(
        """
        r 2: "receive c", "run 5ms"
        s 1: "run 1ms", "send c", "run 1ms", "send c"
        """,
        cpus=3,
    )
    long = [t for t in record(found).turns if t.end_ns - t.start_ns > 3 * MS]
    assert [t.thread for t in sorted(long, key=lambda t: t.start_ns)] == [0, 1]
    assert group(found, "r").wakeups.count == 2


def test_messages_wait_in_the_channel() -> None:
    found = run('s 1: "send c 3"\nr 1: "run 1ms", "receive c 3"')
    assert group(found, "r").wakeups.count == 0
    assert group(found, "r").run_ns == 1 * MS + 3 * US + US


def test_a_lock_is_handed_over_in_order_of_arrival() -> None:
    found = run('a 3: "lock m", "run 2ms", "unlock m", "begin r", "end r"', example("fifo"), cpus=3)
    ends = sorted((t.end_ns, t.thread) for t in record(found).turns if t.end_ns - t.start_ns > MS)
    assert [(end // (2 * MS), thread) for end, thread in ends] == [(1, 0), (2, 1), (3, 2)]
    assert found.outcome.makespan_ns < 6 * MS + 20 * US


def test_a_barrier_lets_all_go_on_when_the_last_comes() -> None:
    found = run('f 2: "run 1ms", "barrier b 3", "run 1ms"\ns 1: "run 5ms", "barrier b 3"', cpus=3)
    f = group(found, "f")
    assert f.ended_ns == 5 * MS + US + MS + US
    assert f.wakeups.count == 2


def test_children_start_after_their_fork_and_are_waited_for() -> None:
    found = run('p 1: "run 1ms", "fork c 2", "join", "run 1ms"\nc 0: "run 3ms"', cpus=2)
    c, p = group(found, "c"), group(found, "p")
    assert (c.threads, c.ended) == (2, 2)
    first = min(t.start_ns for t in record(found).turns if t.thread > 0)
    assert first == 1 * MS + US
    assert p.ended_ns is not None
    assert c.ended_ns is not None
    assert p.ended_ns == c.ended_ns + MS + US
    assert p.wakeups.count == 1


def test_requests_and_passes_are_counted() -> None:
    found = run(
        """a 1: ["loop 3", "begin r", "run 2ms", "sleep 1ms", "end r"],
        ["loop 2", ["loop 3", "run 1ms"]]""".replace("\n", "")
    )
    a = group(found, "a")
    assert a.passes == 5
    [(name, taken)] = a.requests
    assert (name, taken.count) == ("r", 3)
    assert (taken.p50_ns, taken.max_ns) == (3 * MS + US, 3 * MS + US)


def test_a_run_is_cut_off_with_its_duration() -> None:
    found = run('duration = "10ms"\na 2: ["loop", "run 1ms"]\ns 1: "sleep 1ms", "run 1ms"')
    assert found.outcome.makespan_ns == 10 * MS
    a, s = group(found, "a"), group(found, "s")
    assert (a.ended, a.ended_ns) == (0, None)
    assert a.run_ns + s.run_ns == 10 * MS
    # s ran at 8 ms for the microsecond that going to sleep costs, and still waits at the end.
    assert (s.wakeups.count, s.wakeups.max_ns) == (1, 1 * MS - US)
    assert s.wait_ns == 8 * MS + s.wakeups.max_ns
    assert a.run_ns + a.wait_ns == 2 * 10 * MS


def test_nothing_happens_at_the_very_end() -> None:
    found = run('duration = "4ms"\na 2: "run 10ms"', fifo("4ms"))
    assert (found.events.dispatches, found.events.preemptions) == (1, 0)
    assert turns(found) == [(0, 0, 0, 4 * MS)]


def test_a_run_may_end_before_its_duration() -> None:
    assert run('duration = "1s"\na 1: "run 1ms"').outcome.makespan_ns == 1 * MS + US


def test_affinity_is_respected_and_cpus_that_are_missing_do_not_count() -> None:
    found = run('a 2: "run 5ms"; cpus = "1,7"\nb 1: "run 5ms"', cpus=2)
    cpus = {(t.thread < 2, t.cpu) for t in record(found).turns}
    assert (True, 0) not in cpus
    assert (True, 1) in cpus


def test_a_preempted_thread_that_goes_on_is_not_switched() -> None:
    found = run('a 1: "run 40ms"', fifo("4ms"))
    assert found.events.preemptions == 10
    assert group(found, "a").switches == 1


def test_a_starving_policy_is_seen_to_starve() -> None:
    text = 'duration = "1s"\nu 2: ["loop", "run 5ms"]; nice = -5\nr 1: ["loop", "run 5ms"]'
    found = run(text, example("strict_priority"), cpus=2)
    r = group(found, "r")
    assert (r.run_ns, r.wait_ns) == (0, 1000 * MS)
    assert found.waits[1].max_ns == 1000 * MS


def test_what_waits_for_each_other_stands_still() -> None:
    """Two channels crossed: no rule of `check` sees it."""
    found = run('a 1: "run 1ms", "receive x", "send y"\nb 1: "receive y", "send x"', cpus=2)
    assert found.stuck
    assert [g.ended for g in found.outcome.groups] == [0, 0]


@pytest.mark.parametrize("cpus", [1, 2, 5])
def test_nothing_is_recorded_unasked(cpus: int) -> None:
    text = workload('a 3: ["loop 5", "run ~1ms", "sleep ~1ms"]')
    setting = Setting(Topology(cpus), ())
    plain = simulate(fifo(), text, setting)
    recorded = simulate(fifo(), text, setting, recorded=True)
    assert plain.record is None
    assert (plain.outcome, plain.waits, plain.events) == (
        *(recorded.outcome, recorded.waits, recorded.events),
    )
