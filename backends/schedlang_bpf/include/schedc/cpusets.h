/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sets of CPUs that the policy names. To be included after enum cpuset and sets_with(), which tells
 * the sets that a CPU is in.
 */
#ifndef SCHEDC_CPUSETS_H
#define SCHEDC_CPUSETS_H

#include "cpumask.h"

/* A power of two: an index that is not below is cut off. A larger machine is refused. */
#define MAX_CPUS 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NR_SETS);
	__type(key, u32);
	__type(value, struct cpu_set);
} cpusets SEC(".maps");

/* By CPU, the sets that it is in, as bits. */
static u64 sets_of[MAX_CPUS];

static __always_inline bool in_set(s32 cpu, u32 set)
{
	return sets_of[cpu & (MAX_CPUS - 1)] & BIT(set);
}

static __always_inline struct bpf_cpumask *set_cpus(u32 set)
{
	struct cpu_set *found = bpf_map_lookup_elem(&cpusets, &set);

	return found ? found->cpus : NULL;
}

static __noinline u32 greatest_capacity(const struct cpumask *online)
{
	struct bpf_iter_num it;
	u32 greatest = 0, capacity;
	s32 *cpu;

	bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());
	while ((cpu = bpf_iter_num_next(&it))) {
		if (!bpf_cpumask_test_cpu(*cpu, online))
			continue;
		capacity = scx_bpf_cpuperf_cap(*cpu);
		if (capacity > greatest)
			greatest = capacity;
	}
	bpf_iter_num_destroy(&it);
	return greatest;
}

/* Add a CPU to its sets. */
static __noinline s32 join_sets(s32 cpu, u64 sets)
{
	s32 error;
	u32 set;

	sets_of[cpu & (MAX_CPUS - 1)] = sets;
	for (set = 0; set < NR_SETS; set++) {
		u32 key = set; /* the verifier loses count of what a helper is given */

		if (!(sets & BIT(set)))
			continue;
		error = add_cpu(bpf_map_lookup_elem(&cpusets, &key), cpu);
		if (error)
			return error;
	}
	return 0;
}

/* A CPU that comes or goes ends the scheduler, and loading it again reads anew. */
static __noinline s32 find_sets(void)
{
	const struct cpumask *online;
	struct bpf_iter_num it;
	s32 error = 0, *cpu;
	u32 greatest;

	if (scx_bpf_nr_cpu_ids() > MAX_CPUS)
		return -E2BIG;
	online = scx_bpf_get_online_cpumask();
	greatest = greatest_capacity(online);
	bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());
	while (!error && (cpu = bpf_iter_num_next(&it))) {
		/* Little is what has less than 80% of the greatest capacity. */
		if (bpf_cpumask_test_cpu(*cpu, online))
			error = join_sets(*cpu, sets_with(*cpu, 5 * scx_bpf_cpuperf_cap(*cpu) <
							  4 * greatest));
	}
	bpf_iter_num_destroy(&it);
	scx_bpf_put_cpumask(online);
	return error;
}

#endif
