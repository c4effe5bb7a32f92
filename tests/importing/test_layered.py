"""Layers: what is malformed is told, and random specifications become policies that route alike."""

from __future__ import annotations

import json
from math import lcm

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.importing.draft import Loss, fit_weights
from schedlang.importing.layered_spec import MAX_LAYERS, UNSAID, Match
from schedlang.ir.nodes import MAX_LCM
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.source import Source
from schedlang.syntax.format import format_policy
from schedlang.topology import Topology
from tests.importing.build import draft_of_layers, wrong_layers
from tests.support.policies import compiled

CONDITIONAL = '{"name": "z", "matches": [[{"NiceAbove": 0}]], "kind": {"Open": {}}}'
LAST = '{"name": "z", "matches": [[]], "kind": {"Open": {}}}'


def told(text: str) -> str:
    findings = wrong_layers(text)
    assert all(finding.primary is not None and finding.repairs for finding in findings)
    return "; ".join(f"{finding.code} {finding.message}" for finding in findings)


def layer(**more: object) -> str:
    whole = {"name": "a", "matches": [[{"NiceAbove": 0}]], "kind": {"Open": {}}} | more
    return f"[{json.dumps({k: v for k, v in whole.items() if v is not None})}, {LAST}]"


def in_kind(**fields: object) -> str:
    return layer(kind={"Grouped": {"util_range": [0.4, 0.5]} | fields})


# --- malformed


@pytest.mark.parametrize("text", ["", "[", '[{"name": "a"', '["a"'])
def test_what_ends_too_early(text: str) -> None:
    assert told(text) == "E1201 the JSON ends too early"


@pytest.mark.parametrize("text", ["[,]", "[1,]", "{'a': 1}", "[01]", '["\\x"]', "nan", "[1] 2"])
def test_what_is_no_json(text: str) -> None:
    assert told(text) == "E1201 this is no JSON from here on"


