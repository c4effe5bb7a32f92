"""The generated file, section by section: which templates, in which order, with which views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, final

from schedlang.ir.nodes import (
    Attribute,
    CgroupUnder,
    Event,
    Frequency,
    GuardShare,
    Input,
    Policy,
    Scope,
)
from schedlang.ir.walk import leaves
from schedlang.prover.verdict import ProofReport
from schedlang_bpf.about import about
from schedlang_bpf.arbitration import (
    all_weighted,
    choice_view,
    cpu_state_view,
    guard_names,
    mask_of,
    node_text,
    root_call,
    settles,
    uses_cpu_state,
)
from schedlang_bpf.cpusets import cpusets_view
from schedlang_bpf.functions import (
    arrival_name,
    asks_whether_woken,
    handlers_of,
    queue_functions,
    route_asks_whether_woken,
    route_function,
    stop_name,
    task_functions,
    variables,
)
from schedlang_bpf.naming import Names
from schedlang_bpf.placement import (
    confines,
    follows_wakers,
    is_by_queue,
    looks_nearby,
    pinned_call,
    select_cpu_view,
)
from schedlang_bpf.preemption import preempt_view, reads_granted
from schedlang_bpf.text import OPS_NAME_LIMIT, c_string, comment_text, place_text
from schedlang_bpf.views import (
    CallbacksView,
    CgroupPath,
    CgroupsView,
    ChoiceView,
    CpuSetsView,
    CpuStateView,
    DispatchStep,
    DispatchView,
    EnqueueView,
    FunctionsView,
    HeaderView,
    OrderStates,
    ParamsView,
    PreemptView,
    QueueCall,
    QueueName,
    QueueScope,
    QueueStart,
    QueuesView,
    SelectCpuView,
    SnapshotLine,
    StartView,
    StateView,
    StealStep,
    TunableParam,
    TurnsView,
    Variable,
)
from schedlang_bpf.walk import (
    arrivals_read_time,
    attributes,
    ends_read_time,
    expressions,
    has_units,
    matches_names,
    reads,
)

# The queues of a policy are the bits of a word.
MAX_QUEUES: Final = 64

View = (
    HeaderView
    | QueuesView
    | ParamsView
    | StateView
    | CpuStateView
    | CpuSetsView
    | CgroupsView
    | FunctionsView
    | TurnsView
    | StartView
    | ChoiceView
    | PreemptView
    | SelectCpuView
    | EnqueueView
    | DispatchView
    | CallbacksView
)


@final
@dataclass(frozen=True, slots=True)
class Section:
    template: str
    view: View


def sections(
    policy: Policy, names: Names, proof: ProofReport, timeout_ms: int, traced: bool
) -> Iterator[Section]:
    yield Section("header", HeaderView(about(policy, proof), tuple(_headers(policy, traced))))
    yield Section("queues", _queues(policy, names))
    if policy.cpusets:
        yield Section("cpusets", cpusets_view(policy, names))
    if any(param.tunable for param in policy.params):
        yield Section("params", _params(policy, names))
    yield Section("state", _state(policy, names))
    yield Section("cpu_state", cpu_state_view(policy, names))
    if names.cgroups or reads_groups(policy):
        yield Section("cgroups", _cgroups(policy, names))
    yield Section("functions", task_functions(policy, names))
    yield Section("functions", route_function(policy, names))
    yield Section("functions", queue_functions(policy, names))
    yield Section("turns", _turns(policy, names))
    yield Section("choice", choice_view(policy, names))
    if policy.preemptions:
        yield Section("preempt", preempt_view(policy, names))
    yield Section("start", _start(policy, names))
    yield Section("select_cpu", _select_cpu(policy, names))
    yield Section("enqueue", _enqueue(policy, names))
    yield Section("dispatch", _dispatch(policy, names))
    yield Section("callbacks", _callbacks(policy, names, timeout_ms))


def _headers(policy: Policy, traced: bool) -> Iterator[str]:
    if traced:
        yield "trace"
    if attributes(policy) - {Attribute.GROUP_WEIGHT.value} or _reads_cpus(policy):
        yield "attributes"
    if any(isinstance(part, CgroupUnder) for part in expressions(policy)):
        yield "cgroup"
    if reads_groups(policy):
        yield "groups"
    yield "exit"
    if matches_names(policy):
        yield "names"
    if looks_nearby(policy) or has_units(policy):
        yield "topology"
    yield "turn"
    if follows_wakers(policy):
        yield "sync"
    elif _asks_for_wakers(policy):
        yield "wakers"


def _queues(policy: Policy, names: Names) -> QueuesView:
    return QueuesView(
        tuple(
            QueueName(constant, place_text(queue.span, policy.sources), comment_text(queue.name))
            for constant, queue in zip(names.queue_ids, policy.queues, strict=True)
        ),
        tuple(
            QueueScope(
                constant,
                place_text(queue.span, policy.sources),
                " ".join([queue.scope, *([queue.steal] if queue.steal is not None else [])]),
                f"SCOPE_{queue.scope.name}",
                f"REACH_{queue.steal.name}" if queue.steal is not None else "",
            )
            for constant, queue in zip(names.queue_ids, policy.queues, strict=True)
            if queue.scope is not Scope.GLOBAL
        ),
    )


def _params(policy: Policy, names: Names) -> ParamsView:
    numbered = ((number, param) for number, param in enumerate(policy.params) if param.tunable)
    return ParamsView(
        tuple(
            TunableParam(
                member=names.params[number],
                function=names.param_functions[number],
                name=comment_text(param.name),
                place=place_text(param.span, policy.sources),
                default=f"{param.default}LL",
                lo=f"{param.lo}LL",
                hi=f"{param.hi}LL",
            )
            for number, param in numbered
        )
    )


def _state(policy: Policy, names: Names) -> StateView:
    queues = enumerate(policy.queues)
    return StateView(
        units=has_units(policy),
        clocks=tuple(
            Variable(
                clock,
                comment_text(queue.name),
                place_text(queue.span, policy.sources),
                "" if queue.scope is Scope.GLOBAL else "struct clock",
            )
            for clock, queue in zip(names.clocks, policy.queues, strict=True)
            if clock
        ),
        cgroups=len(names.cgroups),
        groups=reads_groups(policy),
        task_states=variables(policy.states, names.task_states, policy),
        queues=tuple(
            OrderStates(
                names.queues[number],
                variables(queue.order.states, names.order_states[number], policy),
                names.units[number],
            )
            for number, queue in queues
            if queue.order.states
        ),
    )


def _cgroups(policy: Policy, names: Names) -> CgroupsView:
    mentions = [part for part in expressions(policy) if isinstance(part, CgroupUnder)]
    first = {part.path: part for part in reversed(mentions)}
    return CgroupsView(
        groups=reads_groups(policy),
        paths=tuple(
            CgroupPath(
                place=place_text(first[path].span, policy.sources),
                text=comment_text(path),
                test=_cgroup_test(path),
            )
            for path in names.cgroups
        ),
    )


def _cgroup_test(path: str) -> str:
    """That the task's cgroup has, level by level, the path's components as its ancestors."""
    components = [component for component in path.split("/") if component]
    tests = [
        f"cgroup_at(cgroup, {level}, {c_string(name)}, {len(name.encode()) + 1})"
        for level, name in enumerate(components, start=1)
    ]
    return " &&\n\t\t      ".join(tests) or "true"


def _turns(policy: Policy, names: Names) -> TurnsView:
    numbers = range(len(policy.queues))
    stops = tuple(
        QueueCall(names.queue_ids[number], stop_name(names, number))
        for number in numbers
        if handlers_of(policy.queues[number].order.handlers, Event.STOP)
    )
    task_stop = bool(handlers_of(policy.handlers, Event.STOP))
    return TurnsView(
        alone=len(policy.queues) == 1,
        units=has_units(policy),
        split=has_units(policy) and is_by_queue(policy),
        cpu=uses_cpu_state(policy),
        preempts=bool(policy.preemptions),
        groups=reads_groups(policy),
        task_wake=_task_wake(policy),
        route="route(p, t, now, woke)" if route_asks_whether_woken(policy) else "route(p, t, now)",
        waking=bool(handlers_of(policy.handlers, Event.WAKING)),
        snapshots=tuple(
            SnapshotLine(
                names.task_states[snapshot.into],
                names.task_states[snapshot.of],
                place_text(policy.states[snapshot.into].span, policy.sources),
            )
            for snapshot in policy.snapshots
        ),
        task_stop=task_stop,
        charged=task_stop or bool(stops),
        arrivals=tuple(
            QueueCall(names.queue_ids[number], arrival_name(names, number)) for number in numbers
        ),
        stops=stops,
    )


def _task_wake(policy: Policy) -> str:
    """The call of the task's own handlers of a wake-up, empty if there are none."""
    handlers = handlers_of(policy.handlers, Event.WAKE)
    if not handlers:
        return ""
    return f"task_wake(p, t, now{', woke' if asks_whether_woken(handlers) else ''})"


