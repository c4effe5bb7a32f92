/* Refused by the verifier: a task reference is taken and never given back. */
#include "scx.h"

extern struct task_struct *bpf_task_from_pid(s32) KFUNC;

u64 found;

SEC("struct_ops/leak_enqueue") int leak_enqueue(u64 *ctx)
{
#line 21 "policy.sched"
	struct task_struct *p = bpf_task_from_pid(1);

	found = p != 0;
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops leak_ops = {
	.enqueue = (void *)leak_enqueue,
	.name = "leak",
};
