"""The one generator of random policies: text that the compiler must accept.

`policies()` draws on everything the language has: params, functions, task states, orders of both
points, routes, nested trees, guards, placement, claims and acceptances. `steered_policies()` says
less, but leaves it to the world which queue a task is in, so that all queues can be filled at will.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from schedlang.ir import nodes as ir
from schedlang.semantics.lower import lower
from schedlang.source import Source
from schedlang.syntax.parse import parse
from tests.support.terms import (
    ABOUT,
    ARRIVAL,
    COUNT,
    DURATION,
    DURATIONS_NS,
    QUEUE,
    STOP_INPUTS,
    Names,
    Term,
    conditions,
    fit,
    literal,
    quantities,
)

MS = 1_000_000
MAX_SLICE_NS = 100 * MS
NOW = Names(times=("now",))
UNITS = ("node", "llc", "cpu")
WEIGHTS = (1, 2, 3, 4, 5, 10, 100)


class Part(StrEnum):
    """A part of the language that a strategy can be told to leave out."""

    SCOPES = "scopes"
    CPUSETS = "cpusets"
    CONFINED_BESIDE = "queues on sets of CPUs, beside several instances or preemption"


EVERYTHING = frozenset(Part)
COMPILED = frozenset({Part.SCOPES, Part.CPUSETS})
"""The parts that C is emitted for."""
RULED = EVERYTHING
"""The parts that proof rules cover."""


def compiled(text: str) -> ir.Policy:
    """The typed policy that `text` is, which the compiler must accept."""
    source = Source("policy.sched", text)
    tree, findings = parse(source)
    assert tree is not None, (findings, text)
    lowered = lower(tree, source)
    assert lowered.policy is not None, (lowered.findings, text)
    return lowered.policy


class Formal(NamedTuple):
    """A duration that an order takes, and what its arguments lie between."""

    name: str
    lo: int
    hi: int


@dataclass(frozen=True)
class OrderText:
    """An order that queues may name. `text` is its declaration, if it needs one."""

    name: str
    formals: tuple[Formal, ...] = ()
    text: str = ""


FIFO = OrderText("fifo")
VRUNTIME = OrderText("vruntime", (Formal("credit", 0, 200 * MS), Formal("fork", 1, 20 * MS)))


@st.composite
def policies(draw: DrawFn, max_queues: int = 4, using: frozenset[Part] = EVERYTHING) -> str:
    """A policy that the compiler accepts, as text; of the parts of the language those `using`."""
    params, names, shares = draw(_params())
    function, calls = draw(_functions(names))
    names = names.plus(calls)
    state_text, states = draw(_task(names))
    readable = names.plus(states).plus(_of_wakers(states))
    own = st.lists(
        _orders(readable), min_size=draw(st.sampled_from([0, 1, 1])), max_size=2, unique_by=_name
    )
    orders = [FIFO, VRUNTIME, *draw(own)]
    number = draw(st.sampled_from([1, *(n for n in range(2, max_queues + 1) for _ in range(2))]))
    queues = [f"q{i}" for i in range(number)]
    lines = ["## Drawn at random.", "policy random", "use std.orders.{vruntime}", *params]
    lines += [function, state_text, *(order.text for order in orders)]
    scopes = draw(_scopes(number, using))
    declared, sets = draw(_cpusets(using))
    lines += declared
    beside = Part.CONFINED_BESIDE in using
    on = sets if beside or set(scopes) == {"global"} else ()
    for queue, scope in zip(queues, scopes, strict=True):
        lines.append(draw(_queue(queue, scope, orders, readable, names, sets, on)))
    lines.append(draw(_route(queues, readable)))
    lines += draw(_serving_on(sets, queues))
    lines += draw(_serving(draw(st.permutations(queues))))
    lines += draw(_guards(queues, names, shares))
    if beside or not any(line.startswith("queue") and "  on " in line for line in lines):
        lines += draw(_preemptions(lines, names))
    lines += draw(_placement(sets)) if draw(st.booleans()) else []
    lines += draw(_claims(queues, scopes))
    return "\n".join(line for line in lines if line) + "\n"


STEERED = """policy steered
use std.orders.{vruntime}
task {
  ran : duration = 1ms in 0ns..100ms
  joins : count = 0 in 0..50
  on join { joins = joins + 1 }
  on stop { ran = used }
}
order recent {
  v : vtime = clock + 1ms
  on join { v = max(v, clock - 1ms * joins) }
  on stop { v = v + max(ran, 1us) }
  key v
}
order deadline(period : duration) {
  due : time = now + period
  on wake { due = now + period * 100 / weight }
  on join { due = clamp(due, now - 5ms, now + 100ms) }
  key due
}"""


@st.composite
def steered_policies(draw: DrawFn, max_queues: int = 8, using: frozenset[Part] = EVERYTHING) -> str:
    """Queue `q3` takes the tasks whose comm is "q3"; the last one takes all others, too."""
    queues = [f"q{i}" for i in range(draw(st.integers(1, max_queues)))]
    scopes = draw(_scopes(len(queues), using))
    hands, forks = st.sampled_from([0, 1, 5, 20]), st.sampled_from([1, 5])
    lines = [STEERED]
    for queue, scope in zip(queues, scopes, strict=True):
        vruntime = f"vruntime(credit: {draw(hands)}ms, fork: {draw(forks)}ms)"
        deadline = f"deadline(period: {draw(forks)}ms)"
        options = ["fifo", "fifo", "recent", "recent", vruntime, vruntime, deadline]
        order = draw(st.sampled_from(options))
        slice_ms = draw(st.sampled_from([1, 4, 10]))
        lines.append(f"queue {queue} {{ {scope}  order {order}  slice {slice_ms}ms }}")
    rules = [f'comm ~ "{queue}" -> {queue}' for queue in queues[:-1]]
    lines.append(f"route {{ {'  '.join(rules)}  else -> {queues[-1]} }}")
    lines.append(f"serve {draw(_tree(tuple(draw(st.permutations(queues)))))}")
    lines += draw(_guards(queues, Names(), ()))
    lines += draw(_preemptions(lines, Names()))
    if draw(st.booleans()):
        lines.append(f"place {{ {draw(st.sampled_from(['prev', 'prev  cpu in any']))} }}")
    lines += draw(_claims(queues, scopes))
    return "\n".join(lines) + "\n"


def _name(order: OrderText) -> str:
    return order.name


# --- params and functions


@st.composite
def _params(draw: DrawFn) -> tuple[list[str], Names, tuple[Term, ...]]:
    """Params of each type, constant and tunable: their text, and what they offer."""
    lines: list[str] = []
    found: dict[str, list[Term]] = {"count": [], "duration": [], "share": []}
    for number in range(draw(st.integers(0, 3))):
        type_, unit = draw(
            st.sampled_from([("count", COUNT), ("duration", DURATION), ("share", "%")])
        )
        values = {"count": st.integers(0, 1_000), "duration": DURATIONS_NS}
        value_of = values.get(type_, st.integers(1, 30))
        lo, default, hi = sorted(draw(st.tuples(value_of, value_of, value_of)))
        name, bounds = f"p{number}", ""
        if draw(st.booleans()):
            bounds = f" in {lo}{unit}..{hi}{unit}"
        else:
            lo = hi = default
        lines.append(f"param {name} : {type_} = {default}{unit}{bounds}")
        found[type_].append(Term(name, lo, hi))
    return lines, Names(tuple(found["count"]), tuple(found["duration"])), tuple(found["share"])


@st.composite
def _functions(draw: DrawFn, names: Names) -> tuple[str, Names]:
    """A function and a call of it, or nothing."""
    if not draw(st.booleans()):
        return "", Names()
    inside = names.plus(Names(durations=(Term("d", 0, 10**9),)))
    body = draw(quantities(inside, DURATION))
    argument = fit(draw(quantities(names, DURATION, 1)), 0, 10**9, DURATION)
    call = Term(f"twist({argument.text})", body.lo, body.hi)
    return f"fn twist(d : duration) = {body.text}", Names(durations=(call,))


# --- task state and orders


@st.composite
def _task(draw: DrawFn, names: Names) -> tuple[str, Names]:
    """A `task` block, or nothing, and the states in it."""
    states = draw(st.lists(_states("s"), max_size=3))
    known = Names()
    members: list[str] = []
    for number, (text, offer) in enumerate(states):
        members.append(text.replace("s#", f"s{number}"))
        known = known.plus(_numbered(offer, number))
    if not states:
        return "", known
    readable = names.plus(ABOUT).plus(NOW).plus(known).plus(_of_wakers(known))
    events = ("wake", "join", "stop", "waking")
    members += draw(st.lists(_handlers(known, readable, events), max_size=3))
    body = "\n".join(f"  {member}" for member in members)
    return f"task {{\n{body}\n}}", known


def _numbered(names: Names, number: int) -> Names:
    def rename(text: str) -> str:
        return text.replace("#", str(number))

    return Names(
        tuple(Term(rename(t.text), t.lo, t.hi) for t in names.counts),
        tuple(Term(rename(t.text), t.lo, t.hi) for t in names.durations),
        tuple(map(rename, names.bools)),
        tuple(map(rename, names.times)),
    )


def _of_wakers(own: Names) -> Names:
    """What is kept of wakers of the task states `own`, points excepted."""
    return Names(
        tuple(Term(f"waker.{t.text}", t.lo, t.hi) for t in own.counts),
        tuple(Term(f"waker.{t.text}", t.lo, t.hi) for t in own.durations),
        tuple(f"waker.{name}" for name in own.bools),
    )


@st.composite
def _states(draw: DrawFn, prefix: str) -> tuple[str, Names]:
    """A state called `prefix` + `#`."""
    name = f"{prefix}#"
    kind = draw(st.sampled_from(["bool", "count", "duration", "time"]))
    if kind == "bool":
        return f"{name} : bool = {draw(st.sampled_from(['true', 'false']))}", Names(bools=(name,))
    if kind == "time":
        return f"{name} : time = now", Names(times=(name,))
    unit = COUNT if kind == "count" else DURATION
    values = st.integers(-50, 50) if kind == "count" else DURATIONS_NS
    lo, initial, hi = sorted(draw(st.tuples(values, values, values)))
    text = f"{name} : {kind} = " + literal(initial, unit)
    text += f" in {literal(lo, unit)}..{literal(hi, unit)}"
    terms = (Term(name, lo, hi),)
    return text, Names(counts=terms) if kind == "count" else Names(durations=terms)


@st.composite
def _handlers(
    draw: DrawFn, own: Names, readable: Names, events: Sequence[str] = ("wake", "join", "stop")
) -> str:
    """A handler that sets some of the states `own`."""
    event = draw(st.sampled_from(events))
    extra = {"stop": STOP_INPUTS, "waking": Names()}
    names = readable.plus(extra.get(event, ARRIVAL))
    # Of a stop one mostly asks why.
    why = ["blocked", "not blocked", draw(conditions(names))]
    asked = draw(st.sampled_from(why)) if event == "stop" else draw(conditions(names))
    condition = f" if {asked}" if draw(st.booleans()) else ""
    assigns = draw(st.lists(_assigns(own, names), min_size=1, max_size=2))
    return f"on {event}{condition} {{ {'  '.join(assigns)} }}"


@st.composite
def _assigns(draw: DrawFn, own: Names, names: Names) -> str:
    counts = [(t.text, COUNT) for t in own.counts] + [(t.text, DURATION) for t in own.durations]
    bools, times = [(b, "bool") for b in own.bools], [(t, "time") for t in own.times]
    target, kind = draw(st.sampled_from(counts + bools + times))
    if kind == "bool":
        return f"{target} = {draw(conditions(names))}"
    if kind == "time":
        moved = fit(draw(quantities(names, DURATION)), -(10**9), 10**9, DURATION)
        point = draw(st.sampled_from(["now", target, f"max({target}, now)"]))
        return f"{target} = {point} + {moved.text}"
    return f"{target} = {draw(quantities(names, kind)).text}"


@st.composite
def _orders(draw: DrawFn, readable: Names) -> OrderText:
    """An order of the policy's own, with a vtime or a time for its key."""
    is_vtime = draw(st.booleans())
    name = "by_vtime" if is_vtime else "by_time"
    formals = (Formal("near", 1, 20 * MS), Formal("far", 0, 10**9))
    terms = tuple(Term(formal.name, formal.lo, formal.hi) for formal in formals)
    names = readable.plus(ABOUT).plus(NOW).plus(QUEUE).plus(Names(durations=terms))
    own_text, own = draw(st.one_of(st.just(("", Names())), _states("o")))
    own = _numbered(own, 0)
    members = [own_text.replace("#", "0")] if own_text else []
    # A time that stands in a key must be kept near now, which `o0` need not be.
    in_key = names.plus(Names(own.counts, own.durations, own.bools))
    names = names.plus(own)
    members += draw((_vtime_members if is_vtime else _time_members)(names, in_key))
    if own_text:
        handlers = draw(st.lists(_handlers(own, names), max_size=2))
        members[-1:-1] = handlers
    declared = ", ".join(f"{formal.name} : duration" for formal in formals)
    body = "\n".join(f"  {member}" for member in members)
    return OrderText(name, formals, f"order {name}({declared}) {{\n{body}\n}}")