def reads_groups(policy: Policy) -> bool:
    return Attribute.GROUP_WEIGHT.value in attributes(policy)


def _reads_cpus(policy: Policy) -> bool:
    return reads(expressions(policy), Input.CPUS)


def _asks_for_wakers(policy: Policy) -> bool:
    return bool(policy.snapshots or handlers_of(policy.handlers, Event.WAKING))


def _start(policy: Policy, names: Names) -> StartView:
    walks = bool(all_weighted(policy))
    return StartView(
        alone=len(policy.queues) == 1,
        cpu=uses_cpu_state(policy),
        settles=settles(policy),
        preempts=bool(policy.preemptions),
        guards=bool(policy.guards),
        slow=_slow(policy, names),
        walk=root_call(policy, names, "BIT(t->turn.queue)") if walks else "",
        starts=tuple(_starts(policy, names)),
    )


def _slow(policy: Policy, names: Names) -> str:
    """The queues whose turns ask for the least frequency, as bits; empty if there are none."""
    slow = [n for n, queue in enumerate(policy.queues) if queue.frequency is Frequency.MIN]
    return mask_of(iter(slow), names) if slow else ""


def _starts(policy: Policy, names: Names) -> Iterator[QueueStart]:
    guards = tuple(zip(policy.guards, guard_names(policy, names), strict=True))
    for number, queue in enumerate(policy.queues):
        claims = tuple(
            name.constant
            for guard, name in guards
            if guard.queue == number and isinstance(guard, GuardShare)
        )
        clock = names.clock_at(number)
        if not (clock or claims):
            continue
        vtime = ""
        if queue.order.clock_state is not None:
            state = names.order_states[number][queue.order.clock_state]
            vtime = f"t->{names.queues[number]}.{state}"
        yield QueueStart(names.queue_ids[number], clock, vtime, claims)


