"""Which tasks of its own queue go before a waiting task, whatever they do.

Fifo: those that arrived before it. A key in time: nobody who arrives later than the key's
`horizon`. A key in virtual time: a task that goes first has a v near the waiting task's, every turn
moves v on, and an arriving v is near the clock (`pace`); what follows from that is counted in
`ahead`. The key may be any expression: horizons are looked for, and then proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

from schedlang.ir import nodes as ir
from schedlang.prover.ahead import ByArrival, Ordering, prove_places
from schedlang.prover.corners import guess_horizon
from schedlang.prover.extremes import Beyond, supremum
from schedlang.prover.overtaking import describe
from schedlang.prover.pace import Pace, prove_pace, two_arrivals
from schedlang.prover.solver import Ledger
from schedlang.prover.subject import ANY_WEIGHT, Subject, arrive, free_moment, key_of
from schedlang.prover.terms import Term, all_of, any_of, integer, variable
from schedlang.prover.verdict import Reason, Unknown
