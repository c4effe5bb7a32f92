"""`work_conserving`, and `no_lost_task` where CPUs steal, for any number of CPUs and tasks.

A CPU is idle or awake. As long as a task waits that an idle CPU could take, some CPU was woken and
has yet to choose. Its choice takes a task, or else there is one less of the woken CPUs that have
nothing to take; so the chain of wake-ups ends, and then nobody is idle beside work. Which tasks a
CPU can take is `reachability.preamble`'s to say.
"""

from __future__ import annotations

from enum import Enum

from schedlang.ir import nodes as ir
from schedlang.prover.arbiter import Arbitration, free_draw, free_state, turns
from schedlang.prover.reachability import (
    every_task,
    fact,
    preamble,
    prove_home,
    prove_watched,
)
from schedlang.prover.roles import choosing_roles
from schedlang.prover.rules import Rules
from schedlang.prover.solver import Ledger
from schedlang.prover.terms import Term, any_of
from schedlang.prover.verdict import Reason, Unknown

_CHAIN = """
(declare-sort Zone 0)
(declare-fun lies (Task) Zone)
(declare-fun zone (Cpu) Zone)
(declare-fun meant (Task) Bool)
(define-fun takes ((t Task) (c Cpu)) Bool {takes})
(declare-fun woken (Cpu) Bool)
(declare-fun woken-after (Cpu) Bool)
(declare-fun roused (Cpu) Bool)
(declare-fun baton (Task) Cpu)
(declare-fun job (Cpu) Task)
(declare-const next Cpu)
(declare-const aim Task)
(declare-const wakes Bool)
(define-fun has-work ((c Cpu)) Bool (exists ((t Task)) (and (queued t) (fits t c))))
(define-fun has-work-after ((c Cpu)) Bool (exists ((t Task)) (and (queued-after t) (fits t c))))
(define-fun useless ((c Cpu)) Bool (and (woken c) (not (has-work c))))
(define-fun useless-after ((c Cpu)) Bool (and (woken-after c) (not (has-work-after c))))"""

_ZONES = "(forall ((t Task) (c Cpu)) (=> (and (meant t) (fits t c)) (takes t c)))"
_AWAKE = "(forall ((c Cpu)) (=> (woken c) (awake c)))"
_LINK = (
    "(forall ((t Task) (c Cpu)) (=> (and (meant t) (queued t) (not (awake c)) (fits t c))"
    " (and (woken (baton t)) (takes t (baton t)))))"
)
_LINK_AFTER = (
    "(forall ((t Task) (c Cpu))"
    " (=> (and (meant t) (queued-after t) (not (awake-after c)) (fits t c))"
    " (exists ((w Cpu)) (and (woken-after w) (takes t w)))))"
)
_LINKED = (_LINK, _AWAKE)
_LINKED_AFTER = (_LINK_AFTER, "(forall ((c Cpu)) (=> (woken-after c) (awake-after c)))")
_SAME_QUEUED = "(forall ((t Task)) (= (queued-after t) (queued t)))"
_SAME_CPUS = "(forall ((c Cpu)) (and (= (woken-after c) (woken c)) (= (awake-after c) (awake c))))"

_ARRIVES = (
    "(forall ((t Task)) (= (queued-after t) (or (queued t) (= t task))))",
    "(= wakes (exists ((c Cpu)) (and (not (awake c)) (fits task c))))",
    "(=> wakes (and (not (awake next)) (fits task next)))",
    "(forall ((c Cpu)) (= (woken-after c) (or (woken c) (and wakes (= c next)))))",
    "(forall ((c Cpu)) (= (awake-after c) (or (awake c) (and wakes (= c next)))))",
)
_LEAVES = ("(forall ((t Task)) (= (queued-after t) (and (queued t) (not (= t task)))))", _SAME_CPUS)
_IS_CLAIMED = (
    _SAME_QUEUED,
    "(forall ((c Cpu)) (= (woken-after c) (woken c)))",
    "(forall ((c Cpu)) (= (awake-after c) (or (awake c) (= c cpu))))",
)

