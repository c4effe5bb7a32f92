/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which CPUs share a last-level cache, and which a memory node, as found when the scheduler is
 * loaded; the kernel has it loaded anew when a CPU comes or goes.
 */
#ifndef SCHEDC_TOPOLOGY_H
#define SCHEDC_TOPOLOGY_H

#include "cpumask.h"
#include "distance.h"

/* A cache or a node with a greater number is not known. */
#define MAX_PARTS 1024

/* The CPUs of cache n are at n, those of node n at MAX_PARTS + n. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * MAX_PARTS);
	__type(key, u32);
	__type(value, struct cpu_set);
} parts SEC(".maps");

static __always_inline struct bpf_cpumask *part(u32 first, s32 number)
{
	u32 index = first + number;
	struct cpu_set *set;

	if ((u32)number >= MAX_PARTS)
		return NULL;
	set = bpf_map_lookup_elem(&parts, &index);
	return set ? set->cpus : NULL;
}

static __always_inline struct bpf_cpumask *llc_cpus(s32 cpu)
{
	return part(0, llc_of(cpu));
}

static __always_inline struct bpf_cpumask *node_cpus(s32 cpu)
{
	return part(MAX_PARTS, node_of(cpu));
}

static __always_inline s32 join_part(u32 first, s32 number, s32 cpu)
{
	u32 index = first + number;

	if ((u32)number >= MAX_PARTS)
		return 0;
	return add_cpu(bpf_map_lookup_elem(&parts, &index), cpu);
}

static __noinline s32 find_parts(void)
{
	const struct cpumask *possible = scx_bpf_get_possible_cpumask();
	struct bpf_iter_num it;
	s32 error = 0, *cpu;

	bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());
	while (!error && (cpu = bpf_iter_num_next(&it))) {
		if (!bpf_cpumask_test_cpu(*cpu, possible))
			continue;
		error = join_part(0, llc_of(*cpu), *cpu);
		if (!error)
			error = join_part(MAX_PARTS, node_of(*cpu), *cpu);
	}
	bpf_iter_num_destroy(&it);
	scx_bpf_put_cpumask(possible);
	return error;
}

#endif
