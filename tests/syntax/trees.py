"""Any tree that the grammar has, sensible or not: what the formatter must be able to print."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from schedlang.ir.nodes import Frequency, Near, Property, RungKind, Scope, Steal
from schedlang.ir.testing import Measure, Relation, Statistic
from schedlang.source import Span
from schedlang.syntax import ast

AT = Span(0, 0)
CONTEXTUAL = (
    *("at", "least", "prev", "core", "cpu", "any", "wait", "share", "fair", "tasks", "backlogged"),
    *("unrestricted", "tick", "cpus", "within", "starvation", "of", "because", "starvation_free"),
    *("no_lost_task", "machine", "llcs", "nodes", "smt", "set", "spawn", "hog", "sleeper", "job"),
    *("as", "process", "nice", "runs", "run", "every", "expect", "p50", "max", "wakeup", "passes"),
    *("makespan", "before"),
)
"""Words that mean something in some places only, and are names elsewhere."""
PLAIN = ("a", "b", "q1", "quantum", "_", "not_a_word", "on_call", "a_rather_long_name_for_a_queue")

names = st.sampled_from(PLAIN + CONTEXTUAL)
idents = names.map(lambda name: ast.Ident(name, AT))
texts = st.text(st.characters(exclude_characters='"\n', codec="utf-8"), max_size=20).map(
    lambda value: ast.Text(value, AT)
)
counts = st.integers(0, 2**62)
integers = counts.map(lambda value: ast.Integer(value, AT))
durations = st.builds(
    ast.Duration, st.integers(0, 2**32), st.sampled_from(tuple(ast.UNITS_NS)), st.just(AT)
)
atoms = st.one_of(
    st.integers(-(2**62), 2**62).map(lambda value: ast.Integer(value, AT)),
    durations,
    st.builds(ast.Percent, counts, st.just(AT)),
    st.builds(ast.Boolean, st.booleans(), st.just(AT)),
    st.builds(ast.NameUse, names, st.just(AT)),
    st.builds(ast.WakerOf, idents, st.just(AT)),
    st.builds(ast.Match, idents, texts, st.just(AT)),
    st.builds(ast.Under, texts, st.just(AT)),
)
OPERATORS = ("or", "and", "<", "<=", ">", ">=", "==", "!=", "+", "-", "*", "/")


def tuples(
    items: SearchStrategy[ast.Ident], least: int = 0
) -> SearchStrategy[tuple[ast.Ident, ...]]:
    return st.lists(items, min_size=least, max_size=4).map(tuple)


def _compound(inner: SearchStrategy[ast.Expr]) -> SearchStrategy[ast.Expr]:
    return st.one_of(
        st.builds(ast.Binary, st.sampled_from(OPERATORS), inner, inner, st.just(AT)),
        st.builds(ast.Negated, inner, st.just(AT)),
        st.builds(ast.IfThenElse, inner, inner, inner, st.just(AT)),
        st.builds(ast.Call, idents, st.lists(inner, max_size=3).map(tuple), st.just(AT)),
    )


expressions: SearchStrategy[ast.Expr] = st.recursive(atoms, _compound, max_leaves=12)
ranges = st.none() | st.builds(ast.Range, expressions, expressions, st.just(AT))
formals = st.lists(st.builds(ast.Formal, idents, idents, st.just(AT)), max_size=3).map(tuple)
assigns = st.builds(ast.Assign, idents, expressions, st.just(AT))
states = st.builds(ast.State, idents, idents, expressions, ranges, st.just(AT))
handlers = st.builds(
    ast.Handler,
    idents,
    st.none() | expressions,
    st.lists(assigns, min_size=1, max_size=3).map(tuple),
    st.just(AT),
)
members = st.lists(states | handlers, max_size=4).map(tuple)
arguments = st.lists(st.builds(ast.Argument, idents, expressions, st.just(AT)), max_size=3)
one_rung = st.one_of(
    st.sampled_from([ast.Rung(RungKind.PREV, None, AT), ast.Rung(RungKind.WAKER, None, AT)]),
    st.builds(
        ast.Rung,
        st.sampled_from([RungKind.CORE, RungKind.CPU]),
        st.sampled_from([ast.Ident(str(near), AT) for near in Near]) | idents,
        st.just(AT),
    ),
)
ladders = st.lists(one_rung, min_size=1, max_size=4).map(tuple)
places = st.builds(ast.Place, ladders, st.just(AT)) | st.builds(ast.PlaceBy, idents, st.just(AT))
clauses = st.one_of(
    st.builds(ast.Confine, idents, st.just(AT)),
    places,
    st.builds(ast.Scope, st.sampled_from(tuple(Scope)), st.just(AT)),
    st.builds(ast.Stealing, st.sampled_from(tuple(Steal)), st.just(AT)),
    st.builds(ast.Ordering, idents, arguments.map(tuple), st.just(AT)),
    st.builds(ast.Slice, expressions, st.just(AT)),
    st.builds(ast.Hint, st.sampled_from(Frequency), st.just(AT)),
)
rules = st.builds(ast.Rule, expressions, idents, st.just(AT))
leaves = st.builds(ast.Leaf, idents, st.just(AT))


def _node(inner: SearchStrategy[ast.Tree]) -> SearchStrategy[ast.Tree]:
    shares = st.builds(ast.Share, inner, integers, st.just(AT))
    arguments = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(ast.Strict, st.lists(inner, min_size=1, max_size=3).map(tuple), st.just(AT)),
        st.builds(ast.Weighted, st.lists(shares, min_size=1, max_size=3).map(tuple), st.just(AT)),
        st.builds(ast.Apply, idents, arguments, st.just(AT)),
    )


serving: SearchStrategy[ast.Tree] = st.recursive(leaves, _node, max_leaves=8)
premises = st.one_of(
    st.builds(ast.Premise, st.just(ast.PremiseKind.TASKS), idents, integers, st.just(AT)),
    st.builds(ast.Premise, st.just(ast.PremiseKind.BACKLOGGED), idents, st.none(), st.just(AT)),
    st.builds(
        ast.Premise, st.just(ast.PremiseKind.UNRESTRICTED), st.none(), st.none(), st.just(AT)
    ),
    st.builds(ast.Premise, st.just(ast.PremiseKind.TICK), st.none(), durations, st.just(AT)),
    st.builds(ast.Premise, st.just(ast.PremiseKind.CPUS), st.none(), integers, st.just(AT)),
)
PLAIN_CLAIMS = (
    Property.STARVATION_FREE,
    Property.NO_LOST_TASK,
    Property.BOUNDED_PREEMPTION,
    Property.WORK_CONSERVING,
)


def _goal(
    kinds: tuple[Property, ...],
    queues: SearchStrategy[tuple[ast.Ident, ...]],
    bound: SearchStrategy[ast.Expr] | SearchStrategy[None],
) -> SearchStrategy[ast.Goal]:
    when = st.lists(premises, max_size=3).map(tuple)
    return st.builds(ast.Goal, st.sampled_from(kinds), queues, bound, when, st.just(AT))


goals = st.one_of(
    _goal(PLAIN_CLAIMS, st.just(()), st.none()),
    _goal((Property.WAIT, Property.SHARE), idents.map(lambda name: (name,)), expressions),
    _goal((Property.FAIR,), tuples(idents, 1), st.none()),
    _goal((Property.FAIR,), tuples(idents, 1), expressions),
)
cpus = st.one_of(
    counts.map(lambda n: ast.Cpus(ast.Integer(n, AT), ast.Integer(n, AT), AT)),
    st.builds(ast.Cpus, integers, integers, st.just(AT)),
)
levels = st.integers(-(2**62), 2**62).map(lambda value: ast.Integer(value, AT))
traits = st.lists(
    st.one_of(
        st.builds(ast.Process, texts, st.just(AT)),
        st.builds(ast.InCgroup, texts, st.just(AT)),
        st.builds(ast.Niceness, levels, st.just(AT)),
        st.builds(ast.OnCpus, st.lists(cpus, min_size=1, max_size=3).map(tuple), st.just(AT)),
        st.builds(ast.Later, durations, st.just(AT)),
    ),
    max_size=3,
).map(tuple)


def _spawn(
    shape: ast.Shape,
    runs: SearchStrategy[ast.Duration] | SearchStrategy[None],
    every: SearchStrategy[ast.Duration] | SearchStrategy[None],
) -> SearchStrategy[ast.Spawn]:
    return st.builds(ast.Spawn, integers, st.just(shape), texts, traits, runs, every, st.just(AT))


relations = st.sampled_from(tuple(Relation))
statistics = st.sampled_from(tuple(Statistic))


def _expect(
    measures: tuple[Measure, ...],
    statistic: SearchStrategy[Statistic] | SearchStrategy[None],
    subject: SearchStrategy[ast.Text] | SearchStrategy[None],
    limit: SearchStrategy[ast.Duration]
    | SearchStrategy[ast.Percent]
    | SearchStrategy[ast.Integer]
    | SearchStrategy[ast.Text],
) -> SearchStrategy[ast.Expect]:
    relation = st.none() if measures == (Measure.BEFORE,) else relations
    kind = st.sampled_from(measures)
    return st.builds(ast.Expect, kind, statistic, subject, relation, limit, st.just(AT))


some = st.none() | integers
percents = st.builds(ast.Percent, counts, st.just(AT))
literals = st.one_of(
    levels, durations, percents, st.builds(ast.Boolean, st.booleans(), st.just(AT))
)
scenes = st.one_of(
    st.builds(ast.Machine, integers, some, some, some, st.just(AT)),
    st.builds(ast.Ticking, durations, st.just(AT)),
    st.builds(ast.Setting, idents, literals, st.just(AT)),
    _spawn(ast.Shape.HOG, st.none(), st.none()),
    _spawn(ast.Shape.SLEEPER, durations, durations),
    _spawn(ast.Shape.JOB, durations, st.none()),
    st.builds(ast.Lasting, durations, st.just(AT)),
    _expect((Measure.WAIT, Measure.WAKEUP), statistics, texts, durations),
    _expect((Measure.SHARE,), st.none(), texts, percents),
    _expect((Measure.PASSES,), st.none(), texts, integers),
    _expect((Measure.MAKESPAN,), st.none(), st.none(), durations),
    _expect((Measure.BEFORE,), st.none(), texts, texts),
)
declarations: SearchStrategy[ast.Decl] = st.one_of(
    st.builds(ast.Test, texts, st.lists(scenes, max_size=4).map(tuple), st.just(AT)),
    st.builds(ast.Use, tuples(idents, 1), tuples(idents, 1), st.just(AT)),
    st.builds(ast.Param, idents, idents, expressions, ranges, st.just(AT)),
    st.builds(ast.CpuSet, idents, st.lists(cpus, min_size=1, max_size=3).map(tuple), st.just(AT)),
    st.builds(ast.Function, idents, formals, expressions, st.just(AT)),
    st.builds(ast.Task, members, st.just(AT)),
    st.builds(ast.Order, idents, formals, members, st.none() | expressions, st.just(AT)),
    st.builds(ast.Queue, idents, st.lists(clauses, max_size=4).map(tuple), st.just(AT)),
    st.builds(ast.Route, st.lists(rules, max_size=4).map(tuple), st.none() | idents, st.just(AT)),
    st.builds(ast.Serve, st.none() | idents, serving, st.just(AT)),
    st.builds(ast.GuardAfter, idents, expressions, st.just(AT)),
    st.builds(ast.GuardShare, idents, expressions, st.just(AT)),
    st.builds(ast.TreeTemplate, idents, tuples(idents, 1), serving, st.just(AT)),
    st.builds(
        ast.Preempt,
        st.lists(
            st.builds(ast.Cut, idents, idents, st.booleans(), expressions, st.just(AT)),
            min_size=1,
            max_size=4,
        ).map(tuple),
        st.just(AT),
    ),
    places,
    st.builds(ast.Ladder, idents, ladders, st.just(AT)),
    st.builds(ast.Guarantee, st.lists(goals, min_size=1, max_size=4).map(tuple), st.just(AT)),
    st.builds(ast.Accept, idents, texts, st.just(AT)),
)
headers = st.none() | st.builds(
    ast.Header, st.sampled_from(tuple(ast.FileKind)), idents, st.just(AT)
)
files = st.builds(ast.File, headers, st.lists(declarations, max_size=5).map(tuple))
