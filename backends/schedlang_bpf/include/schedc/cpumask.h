/* SPDX-License-Identifier: GPL-2.0 */
/* Sets of CPUs: kept in maps, and intersected to look for an idle CPU in them. */
#ifndef SCHEDC_CPUMASK_H
#define SCHEDC_CPUMASK_H

#include "kfuncs.h"

struct cpu_set {
	struct bpf_cpumask __kptr *cpus;
};

/* What a CPU works sets out in. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_set);
} scratch SEC(".maps");

static __always_inline const struct cpumask *cpus_of(struct bpf_cpumask *mask)
{
	return (const struct cpumask *)mask;
}

/* Claim an idle CPU that is in both sets; -1 if there is none. */
static __noinline s32 pick_idle_among(struct bpf_cpumask *near, const struct cpumask *allowed,
				      u64 flags)
{
	struct bpf_cpumask *both;
	struct cpu_set *set;
	u32 zero = 0;

	set = bpf_map_lookup_elem(&scratch, &zero);
	if (!set || !near)
		return -1;
	both = set->cpus;
	if (!both || !bpf_cpumask_and(both, cpus_of(near), allowed))
		return -1;
	return scx_bpf_pick_idle_cpu(cpus_of(both), flags);
}

/* Claim an idle CPU of `near` that the task may run on; -1 if there is none. */
static __always_inline s32 pick_idle_in(struct task_struct *p, struct bpf_cpumask *near, u64 flags)
{
	return pick_idle_among(near, p->cpus_ptr, flags);
}

/* For a scheduler that is being loaded: nobody else uses the set. */
static __always_inline s32 add_cpu(struct cpu_set *set, s32 cpu)
{
	struct bpf_cpumask *mask;

	if (!set)
		return -ENOMEM;
	mask = bpf_kptr_xchg(&set->cpus, NULL);
	if (!mask)
		mask = bpf_cpumask_create();
	if (!mask)
		return -ENOMEM;
	bpf_cpumask_set_cpu(cpu, mask);
	mask = bpf_kptr_xchg(&set->cpus, mask);
	if (mask)
		bpf_cpumask_release(mask);
	return 0;
}

/* Give each CPU a set of its own in a map. */
#define create_masks(map)								\
	({										\
		struct bpf_iter_num it;							\
		u32 zero = 0;								\
		s32 error = 0, *cpu;							\
											\
		bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());				\
		while (!error && (cpu = bpf_iter_num_next(&it)))			\
			error = add_cpu(bpf_map_lookup_percpu_elem(map, &zero, *cpu), 0); \
		bpf_iter_num_destroy(&it);						\
		error;									\
	})

static __noinline s32 create_scratch(void)
{
	return create_masks(&scratch);
}

#endif