@st.composite
def _vtime_members(draw: DrawFn, names: Names, in_key: Names) -> list[str]:
    ahead = fit(draw(quantities(in_key, DURATION)), 1, 10**9, DURATION)
    behind = fit(draw(quantities(names, DURATION)), 0, 10**9, DURATION)
    least = f"clock - {behind.text}"
    clamps = [f"max(v, {least})", f"clamp(v, {least}, clock + far)", f"max({least}, v)"]
    lines = ["v : vtime = clock + near", f"on join {{ v = {draw(st.sampled_from(clamps))} }}"]
    stopped = names.plus(STOP_INPUTS)
    charge = fit(draw(quantities(stopped, DURATION)), 1, 10**12, DURATION).text
    charge = draw(st.sampled_from(["used * 100 / weight", "used", charge]))
    lines.append(f"on stop {{ v = v + {charge} }}")
    if draw(st.booleans()):
        lines.append(f"on stop if {draw(conditions(stopped))} {{ v = v + near }}")
    lines.append(draw(st.sampled_from(["key v", f"key v + {ahead.text}", "key max(v, v + far)"])))
    return lines


@st.composite
def _time_members(draw: DrawFn, names: Names, in_key: Names) -> list[str]:
    offset = fit(draw(quantities(in_key, DURATION)), -(10**9), 10**9, DURATION)
    if draw(st.booleans()):
        return [f"key now + {offset.text}"]
    condition = draw(conditions(names.plus(STOP_INPUTS)))
    return [
        "due : time = now + near",
        "on wake { due = now + near }",
        f"on stop if {condition} {{ due = due + {offset.text} }}",
        "on join { due = clamp(due, now - far, now + far + near) }",
        draw(st.sampled_from(["key due", "key due + near", "key min(due, now + near)"])),
    ]


