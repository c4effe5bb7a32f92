"""What no proof rule covers yet: queues with several instances.

All rules are about a queue that every CPU sees whole, and whose tasks stay in one order.
"""

from __future__ import annotations

from schedlang.ir.nodes import Policy, Scope
from schedlang.prover.verdict import Reason, Unknown


def uncovered(policy: Policy) -> Unknown | None:
    """Why nothing can be proved of the policy that depends on which CPU sees which task."""
    for queue in policy.queues:
        if queue.scope is not Scope.GLOBAL:
            return Unknown(Reason.NO_RULE, f"`{queue.name}` is a queue {queue.scope}")
    return None
