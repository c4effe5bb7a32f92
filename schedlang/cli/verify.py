"""`schedc verify`: the word of a real kernel's verifier, from a micro-VM."""

from __future__ import annotations

from pathlib import Path

import click

from schedlang.cli.options import exits_with, format_option, library_option, policy_argument
from schedlang.cli.output import Format
from schedlang.cli.vm import (
    compile_for_kernel,
    machine_options,
    read_topology,
    tell_failure,
    tell_stay,
)

SECONDS = 2.0


@click.command()
@policy_argument
@machine_options
@library_option
@format_option
@exits_with
def verify(
    policy: str,
    cpus: int,
    llcs: int,
    nodes: int,
    smt: int,
    kernel: str,
    libraries: tuple[Path, ...],
    form: Format,
) -> int:
    """Let a kernel in a micro-VM verify and attach POLICY.

    The object stays attached for two seconds under tasks that reach its queues. Nothing of it is
    loaded on this machine.
    """
    topology = read_topology(cpus, llcs, nodes, smt)
    done = compile_for_kernel(policy, libraries)
    if done.built is None or done.policy is None:
        return tell_failure(done, form)
    from schedlang.backend import RunRequest
    from schedlang.cli.workload import default_tasks, task_workload

    workload = task_workload(default_tasks(done.policy), SECONDS)
    request = RunRequest(topology, workload, kernel)
    return tell_stay(done, request, form, was_run=False)