# --- queues, routes, trees


@st.composite
def _queue(
    draw: DrawFn,
    name: str,
    scope: str,
    orders: list[OrderText],
    readable: Names,
    consts: Names,
    sets: tuple[str, ...],
    on: tuple[str, ...],
) -> str:
    order = draw(st.sampled_from(orders))
    arguments: list[str] = []
    for formal in order.formals:
        value = draw(st.integers(formal.lo, formal.hi))
        fitting = [t.text for t in consts.durations if formal.lo <= t.lo and t.hi <= formal.hi]
        arguments.append(f"{formal.name}: {draw(st.sampled_from([*fitting, f'{value}ns']))}")
    ordering = f"order {order.name}" + (f"({', '.join(arguments)})" if arguments else "")
    slice_ = fit(
        draw(quantities(readable.plus(ABOUT).plus(ARRIVAL).plus(QUEUE), DURATION)),
        1,
        MAX_SLICE_NS,
        DURATION,
    )
    text = draw(st.sampled_from(["1ms", "4ms", slice_.text]))
    place = f"  {draw(_ladders(sets))}" if draw(st.integers(0, 3)) == 0 else ""
    confined = bool(on) and draw(st.booleans())
    kept = f"  on {draw(st.sampled_from(sorted(set(on))))}" if confined else ""
    hint = draw(st.sampled_from(["", "", "", "  frequency min", "  frequency max"]))
    return f"queue {name} {{ {scope}  {ordering}  slice {text}{place}{kept}{hint} }}"