def _arrival_now(policy: Policy) -> str:
    return _now(arrivals_read_time(policy))


def _end_now(policy: Policy) -> str:
    return _now(uses_cpu_state(policy) or ends_read_time(policy))


def _turn_now(policy: Policy) -> str:
    """The time for a callback in which turns end or start, and tasks may arrive."""
    timed = uses_cpu_state(policy) or ends_read_time(policy) or arrivals_read_time(policy)
    return _now(timed)


def _now(needed: bool) -> str:
    """It is not asked for where nothing depends on it."""
    return "now_ns()" if needed else "now_if_counted()"


def _select_cpu(policy: Policy, names: Names) -> SelectCpuView:
    return select_cpu_view(policy, names, _arrival_now(policy), _asks_for_wakers(policy))


def _enqueue(policy: Policy, names: Names) -> EnqueueView:
    return EnqueueView(
        ops=names.ops,
        place=pinned_call(policy),
        preempts=bool(policy.preemptions),
        keyed=_keyed(policy, names),
        now=_now(bool(policy.preemptions) or arrivals_read_time(policy)),
        wakers=_asks_for_wakers(policy),
        units=has_units(policy),
        unit=_unit(policy),
        unit_name="side" if confines(policy) else "unit",
        dsq="dsq" if _unit(policy) else "t->turn.queue",
    )