_ALL_CHOSEN = "(forall ((c Cpu)) (not (woken c)))"
_TAKES_ALL = "(forall ((t Task) (c Cpu)) (=> (allowed t c) (fits t c)))"
_CHOOSES = "(awake cpu)"
_TAKES = (
    "(and (queued task) (fits task cpu))",
    "(forall ((t Task)) (= (queued-after t) (and (queued t) (not (= t task)))))",
)
_FINDS_NOTHING = ("(not (has-work cpu))", _SAME_QUEUED)
_STAYS = "(forall ((c Cpu)) (= (awake-after c) (or (awake c) (roused c))))"
_SLEEPS = "(forall ((c Cpu)) (= (awake-after c) (or (and (awake c) (not (= c cpu))) (roused c))))"
_HAS_CHOSEN = (
    "(forall ((c Cpu)) (= (woken-after c) (or (and (woken c) (not (= c cpu))) (roused c))))"
)
_WAS_WOKEN = ("(woken cpu)", _HAS_CHOSEN)
_ROUSES_NOBODY = "(forall ((c Cpu)) (not (roused c)))"
_WAS_NOT_WOKEN = (
    "(not (woken cpu))",
    _ROUSES_NOBODY,
    "(forall ((c Cpu)) (= (woken-after c) (woken c)))",
)
_HANDS_ON = (
    "(forall ((t Task) (c Cpu))"
    " (=> (and (meant t) (queued-after t) (takes t cpu) {idle} (fits t c))"
    " (and (roused next) (meant aim) (takes aim cpu) (takes aim next))))"
)
_ROUSES_FOR_A_JOB = (
    "(forall ((c Cpu)) (=> (roused c) (and {idle} (queued-after (job c)) (fits (job c) c))))"
)
_FEWER_QUEUED = "(and (queued task) (not (queued-after task)))"
_FEWER_USELESS = (
    "(and (useless cpu) (not (useless-after cpu))"
    " (forall ((c Cpu)) (=> (useless-after c) (useless c))))"
)


class _Kind(Enum):
    """Who may take from an instance, of queues for which wake-ups are handed on by themselves: the
    global ones, or one with several instances. Any tasks may be `meant`, those of such queues too.
    """

    OPEN = "true"
    """All may take from all instances: there is one, or they may be stolen from."""
    ZONED = "(= (lies t) (zone c))"
    """Whoever may take from an instance is in one zone with it, and with all others who may."""

    @property
    def chain(self) -> str:
        return _CHAIN.format(takes=self.value)


def _kinds(policy: ir.Policy) -> tuple[_Kind, ...]:
    is_open = [_is_open(queue) for queue in policy.queues]
    kinds = {_Kind.OPEN: any(is_open), _Kind.ZONED: not all(is_open)}
    return tuple(kind for kind, is_there in kinds.items() if is_there)


def prove_work_conserving(policy: ir.Policy, rules: Rules, ledger: Ledger) -> Unknown | None:
    """No CPU stays idle while a task waits that it may run."""
    return (
        _prove_reach(policy, ledger)
        or _prove_takes(rules, ledger)
        or _prove_chain(policy, rules, ledger)
        or _prove_progress(policy, rules, ledger)
    )


def prove_no_lost_task(policy: ir.Policy, rules: Rules, ledger: Ledger) -> Unknown | None:
    """Every queued task has a CPU that may run it, chooses from its instance, and is awake: at any
    time, or as soon as all CPUs that were woken have chosen, if some may be thieves."""
    if not any(queue.is_reachable for queue in policy.queues):
        return prove_watched(policy, ledger)
    return (
        prove_home(policy, ledger)
        or _prove_takes(rules, ledger)
        or _prove_chain(policy, rules, ledger)
        or _prove_progress(policy, rules, ledger)
        or _prove_homes(policy, ledger)
    )


