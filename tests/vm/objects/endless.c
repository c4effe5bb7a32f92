/* Refused by the verifier: it cannot see this loop's end. */
#include "scx.h"

volatile u64 limit, sum;

SEC("struct_ops/endless_enqueue") int endless_enqueue(u64 *ctx)
{
#line 7 "policy.sched"
	for (u64 i = 0; i < limit; i++)
		sum += i;
	insert((struct task_struct *)ctx[0], SCX_DSQ_GLOBAL, SCX_SLICE_DFL, ctx[1]);
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops endless_ops = {
	.enqueue = (void *)endless_enqueue,
	.name = "endless",
};
