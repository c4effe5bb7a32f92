/* Refused by the verifier: queues are made in ops.init, not in ops.enqueue. */
#include "scx.h"

SEC("struct_ops/wrong_enqueue") int wrong_enqueue(u64 *ctx)
{
#line 30 "policy.sched"
	return scx_bpf_create_dsq(7, -1);
}

SEC(".struct_ops.link") struct sched_ext_ops wrong_ops = {
	.enqueue = (void *)wrong_enqueue,
	.name = "wrong_place",
};
