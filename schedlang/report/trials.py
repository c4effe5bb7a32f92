"""Trials of a policy's tests: what is said of a failed expectation, JSON, and JUnit's XML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, final
from xml.etree.ElementTree import Element, SubElement, tostring

from schedlang.diagnostics.model import Diagnostic, Label
from schedlang.diagnostics.render_json import JsonObject, JsonValue
from schedlang.ir.testing import Before, Expectation, Limit, Measure
from schedlang.report.chart import Chart, Wait, beginning, window
from schedlang.testing.judge import Judged
from schedlang.testing.run import Trial
from schedlang.units import duration

_MOST_TURNS: Final = 40
_AROUND: Final = 2  # of a wait's length, before it


@final
@dataclass(frozen=True, slots=True)
class Tried:
    """The trials of one policy, by the path that the user gave. `where` ran them."""

    path: str
    where: str
    trials: tuple[Trial, ...]


def expectation_text(expectation: Expectation) -> str:
    match expectation:
        case Before(first=first, second=second):
            return f'"{first}" before "{second}"'
        case Limit(measure=measure, statistic=statistic, group=group, relation=relation):
            words = [statistic, measure, f'"{group}"' if group else None, relation]
            limit = amount(expectation, expectation.value)
            return " ".join([*(str(word) for word in words if word is not None), limit])


def amount(expectation: Expectation, value: float) -> str:
    """A measured value, or the limit, in the expectation's unit."""
    match expectation:
        case Limit(measure=Measure.SHARE):
            return f"{value:.1f}".removesuffix(".0") + "%"
        case Limit(measure=Measure.PASSES):
            return f"{value:.0f}"
        case _:
            return duration(int(value))


def failure(trial: Trial, judged: Judged, where: str, drawing: str = "") -> Diagnostic:
    """What a failed expectation tells; `drawing` is the run where it shows."""
    expectation = judged.expectation
    said = expectation_text(expectation)
    if judged.measured is None or isinstance(expectation, Before):
        found = judged.why
    else:
        found = f"it is {amount(expectation, judged.measured)}"
    message = f'test "{trial.test.name}": {said} does not hold'
    notes = (f"on {where}, seed {trial.seed}",) + ((drawing,) if drawing else ())
    return Diagnostic("E0801", message, Label(expectation.span, found), notes=notes)


def offending(chart: Chart, judged: Judged, groups: Sequence[str]) -> Chart:
    """The part of the run that the failure is about: around the group's longest wait if the
    expectation is about waiting, else the beginning. `groups` are the groups of the threads.
    """
    worst = _worst(chart, judged.expectation, groups)
    if worst is None:
        return beginning(chart, _MOST_TURNS)
    length_ns = worst.end_ns - worst.start_ns
    seen = window(chart, worst.start_ns - length_ns // _AROUND, worst.end_ns + 1)
    return replace(seen, highlighted=worst.task)


def _worst(chart: Chart, expectation: Expectation, groups: Sequence[str]) -> Wait | None:
    if not isinstance(expectation, Limit):
        return None
    if expectation.measure not in (Measure.WAIT, Measure.WAKEUP):
        return None
    waits = [wait for wait in chart.waits if groups[wait.task] == expectation.group]
    return max(waits, key=lambda w: (w.end_ns - w.start_ns, -w.start_ns), default=None)


def trials_text(tried: Tried) -> str:
    """One line a test: whether all seeds met all expectations."""
    lines = []
    for name in dict.fromkeys(trial.test.name for trial in tried.trials):
        trials = [trial for trial in tried.trials if trial.test.name == name]
        failed = [str(trial.seed) for trial in trials if not trial.holds]
        seeds = f" ({len(trials)} seeds)" if len(trials) > 1 else ""
        word = "failed" if failed else "passed"
        which = f" with seed {', '.join(failed)}" if failed and len(trials) > 1 else ""
        lines.append(f"{word}  {tried.path}: {name}{seeds}{which}\n")
    return "".join(lines)


# --- JSON


def tried_json(tried: Tried) -> JsonObject:
    return {
        "policy": tried.path,
        "where": tried.where,
        "trials": [_trial_json(trial) for trial in tried.trials],
    }


def _trial_json(trial: Trial) -> JsonObject:
    judged: list[JsonValue] = [
        {
            "expectation": expectation_text(one.expectation),
            "holds": one.holds,
            "measured": one.measured,
            "why": one.why,
        }
        for one in trial.judged
    ]
    return {"test": trial.test.name, "seed": trial.seed, "holds": trial.holds, "expected": judged}


# --- JUnit


def junit_xml(all_tried: Sequence[Tried]) -> bytes:
    """A `testsuites` document: a suite for each policy, a case for each test and seed."""
    root = Element("testsuites", {"name": "schedc test"})
    for tried in all_tried:
        failed = sum(not trial.holds for trial in tried.trials)
        counts = {"tests": str(len(tried.trials)), "failures": str(failed), "errors": "0"}
        suite = SubElement(root, "testsuite", {"name": _legal(tried.path), **counts})
        for trial in tried.trials:
            _case(suite, tried, trial)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _case(suite: Element, tried: Tried, trial: Trial) -> None:
    name = f"{trial.test.name} (seed {trial.seed})"
    about = {"name": _legal(name), "classname": _legal(tried.path)}
    case = SubElement(suite, "testcase", about)
    for judged in trial.judged:
        if not judged.holds:
            told = failure(trial, judged, tried.where)
            label = told.primary.text if told.primary is not None else ""
            message = {"message": _legal(f"{told.message}: {label}"), "type": told.code}
            SubElement(case, "failure", message).text = _legal("\n".join(told.notes))


def _legal(text: str) -> str:
    """`text` without what XML 1.0 cannot hold."""
    return "".join(c if c in "\t\n" or (c.isprintable() and c < "\ufffe") else "?" for c in text)
