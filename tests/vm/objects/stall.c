/* Puts every task into a queue that nobody drains, so the watchdog ejects it. */
#include "scx.h"

SEC("struct_ops/stall_enqueue") int stall_enqueue(u64 *ctx)
{
	insert((struct task_struct *)ctx[0], 7, SCX_SLICE_DFL, ctx[1]);
	return 0;
}

SEC("struct_ops.s/stall_init") int stall_init(u64 *ctx)
{
	return scx_bpf_create_dsq(7, -1);
}

SEC(".struct_ops.link") struct sched_ext_ops stall_ops = {
	.enqueue = (void *)stall_enqueue,
	.init = (void *)stall_init,
	.timeout_ms = 2000,
	.name = "stall",
};
