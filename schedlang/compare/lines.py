"""Samples as lines of JSON, and back: the setup, one run a line, and a digest of it all. Pure.

The file stands for itself: workloads are in it as they were. The digest notices lines that were
changed, cut, lost or added; it is no signature, for whoever changes a line can change it as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from typing import Final

from schedlang.backend import Provenance
from schedlang.compare.plan import Contender, Entry, Setup, block
from schedlang.compare.samples import Sample, Samples
from schedlang.compare.values import Misread, Value
from schedlang.diagnostics.model import Diagnostic, Repair
from schedlang.diagnostics.render_json import JsonObject
from schedlang.source import Source
from schedlang.topology import Topology
from schedlang.workload.format import format_workload, parse_workload
from schedlang.workload.model import Workload
from schedlang.workload.outcome import GroupOutcome, Latencies, Outcome

_KIND: Final = "schedc comparison"
_VERSION: Final = 1


def write_samples(samples: Samples) -> bytes:
    lines = [_setup_json(samples.setup), *map(_sample_json, samples.samples)]
    body = b"".join(map(_line, lines))
    return body + _line({"digest": sha256(body).hexdigest()})


def _line(value: JsonObject) -> bytes:
    return f"{json.dumps(value, separators=(',', ':'))}\n".encode()


def _setup_json(setup: Setup) -> JsonObject:
    return {
        "kind": _KIND,
        "schema_version": _VERSION,
        "topology": asdict(setup.topology),
        "kernel": setup.kernel,
        "contenders": [asdict(contender) for contender in setup.contenders],
        "workloads": [format_workload(workload) for workload in setup.workloads],
        "seeds": setup.seeds,
    }


def _sample_json(sample: Sample) -> JsonObject:
    return asdict(sample)


# --- reading


def read_samples(name: str, data: bytes) -> Samples | Diagnostic:
    """What the file holds, or why it cannot be used."""
    try:
        return _read(data)
    except (Misread, ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, Misread) else "it is no whole file of samples"
        remedy = Repair("measure anew, or find the file as `schedc compare --out` wrote it")
        return Diagnostic("E1003", f"cannot use `{name}`: {why}", repairs=(remedy,))


def _read(data: bytes) -> Samples:
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        raise Misread("it is no whole file of samples")
    head, *runs, last = lines
    first = Value(json.loads(head))
    if not first.is_object() or first.get("kind").text() != _KIND:
        raise Misread("it is no file of samples")
    if first.get("schema_version").number() != _VERSION:
        raise Misread("it is of another version of schedc")
    if Value(json.loads(last)).get("digest").text() != sha256(b"".join(lines[:-1])).hexdigest():
        raise Misread("it was changed: its digest differs")
    setup = _setup(first)
    samples = tuple(_sample(Value(json.loads(run))) for run in runs)
    planned = [entry for place in range(len(setup.seeds)) for entry in block(setup, place)]
    if [sample.entry for sample in samples] != planned:
        raise Misread("its runs are not those of its plan")
    return Samples(setup, samples)


def _setup(value: Value) -> Setup:
    topology = value.get("topology")
    setup = Setup(
        Topology(*(topology.get(key).number() for key in ("cpus", "llcs", "nodes", "smt"))),
        value.get("kernel").text(),
        tuple(
            Contender(one.get("name").text(), one.get("digest").text())
            for one in value.get("contenders").items()
        ),
        tuple(_workload(one.text()) for one in value.get("workloads").items()),
        tuple(seed.number() for seed in value.get("seeds").items()),
    )
    if not setup.contenders or setup.topology.cpus < 1:
        raise Misread("it compares nothing")
    return setup


def _workload(text: str) -> Workload:
    found = parse_workload(Source("workload", text), "workload")
    if not isinstance(found, Workload):
        raise Misread("a workload in it makes no sense")
    return found


def _sample(value: Value) -> Sample:
    entry, outcome = value.get("entry"), value.get("outcome")
    provenance = value.get("provenance")
    groups = tuple(_group(group) for group in outcome.get("groups").items())
    waits = _numbers(value.get("longest_waits_ns").items())
    if len(waits) != len(groups):
        raise Misread("the waits of a run are not those of its groups")
    return Sample(
        Entry(
            entry.get("workload").text(),
            entry.get("contender").text(),
            entry.get("is_control").truth(),
            entry.get("seed").number(),
            entry.get("drawn_from").number(),
        ),
        Outcome(
            outcome.get("workload").text(),
            outcome.get("scheduler").text(),
            outcome.get("makespan_ns").number(),
            groups,
        ),
        waits,
        value.get("all_ended").truth(),
        value.get("attached").truth(),
        value.get("kernel").text(),
        None if provenance.is_null() else _provenance(provenance),
    )


def _group(value: Value) -> GroupOutcome:
    ended = value.get("ended_ns")
    pairs = [list(pair.items()) for pair in value.get("requests").items()]
    if any(len(pair) != 2 for pair in pairs):
        raise Misread("a request has no latencies")
    return GroupOutcome(
        group=value.get("group").text(),
        threads=value.get("threads").number(),
        ended=value.get("ended").number(),
        ended_ns=None if ended.is_null() else ended.number(),
        run_ns=value.get("run_ns").number(),
        wait_ns=value.get("wait_ns").number(),
        switches=value.get("switches").number(),
        migrations=value.get("migrations").number(),
        passes=value.get("passes").number(),
        wakeups=_latencies(value.get("wakeups")),
        requests=tuple((name.text(), _latencies(taken)) for name, taken in pairs),
        missed=value.get("missed").number(),
    )


def _latencies(value: Value) -> Latencies:
    keys = ("count", "p50_ns", "p99_ns", "max_ns", "total_ns")
    return Latencies(*(value.get(key).number() for key in keys))


def _provenance(value: Value) -> Provenance:
    return Provenance(
        value.get("kernel").text(),
        value.get("qemu_version").text(),
        value.get("qemu").text(),
        value.get("image").text(),
        value.get("index").number(),
        value.get("object").text(),
        tuple(word.text() for word in value.get("command").items()),
    )


def _numbers(values: Sequence[Value]) -> tuple[int, ...]:
    return tuple(value.number() for value in values)
