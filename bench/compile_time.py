"""How long `schedc compile` takes, proofs included, beside what no compiler of this kind can avoid.

`python -m bench.compile_time [--rounds N] [POLICY ...]` measures, in turn and in one run:

schedc      `schedc compile`: a new process, text to object, with all proofs. Of earlier runs it has
            only what is the same for all policies: parser tables and compiled templates
clang       clang alone on the C that schedc emitted
vmlinux     clang on the same C with the kernel's whole vmlinux.h read before it
imports     a new Python process that imports z3, lark, jinja2 and click, and does nothing
grammar     making the parser tables, within a process: a first run does that and keeps them

The aim: schedc takes at most 1.5 times (imports + clang). Table on standard output, and
bench/results/compile_time.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

from bench.measure import Command, Sample, Series, Spread, interleaved, ratio, spread
from bench.vmlinux import write_header, write_shield
from schedlang_bpf.compiler import clang
from schedlang_vm.toolbox import Toolbox, locate

ROOT: Final = Path(__file__).parents[1]
HEADERS: Final = ROOT / "backends/schedlang_bpf/include"
RESULTS: Final = ROOT / "bench/results"
POLICIES: Final = tuple(ROOT / "examples" / f"{name}.sched" for name in ("fifo", "web_server"))
AIM: Final = 1.5
IMPORTS: Final = "import z3, lark, jinja2, click"
GRAMMAR: Final = """\
import time
from schedlang.syntax.parse import make_tables, read_grammar
grammar = read_grammar()
start = time.perf_counter()
make_tables(grammar)
print(time.perf_counter() - start)
"""


@final
@dataclass(frozen=True, slots=True)
class Result:
    """One policy's figures, in milliseconds and as ratios."""

    policy: str
    wall_ms: Mapping[str, Spread]
    cpu_ms: Mapping[str, Spread]
    wall_ratio: Spread
    cpu_ratio: Spread
    vmlinux_ratio: Spread

    @property
    def is_within_aim(self) -> bool:
        return self.wall_ratio.median <= AIM


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.compile_time", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("policies", nargs="*", type=Path, default=POLICIES, metavar="POLICY")
    chosen = parser.parse_args()
    toolbox = locate()
    with tempfile.TemporaryDirectory() as folder:
        results = [measure(p, chosen.rounds, Path(folder), toolbox) for p in chosen.policies]
        grammar = spread([grammar_s() for _ in range(chosen.rounds)]).scaled(1000)
    write(results, grammar, chosen.rounds, toolbox)
    print_table(results, grammar)
    return 0


def measure(policy: Path, rounds: int, folder: Path, toolbox: Toolbox) -> Result:
    print(f"{policy.stem}: {rounds} rounds", file=sys.stderr, flush=True)
    commands = commands_for(policy, folder, toolbox)
    series = interleaved(commands, rounds, folder / "log")
    floor = ("imports", "clang")
    return Result(
        policy.stem,
        {name: spread_ms(series, name, wall) for name in commands},
        {name: spread_ms(series, name, cpu) for name in commands},
        ratio(series, "schedc", floor, wall),
        ratio(series, "schedc", floor, cpu),
        ratio(series, "schedc", ("vmlinux",), wall),
    )


def commands_for(policy: Path, folder: Path, toolbox: Toolbox) -> dict[str, Command]:
    """All of them in one environment: whatever could cache a compilation is pointed at nothing."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "ZIG_GLOBAL_CACHE_DIR": str(folder / "zig")}
    schedc = Path(sys.executable).with_name("schedc")
    source, header, shield = folder / "policy.bpf.c", folder / "vmlinux.h", folder / "shield.h"
    emitted = subprocess.run(
        [schedc, "compile", policy, "--emit", "c"], stdout=subprocess.PIPE, check=True
    )
    source.write_bytes(emitted.stdout)
    headers = folder / "include"
    shutil.copytree(HEADERS, headers, dirs_exist_ok=True)
    if not header.exists():
        write_header(toolbox.newest().image, toolbox.tool("bpftool").path, header)
    write_shield([source, *headers.rglob("*.h")], header, shield)
    tool = toolbox.tool("clang")
    compile_c = clang(tool.path, tool.version).arguments(source.name, "policy.bpf.o")
    argv: dict[str, Sequence[str | Path]] = {
        "schedc": (schedc, "compile", policy.absolute(), "--output-dir", folder / "out"),
        "clang": compile_c,
        "vmlinux": (*compile_c, "-w", "-include", shield),
        "imports": (sys.executable, "-c", IMPORTS),
    }
    return {name: Command(tuple(words), folder, environment) for name, words in argv.items()}


def grammar_s() -> float:
    done = subprocess.run(
        [sys.executable, "-c", GRAMMAR], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def wall(sample: Sample) -> float:
    return sample.wall_s


def cpu(sample: Sample) -> float:
    return sample.cpu_s


def spread_ms(series: Series, name: str, of: Callable[[Sample], float]) -> Spread:
    return spread([of(sample) for sample in series[name]]).scaled(1000)


def print_table(results: Sequence[Result], grammar: Spread) -> None:
    print(f"{'ms, median (quartiles)':<24}" + "".join(f"{r.policy:>24}" for r in results))
    for name in results[0].wall_ms:
        print(row(name, [r.wall_ms[name] for r in results], ".0f"))
    print(row("schedc, CPU time", [r.cpu_ms["schedc"] for r in results], ".0f"))
    print(row("grammar, first run only", [grammar for _ in results], ".0f"))
    print(row("schedc/(imports+clang)", [r.wall_ratio for r in results], ".2f"))
    print(row("  the same of CPU time", [r.cpu_ratio for r in results], ".2f"))
    print(row("schedc/vmlinux", [r.vmlinux_ratio for r in results], ".2f"))
    verdicts = ["met" if r.is_within_aim else "MISSED" for r in results]
    print(f"{f'aim: at most {AIM}':<24}" + "".join(f"{verdict:>24}" for verdict in verdicts))


def row(name: str, spreads: Sequence[Spread], form: str) -> str:
    cells = (f"{s.median:{form}} ({s.low:{form}}-{s.high:{form}})" for s in spreads)
    return f"{name:<24}" + "".join(f"{cell:>24}" for cell in cells)


def write(results: Sequence[Result], grammar: Spread, rounds: int, toolbox: Toolbox) -> None:
    document = {
        "rounds": rounds,
        "aim": AIM,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "clang": toolbox.tool("clang").version,
        "grammar_ms": asdict(grammar),
        "policies": [asdict(result) | {"within_aim": result.is_within_aim} for result in results],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "compile_time.json").write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
