"""The `test` blocks: a machine, a workload and expectations, checked as far as they can be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar, final

from schedlang.diagnostics.model import Label
from schedlang.diagnostics.suggest import did_you_mean
from schedlang.ir import nodes as ir
from schedlang.ir.testing import Before, Expectation, Limit, Measure, Test
from schedlang.semantics.expressions import lower_constant
from schedlang.semantics.scope import Findings, Scope, spelling
from schedlang.syntax import ast
from schedlang.topology import Topology
from schedlang.workload.model import Constant, Group, Loop, Phase, Run, Tick, Workload

DEFAULT_TICK_NS: Final = 4_000_000
MOST_CPUS: Final = 64
MOST_THREADS: Final = 1000
LONGEST_COMM: Final = 15
LONGEST_NS: Final = 3_600 * 10**9
NICE: Final = ir.ATTRIBUTE_TYPES[ir.Attribute.NICE][1]

S = TypeVar("S", bound=ast.Scene)


def lower_tests(trees: tuple[ast.Test, ...], scope: Scope) -> tuple[Test, ...]:
    seen: dict[str, ast.Text] = {}
    tests = []
    for tree in trees:
        if tree.name.value in seen:
            first = Label(seen[tree.name.value].span, "the first is here")
            message = "two tests have the same name"
            scope.findings.add("E0202", message, tree.name.span, secondary=(first,))
        seen[tree.name.value] = tree.name
        tests.append(_test(tree, scope))
    return tuple(test for test in tests if test is not None)


def _test(tree: ast.Test, scope: Scope) -> Test | None:
    findings = scope.findings
    machine = _only(tree, ast.Machine, "machine 2 cpus", findings)
    topology = None if machine is None else _topology(machine, findings)
    ticking = _only(tree, ast.Ticking, None, findings)
    tick_ns = DEFAULT_TICK_NS if ticking is None else _length(ticking.period, findings)
    params = _params(_all(tree, ast.Setting), scope)
    spawns = _all(tree, ast.Spawn)
    groups = [_group(spawn, topology, findings) for spawn in spawns]
    lasting = _only(tree, ast.Lasting, None, findings)
    duration_ns = None if lasting is None else _length(lasting.duration, findings)
    expects = _all(tree, ast.Expect)
    _check_whole(tree, spawns, lasting, expects, findings)
    known = {spawn.comm.value: spawn for spawn in spawns}
    expectations = [_expectation(expect, known, findings) for expect in expects]
    if topology is None or params is None or None in groups or None in expectations:
        return None
    workload = Workload(
        tree.name.value, "", tuple(g for g in groups if g is not None), (), duration_ns
    )
    goals = tuple(e for e in expectations if e is not None)
    return Test(tree.name.value, topology, tick_ns, params, workload, goals, tree.span)


def _all(tree: ast.Test, kind: type[S]) -> tuple[S, ...]:
    return tuple(scene for scene in tree.scenes if isinstance(scene, kind))


def _only(tree: ast.Test, kind: type[S], form: str | None, findings: Findings) -> S | None:
    """The one scene of that kind; `form` is how to write it, if a test needs it."""
    found = _all(tree, kind)
    for extra in found[1:]:
        first = Label(found[0].span, "the first is here")
        findings.add("E0210", "a test says this once", extra.span, secondary=(first,))
    if not found and form is not None:
        word, note = form.split()[0], f"write `{form}`"
        findings.add("E0210", f"the test has no `{word}`", tree.name.span, notes=(note,))
    return found[0] if found else None


def _check_whole(
    tree: ast.Test,
    spawns: tuple[ast.Spawn, ...],
    lasting: ast.Lasting | None,
    expects: tuple[ast.Expect, ...],
    findings: Findings,
) -> None:
    if not spawns:
        note = 'write `spawn 4 hog as "make"`'
        findings.add("E0210", "the test has no `spawn`", tree.name.span, notes=(note,))
    if not expects:
        note = 'write `expect share "make" > 60%`'
        findings.add("E0210", "the test has no `expect`", tree.name.span, notes=(note,))
    endless = next((spawn for spawn in spawns if spawn.shape is not ast.Shape.JOB), None)
    if lasting is None and endless is not None:
        message, note = "the test never ends", "write `run 2s`, or spawn jobs only"
        label = Label(endless.span, f"a {endless.shape} goes on for ever")
        findings.add("E0227", message, tree.name.span, secondary=(label,), notes=(note,))
    seen: dict[str, ast.Spawn] = {}
    for spawn in spawns:
        if spawn.comm.value in seen:
            first = Label(seen[spawn.comm.value].span, "the first is here")
            message = "tasks that are spawned apart have different names"
            findings.add("E0202", message, spawn.comm.span, secondary=(first,))
        seen[spawn.comm.value] = spawn


# --- the machine


def _topology(tree: ast.Machine, findings: Findings) -> Topology | None:
    counts = (tree.cpus, tree.llcs, tree.nodes, tree.smt)
    cpus, llcs, nodes, smt = (1 if count is None else count.value for count in counts)
    if not 1 <= cpus <= MOST_CPUS:
        message = f"a machine has 1 to {MOST_CPUS} CPUs"
        findings.add("E0222", message, tree.cpus.span)
        return None
    if min(llcs, nodes, smt) < 1 or cpus % (llcs * smt) or llcs % nodes:
        note = "each node has as many LLCs, each LLC as many cores, each core as many CPUs"
        findings.add("E0227", "there is no such machine", tree.span, notes=(note,))
        return None
    return Topology(cpus, llcs, nodes, smt)


def _params(trees: tuple[ast.Setting, ...], scope: Scope) -> tuple[int, ...] | None:
    values = [param.default for param in scope.params]
    numbers = {param.name: number for number, param in enumerate(scope.params)}
    fine = True
    for tree in trees:
        number = numbers.get(tree.param.name)
        if number is None:
            repairs = spelling(did_you_mean(tree.param.name, numbers), tree.param.span)
            message = f"there is no param `{tree.param.name}`"
            scope.findings.add("E0201", message, tree.param.span, repairs=repairs)
            fine = False
            continue
        param = scope.params[number]
        value = lower_constant(tree.value, param.type, replace(scope, place="a test"))
        if value is None:
            fine = False
        elif not param.lo <= value <= param.hi:
            message = f"the value lies outside the range of `{param.name}`"
            scope.findings.add("E0222", message, tree.value.span)
            fine = False
        else:
            values[number] = value
    return tuple(values) if fine else None


# --- the tasks


@final
@dataclass(slots=True)
class _Traits:
    process: str
    cgroup: str = "/"
    nice: int = 0
    cpus: tuple[int, ...] = ()
    after_ns: int = 0


def _group(tree: ast.Spawn, topology: Topology | None, findings: Findings) -> Group | None:
    name = tree.comm.value
    if not 1 <= tree.count.value <= MOST_THREADS:
        message = f"1 to {MOST_THREADS} tasks can be spawned at once"
        findings.add("E0222", message, tree.count.span)
        return None
    if not _is_name(tree.comm, findings):
        return None
    traits = _read_traits(tree, topology, findings)
    phases = _phases(tree, findings)
    if traits is None or phases is None:
        return None
    return Group(
        name,
        tree.count.value,
        name,
        traits.process,
        phases,
        traits.nice,
        traits.cgroup,
        traits.cpus,
        Constant(traits.after_ns),
    )


def _is_name(text: ast.Text, findings: Findings) -> bool:
    value = text.value
    if 1 <= len(value) <= LONGEST_COMM and value.isascii() and value.isprintable():
        return True
    message = f"a task's name has 1 to {LONGEST_COMM} printable characters"
    findings.add("E0227", message, text.span)
    return False


def _phases(tree: ast.Spawn, findings: Findings) -> tuple[Phase, ...] | None:
    if tree.runs is None:
        return (Loop(None, (Run(Constant(LONGEST_NS)),)),)
    runs_ns = _length(tree.runs, findings)
    if tree.every is None:
        return (Run(Constant(runs_ns)),)
    every_ns = _length(tree.every, findings)
    if runs_ns >= every_ns:
        note = "what runs as long as its period, or longer, is a `hog`"
        findings.add("E0227", "the task would never sleep", tree.runs.span, notes=(note,))
        return None
    return (Loop(None, (Run(Constant(runs_ns)), Tick(every_ns))),)


def _length(tree: ast.Duration, findings: Findings) -> int:
    if not 1_000 <= tree.value_ns <= LONGEST_NS:
        findings.add("E0222", "a time in a test is 1us to an hour", tree.span)
    return tree.value_ns


def _read_traits(tree: ast.Spawn, topology: Topology | None, findings: Findings) -> _Traits | None:
    traits, fine = _Traits(process=tree.comm.value), True
    for kind, extra in _repeated(tree.traits):
        findings.add("E0210", f"`{kind}` is said twice", extra.span)
        fine = False
    for trait in tree.traits:
        match trait:
            case ast.Process(name=name):
                traits.process = name.value
                fine = _is_name(name, findings) and fine
            case ast.InCgroup(path=path):
                traits.cgroup = path.value
                fine = _is_path(path, findings) and fine
            case ast.Niceness(level=level):
                traits.nice = level.value
                if not NICE.lo <= level.value <= NICE.hi:
                    message = f"a nice level is {NICE.lo} to {NICE.hi}"
                    findings.add("E0222", message, level.span)
                    fine = False
            case ast.OnCpus(cpus=ranges):
                traits.cpus = _cpus(ranges)
                fine = _are_there(trait, traits.cpus, topology, findings) and fine
            case ast.Later(delay=delay):
                traits.after_ns = _length(delay, findings)
    return traits if fine else None


def _repeated(traits: tuple[ast.Trait, ...]) -> Iterable[tuple[str, ast.Trait]]:
    words = {
        ast.Process: "process",
        ast.InCgroup: "in",
        ast.Niceness: "nice",
        ast.OnCpus: "on",
        ast.Later: "after",
    }
    seen: set[str] = set()
    for trait in traits:
        word = words[type(trait)]
        if word in seen:
            yield word, trait
        seen.add(word)


def _is_path(path: ast.Text, findings: Findings) -> bool:
    parts = path.value.split("/")
    if path.value == "/" or (parts[0] == "" and all(p not in ("", ".", "..") for p in parts[1:])):
        return True
    note = "such as `/batch.slice`"
    findings.add("E0227", "this is not the path of a cgroup", path.span, notes=(note,))
    return False


def _cpus(ranges: tuple[ast.Cpus, ...]) -> tuple[int, ...]:
    """At most one more than a machine can have, so that a slip makes no long list."""
    lists = (range(r.first.value, min(r.last.value, MOST_CPUS) + 1) for r in ranges)
    return tuple(sorted({cpu for cpus in lists for cpu in cpus}))


def _are_there(
    tree: ast.OnCpus, cpus: tuple[int, ...], topology: Topology | None, findings: Findings
) -> bool:
    if topology is None or (cpus and cpus[-1] < topology.cpus):
        return True
    message = f"the machine has the CPUs 0 to {topology.cpus - 1}"
    findings.add("E0222", message, tree.span)
    return False


# --- what is expected


def _expectation(
    tree: ast.Expect, spawns: dict[str, ast.Spawn], findings: Findings
) -> Expectation | None:
    names = [text for text in (tree.subject, tree.limit) if isinstance(text, ast.Text)]
    for name in names:
        if name.value not in spawns:
            near = did_you_mean(name.value, spawns)
            repairs = spelling(f'"{near}"' if near else None, name.span)
            message = f'no task "{name.value}" is spawned'
            findings.add("E0201", message, name.span, repairs=repairs)
            return None
    fault = _fault(tree, [spawns[name.value].shape for name in names], spawns)
    if fault is not None:
        findings.add("E0228", fault, tree.span)
        return None
    group = None if tree.subject is None else tree.subject.value
    match tree.limit:
        case ast.Text(value=second):
            assert group is not None
            return Before(group, second, tree.span)
        case ast.Duration(value_ns=value) | ast.Percent(value=value) | ast.Integer(value=value):
            assert tree.relation is not None
            return Limit(tree.measure, tree.statistic, group, tree.relation, value, tree.span)


def _fault(tree: ast.Expect, shapes: list[ast.Shape], spawns: dict[str, ast.Spawn]) -> str | None:
    """Why nothing can be measured."""
    match tree.measure:
        case Measure.WAKEUP | Measure.PASSES if shapes[0] is not ast.Shape.SLEEPER:
            return f"a {shapes[0]} never goes to sleep and wakes up"
        case Measure.BEFORE if any(shape is not ast.Shape.JOB for shape in shapes):
            return "only jobs come to an end"
        case Measure.MAKESPAN if all(s.shape is not ast.Shape.JOB for s in spawns.values()):
            return "nothing comes to an end"
        case Measure.SHARE if isinstance(tree.limit, ast.Percent) and tree.limit.value > 100:
            return "a share is at most 100%"
        case _:
            return None