@st.composite
def _scopes(draw: DrawFn, number: int, using: frozenset[Part]) -> list[str]:
    """The scopes of so many queues, each perhaps with `steal`. In half of all policies they have
    one instance each.
    """
    if Part.SCOPES not in using or not draw(st.booleans()):
        return ["global"] * number
    stolen = [f"per {unit}  steal{any_}" for unit in UNITS for any_ in ("", " any")]
    near = [f"per {unit}  steal node" for unit in UNITS[1:]]
    options = ["global", "global", *(f"per {unit}" for unit in UNITS), *stolen, *near]
    return draw(st.lists(st.sampled_from(options), min_size=number, max_size=number))


@st.composite
def _cpusets(draw: DrawFn, using: frozenset[Part]) -> tuple[list[str], tuple[str, ...]]:
    """Declarations of sets of CPUs, and the names of all that there are, or nothing."""
    if Part.CPUSETS not in using or not draw(st.booleans()):
        return [], ()
    cpus = st.sampled_from(["0", "0-1", "1", "1-2", "2-5", "0, 3", "6-9, 1"])
    chosen = draw(st.lists(cpus, min_size=1, max_size=2))
    names = tuple(f"set{number}" for number in range(len(chosen)))
    lines = [f"cpuset {name} = {cpus}" for name, cpus in zip(names, chosen, strict=True)]
    return lines, (*names, *names, "all", "big", "little")


