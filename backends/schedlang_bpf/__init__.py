"""The BPF backend: a typed policy becomes readable sched_ext C, an object, and a kernel's report.

Put together from single ideas: `text`, `expressions`, `naming` turn the policy's words into C;
`functions`, `arbitration`, `about`, `sections` decide what the templates place; `emit` renders;
`compiler`, `build`, `btf`, `inspect` make the object and look into it; `outcomes`, `report`,
`trial` bring back what a kernel in the micro-VM says; `backend` is what the compiler finds.
"""

from __future__ import annotations

from schedlang_bpf.backend import BpfBackend

__all__ = ["BpfBackend"]