def _prove_reach(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    says = "a CPU can take whatever may run there"
    known, sorts = every_task(policy), preamble(policy)
    gap = ledger.prove(says, known, [fact(_TAKES_ALL)], preamble=sorts)
    if gap is None or gap.reason is not Reason.INDUCTION_FAILED:
        return gap
    own = next(queue for queue in policy.queues if not _is_open(queue))
    detail = f"`{own.name}` has several instances, and a CPU does not steal from all of them"
    return Unknown(gap.reason, detail)


def _is_open(queue: ir.Queue) -> bool:
    return queue.scope is ir.Scope.GLOBAL or queue.steal is ir.Steal.ANY


def _prove_takes(rules: Rules, ledger: Ledger) -> Unknown | None:
    """A CPU that chooses finds nothing only if all queues are empty for it."""
    for name, roles in choosing_roles(rules).items():
        gap = prove_takes(name, roles, ledger.of_roles())
        if gap is not None:
            return gap
    return None


def prove_takes(name: str, arbitration: Arbitration, ledger: Ledger) -> Unknown | None:
    draw = free_draw(arbitration, "")
    options = turns(arbitration, free_state(arbitration, ""), draw)
    return ledger.prove(
        f"{name}: a CPU that chooses takes something if there is anything",
        (*draw.known, any_of(draw.occupied)),
        [any_of(turn.condition for turn in options)],
    )


def _prove_chain(policy: ir.Policy, rules: Rules, ledger: Ledger) -> Unknown | None:
    hands_on = rules.hands_on
    woken, other = (_choice(is_woken, hands_on) for is_woken in (True, False))
    events = {
        "an arrival": _ARRIVES,
        "a task that leaves its queue": _LEAVES,
        "a CPU that is claimed": _IS_CLAIMED,
        **{f"a woken CPU that {name}": facts for name, facts in woken.items()},
        **{f"a CPU that {name} after a turn": facts for name, facts in other.items()},
    }
    for kind in _kinds(policy):
        for name, event in events.items():
            gap = _prove(
                f"{name} leaves a woken CPU while an idle one has work",
                policy,
                kind,
                (_ZONES, *_LINKED, *event),
                _LINKED_AFTER,
                ledger,
            )
            if gap is not None:
                return _explained(gap)
    return None


def _prove_homes(policy: ir.Policy, ledger: Ledger) -> Unknown | None:
    for kind in _kinds(policy):
        gap = _prove(
            "when all woken CPUs have chosen, every queued task's home is awake",
            policy,
            kind,
            (*_LINKED, _ALL_CHOSEN, "(queued task)", "(meant task)"),
            ("(and (sees task (home task)) (awake (home task)))",),
            ledger,
        )
        if gap is not None:
            return gap
    return None


def _choice(is_woken: bool, hands_on: bool) -> dict[str, tuple[str, ...]]:
    """What is so before and after a CPU has chosen and, if it was woken, has woken others."""
    found: dict[str, tuple[str, ...]] = {}
    for name, takes in (("takes a task", True), ("finds nothing", False)):
        facts = [_CHOOSES, *(_TAKES if takes else _FINDS_NOTHING), _STAYS if takes else _SLEEPS]
        facts += _WAS_WOKEN if is_woken else _WAS_NOT_WOKEN
        if is_woken:
            facts.append(_HANDS_ON.format(idle=_idle(takes)) if hands_on else _ROUSES_NOBODY)
        found[name] = tuple(facts)
    return found


def _idle(takes: bool) -> str:
    """Whether `c` is idle by now."""
    return "(not (awake c))" if takes else "(or (not (awake c)) (= c cpu))"


def _prove_progress(policy: ir.Policy, rules: Rules, ledger: Ledger) -> Unknown | None:
    """The pair of the waiting tasks and the woken CPUs without work decreases with each choice."""
    choices = _choice(is_woken=True, hands_on=rules.hands_on)
    less = {"takes a task": (_FEWER_QUEUED,), "finds nothing": (_SAME_QUEUED, _FEWER_USELESS)}
    kind = _kinds(policy)[0]
    for name, facts in choices.items():
        job = _ROUSES_FOR_A_JOB.format(idle=_idle(name == "takes a task"))
        known = [fact(text) for text in (*facts, job)]
        title = f"a woken CPU that {name} brings the chain nearer to its end"
        sorts = preamble(policy) + kind.chain
        gap = ledger.prove(title, known, list(map(fact, less[name])), preamble=sorts)
        if gap is not None:
            return gap
    return None


def _prove(
    name: str,
    policy: ir.Policy,
    kind: _Kind,
    hypotheses: tuple[str, ...],
    goals: tuple[str, ...],
    ledger: Ledger,
) -> Unknown | None:
    known: tuple[Term, ...] = (*every_task(policy), *map(fact, hypotheses))
    sorts = preamble(policy) + kind.chain
    return ledger.prove(name, known, list(map(fact, goals)), preamble=sorts)


def _explained(gap: Unknown) -> Unknown:
    if gap.reason is not Reason.INDUCTION_FAILED:
        return gap
    detail = "a CPU that was woken for one task may take another, and wakes no CPU for the first"
    return Unknown(gap.reason, f"{gap.detail}: {detail}")
