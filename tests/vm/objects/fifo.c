/* A working scheduler: one global queue, and a count of its insertions. */
#include "scx.h"

static void *(*bpf_map_lookup_elem)(void *, const void *) = (void *)1;

struct {
	int (*type)[2]; /* BPF_MAP_TYPE_ARRAY */
	int (*max_entries)[1];
	u32 *key;
	u64 *value;
} stats SEC(".maps");

SEC(".data") volatile u64 slice_ns = SCX_SLICE_DFL;

SEC("struct_ops/fifo_enqueue") int fifo_enqueue(u64 *ctx)
{
	u32 key = 0;
	u64 *count = bpf_map_lookup_elem(&stats, &key);

	if (count)
		__sync_fetch_and_add(count, 1);
	insert((struct task_struct *)ctx[0], SCX_DSQ_GLOBAL, slice_ns, ctx[1]);
	return 0;
}

SEC(".struct_ops.link") struct sched_ext_ops fifo_ops = {
	.enqueue = (void *)fifo_enqueue,
	.name = "fifo",
};
