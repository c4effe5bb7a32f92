"""`schedc tune`: other values for the params of the policy that `run --host` holds here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from schedlang.cli.exits import exit_for
from schedlang.cli.options import exits_with, format_option, library_option, policy_argument
from schedlang.cli.output import Format, findings_of, print_findings, print_problem

if TYPE_CHECKING:
    from schedlang.diagnostics.render_json import JsonValue
    from schedlang.ir.nodes import Policy


@click.command()
@policy_argument
@click.argument("settings", metavar="NAME=VALUE...", nargs=-1, required=True)
@library_option
@format_option
@exits_with
def tune(policy: str, settings: tuple[str, ...], libraries: tuple[Path, ...], form: Format) -> int:
    """Change params of POLICY while it is loaded on this machine.

    Each value has to lie in the range that the policy gives, for which the proofs hold. See
    `run --host`; in the micro-VM and in the simulator, --tune does the same.
    """
    from schedlang.backend import EnvironmentProblem
    from schedlang.cli.host import this_host
    from schedlang.cli.tuner import tune_host
    from schedlang.driver import Phase, Request, run

    done = run(Request(policy, Phase.LOWER, libraries=libraries))
    if done.policy is None:
        print_findings([findings_of(done)], form)
        return exit_for(done.diagnostics)
    chosen = _read(settings, done.policy)
    try:
        before = tune_host(this_host(), done.policy, chosen)
    except EnvironmentProblem as problem:
        return exit_for(print_problem(problem, policy, form))
    changes = {name: (before[name], value) for name, value in chosen.items()}
    if form is Format.HUMAN:
        for name, values in changes.items():
            shown = [_shown(name, value, done.policy) for value in values]
            click.echo(f"{name}: {' -> '.join(shown)}")
    told: list[JsonValue] = [
        {"param": name, "old": old, "new": new} for name, (old, new) in changes.items()
    ]
    print_findings([findings_of(done)], form, {"tuned": told})
    return exit_for(done.diagnostics)


def _read(settings: tuple[str, ...], policy: Policy) -> dict[str, int]:
    from schedlang.cli.workload import BadText, read_tunable

    try:
        return dict(read_tunable(text, policy) for text in settings)
    except BadText as error:
        raise click.BadParameter(str(error), param_hint="NAME=VALUE") from error


def _shown(name: str, value: int, policy: Policy) -> str:
    from schedlang.ir.nodes import Type
    from schedlang.units import duration

    param = next(param for param in policy.params if param.name == name)
    match param.type:
        case Type.DURATION:
            return duration(value)
        case Type.SHARE:
            return f"{value}%"
        case Type.BOOL:
            return "true" if value else "false"
        case _:
            return str(value)
