/* Attaches, and then its ops.init returns -EINVAL. */
#include "scx.h"

SEC("struct_ops.s/sour_init") int sour_init(u64 *ctx)
{
	return -22;
}

SEC(".struct_ops.link") struct sched_ext_ops sour_ops = {
	.init = (void *)sour_init,
	.name = "sour",
};