def _unit(policy: Policy) -> str:
    """Which dispatch queue of its queue a task waits in; empty if there is one."""
    if has_units(policy):
        return "unit_of(scope_of(t->turn.queue), t->home)"
    return "side_of(p, t->turn.queue)" if confines(policy) else ""


def _keyed(policy: Policy, names: Names) -> str:
    """Which queues are ordered by keys: "all", "none", or them as bits."""
    keyed = [number for number, q in enumerate(policy.queues) if q.order.key is not None]
    if not keyed:
        return "none"
    if len(keyed) == len(policy.queues):
        return "all"
    return mask_of(iter(keyed), names)


def _dispatch(policy: Policy, names: Names) -> DispatchView:
    steps = () if uses_cpu_state(policy) else tuple(_steps(policy, names))
    ahead = _ahead(_keyed(policy, names)) if not steps else ""
    return DispatchView(
        ops=names.ops,
        cpu=uses_cpu_state(policy),
        settles=settles(policy),
        preempts=bool(policy.preemptions),
        reads_granted=reads_granted(policy),
        now=_turn_now(policy),
        place=place_text(policy.serve.span, policy.sources),
        text=node_text(policy.serve, policy),
        steps=steps,
        guards=bool(policy.guards),
        grants=bool(all_weighted(policy)),
        ahead=ahead,
        keeps="(!(waiting & own) || ahead)" if ahead else "!(waiting & own)",
        start=_start_arguments(policy),
        units=has_units(policy),
        confines=confines(policy),
        steals=tuple(_steals(policy, names)),
    )


def _steals(policy: Policy, names: Names) -> Iterator[StealStep]:
    """In the order of each tree."""
    for number, serve in enumerate(policy.serves):
        here = f"c->tree == {number} && " if policy.serves_on else ""
        for leaf in leaves(serve.tree):
            if policy.queues[leaf.queue].steal is not None:
                constant = names.queue_ids[leaf.queue]
                yield StealStep(constant, here, root_call(policy, names, f"BIT({constant})"))


def _steps(policy: Policy, names: Names) -> Iterator[DispatchStep]:
    for leaf in leaves(policy.serve):
        queue, constant = policy.queues[leaf.queue], names.queue_ids[leaf.queue]
        dsq = constant if queue.scope is Scope.GLOBAL else f"dsq_here({constant}, cpu)"
        yield DispatchStep(constant, dsq, queue.order.key is not None)


def _ahead(keyed: str) -> str:
    """Whether the running task precedes by its key those who wait in its queue; empty if never."""
    if keyed == "none":
        return ""
    first = "point_before(key, head)"
    return first if keyed == "all" else f"(own & {keyed}) && {first}"


def _start_arguments(policy: Policy) -> str:
    return "t, c, now" if uses_cpu_state(policy) else "t, now"


def _create(policy: Policy) -> str:
    """Creates the dispatch queues of a queue."""
    if has_units(policy):
        return "create_instances(queue)"
    return "create_sides(queue)" if confines(policy) else "scx_bpf_create_dsq(queue, -1)"


def _callbacks(policy: Policy, names: Names, timeout_ms: int) -> CallbacksView:
    return CallbacksView(
        ops=names.ops,
        ops_name=c_string(names.ops[:OPS_NAME_LIMIT]),
        cpu=uses_cpu_state(policy),
        settles=settles(policy),
        preempts=bool(policy.preemptions),
        reads_granted=reads_granted(policy),
        start=_start_arguments(policy),
        now=_turn_now(policy),
        end_now=_end_now(policy),
        cgroups=bool(names.cgroups) or reads_groups(policy),
        groups=reads_groups(policy),
        task_initial=bool(policy.states),
        nearby=looks_nearby(policy) or has_units(policy),
        sets=bool(policy.cpusets),
        trees=bool(policy.serves_on),
        units=has_units(policy),
        confines=confines(policy),
        create=_create(policy),
        counts_cpus=Attribute.RESTRICTED.value in attributes(policy),
        counts_online_cpus=_reads_cpus(policy),
        timeout_ms=timeout_ms,
    )
