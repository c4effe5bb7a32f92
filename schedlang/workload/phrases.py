"""One phase, or one length, as a short text: `run 1ms..3ms`, `send work 2`, `~5ms`.

Below the TOML format. `read_phase(spell_phase(p)) == p` for every phase but a loop, which is a list
of texts (`format`), and so for lengths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, assert_never, final

from schedlang.diagnostics.suggest import did_you_mean
from schedlang.workload.model import (
    Barrier,
    Begin,
    Constant,
    End,
    Exponential,
    Fork,
    Join,
    Length,
    Lock,
    Loop,
    Phase,
    Receive,
    Run,
    Send,
    Sleep,
    Tick,
    Uniform,
    Unlock,
)

UNITS_NS: Final[Mapping[str, int]] = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}
LEAST_NS: Final = 1_000
MOST_NS: Final = 3600 * 10**9
MOST_COUNT: Final = 1_000_000
MOST_PARTIES: Final = 10_000

_TIME = re.compile(r"(\d{1,15})(ns|us|ms|s)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_COUNT = re.compile(r"[1-9]\d{0,8}")


@final
@dataclass(frozen=True, slots=True)
class Misread:
    """Why a text means nothing, and what would. `code` is the diagnostic's."""

    message: str
    help: str
    code: str = "E0703"


def is_name(text: str) -> bool:
    """Whether it can name a group, channel, lock, barrier or request."""
    return _NAME.fullmatch(text) is not None


# --- reading


def read_time(text: str) -> int | Misread:
    """`5ms` in ns."""
    shape = _TIME.fullmatch(text)
    if shape is None:
        return Misread(f"`{text}` is no time", "write a whole number and ns, us, ms or s: `2ms`")
    return int(shape[1]) * UNITS_NS[shape[2]]


def read_length(text: str, least_ns: int = LEAST_NS) -> Length | Misread:
    """`2ms`, `1ms..3ms`, or `~2ms`: always so long, anything between, exponential."""
    return _within_limits(text, _read_length(text), least_ns)


def _read_length(text: str) -> Length | Misread:
    if text.startswith("~"):
        mean_ns = read_time(text[1:])
        return mean_ns if isinstance(mean_ns, Misread) else Exponential(mean_ns)
    first, dots, second = text.partition("..")
    lo_ns = read_time(first)
    if isinstance(lo_ns, Misread) or not dots:
        return lo_ns if isinstance(lo_ns, Misread) else Constant(lo_ns)
    hi_ns = read_time(second)
    return hi_ns if isinstance(hi_ns, Misread) else Uniform(lo_ns, hi_ns)


def _within_limits(text: str, length: Length | Misread, least_ns: int) -> Length | Misread:
    match length:
        case Constant(ns=lo) | Exponential(mean_ns=lo):
            hi = lo
        case Uniform(lo_ns=lo, hi_ns=hi):
            pass
        case Misread():
            return length
        case _:
            assert_never(length)
    if lo > hi:
        return Misread(f"`{text}` begins above its end", "write the lesser time first", "E0704")
    if lo < least_ns or hi > MOST_NS:
        limits = f"{spell_time(least_ns)} and {spell_time(MOST_NS)}"
        return Misread(f"`{text}` is not within {limits}", "choose such a time", "E0704")
    return length


def read_phase(text: str) -> Phase | Misread:
    """What `text` says a thread does; never a loop."""
    verb, *rest = text.split() or [""]
    if verb == "loop":
        return Misread("a `loop` on its own", 'write a list: `["loop 3", "run 1ms"]`')
    form = _FORMS.get(verb)
    if form is None:
        near = did_you_mean(verb, _FORMS)
        known = f"`{near}`" if near else f"one of {', '.join(f'`{v}`' for v in _FORMS)}"
        return Misread(f"`{verb}` is nothing that a thread can do", f"write {known}")
    if not form.least <= len(rest) <= form.most:
        return Misread(f"`{text}` is not complete, or too long", f"write `{form.example}`")
    return form.read(rest)


def read_loop(text: str) -> int | Misread | None:
    """The head of a loop, `loop 3` or `loop`: how often."""
    verb, *rest = text.split() or [""]
    if verb != "loop" or len(rest) > 1:
        return Misread("a list begins with its loop", "write `loop`, or `loop 3`, first")
    return _read_count(rest[0], 10**9) if rest else None


