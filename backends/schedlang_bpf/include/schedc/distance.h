/* SPDX-License-Identifier: GPL-2.0 */
/* How near CPUs are to each other. */
#ifndef SCHEDC_DISTANCE_H
#define SCHEDC_DISTANCE_H

#include "kfuncs.h"

/* By CPU: a number that all CPUs of its cache, or of its node, have in common. */
extern const int sd_llc_id __ksym;
extern const int numa_node __ksym;

static __always_inline s32 llc_of(s32 cpu)
{
	const int *llc = bpf_per_cpu_ptr(&sd_llc_id, cpu);

	return llc ? *llc : -1;
}

static __always_inline s32 node_of(s32 cpu)
{
	const int *node = bpf_per_cpu_ptr(&numa_node, cpu);

	return node ? *node : -1;
}

/* 0: the same CPU, 1: the same last-level cache, 2: the same node, 3: neither. */
static __always_inline u32 distance(s32 a, s32 b)
{
	if (a == b)
		return 0;
	if (llc_of(a) == llc_of(b))
		return 1;
	return node_of(a) == node_of(b) ? 2 : 3;
}

#endif
