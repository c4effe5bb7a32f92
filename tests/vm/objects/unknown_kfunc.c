/* Not loadable: it calls a kernel function that no kernel has. */
#include "scx.h"

extern void scx_bpf_no_such_thing(void) __attribute__((section(".ksyms")));

SEC("struct_ops/unknown_enqueue") int unknown_enqueue(u64 *ctx)
{
	scx_bpf_no_such_thing();
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops unknown_ops = {
	.enqueue = (void *)unknown_enqueue,
	.name = "unknown",
};
