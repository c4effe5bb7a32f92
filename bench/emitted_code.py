"""The C that schedc emits beside the same policy written by hand, `bench/by_hand`.

`python -m bench.emitted_code [POLICY ...]`. A hand-written one first has to pass what generated
code passes: random traces beside the reference machine. Then, for each of the two:

look-ups    in maps, over the same random traces, of the code as a program of this machine
code        the instructions of the callbacks on the way of every switch, as the kernel has them
verified    the instructions that the kernel's verifier looked at
run         what the kernel's own statistics say of a load that does little but switch, in virtual
            time: a guest instruction takes 2 ns, so that the figures are the same each time
load        how long that load took

Ratios are emitted : by hand; the aim is at most 1.05, and no more look-ups. Table on standard
output, and bench/results/emitted_code.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

import schedlang_vm.api as vm
from schedlang.backend import Built
from schedlang.conform.check import Plan, check
from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.workload.model import Constant, Group, Loop, Phase, Receive, Run, Send, Workload
from schedlang_bpf.backend import find_compiler
from schedlang_bpf.build import build
from schedlang_bpf.emit import emit
from schedlang_bpf.native import natives
from tests.bpf.samples import example

ROOT: Final = Path(__file__).parents[1]
BY_HAND: Final = ROOT / "bench/by_hand"
RESULTS: Final = ROOT / "bench/results"
POLICIES: Final = ("fifo", "fair", "long_tail", "interactive", "web_server")
AIM: Final = 1.05
TRACES: Final = Plan(100, 120, 0)
CPUS: Final = 2
INSTRUCTION_BYTES: Final = 8
NS_PER_INSTRUCTION: Final = 2
# What a wake-up, a turn and a sleep go through.
HOT: Final = ("select_cpu", "enqueue", "dispatch", "running", "stopping", "quiescent")


@final
@dataclass(frozen=True, slots=True)
class Callback:
    calls: int
    instructions: float  # by call, of the machine, the kernel functions called included
    code: int


@final
@dataclass(frozen=True, slots=True)
class Figures:
    lookups: int
    verified: int
    load_ns: int
    callbacks: Mapping[str, Callback]

    @property
    def code(self) -> int:
        return sum(callback.code for callback in self.callbacks.values())

    @property
    def run(self) -> float:
        return sum(one.calls * one.instructions for one in self.callbacks.values())


def by_hand(name: str) -> str:
    """One file, as generated ones are."""
    text = (BY_HAND / f"{name}.bpf.c").read_text()
    return text.replace('#include "common.h"\n', (BY_HAND / "common.h").read_text())


def measured(policy: Policy, c: str) -> Figures:
    """Raises AssertionError for code that does not do what the policy says."""
    (twin,) = natives([(c, policy)])
    checked = check(policy, twin, TRACES)
    assert checked.failure is None, (policy.name, checked.failure)
    compiler = find_compiler()
    assert compiler is not None
    built = build(c, policy, compiler)
    assert isinstance(built, Built), built
    plan = vm.Plan(
        name=policy.name,
        obj=built.object,
        workload=switching(),
        kernel=vm.locate().newest(),
        topology=vm.Topology(CPUS),
        boot_seed=0,
        profile=True,
    )
    report = vm.run(plan)
    assert report.load.accepted, report.load.outcome
    assert report.played is not None
    assert report.played.makespan_ns is not None
    verified = sum(program.verified_insns for program in report.load.programs)
    callbacks = dict(_callbacks(report.load.programs, policy.name))
    return Figures(twin.lookups(), verified, report.played.makespan_ns, callbacks)


def _callbacks(
    programs: tuple[vm.ProgramStats, ...], policy: str
) -> Iterator[tuple[str, Callback]]:
    for callback in HOT:
        for program in programs:
            if program.name == f"{policy}_{callback}" and program.runs:
                instructions = program.run_ns / NS_PER_INSTRUCTION / program.runs
                code = program.xlated_bytes // INSTRUCTION_BYTES
                yield callback, Callback(program.runs, instructions, code)


def switching() -> Workload:
    """Eight threads that hand messages to and fro, beside three that want to run."""
    groups: list[Group] = []
    for n, comm in enumerate(("nginx", "make", "long", "idle")):
        ping = (Send(f"ping-{n}"), Receive(f"pong-{n}"), _run_us(3))
        pong = (Receive(f"ping-{n}"), _run_us(3), Send(f"pong-{n}"))
        groups += [_group(f"ping-{n}", comm, ping, 1000), _group(f"pong-{n}", comm, pong, 1000)]
    groups.append(_group("hog", "make", (_run_us(30_000),), 1))
    groups.append(_group("long", "long", (_run_us(30_000),), 1))
    groups.append(_group("nice", "make", (_run_us(10_000),), 1, nice=12))
    return Workload("switching", "", tuple(groups))


def _run_us(us: int) -> Run:
    return Run(Constant(us * 1000))


def _group(name: str, comm: str, phases: tuple[Phase, ...], times: int, nice: int = 0) -> Group:
    return Group(name, 1, comm, comm, (Loop(times, phases),), nice=nice)


def lines(name: str, hand: Figures, emitted: Figures) -> Iterator[str]:
    yield f"{name:12} {'by hand':>12} {'emitted':>12} {'ratio':>7}"
    rows: list[tuple[str, float, float]] = [
        ("look-ups", hand.lookups, emitted.lookups),
        ("code", hand.code, emitted.code),
        ("verified", hand.verified, emitted.verified),
        ("run", hand.run, emitted.run),
        ("load, ns", hand.load_ns, emitted.load_ns),
    ]
    for callback in HOT:
        mine, theirs = hand.callbacks.get(callback), emitted.callbacks.get(callback)
        if mine is not None or theirs is not None:
            each = [one.instructions if one is not None else 0 for one in (mine, theirs)]
            rows.append((f"  {callback}", each[0], each[1]))
    for what, mine_, theirs_ in rows:
        ratio = f"{theirs_ / mine_:7.3f}" if mine_ else f"{'-':>7}"
        yield f"  {what:12}{mine_:12.0f} {theirs_:12.0f} {ratio}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.emitted_code", description=__doc__)
    parser.add_argument("policies", nargs="*", metavar="POLICY", default=list(POLICIES))
    results = {}
    for name in parser.parse_args().policies:
        policy = example(name)
        hand = measured(policy, by_hand(name))
        emitted = measured(policy, emit(policy, ProofReport(())))
        print("\n".join(lines(name, hand, emitted)), flush=True)
        results[name] = {"by_hand": asdict(hand), "emitted": asdict(emitted)}
    print(f"aim: each ratio at most {AIM}, and no more look-ups")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "emitted_code.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
