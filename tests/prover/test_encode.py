"""The solver's reading of expressions is the interpreter's."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.ir import nodes as ir
from schedlang.ir.walk import walk
from schedlang.machine.evaluate import Environment, compile_handlers, evaluate
from schedlang.machine.scenario import TaskSpec
from schedlang.prover.encode import Moment, encode, run_handlers
from schedlang.prover.solver import decide
from schedlang.prover.terms import Sort, Term, all_of, boolean, integer, negation, script
from tests.prover.build import vruntime
from tests.support.policies import compiled, policies

RLIMIT = 3_000_000


def environment(policy: ir.Policy, order: ir.Order, random: Random) -> Environment:
    def states(declared: tuple[ir.State, ...]) -> list[int]:
        ranges = [s.range or ir.Interval(-(2**40), 2**40) for s in declared]
        return [random.randint(r.lo, r.hi) for r in ranges]

    return Environment(
        params=tuple(random.randint(p.lo, p.hi) for p in policy.params),
        task=TaskSpec(
            random.choice(("hog", "worker", "x")),
            process=random.choice(("ox", "box", "a")),
            nice=random.randint(-20, 19),
            weight=random.choice((1, 100, random.randint(1, 10_000), 10_000)),
            cgroup=random.choice(("/", "/a", "/a/b", "/ab")),
            kthread=random.random() < 0.5,
            affinity=random.choice((None, frozenset({0}), frozenset({0, 1}))),
            pid=random.choice((1, 2**22)),
            tgid=random.randint(1, 2**22),
            ppid=random.randint(0, 2**22),
            uid=random.randint(0, 2**32 - 1),
            gid=random.randint(0, 2**32 - 1),
        ),
        task_states=states(policy.states),
        order_states=states(order.states),
        now=random.randint(0, 2**40),
        clock=random.randint(0, 2**40),
        used=random.randint(1_000, 10**9),
        granted=random.randint(1, 10**8),
        blocked=random.randint(0, 1),
        woken=random.randint(0, 1),
        length=random.randint(0, 2**22),
        cpus=random.randint(1, 8192),
        group_weight=random.randint(1, 10_000),
    )


def literal(kind: ir.Type, value: int) -> Term:
    return boolean(bool(value)) if kind is ir.Type.BOOL else integer(value)


def moment(policy: ir.Policy, order: ir.Order, env: Environment) -> tuple[Moment, list[Term]]:
    """The moment in which everything has the environment's value."""
    at = Moment(
        "",
        policy.params,
        [literal(s.type, v) for s, v in zip(policy.states, env.task_states, strict=True)],
        [literal(s.type, v) for s, v in zip(order.states, env.order_states, strict=True)],
        {
            ir.Input.NOW: integer(env.now),
            ir.Input.CLOCK: integer(env.clock),
            ir.Input.USED: integer(env.used),
            ir.Input.GRANTED: integer(env.granted),
            ir.Input.BLOCKED: boolean(bool(env.blocked)),
            ir.Input.WOKEN: boolean(bool(env.woken)),
            ir.Input.LENGTH: integer(env.length),
            ir.Input.CPUS: integer(env.cpus),
        },
        fixed_params=env.params,
    )
    attributes = {
        name: literal(type_, getattr(env if name == "group_weight" else env.task, name))
        for name, (type_, _) in ir.ATTRIBUTE_TYPES.items()
    }
    return at, [at.attribute(name).equals(value) for name, value in attributes.items()]


def questions(at: Moment, env: Environment, exprs: list[ir.Expr]) -> list[Term]:
    """The answers to the expressions' questions about names and cgroups."""
    asked = [n for e in exprs for n in walk(e) if isinstance(n, ir.Match | ir.CgroupUnder)]
    return [encode(n, at).equals(boolean(bool(evaluate(n, env)))) for n in asked]


def assert_valid(known: list[Term], goal: Term) -> None:
    assert decide(script(known), RLIMIT).answer == "sat"
    assert decide(script([*known, negation(goal)]), RLIMIT).answer == "unsat"


@settings(max_examples=25, deadline=None)
@given(policies(), st.randoms(use_true_random=False))
def test_every_expression_of_a_policy(text: str, random: Random) -> None:
    policy = compiled(text)
    order = random.choice(policy.queues).order
    env = environment(policy, order, random)
    at, known = moment(policy, order, env)
    exprs = [rule.condition for rule in policy.route.rules]
    exprs += [q.slice for q in policy.queues if q.order is order]
    exprs += [g.delay if isinstance(g, ir.GuardAfter) else g.share for g in policy.guards]
    exprs += [order.key] if order.key is not None else []
    known += questions(at, env, exprs)
    goals = [encode(e, at).equals(literal(e.type, int(evaluate(e, env)))) for e in exprs]
    assert_valid([*known, *at.constraints], all_of(goals))


@settings(max_examples=25, deadline=None)
@given(policies(), st.randoms(use_true_random=False), st.sampled_from(list(ir.Event)))
def test_every_handler_of_an_order(text: str, random: Random, event: ir.Event) -> None:
    policy = compiled(text)
    order = random.choice(policy.queues).order
    env = environment(policy, order, random)
    at, known = moment(policy, order, env)
    handlers = [h for h in order.handlers if h.event is event]
    exprs = [a.value for h in handlers for a in h.assigns]
    exprs += [h.condition for h in handlers if h.condition is not None]
    known += questions(at, env, exprs)
    run_handlers(order.handlers, order.states, event, at)
    compile_handlers(order.handlers, order.states, ir.Owner.ORDER, event)(env)
    goals = [
        term.equals(literal(state.type, value))
        for term, state, value in zip(at.order_states, order.states, env.order_states, strict=True)
    ]
    assert_valid([*known, *at.constraints], all_of(goals))


def test_every_read_of_a_param_is_another_value() -> None:
    span = vruntime().span
    param = ir.Param("q", ir.Type.DURATION, 5, 1, 9, True, span)
    at = Moment("", (param,))
    assert at.param(0) != at.param(0)
    assert len(at.constraints) == 2


def test_every_read_of_a_length_is_another_value() -> None:
    type_, interval = ir.INPUT_TYPES[ir.Input.LENGTH]
    length = ir.InputRef(type_, interval, vruntime().span, ir.Input.LENGTH)
    at = Moment("", ())
    assert encode(length, at) != encode(length, at)
    assert len(at.constraints) == 2


def test_a_constant_param_is_its_value() -> None:
    param = ir.Param("q", ir.Type.DURATION, 5, 5, 5, False, vruntime().span)
    assert Moment("", (param,)).param(0) == integer(5)


def test_bool_terms_are_bools() -> None:
    at = Moment("", ())
    assert at.attribute(ir.Attribute.KTHREAD).sort is Sort.BOOL
