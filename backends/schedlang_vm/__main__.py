"""`python -m schedlang_vm`: fetch the tools, build the oldest kernel, say what is there."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from schedlang_vm.cache import Cache, default_root
from schedlang_vm.errors import EnvironmentProblem
from schedlang_vm.fetch import RECIPES, fetch_missing
from schedlang_vm.kernel_build import build_oldest_kernel
from schedlang_vm.toolbox import Toolbox, locate


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m schedlang_vm", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="fetch what is missing into the cache")
    setup.add_argument("--only", nargs="+", choices=sorted(RECIPES), metavar="NAME")
    build = commands.add_parser("build-kernel-6.12", help="build the oldest kernel that matters")
    build.add_argument("--jobs", type=int, default=None)
    commands.add_parser("status", help="say what is there and what is not")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "setup":
            return _setup(chosen.only)
        if chosen.command == "build-kernel-6.12":
            build_oldest_kernel(Cache(default_root(os.environ)), _say, chosen.jobs)
        return _status()
    except EnvironmentProblem as problem:
        print(f"error: {problem.what}\nremedy: {problem.remedy}", file=sys.stderr)
        return 1


def _setup(only: Sequence[str] | None) -> int:
    toolbox = locate()
    names = (
        only if only is not None else [gap.name for gap in toolbox.missing() if gap.name in RECIPES]
    )
    fetch_missing(Cache(default_root(os.environ)), names, _say)
    return _status(names)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _status(wanted: Sequence[str] | None = None) -> int:
    """Print the tools; fails when one of `wanted` (by default: any needed one) is missing."""
    toolbox = locate()
    for line in _lines(toolbox):
        print(line)
    gaps = [gap for gap in toolbox.missing() if gap.needed]
    return 1 if any(wanted is None or gap.name in wanted for gap in gaps) else 0


def _lines(toolbox: Toolbox) -> list[str]:
    tools = (toolbox.qemu, toolbox.bpftool, toolbox.busybox, toolbox.clang, toolbox.stress_ng)
    lines = [f"{t.name:<12} {t.version:<28} {t.path}" for t in tools if t is not None]
    kernels = (("kernel", toolbox.kernel), ("kernel-6.12", toolbox.oldest_kernel))
    lines += [f"{name:<12} {k.release:<28} {k.image}" for name, k in kernels if k is not None]
    return lines + [f"{g.name:<12} missing: {g.why}; {g.remedy}" for g in toolbox.missing()]


if __name__ == "__main__":
    sys.exit(main())
