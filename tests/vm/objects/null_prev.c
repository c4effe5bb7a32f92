/* Refused by the verifier: ops.dispatch's prev may be NULL. */
#include "scx.h"

u64 last_pid;

SEC("struct_ops/broken_dispatch") int broken_dispatch(u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
#line 12 "policy.sched"
	last_pid = prev->pid;
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops broken_ops = {
	.dispatch = (void *)broken_dispatch,
	.name = "broken",
};