def _read_count(text: str, most: int = MOST_COUNT) -> int | Misread:
    if _COUNT.fullmatch(text) is None:
        return Misread(f"`{text}` is no number from 1 on", "write digits only")
    if int(text) > most:
        return Misread(f"{text} is too many", f"write {most} at most", "E0704")
    return int(text)


def _misnamed(name: str) -> Misread | None:
    if is_name(name):
        return None
    return Misread(
        f"`{name}` is no name", "use letters, digits, `_`, `-`, `.`; begin with a letter"
    )


Words = Sequence[str]


def _timed(make: Callable[[Length], Phase]) -> Callable[[Words], Phase | Misread]:
    def read(words: Words) -> Phase | Misread:
        length = read_length(words[0])
        return length if isinstance(length, Misread) else make(length)

    return read


def _named(make: Callable[[str], Phase]) -> Callable[[Words], Phase | Misread]:
    return lambda words: _misnamed(words[0]) or make(words[0])


def _counted(
    make: Callable[[str, int], Phase], most: int = MOST_COUNT
) -> Callable[[Words], Phase | Misread]:
    def read(words: Words) -> Phase | Misread:
        count = _read_count(words[1], most) if len(words) > 1 else 1
        if isinstance(count, Misread):
            return count
        return _misnamed(words[0]) or make(words[0], count)

    return read


def _read_every(words: Words) -> Tick | Misread:
    length = read_length(words[0])
    if isinstance(length, Misread):
        return length
    if not isinstance(length, Constant):
        return Misread(f"`{words[0]}` is no period", "write one time: `every 5ms`")
    return Tick(length.ns)


@final
@dataclass(frozen=True, slots=True)
class _Form:
    """How one kind of phase is written: the words after its verb, at least and at most."""

    example: str
    least: int
    most: int
    read: Callable[[Words], Phase | Misread]


_FORMS: Final[Mapping[str, _Form]] = {
    "run": _Form("run 1ms..3ms", 1, 1, _timed(Run)),
    "sleep": _Form("sleep ~5ms", 1, 1, _timed(Sleep)),
    "every": _Form("every 5ms", 1, 1, _read_every),
    "send": _Form("send work 2", 1, 2, _counted(Send)),
    "receive": _Form("receive work", 1, 2, _counted(Receive)),
    "lock": _Form("lock mutex", 1, 1, _named(Lock)),
    "unlock": _Form("unlock mutex", 1, 1, _named(Unlock)),
    "barrier": _Form("barrier step 4", 2, 2, _counted(Barrier, MOST_PARTIES)),
    "fork": _Form("fork cc 2", 1, 2, _counted(Fork)),
    "join": _Form("join", 0, 0, lambda _: Join()),
    "begin": _Form("begin request", 1, 1, _named(Begin)),
    "end": _Form("end request", 1, 1, _named(End)),
}


# --- spelling


def spell_time(ns: int) -> str:
    """In the largest unit that needs no fraction."""
    for unit in ("s", "ms", "us"):
        if ns and ns % UNITS_NS[unit] == 0:
            return f"{ns // UNITS_NS[unit]}{unit}"
    return f"{ns}ns"


def spell_length(length: Length) -> str:
    match length:
        case Constant(ns=ns):
            return spell_time(ns)
        case Uniform(lo_ns=lo, hi_ns=hi):
            return f"{spell_time(lo)}..{spell_time(hi)}"
        case Exponential(mean_ns=mean):
            return f"~{spell_time(mean)}"
        case _:
            assert_never(length)


def spell_phase(phase: Phase) -> str:
    """A loop is spelt by its head alone."""
    match phase:
        case Run(length=length):
            return f"run {spell_length(length)}"
        case Sleep(length=length):
            return f"sleep {spell_length(length)}"
        case Tick(period_ns=period):
            return f"every {spell_time(period)}"
        case Loop(times=times):
            return "loop" if times is None else f"loop {times}"
        case Join():
            return "join"
        case Barrier(name=name, parties=parties):
            return f"barrier {name} {parties}"
        case Send(channel=name, count=count):
            return _spell_counted("send", name, count)
        case Receive(channel=name, count=count):
            return _spell_counted("receive", name, count)
        case Fork(group=name, count=count):
            return _spell_counted("fork", name, count)
        case Lock(name=name):
            return f"lock {name}"
        case Unlock(name=name):
            return f"unlock {name}"
        case Begin(name=name):
            return f"begin {name}"
        case End(name=name):
            return f"end {name}"
        case _:
            assert_never(phase)


def _spell_counted(verb: str, name: str, count: int) -> str:
    return f"{verb} {name}" if count == 1 else f"{verb} {name} {count}"
