/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What each CPU keeps. To be included after struct cpu_ctx.
 *
 * A callback may run on another CPU than the one that it is about, hence the look-up by number.
 * The kernel holds that CPU's run queue meanwhile, so that plain fields will do.
 */
#ifndef SCHEDC_CPUS_H
#define SCHEDC_CPUS_H

#include "kfuncs.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_ctx);
} cpus SEC(".maps");

static __always_inline struct cpu_ctx *find_cpu(s32 cpu)
{
	u32 zero = 0;

	return bpf_map_lookup_percpu_elem(&cpus, &zero, cpu);
}

#endif
