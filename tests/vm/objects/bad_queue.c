/* Ejected at once: it inserts into a queue that does not exist. */
#include "scx.h"

SEC("struct_ops/bad_enqueue") int bad_enqueue(u64 *ctx)
{
	insert((struct task_struct *)ctx[0], 99, SCX_SLICE_DFL, ctx[1]);
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops bad_ops = {
	.enqueue = (void *)bad_enqueue,
	.name = "bad_queue",
};
