/* SPDX-License-Identifier: GPL-2.0 */
/* Where a task's cgroup lies in the hierarchy. */
#ifndef SCHEDC_CGROUP_H
#define SCHEDC_CGROUP_H

#include "kfuncs.h"

#define CGROUP_NAME_LEN 256

/*
 * Whether the ancestor of `cgrp` at `level` (the root's is 0; at its own level a cgroup is its own
 * ancestor) bears the name `text`. `size` counts the final NUL.
 */
static __noinline bool cgroup_at(struct cgroup *cgrp, int level, const char *text, u32 size)
{
	char name[CGROUP_NAME_LEN] = {};
	struct kernfs_node *node;
	u32 i;

	if (read_member(cgrp, level) < level)
		return false;
	node = read_member(read_member(cgrp, ancestors[level]), kn);
	bpf_probe_read_kernel_str(name, sizeof(name), read_member(node, name));
	for (i = 0; i < size && i < CGROUP_NAME_LEN; i++) {
		if (name[i] != text[i])
			return false;
	}
	return true;
}

#endif