@st.composite
def _serving_on(draw: DrawFn, sets: tuple[str, ...], queues: list[str]) -> list[str]:
    """Trees for the CPUs of some sets."""
    if not sets:
        return []
    chosen = draw(st.lists(st.sampled_from(sets), max_size=2))
    shuffled = st.permutations(queues)
    return [f"serve on {name} {draw(_tree(tuple(draw(shuffled))))}" for name in chosen]


def _ladders(sets: tuple[str, ...]) -> SearchStrategy[str]:
    """A policy's or a queue's."""
    places = ("llc", "node", "any", *dict.fromkeys(sets))
    looks = [f"{kind} in {near}" for kind in ("core", "cpu") for near in places]
    waker = st.sampled_from(["", "", "waker if sync  "])
    rungs = st.lists(st.sampled_from(["prev", *looks]), unique=True, min_size=1, max_size=4)
    return st.builds(lambda first, rest: f"place {{ {first}{'  '.join(rest)} }}", waker, rungs)


@st.composite
def _route(draw: DrawFn, queues: list[str], readable: Names) -> str:
    names = readable.plus(ABOUT).plus(NOW).plus(ARRIVAL)
    # Plain conditions tell tasks apart far more often than random ones.
    habits = ["avg_run < 2ms", "wake_gap < 500ms", "waker.avg_run < 4ms", "woken"]
    plain = st.sampled_from(
        ["nice < 0", "weight > 100", "kthread", "restricted", "pinned", 'comm ~ "w*"', *habits]
    )
    condition = st.one_of(plain, plain, conditions(names))
    targets = draw(st.permutations(queues)) + draw(st.lists(st.sampled_from(queues), max_size=2))
    lines = [f"  {draw(condition)} -> {queue}" for queue in targets[1:]]
    return "\n".join(["route {", *lines, f"  else -> {targets[0]}", "}"])


@st.composite
def _tree(draw: DrawFn, queues: tuple[str, ...]) -> str:
    """A tree over `queues`, each once. A lone queue may stand alone or in nodes of one child."""
    if len(queues) == 1 and draw(st.integers(0, 4)) > 0:
        return queues[0]
    cuts = draw(st.sets(st.integers(1, len(queues) - 1))) if len(queues) > 1 else set[int]()
    edges = [0, *sorted(cuts), len(queues)]
    parts = [queues[a:b] for a, b in pairwise(edges)]
    if len(parts) == 1 and len(queues) > 1:
        parts = [queues[:1], queues[1:]]
    children = [draw(_tree(part)) if part != queues else part[0] for part in parts]
    if draw(st.booleans()):
        return f"strict {{ {'  '.join(children)} }}"
    weights = st.sampled_from(WEIGHTS)
    return f"weighted {{ {'  '.join(f'{child}: {draw(weights)}' for child in children)} }}"


@st.composite
def _serving(draw: DrawFn, queues: list[str]) -> list[str]:
    """The tree as it stands, or by a template of which its queues are the arguments."""
    if draw(st.booleans()):
        return [f"serve {draw(_tree(tuple(queues)))}"]
    formals = tuple(f"f{number}" for number in range(len(queues)))
    template = f"tree shape({', '.join(formals)}) = {draw(_tree(formals))}"
    return [template, f"serve shape({', '.join(queues)})"]


@st.composite
def _placement(draw: DrawFn, sets: tuple[str, ...]) -> list[str]:
    place = draw(_ladders(sets))
    return [place] if draw(st.booleans()) else [place.replace("place", "ladder up"), "place up"]


@st.composite
def shared_declarations(draw: DrawFn) -> tuple[list[str], str]:
    """What a library could hold, one declaration each, and an order that uses all of it."""
    function, call = draw(_functions(ABOUT))
    order = draw(_orders(call))
    arguments = ", ".join(f"{formal.name}: {formal.lo}ns" for formal in order.formals)
    constant = f"param far_off : duration = {draw(st.integers(1, 10**6))}us"
    texts = [constant, function, order.text]
    return [text for text in texts if text], f"{order.name}({arguments})"


