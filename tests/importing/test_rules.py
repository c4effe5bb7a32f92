"""Rules of nice daemons: what is malformed, what wins, and that each program is in its class."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedlang.importing.nice_rules import REAL_TIME, Rules, Values, read_rules
from schedlang.machine.machine import Machine
from schedlang.machine.scenario import TaskSpec
from schedlang.source import Source
from schedlang.topology import Topology
from tests.importing.build import draft_of_rules, wrong_rules
from tests.support.policies import compiled


def read(*texts: str) -> Rules:
    found = read_rules(tuple(Source(f"{n}.rules", text) for n, text in enumerate(texts)))
    assert isinstance(found, Rules), found
    return found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no rule here gives a program a class"),
        ('# {"name": "a", "nice": 1}', "no rule here gives a program a class"),
        ('{"name": "a"}', "no rule here gives a program a class"),
        ("{", "the JSON ends too early"),
        ("nice", "this is no JSON from here on"),
        ("[1]", "a rule is an object"),
        ('{"nice": 1}', "a rule names a program, a type or a cgroup"),
        ('{"name": "a", "type": "Game"}', "there is no type `Game`"),
        ('{"name": "a", "nice": 20}', "`nice` is from -20 to 19"),
        ('{"name": "a", "nice": "1"}', "`nice` cannot be read"),
        ('{"name": 1, "nice": 1}', "`name` cannot be read"),
        ('{"name": "a", "sched": "batsh"}', "there is no class `batsh`"),
        ('{"name": "a", "nice": 1, "nice": 2}', "`nice` is there twice"),
    ],
)
def test_what_cannot_be_read(text: str, message: str) -> None:
    findings = wrong_rules(text)
    assert [finding.message for finding in findings] == [message]
    assert all(finding.primary is not None and finding.repairs for finding in findings)


def test_values_beside_a_type_win_and_so_does_the_last_rule() -> None:
    rules = read(
        '{"type": "T", "nice": 3, "latency_nice": 2}\n',
        '{"name": "a", "type": "T", "nice": 5}\n{"name": "b", "nice": 1}\n{"name": "b", "nice": 2}',
    )
    assert [program.values for program in rules.programs] == [Values(5, 2), Values(2)]
    assert [gap.where for gap in rules.gaps] == ["1.rules:3.name"]


def test_a_class_of_little_weight_is_guarded() -> None:
    text = '{"name": "a", "nice": -20}\n{"name": "b", "sched": "idle"}\n'
    draft = draft_of_rules((Source("a.rules", text),), "a")
    assert "guard class_2 at least 1%" in draft.text


def test_real_time_is_left_to_the_daemon() -> None:
    text = '{"name": "a", "nice": 1}\n{"name": "b", "sched": "rr"}\n'
    draft = draft_of_rules((Source("a.rules", text),), "a")
    assert '"b"' not in draft.text
    assert [gap.where for gap in draft.gaps] == ["a.rules:2.sched"]


NAMES = st.sampled_from(["a", "b", "c", "firefox", "a-very-long-name-of-a-program", 'q"', "*", "ü"])
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "nice": st.integers(-20, 19),
        "latency_nice": st.integers(-20, 19),
        "sched": st.sampled_from(["normal", "batch", "idle", "rr", "fifo", "other", "deadline"]),
        "ioclass": st.just("idle"),
        "surprise": st.none() | st.integers(),
    },
)
RULES = st.lists(
    st.builds(lambda name, values: {"name": name} | values, NAMES, VALUES), max_size=12
)


@settings(max_examples=80)
@given(RULES)
def test_each_program_is_in_the_queue_of_its_class(rules: list[dict[str, object]]) -> None:
    text = "".join(f"{json.dumps(rule)}\n" for rule in rules)
    found = read_rules((Source("a.rules", text),))
    if not isinstance(found, Rules):
        assert [finding.message for finding in found] == ["no rule here gives a program a class"]
        return
    policy = compiled(draft_of_rules((Source("a.rules", text),), "some").text)
    machine = Machine(policy, Topology(cpus=1), ())
    queues: dict[int, Values] = {}
    for program in found.programs:
        is_said = program.name.isascii() and not set(program.name) & {"*", '"'}
        if is_said and program.values.sched not in REAL_TIME:
            number = machine.fork(TaskSpec(program.name[:15], program.name[:15]), 0)
            queue = machine.tasks[number].queue
            assert policy.queues[queue].name != "others"
            assert queues.setdefault(queue, program.values) == program.values
    stranger = machine.fork(TaskSpec("zzz", "zzz"), 0)
    assert policy.queues[machine.tasks[stranger].queue].name == "others"


@settings(max_examples=100)
@given(RULES, st.data())
def test_a_damaged_text_is_told_and_never_a_crash(
    rules: list[dict[str, object]], data: st.DataObject
) -> None:
    text = "".join(f"{json.dumps(rule)}\n" for rule in rules)
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 4)) :]
    if not wrong_rules(damaged):
        compiled(draft_of_rules((Source("a.rules", damaged),), "some").text)
