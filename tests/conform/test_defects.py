"""Each mistake that the emitter might make is noticed: a random trace shows it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from schedlang.backend import Twin
from schedlang.conform.check import Plan, check
from schedlang_bpf.native import natives
from tests.bpf.native import needs_zig
from tests.support.conforming import EVENTS, Defect, c_of
from tests.support.policies import compiled

PLAN = Plan(400, EVENTS, 0)
POLICY = compiled(
    """policy p
use std.orders.{vruntime}
param patience : duration = 20ms in 5ms..50ms
task {
  burst : duration = 1ms in 0ns..100ms
  on stop if blocked { burst = (burst + used) / 2 }
}
order deadline {
  due : time = now + 10ms
  on wake { due = now + 10ms }
  on join { due = clamp(due, now - 50ms, now + 50ms) }
  key due
}
queue urgent { global  order deadline  slice 1ms }
queue quick  { global  order vruntime(credit: 10ms, fork: 5ms)  slice 2ms }
queue batch  { global  order fifo  slice 4ms }
queue idle   { global  order fifo  slice 8ms }
route {
  nice < 0     -> urgent
  comm ~ "w*"  -> quick
  burst > 3ms  -> batch
  else         -> idle
}
serve strict { urgent  weighted { quick: 3  batch: 1 }  idle }
guard batch after patience
guard idle at least 10%
"""
)
PLACED = compiled(
    """policy p
queue a { global  order fifo  slice 1ms }
queue b { global  order fifo  slice 2ms }
route { nice < 0 -> a  else -> b }
serve weighted { a: 3  b: 1 }
guard b at least 10%
place { prev  cpu in any }
"""
)
LADDERS = compiled(
    """policy p
task {
  joins : count = 0 in 0..1000
  on join { joins = joins + 1 }
}
queue a {
  global  order fifo  slice 1ms + 1us * joins
  place { waker if sync  core in node  cpu in llc }
}
queue b { global  order fifo  slice 2ms }
route { nice < 0 -> a  else -> b }
serve weighted { a: 3  b: 1 }
place { prev  cpu in node  cpu in any }
"""
)
CUTTING = compiled(
    """policy cutting
use std.orders.{vruntime}
task {
  had : duration = 1ms in 0ns..100ms
  on stop if granted < 8ms { had = granted }
}
queue a { global  order fifo  slice 1ms }
queue b { global  order vruntime(credit: 10ms, fork: 1ms)  slice if had > 1500us then 8ms else 3ms }
route { nice < 0 -> a  else -> b }
serve weighted { a: 3  b: 1 }
preempt { a over b after 1ms  b over b earlier after 2ms }
"""
)
SCOPED = compiled(
    """policy p
use std.orders.{vruntime}
queue a { per llc   order vruntime(credit: 10ms, fork: 5ms)  slice 1ms  steal }
queue b { per cpu   order fifo  slice 2ms  steal node }
queue c { per node  order fifo  slice 4ms }
route {
  nice < 0 -> a
  nice > 0 -> c
  else     -> b
}
serve weighted { a: 3  b: 2  c: 1 }
guard c at least 10%
place { prev }
"""
)
CONFINED = compiled(
    """policy p
