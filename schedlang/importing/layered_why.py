"""Why a field of scx_layered's specification is not in the policy: a sentence for each. Pure."""

from __future__ import annotations

from typing import Final

from schedlang.importing.draft import Gap, Loss
from schedlang.importing.layered_spec import Field, Match

_SIZED: Final = "CPU sets sized by utilisation are no part of a policy"
_NODES: Final = "a policy names CPUs, not nodes or caches by their numbers"

_FIELDS: Final = {
    "yield_ignore": "the language has no rules for tasks that yield",
    "preempt_first": "a woken task looks for an idle CPU before it takes a busy one",
    "exclusive": "a core is not kept from the siblings of who runs on it",
    "allow_node_aligned": "deprecated: scx_layered ignores it too",
    "idle_smt": "deprecated: scx_layered ignores it too",
    "disallow_open_after_us": _SIZED,
    "disallow_preempt_after_us": "how saturated the machine is, is not known to a policy",
    "xllc_mig_min_us": "a waiting task may go to another cache at once",
    "growth_algo": _SIZED,
    "util_peak_half_life_ms": _SIZED,
    "util_includes_open_cputime": _SIZED,
    "util_range": _SIZED,
    "idle_resume_us": "idle states of CPUs are not for a scheduler to choose here",
    "nodes": _NODES,
    "llcs": _NODES,
    "placement": "a policy's placement has no memory but the task's last CPU",
    "member_expire_ms": "a task's class is decided at each arrival, from what the task is then",
    "xnuma_threshold": _SIZED,
    "xnuma_threshold_delta": _SIZED,
    "membw_gb": "memory bandwidth is not known to a policy",
    "idle_confined": "placement does not depend on how busy the CPUs of a class are",
    "protected": "others run on a layer's CPUs when it leaves them idle",
    "cpus_range_frac": "how many CPUs there are is not known: write cpus_range",
    "template": "one queue for all cgroups that it matches, not one for each",
}

_MATCHES: Final = {
    Match.CGROUP_PREFIX: "`cgroup under` names a whole group: end the prefix with `/`",
    Match.CGROUP_SUFFIX: "`cgroup under` names a group from the root",
    Match.CGROUP_CONTAINS: "`cgroup under` names a group from the root",
    Match.CGROUP_REGEX: "the language has no regular expressions",
    Match.NSPID_EQUALS: "process ids within a name space are not known to a policy",
    Match.NS_EQUALS: "name spaces are not known to a policy",
    Match.CMD_JOIN: "a command's line is not known to a policy",
    Match.USED_GPU_TID: "what runs on a GPU is not known to a policy",
    Match.USED_GPU_PID: "what runs on a GPU is not known to a policy",
    Match.HINT_EQUALS: "hints that tasks leave in a map are not known to a policy",
    Match.SYSTEM_CPU_UTIL_BELOW: "how busy the machine is, is not known to a policy",
    Match.DSQ_INSERT_BELOW: "how busy the machine is, is not known to a policy",
    Match.NUMA_NODE: "the node of a task's memory is not known to a policy",
}
_NO_PATTERN: Final = "a pattern has 1 to 15 printable ASCII characters, no `*` and no quote in it"


def why_field(field: Field) -> Gap:
    if not field.known:
        why = f"unknown, and scx_layered goes past it too: is `{field.name}` misspelt?"
        return Gap(field.where, field.span, Loss.LEFT_OUT, why)
    loss = Loss.CHANGED if field.name in ("template", "protected") else Loss.LEFT_OUT
    return Gap(field.where, field.span, loss, _FIELDS[field.name])


def why_match(kind: Match) -> str:
    return _MATCHES.get(kind, _NO_PATTERN)