@st.composite
def _guards(draw: DrawFn, queues: list[str], names: Names, shares: tuple[Term, ...]) -> list[str]:
    lines: list[str] = []
    left = 99
    for queue in queues:
        kind = draw(st.sampled_from(["none", "after", "share"]))
        if kind == "after":
            delay = fit(draw(quantities(names, DURATION)), 1_000, 10**9, DURATION)
            text = draw(st.sampled_from(["2ms", "20ms", delay.text]))
            lines.append(f"guard {queue} after {text}")
        if kind == "share" and left > 0:
            value = draw(st.integers(1, min(left, 30)))
            fitting = [share for share in shares if share.hi <= left]
            share = draw(st.sampled_from([*fitting, Term(f"{value}%", value, value)]))
            left -= share.hi
            lines.append(f"guard {queue} at least {share.text}")
    return draw(st.permutations(lines))


_KEYS = {"vruntime": "vtime", "by_vtime": "vtime", "recent": "vtime"}
_KEYS |= {"by_time": "time", "deadline": "time"}


@st.composite
def _preemptions(draw: DrawFn, lines: list[str], names: Names) -> list[str]:
    """Rules among the queues that `lines` declare, or none. `earlier` only where keys compare."""
    if draw(st.booleans()):
        return []
    declared = (re.match(r"queue (\w+) .*\border (\w+)", line) for line in lines)
    keys = {found[1]: _KEYS.get(found[2]) for found in declared if found}
    rules = [(by, over, "") for by in keys for over in keys]
    rules += [(q, q, "earlier ") for q, key in keys.items() if key]
    timed = [q for q, key in keys.items() if key == "time"]
    rules += [(by, over, "earlier ") for by in timed for over in timed if by != over]
    chosen = draw(st.lists(st.sampled_from(rules), unique=True, min_size=1, max_size=3))
    parts: list[str] = []
    for by, over, earlier in chosen:
        delay = fit(draw(quantities(names, DURATION)), 1_000, 10**9, DURATION)
        text = draw(st.sampled_from(["1us", "500us", "1ms", "3ms", delay.text]))
        parts.append(f"{by} over {over} {earlier}after {text}")
    return [f"preempt {{ {'  '.join(parts)} }}"]


@st.composite
def _claims(draw: DrawFn, queues: list[str], scopes: list[str]) -> list[str]:
    queue = draw(st.sampled_from(queues))
    goals = [
        "starvation_free",
        "no_lost_task",
        "bounded_preemption",
        f"wait({queue}) <= 1s when tasks({queue}) <= 4 and unrestricted and tick <= 1ms",
        f"share({queue}) >= 5% when backlogged({queue})",
        f"fair({', '.join(queues)})",
        f"fair({queue}) within 100ms when cpus <= 1",
    ]
    if all(scope == "global" or scope.endswith(("steal", "any")) for scope in scopes):
        goals.append("work_conserving")
    chosen = draw(st.lists(st.sampled_from(goals), unique=True, max_size=3))
    lines = [f"guarantee {{ {'  '.join(chosen)} }}"] if chosen else []
    accepted = draw(st.lists(st.sampled_from(queues), unique=True, max_size=1))
    lines += [f'accept starvation of {name} because "idle work"' for name in accepted]
    return lines + draw(_tests())


@st.composite
def _tests(draw: DrawFn) -> list[str]:
    """A test with all kinds of tasks and expectations, or none."""
    if not draw(st.booleans()):
        return []
    cpus = draw(st.integers(1, 4))
    shape = draw(st.sampled_from(["", f" {cpus} llcs", f" {cpus} llcs {cpus} nodes"]))
    hogs, sleepers, jobs = (draw(st.integers(1, 5)) for _ in range(3))
    trait = draw(st.sampled_from(["", "nice 5 ", 'in "/a/b" ', f"on 0-{cpus - 1} ", "after 3ms "]))
    expectations = [
        'max wait "hog" < 1s',
        'p99 wakeup "sleeper" <= 1s',
        'share "hog" >= 1%',
        'passes "sleeper" > 1',
        "makespan < 10s",
    ]
    chosen = draw(st.lists(st.sampled_from(expectations), unique=True, min_size=1))
    return [
        'test "drawn" {',
        f"machine {cpus} cpus{shape}",
        f'spawn {hogs} hog as "hog"',
        f'spawn {sleepers} sleeper as "sleeper" {trait}runs 200us every 3ms',
        f'spawn {jobs} job as "job" runs 5ms',
        "run 100ms",
        *(f"expect {text}" for text in chosen),
        "}",
    ]
