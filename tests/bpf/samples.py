"""Policies for the tests of the BPF backend."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from schedlang.ir.nodes import Policy
from schedlang.prover.verdict import ProofReport
from schedlang.source import Source
from tests.support.policies import compiled

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
NO_PROOF: Final = ProofReport(())

ALL_KINDS: Final = """\
## Of everything something: \
what the language has is in here.
policy everything
use std.orders.{vruntime}

param quantum : duration = 4ms in 1ms..20ms
param fixed   : duration = 3ms
param floor   : share    = 10% in 5%..20%

task {
  burst : duration = 1ms in 0ns..1s
  calm  : bool = true
  seen  : time = now
  on wake { calm = burst < 2ms   seen = now }
  on waking { calm = waker.calm }
  on join if calm and woken { burst = burst / 2 }
  on stop if not blocked { burst = clamp(burst + used, 0ns, granted * 100) }
}

order soonest(wait : duration) {
  due : time = now + wait
  on wake { due = now + wait }
  on join { due = clamp(due, now - wait, now + wait) }
  key due
}

queue urgent { global  order soonest(wait: 2ms)               slice 1ms }
queue fair   { global  order vruntime(credit: 20ms, fork: 1ms) slice quantum }
queue line   { global  order fifo                              slice fixed }
queue rest   { global  order fifo                              slice if pinned then 1ms else 8ms }

route {
  comm ~ "nginx*" or process ~ "*worker" or comm ~ "*x*" or comm ~ "sshd" -> urgent
  kthread or restricted                                                   -> urgent
  cgroup under "/batch.slice/low"                                         -> rest
  log2(weight) < 5 or nice >= 10 or uid == 65534 or comm ~ "k*r/*:0"      -> line
  waker.avg_run < 1ms and wake_gap < 10ms and waking_gap < 10ms           -> urgent
  calm and now - seen < 1s                                                -> urgent
  else                                                                    -> fair
}

serve strict { urgent  weighted { fair: 4  strict { line  rest }: 1 } }
guard fair after 20ms
guard line at least floor
guard rest at least 5%
place { prev  core in any  cpu in any }

accept starvation of rest because "it is idle work"
"""


ALL_SCOPES: Final = """\
## Queues of every scope.
policy scopes
use std.orders.{vruntime}

queue urgent { per cpu   order fifo                               slice 1ms  steal node }
queue normal { per llc   order vruntime(credit: 20ms, fork: 1ms)  slice 4ms  steal }
queue batch  { per node  order fifo                               slice 8ms }
queue rest   { global    order fifo                               slice 8ms }

route {
  nice < 0  -> urgent
  nice > 10 -> rest
  nice > 5  -> batch
  else      -> normal
}

serve strict { urgent  weighted { normal: 4  batch: 1  rest: 1 } }
guard normal at least 20%
guard batch  at least 10%
guard rest   at least 10%
place { prev  cpu in any }
"""


def example(name: str) -> Policy:
    """A policy of the examples, with the file's own name."""
    return in_file(compiled((EXAMPLES / f"{name}.sched").read_text()), f"{name}.sched")


def everything() -> Policy:
    return in_file(compiled(ALL_KINDS), "everything.sched")


def scopes() -> Policy:
    return in_file(compiled(ALL_SCOPES), "scopes.sched")


def in_file(policy: Policy, name: str) -> Policy:
    """The policy as if its text stood in the file `name`."""
    first, *others = policy.sources
    return replace(policy, sources=(Source(name, first.text), *others))