def test_deep_nesting_is_no_trouble() -> None:
    assert told("[" * 100_000 + "]" * 100_000) == "E1202 a layer is an object"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "a specification is a list of layers"),
        ("[]", f"a specification has 1 to {MAX_LAYERS} layers, and here are 0"),
        ("[1]", "a layer is an object"),
        (layer(name=None), "a layer has a `name`, and here is none"),
        (layer(name=3), "`name` cannot be read"),
        (layer(matches=[]), "`matches` cannot be read"),
        (layer(matches=[[]]), "layer `a` takes every task, and layers follow it"),
        (layer(matches=[[{"Nice": 1}]]), "there is no condition `Nice`"),
        (layer(matches=[[{"NiceAbove": "1"}]]), "`NiceAbove` cannot be read"),
        (layer(matches=[[{"NiceAbove": 1.5}]]), "`NiceAbove` cannot be read"),
        (layer(matches=[[{"UIDEquals": -1}]]), f"`UIDEquals` is from 0 to {2**53}"),
        (layer(matches=[[{}]]), "a condition is an object with one name"),
        (
            layer(matches=[[{"NiceAbove": 1, "NiceBelow": 3}]]),
            "a condition is an object with one name",
        ),
        (
            layer(matches=[[{"NiceAbove": 1}]] * 33),
            "a layer has at most 32 alternatives, and here are 33",
        ),
        (layer(name="z"), "layer `z` is there twice"),
        (layer(kind={"Opn": {}}), "there is no kind `Opn`"),
        (layer(kind={"Open": 1}), "`Open` has fields"),
        (layer(kind={"Grouped": {}}), "the layer's `Grouped` has a `util_range`, and here is none"),
        (in_kind(util_range=[0.5, 0.5]), "`util_range` is empty"),
        (
            in_kind(util_range=[0.5, 0.4]),
            "`util_range` begins at 0 or more and does not end below that",
        ),
        (
            in_kind(cpus_range=[1, 2], cpus_range_frac=[0, 1]),
            "`cpus_range` and `cpus_range_frac` are both there",
        ),
        (in_kind(cpus_range=[0, 0]), "`cpus_range` cannot be read"),
        (in_kind(weight=10001), "`weight` is from 0 to 10000"),
        (in_kind(perf=1025), "`perf` is from 0 to 1024"),
        (in_kind(fifo=1), "`fifo` cannot be read"),
        (in_kind(exclusive="yes"), "`exclusive` cannot be read"),
        (in_kind(slice_us=-1), f"`slice_us` is from 0 to {2**53}"),
        (
            f'[{{"name": "a", "name": "b", {LAST[1:]}]',
            "`name` is there twice; `name` is there twice",
        ),
        (f"[{CONDITIONAL}]", "the last layer takes what no other does, and `z` has conditions"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    assert told(text).replace("E1202 ", "") == message


def test_a_huge_number_is_no_number() -> None:
    digits = "9" * 5000
    assert "cannot be read" in told(in_kind(slice_us=1).replace("1}}", f"{digits}}}}}"))


def test_everything_is_told_at_once() -> None:
    text = in_kind(perf=9999, fifo=3, exclusive=3, weight=99999)
    assert len(wrong_layers(text)) == 4


# --- what has no counterpart


@pytest.mark.parametrize("field", UNSAID)
def test_each_field_without_a_counterpart_is_told(field: str) -> None:
    values = {"a text in quotes": "x", "`true` or `false`": True, "a list of whole numbers": [1]}
    value = values.get(UNSAID[field], 1)
    if UNSAID[field].startswith("two"):
        value = [0.25, 0.5]
    draft = draft_of_layers(Source("a.json", in_kind(**{field: value})), "a")
    assert f"layers[0].kind.Grouped.{field}" in [gap.where for gap in draft.gaps]


def test_a_field_that_says_the_default_is_no_loss() -> None:
    fields = {
        "exclusive": False,
        "nodes": [],
        "growth_algo": "Sticky",
        "perf": 0,
        "xllc_mig_min_us": 0.0,
    }
    text = layer(
        kind={"Open": fields | {"preempt": False, "weight": 100, "allow_node_aligned": None}}
    )
    assert draft_of_layers(Source("a.json", text), "a").gaps == ()


def test_a_misspelt_field_is_told() -> None:
    (gap,) = draft_of_layers(Source("a.json", layer(kind={"Open": {"premept": True}})), "a").gaps
    assert gap.loss is Loss.LEFT_OUT
    assert "misspelt" in gap.why


# --- random specifications

WORDS = st.sampled_from(["", "a", "ab", "nginx", "kworker/0", "x" * 15])
PATHS = st.sampled_from(["", "a/", "a/b/", "system.slice/", "a.slice", "web.slice/x.service/"])
HOSTILE = st.text(max_size=20)
SAID = st.one_of(
    *(st.fixed_dictionaries({str(m): st.integers(-20, 19)}) for m in Match if "Nice" in m),
    *(st.fixed_dictionaries({str(m): WORDS}) for m in Match if "omm" in m),
    st.fixed_dictionaries({"CgroupPrefix": PATHS.filter(lambda p: p[-6:] != ".slice")}),
    *(
        st.fixed_dictionaries({f"{m}Equals": st.integers(0, 3)})
        for m in ("UID", "GID", "PID", "PPID", "TGID")
    ),
    st.fixed_dictionaries({"IsKthread": st.booleans()}),
    st.fixed_dictionaries({"IsGroupLeader": st.booleans()}),
)
UNSAYABLE = st.one_of(
    *(st.fixed_dictionaries({f"Cgroup{m}": HOSTILE}) for m in ("Suffix", "Contains", "Regex")),
    st.fixed_dictionaries({"CommPrefix": HOSTILE}),
    st.fixed_dictionaries({"CgroupPrefix": HOSTILE}),
    st.fixed_dictionaries({"CmdJoin": HOSTILE}),
    st.fixed_dictionaries(
        {"AvgRuntime": st.tuples(st.integers(0, 10**12), st.integers(0, 10**12))}
    ),
    st.fixed_dictionaries({"NumaNode": st.integers(0, 3)}),
)
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "slice_us": st.sampled_from([0, 1, 500, 20_000, 10**9]),
        "min_exec_us": st.sampled_from([0, 1, 200, 10**9]),
        "weight": st.integers(0, 10_000),
        "fifo": st.booleans(),
        "preempt": st.booleans(),
        "prev_over_idle_core": st.booleans(),
        "perf": st.integers(0, 1024),
        "skip_remote_node": st.booleans(),
        "exclusive": st.booleans(),
    },
)
OWNING = st.fixed_dictionaries(
    {"util_range": st.just([0.5, 0.6])},
    optional={
        "cpus_range": st.tuples(st.integers(0, 4), st.integers(4, 64)),
        "protected": st.booleans(),
    },
)
KIND = st.one_of(
    st.builds(lambda common: {"Open": common}, COMMON),
    st.builds(
        lambda name, common, own: {name: common | own},
        st.sampled_from(["Confined", "Grouped"]),
        COMMON,
        OWNING,
    ),
)
Spec = list[dict[str, object]]


