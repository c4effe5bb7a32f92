"""Placement: the ladders of a policy as functions that claim an idle CPU for a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, assert_never

from schedlang.ir.nodes import Near, Policy, Queue, Rung, RungKind
from schedlang.ir.text import rung_text
from schedlang_bpf.arbitration import mask_of
from schedlang_bpf.naming import Names
from schedlang_bpf.views import LadderView, RungView, SelectCpuView
from schedlang_bpf.walk import has_units

_WHOLE_CORE: Final = "core_enum(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_CORE)"
_ANYWHERE: Final = "scx_bpf_pick_idle_cpu(p->cpus_ptr, "
_NEAR: Final = "pick_idle_in(p, "
_OTHERS: Final = "place_others"


def select_cpu_view(policy: Policy, names: Names, now: str, wakers: bool) -> SelectCpuView:
    """`wakers`: somebody wants to know who wakes whom."""
    by_queue, wakes = is_by_queue(policy), follows_wakers(policy)
    parameters = ["struct task_struct *p"] + ["u32 queue"] * by_queue + ["s32 prev_cpu"]
    return SelectCpuView(
        ops=names.ops,
        ladders=tuple(_ladders(policy, names)),
        by_queue=by_queue,
        call=_call(policy, "prev_cpu", "wake_flags"),
        parameters=", ".join(parameters + ["u64 wake_flags"] * wakes),
        otherwise=_ladder_call(_OTHERS, wakes) if _has_others(policy) else "-1",
        now=now,
        wakers=wakers,
        home=_home(policy, names, "home_of(p, prev_cpu)") if has_units(policy) else "",
        back=_home(policy, names, "prev_cpu") if policy.preemptions else "prev_cpu",
    )


def _home(policy: Policy, names: Names, otherwise: str) -> str:
    """The CPU where a task is at home that claims none: the waker's, or `otherwise`."""
    numbers = range(len(policy.queues))
    follow = [n for n in numbers if any(r.kind is RungKind.WAKER for r in policy.ladder(n))]
    if not follow:
        return otherwise
    room = "makes_room(p, wake_flags)"
    if len(follow) < len(numbers):
        room = f"(BIT(t->turn.queue) & {mask_of(iter(follow), names)}) && {room}"
    return f"{room} ? bpf_get_smp_processor_id() : {otherwise}"


def is_by_queue(policy: Policy) -> bool:
    """Whether it depends on its queue where a task is placed."""
    own = any(queue.placement is not None for queue in policy.queues)
    return own or (policy.places and confines(policy))


def confines(policy: Policy) -> bool:
    """Whether a queue keeps its tasks to a set of CPUs."""
    return any(queue.cpus is not None for queue in policy.queues)


def pinned_call(policy: Policy) -> str:
    """Finds a CPU for a task that can run on one CPU only; empty if the policy places nobody."""
    return _call(policy, "scx_bpf_task_cpu(p)", "0") if policy.places else ""


def looks_nearby(policy: Policy) -> bool:
    """Whether a rung asks which CPUs share a cache or a node."""
    return any(rung.within in (Near.LLC, Near.NODE) for rung in _rungs(policy))


def _rungs(policy: Policy) -> Iterator[Rung]:
    for queue in range(len(policy.queues)):
        yield from policy.ladder(queue)


def follows_wakers(policy: Policy) -> bool:
    """Whether a rung asks how a task was woken."""
    return any(rung.kind is RungKind.WAKER for rung in _rungs(policy))


def _call(policy: Policy, prev_cpu: str, wake_flags: str) -> str:
    arguments = ["p"] + ["t->turn.queue"] * is_by_queue(policy) + [prev_cpu]
    return f"place({', '.join(arguments + [wake_flags] * follows_wakers(policy))})"


def _ladders(policy: Policy, names: Names) -> Iterator[LadderView]:
    """Each once; the policy's own, for all other queues, comes last."""
    if not is_by_queue(policy):
        if policy.placement:
            yield _ladder("place", policy.placement, policy, names)
        return
    grouped: dict[tuple[tuple[Rung, ...], int | None], list[int]] = {}
    for number, queue in enumerate(policy.queues):
        if _is_special(queue) and policy.ladder(number):
            grouped.setdefault((policy.ladder(number), queue.cpus), []).append(number)
    for (rungs, _), numbers in grouped.items():
        yield _ladder(f"place_{names.queues[numbers[0]]}", rungs, policy, names, numbers)
    if _has_others(policy):
        yield _ladder(_OTHERS, policy.placement, policy, names)


def _is_special(queue: Queue) -> bool:
    """Whether its tasks are not placed like those of most."""
    return queue.placement is not None or queue.cpus is not None


def _has_others(policy: Policy) -> bool:
    """Whether the policy's own ladder is some queue's."""
    return bool(policy.placement) and not all(map(_is_special, policy.queues))


def _ladder_call(function: str, wakes: bool) -> str:
    return f"{function}(p, prev_cpu{', wake_flags' * wakes})"


def _ladder(
    function: str,
    rungs: tuple[Rung, ...],
    policy: Policy,
    names: Names,
    queues: Sequence[int] = (),
) -> LadderView:
    wakes = follows_wakers(policy)
    is_confined = bool(queues) and policy.queues[queues[0]].cpus is not None
    return LadderView(
        function,
        f"place {{ {' '.join(rung_text(rung, policy) for rung in rungs)} }}",
        "struct task_struct *p, s32 prev_cpu" + ", u64 wake_flags" * wakes,
        tuple(_rung(rung, names.set_ids, is_confined) for rung in rungs),
        _ladder_call(function, wakes),
        tuple(names.queue_ids[queue] for queue in queues),
        f"eligible(p, {names.queue_ids[queues[0]]})" if is_confined else "",
    )


def _rung(rung: Rung, set_ids: tuple[str, ...], is_confined: bool) -> RungView:
    match rung.kind:
        case RungKind.PREV:
            return RungView("prev")
        case RungKind.WAKER:
            return RungView("waker")
        case RungKind.CORE | RungKind.CPU:
            return RungView("pick", _pick(rung, set_ids, is_confined))
        case _:
            assert_never(rung.kind)


def _pick(rung: Rung, set_ids: tuple[str, ...], is_confined: bool) -> str:
    before = _before_confined(rung, set_ids) if is_confined else _before(rung, set_ids)
    if rung.kind is RungKind.CPU:
        return f"{before}0)"
    # Too long for one line: the flag stands below the first argument.
    columns = len("\tcpu = ".expandtabs(8)) + before.index("(") + 1
    indent = "\t" * (columns // 8) + " " * (columns % 8)
    return f"{before.rstrip()}\n{indent}{_WHOLE_CORE})"


def _before(rung: Rung, set_ids: tuple[str, ...]) -> str:
    """The call up to its flags."""
    match rung.within:
        case Near.LLC:
            return f"{_NEAR}llc_cpus(prev_cpu), "
        case Near.NODE:
            return f"{_NEAR}node_cpus(prev_cpu), "
        case Near.ANY | None:
            return _ANYWHERE
        case int():
            return f"{_NEAR}set_cpus({set_ids[rung.within]}), "
        case _:
            assert_never(rung.within)


def _before_confined(rung: Rung, set_ids: tuple[str, ...]) -> str:
    """The same where the task may not be run everywhere that its affinity lets it."""
    before = _before(rung, set_ids)
    if before == _ANYWHERE:
        return "scx_bpf_pick_idle_cpu(allowed, "
    near = before.removeprefix(_NEAR).removesuffix(", ")
    return f"pick_idle_among({near}, allowed, "
