"""The printed form of a typed policy."""

from __future__ import annotations

from hypothesis import given, settings

from schedlang.ir.text import print_ir
from tests.support.policies import compiled, policies

TEXT = """## What it is for.
policy p
use std.orders.{vruntime}
param quantum : duration = 4ms in 1ms..8ms
param step : count = 2
fn rising(x : count) = min(x + step, 9)
task { n : count = 1 in -1..9
  hot : bool = false  on stop if blocked and not hot { n = rising(n) }}
order edf { due : time = now  on join { due = clamp(due, now - 1ms, now + 1ms) }  key due }
queue a { global  order vruntime(credit: 5ms, fork: 1ms)  slice quantum }
queue b { global  order edf   slice if n > 3 then 1ms else 2ms }
queue c { global  order fifo  slice 1ms }
route { comm ~ "web*" or cgroup under "/x" -> a  log2(weight) < 5 -> b  else -> c }
serve strict { a  weighted { b: 2  strict { c }: 3 } }
guard b after quantum
guard c at least 10%
place { prev  cpu in any }
guarantee { starvation_free  wait(a) <= 1s when tasks(a) <= 3 and unrestricted and tick <= 1ms
  share(c) >= 5% when backlogged(c)  fair(a, b)  fair(a) within 5ms when cpus <= 1 }
accept starvation of b because "it may"
"""

PRINTED = """policy p
  ## What it is for.
param quantum : duration = 4000000ns in 1000000ns..8000000ns
const step : count = 2
task
  state n : count = 1 in -1..9
  state hot : bool = false in false..true
  on stop if (blocked and (not task.hot))
    n := min((task.n + step), 9) : count in 1..9
queue a : vruntime
  state v : vtime = (clock + 1000000ns)
  on join
    v := max(order.v, (clock - 5000000ns)) : vtime
  on stop
    v := (order.v + ((used * 100) / weight)) : vtime
  clock follows v
  key order.v : vtime
  slice quantum : duration in 1000000ns..8000000ns
queue b : edf
  state due : time = now
  on join
    due := min(max(order.due, (now - 1000000ns)), (now + 1000000ns)) : time
  key order.due : time
  slice (if (task.n > 3) then 1000000ns else 2000000ns) : duration in 1000000ns..2000000ns
queue c : fifo
  key arrival
  slice 1000000ns
route
  ((comm prefix "web") or (cgroup under "/x")) -> a
  (log2(weight) < 5) -> b
  else -> c
serve
  strict
    a
    weighted #0
      weight 2, scale 3
        b
      weight 3, scale 2
        strict
          c
guard b after quantum : duration in 1000000ns..8000000ns
guard c at least 10%
place prev, cpu in any
guarantee starvation_free
guarantee wait(a) <= 1000000000ns when tasks(a) <= 3 and unrestricted and tick <= 1000000ns
guarantee share(c) >= 5% when backlogged(c)
guarantee fair(a, b)
guarantee fair(a) within 5000000ns when cpus <= 1
accept starvation of b because "it may"
"""


def test_everything_is_printed() -> None:
    assert print_ir(compiled(TEXT)) == PRINTED


@settings(deadline=None, max_examples=50)
@given(policies())
def test_the_same_policy_prints_the_same(text: str) -> None:
    assert print_ir(compiled(text)) == print_ir(compiled(text))