def specs(condition: st.SearchStrategy[dict[str, object]]) -> st.SearchStrategy[Spec]:
    groups = st.lists(st.lists(condition, min_size=1, max_size=3), min_size=1, max_size=3)
    one = st.fixed_dictionaries(
        {"name": HOSTILE, "matches": groups, "kind": KIND}, optional={"comment": HOSTILE}
    )
    some = st.lists(one, max_size=5, unique_by=lambda layer: str(layer["name"]))
    last = st.builds(lambda kind: {"name": "the last", "matches": [[]], "kind": kind}, KIND)
    return st.builds(lambda layers, end: [*layers, end], some, last)


TASKS = st.builds(
    TaskSpec,
    comm=st.sampled_from(["a", "abc", "nginx", "nginx-2", "kworker/0:1", "x" * 15, "z"]),
    process=st.sampled_from(["a", "abc", "nginx", "z"]),
    nice=st.integers(-20, 19),
    cgroup=st.sampled_from(["/", "/a", "/a/b", "/ab", "/system.slice/x", "/web.slice/x.service"]),
    kthread=st.booleans(),
    pid=st.integers(0, 3),
    tgid=st.integers(0, 3),
    ppid=st.integers(0, 3),
    uid=st.integers(0, 3),
    gid=st.integers(0, 3),
)


@settings(max_examples=60)
@given(specs(st.one_of(SAID, UNSAYABLE)))
def test_whatever_is_read_becomes_a_policy(spec: Spec) -> None:
    draft = draft_of_layers(Source("a.json", json.dumps(spec)), "some")
    policy = compiled(draft.text)
    assert 1 <= len(policy.queues) <= len(spec)
    assert format_policy(Source("a.sched", draft.text)) == draft.text


@settings(max_examples=100)
@given(specs(SAID), st.lists(TASKS, min_size=1, max_size=8))
def test_tasks_are_in_the_queue_of_the_first_layer_that_takes_them(
    spec: Spec, tasks: list[TaskSpec]
) -> None:
    policy = compiled(draft_of_layers(Source("a.json", json.dumps(spec)), "some").text)
    assert len(policy.queues) == len(spec)
    machine = Machine(policy, Topology(cpus=1), tuple(param.default for param in policy.params))
    for task in tasks:
        number = machine.fork(task, 0)
        taken = next(n for n, layer in enumerate(spec) if takes(layer["matches"], task))
        assert machine.tasks[number].queue == taken


def takes(groups: object, task: TaskSpec) -> bool:
    assert isinstance(groups, list)
    return any(
        all(holds(kind, value, task) for condition in group for kind, value in condition.items())
        for group in groups
    )


def holds(kind: str, value: str | int, task: TaskSpec) -> bool:
    """As scx_layered's BPF has it: its paths have no `/` before and one behind."""
    ids = {"UID": task.uid, "GID": task.gid, "PID": task.pid, "PPID": task.ppid, "TGID": task.tgid}
    if kind.removesuffix("Equals") in ids:
        return ids[kind.removesuffix("Equals")] == value
    if kind.startswith(("CommPrefix", "PcommPrefix", "CgroupPrefix")):
        path = "" if task.cgroup == "/" else f"{task.cgroup[1:]}/"
        subject = {"Co": task.comm, "Pc": task.process, "Cg": path}[kind[:2]]
        return subject.startswith(str(value)) is not kind.endswith("Exclude")
    match kind:
        case "NiceAbove":
            return task.nice > int(value)
        case "NiceBelow":
            return task.nice < int(value)
        case "NiceEquals":
            return task.nice == value
        case "IsKthread":
            return task.kthread is value
        case _:
            return task.group_leader is value


@settings(max_examples=150)
@given(specs(st.one_of(SAID, UNSAYABLE)), st.data())
def test_a_damaged_text_is_told_and_never_a_crash(spec: Spec, data: st.DataObject) -> None:
    text = json.dumps(spec)
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 4)) :]
    findings = wrong_layers(damaged)
    assert all(f.primary and 0 <= f.primary.span.start <= len(damaged) for f in findings)
    if not findings:
        compiled(draft_of_layers(Source("a.json", damaged), "some").text)


# --- weights


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=16))
def test_weights_are_kept_or_near(weights: list[int]) -> None:
    fitted = fit_weights(weights)
    assert lcm(*fitted) <= MAX_LCM
    assert all(1 <= weight <= 10_000 for weight in fitted)
    assert all(max(a, b) / min(a, b) <= 1.5 for a, b in zip(weights, fitted, strict=True))
    if lcm(*weights) <= MAX_LCM:
        assert list(fitted) == weights