cpuset left = 0-1
cpuset odd = 1, 3
queue a { global  order fifo  slice 1ms  on left }
queue b { global  order fifo  slice 2ms  on odd }
queue c { global  order fifo  slice 4ms }
task {
  turns : count = 0 in 0..9
  on wake { turns = 0 }
  on stop { turns = turns + 1 }
}
route { nice < 0 -> a  turns > 1 -> b  else -> c }
serve on odd weighted { c: 3  b: 1  a: 1 }
serve weighted { a: 3  b: 1  c: 1 }
place { prev  cpu in left }
"""
)
SUBJECTS = (POLICY, PLACED, LADDERS, CUTTING, SCOPED, CONFINED)

STOP = "t->task.burst = clamp_to(quotient(t->task.burst + used, 2), 0, 100000000);"
BY_KEY = "insert_by_key(p, t->turn.queue, t->turn.slice_ns, t->turn.key);"
PICK = "cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);\n\tif (cpu >= 0)\n\t\tkick_idle(cpu);"
DEFECTS: Mapping[str, Defect] = {
    # the wrong queue
    "routed elsewhere": ("\t\treturn QUEUE_BATCH;\n#line", "\t\treturn QUEUE_QUICK;\n#line"),
    "inserted elsewhere": (
        "insert(p, t->turn.queue, t->turn.slice_ns);",
        "insert(p, 0, t->turn.slice_ns);",
    ),
    "order of a strict node": (
        "\tif (waiting & BIT(QUEUE_URGENT))\n\t\treturn QUEUE_URGENT;\n",
        "\tif (waiting & BIT(QUEUE_IDLE))\n\t\treturn QUEUE_IDLE;\n",
    ),
    # guards
    "guard dropped": ("queue = overdue(c, waiting, now);", "queue = NO_QUEUE;"),
    "guard's oldest first": ("\t\tdue = c->due[GUARD_BATCH_AFTER];\n", "\t\tdue = 0;\n"),
    "guard not seen empty": ("see_empty(c, waiting, now);", ";"),
    "share seen empty forgives": (
        "point_max(c->due[GUARD_IDLE_SHARE], now)",
        "point_min(c->due[GUARD_IDLE_SHARE], now)",
    ),
    "share cost": ("share_cost(ran, 10)", "share_cost(ran, 20)"),
    "share start": ("point_min(c->due[GUARD_IDLE_SHARE], now)", "c->due[GUARD_IDLE_SHARE]"),
    "delay from the wrong time": (
        "c->due[GUARD_BATCH_AFTER] = now + param_patience();\n#line 24",
        "c->due[GUARD_BATCH_AFTER] = c->due[GUARD_BATCH_AFTER] + param_patience();\n#line 24",
    ),
    "param not held to its range": (
        "clamp_to(params.patience, 5000000LL, 50000000LL)",
        "clamp_to(params.patience, 5000000LL, 5000000LL)",
    ),
    # comparisons
    "nice swapped": ("nice_of(p) < 0", "nice_of(p) > 0"),
    "burst swapped": ("t->task.burst > 3000000", "t->task.burst < 3000000"),
    "burst off by one": ("t->task.burst > 3000000", "t->task.burst >= 1000000"),
    "blocked negated": ("if (blocked)", "if (!blocked)"),
    "keys swapped": ("point_before(key, head)", "point_before(head, key)"),
    "pattern on names": ('name_starts(&comm, "w", 1)', "false"),
    "least service": (
        "point_before(c->weighted_0.served[child],\n\t\t\t\t c->weighted_0.served[least])",
        "point_before(c->weighted_0.served[least],\n\t\t\t\t c->weighted_0.served[child])",
    ),
    # clamps
    "state not held to its range": (STOP, "t->task.burst = t->task.burst + used * 100000;"),
    "charge not clamped": (
        "clamp_to(time_since(now, t->turn.started_at), MIN_CHARGE_NS, MAX_CHARGE_NS)",
        "time_since(now, t->turn.started_at)",
    ),
    "deadline not held near": (
        "point_min(point_max(t->queue_urgent.due, now - 50000000), now + 50000000)",
        "t->queue_urgent.due",
    ),
    "virtual time not held near": (
        "t->queue_quick.v = point_max(t->queue_quick.v, clock - 10000000);",
        ";",
    ),
    "credit": ("clock - 10000000", "clock - 1000000"),
    # wake-ups
    "kick lost": (PICK, ";"),
    "wake-up not handed on": ("woken_has_chosen(c, cpu, found);", ";"),
    # settling
    "not settled when stopped": (
        "\t\tsettle(c, now);\n\t\tc->running = false;",
        "\t\tc->running = false;",
    ),
    "not settled before a choice": ("\tsettle(c, now);\n\tif (prev", "\tif (prev"),
    "settled twice": ("\tc->settled_at = now;\n\tswitch", "\tswitch"),
    "still running after it stopped": ("\t\tc->running = false;\n", ""),
    # weights
    "scale of a child": ("ran, 3ULL)", "ran, 1ULL)"),
    "child of a node": ("charge(&c->weighted_0.served[1]", "charge(&c->weighted_0.served[0]"),
    "weight of a task": ("quotient(used * 100, weight_of(p))", "used"),
    "weight upside down": (
        "quotient(used * 100, weight_of(p))",
        "quotient(used * weight_of(p), 100)",
    ),
    # clocks
    "clock not moved": ("advance_clock(&clock_quick, t->queue_quick.v);", ";"),
    "node's time not moved": ("\t\tif (c->by_tree)\n\t\t\tgranted(c, queue);\n", ""),
    "node's time moved by a guard": ("\t\tif (c->by_tree)\n\t\t\tgranted", "\t\t\tgranted"),
    "child that was away not brought up": (
        "point_max(c->weighted_0.served[child], c->weighted_0.now);",
        "c->weighted_0.served[child];",
    ),
    "node never sees a child go": (
        "c->weighted_0.seen = waiting;",
        "c->weighted_0.seen |= waiting;",
    ),
    # keys, slices, states
    "key forgotten": (BY_KEY, BY_KEY.replace("t->turn.key", "0")),
    "slice of another queue": ("t->turn.slice_ns = 4000000;", "t->turn.slice_ns = 2000000;"),
    "wake-up not told": (
        "\tif (woke) {\n#line 10",
        "\tif (!woke) {\n#line 10",
    ),
    "state begun twice": ("t->turn.joined |= BIT(QUEUE_QUICK);", ";"),
    "stop handler not called": ("\ttask_stop(p, t, now, used, granted, blocked);\n", ""),
    "order's stop handler not called": (
        "\t\tqueue_quick_stop(p, t, now, used, granted, blocked);\n",
        "",
    ),
    # a turn that goes on
    "goes on with the old slice": ("\t\t\tset_slice(prev, t->turn.slice_ns);\n", ""),
    "comes back charged twice": ("\t\t\tt->turn.returned = true;\n", ""),
    "comes back for ever": (
        "t->turn.asleep);\n\tt->turn.returned = false;\n",
        "t->turn.asleep);\n",
    ),
    "goes on always": ("(!(waiting & own) || ahead)", "true"),
}
OF_PLACING: Mapping[str, Defect] = {
    "placed nowhere": ("s32 cpu = place(p, prev_cpu);", "s32 cpu = -1;"),
    "previous CPU not tried": (
        "bpf_cpumask_test_cpu(prev_cpu, p->cpus_ptr)",
        "false",
    ),
    "pinned task not placed": ("if (woke && is_pinned(p)) {", "if (false) {"),
    "tree not walked for a placed turn": ("\tif (t->turn.placed) {", "\tif (false) {"),
    "idle time counts as debt": ("\tif (!c->busy)\n\t\tsee_empty(c, 0, now);\n", ""),
    "no idle CPU seen": ("\tc->busy = true;\n", ""),
}
WAKER = "if (makes_room(p, wake_flags))"
OF_LADDERS: Mapping[str, Defect] = {
    "the waker counts always": (
        WAKER,
        "if (bpf_cpumask_test_cpu(bpf_get_smp_processor_id(), p->cpus_ptr))",
    ),
    "the waker never counts": (WAKER, "if (false)"),
    "cache for node": ("cpu = pick_idle_in(p, node_cpus(prev_cpu), 0)", "cpu = -1"),
    "node for cache": ("llc_cpus(prev_cpu)", "node_cpus(prev_cpu)"),
    "any core": ("core_enum(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_CORE)", "0"),
    "one ladder for all": ("return place_queue_a(", "return place_others("),
    "arrives twice": ("t->turn.returned = cpu < 0;", ""),
}

SHORTEN = "\tif (!t->turn.running && shorten(t, scx_bpf_task_cpu(p)))\n"
OF_CUTTING: Mapping[str, Defect] = {
    "turns start at their length": (SHORTEN, "\tif (false)\n"),
    "turns that go on are not shortened": ("\t\t\tshorten(t, cpu);\n", ""),
    "nobody is cut short": ("\telse if (t->turn.comes)\n\t\tcut_for(p, t, now);\n", ""),
    "who comes back cuts others": ("comes = t->turn.asleep ||", "comes = true ||"),
    "only who wakes cuts others": ("t->turn.asleep || t->turn.waiting;", "t->turn.asleep;"),
    "another queue is cut": (
        "cut_any(p, QUEUE_B, 1000000, now)",
        "cut_any(p, QUEUE_A, 1000000, now)",
    ),
    "left too much": ("cut_any(p, QUEUE_B, 1000000, now)", "cut_any(p, QUEUE_B, 4000000, now)"),
    "keys make no difference": (
        "cut_later(p, QUEUE_B, 2000000, now, t->turn.key)",
        "cut_any(p, QUEUE_B, 2000000, now)",
    ),
    "keys make no difference at the start": (" && point_before(head, t->turn.key)", ""),
    "ticks forgotten": ("\t.tick = (void *)cutting_tick,\n", ""),
    "granted as if not cut": ("\t\tt->turn.slice_ns = allowed_ns(c);\n", "\t\t;\n"),
    "turns not counted": ("\tturn_begins(c, &t->turn, now);\n", ""),
}
OF_SCOPES: Mapping[str, Defect] = {
    "caches are nodes": ("return SCOPE_LLC;", "return SCOPE_NODE;"),
    "nodes are caches": ("return SCOPE_NODE;", "return SCOPE_LLC;"),
    "steals from other nodes": ("return REACH_NODE;", "return REACH_ANY;"),
    "steals on its node only": ("return REACH_ANY;", "return REACH_NODE;"),
    "at home elsewhere": ("arrive(prev, t, now, false, cpu);", "arrive(prev, t, now, false, 0);"),
    "claimed elsewhere": ("now_if_counted(), true, cpu);", "now_if_counted(), true, 0);"),
    "between two clocks": ("t->queue_a.v + clock - left", "t->queue_a.v"),
    "credit from elsewhere": ("clock - left, clock + 5000000)", "clock - left, clock - left)"),
    "instance forgotten": ("\tt->queue_a.unit = unit;\n", ""),
    "another instance's clock": (
        "advance_clock(unit_clock(clock_a, t->queue_a.unit)",
        "advance_clock(unit_clock(clock_a, 0)",
    ),
    "steals nothing": ("if (!found && steal_from(QUEUE_A, cpu)) {", "if (false) {"),
    "tree not walked for a stolen turn": (
        "\t\tchoose_weighted_0(c, BIT(QUEUE_A));\n\t\tgranted(c, QUEUE_A);\n",
        "",
    ),
    "strangers are woken": (
        "cpu = pick_idle_taker(p, t->turn.queue, unit);",
        "cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);",
    ),
    "in another instance": ("dsq = dsq_of(t->turn.queue, unit);", "dsq = t->turn.queue;"),
}
OF_SETS: Mapping[str, Defect] = {
    "another set": ("if (cpu <= 1)", "if (cpu <= 2)"),
    "a set of nobody": ("if ((cpu == 1) || (cpu == 3))", "if (false)"),
    "nobody is kept": ("return SET_LEFT;", "return NO_SET;"),
    "competes where it may not stay": (" && waits_for(prev, t->turn.queue, cpu)", ""),
    "woken elsewhere": (
        "cpu = pick_idle_taker(p, t->turn.queue, side);",
        "cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);",
    ),
    "placed elsewhere": (
        "const struct cpumask *allowed = eligible(p, QUEUE_A);",
        "const struct cpumask *allowed = p->cpus_ptr;",
    ),
    "who spills waits with the others": ("side = side_of(p, t->turn.queue);", "side = KEPT;"),
    "looks into one place only": ("move_to_local(dsq_here(queue, cpu))", "move_to_local(queue)"),
    "one tree for all": ("if (in_set(*cpu, SET_ODD))", "if (false)"),
    "charged by another tree": ("if (c->tree == 0)", "if (c->tree == 1)"),
    "kept by the kernel": ("OPS_ENQ_LAST | ", ""),
}
GROUPS = (DEFECTS, OF_PLACING, OF_LADDERS, OF_CUTTING, OF_SCOPES, OF_SETS)
GROUPED = [name for group in GROUPS for name in group]


@pytest.fixture(scope="module")
def twins() -> dict[str, Twin]:
    """All of them from one call of the compiler."""
    units = [(name, POLICY, c_of(POLICY, defect)) for name, defect in DEFECTS.items()]
    units += [(name, PLACED, c_of(PLACED, defect)) for name, defect in OF_PLACING.items()]
    units += [(name, LADDERS, c_of(LADDERS, defect)) for name, defect in OF_LADDERS.items()]
    units += [(name, CUTTING, c_of(CUTTING, defect)) for name, defect in OF_CUTTING.items()]
    units += [(name, SCOPED, c_of(SCOPED, defect)) for name, defect in OF_SCOPES.items()]
    units += [(name, CONFINED, c_of(CONFINED, defect)) for name, defect in OF_SETS.items()]
    machines = natives([(c, policy) for _, policy, c in units])
    return {name: twin for (name, _, _), twin in zip(units, machines, strict=True)}


@needs_zig
@pytest.mark.parametrize("name", GROUPED)
def test_a_defect_is_noticed(name: str, twins: dict[str, Twin]) -> None:
    policy = next(s for s, group in zip(SUBJECTS, GROUPS, strict=True) if name in group)
    assert check(policy, twins[name], PLAN).failure is not None


@needs_zig
def test_without_a_defect_nothing_is_noticed() -> None:
    twins = natives([(c_of(policy), policy) for policy in SUBJECTS])
    for policy, twin in zip(SUBJECTS, twins, strict=True):
        assert check(policy, twin, PLAN).failure is None
