/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues that keep their tasks to a set of CPUs. To be included after cpusets.h; the policy defines
 * `set_of`.
 *
 * A task that may run on no CPU of the set waits in a dispatch queue of its own, into which only
 * the other CPUs look. So a task that a CPU finds, and that may run on it, is there for it.
 */
#ifndef SCHEDC_CONFINED_H
#define SCHEDC_CONFINED_H

#include "cpusets.h"

enum side {
	KEPT,
	SPILLED,
};

#define NO_SET NR_SETS

/* Where a CPU works out on which CPUs a task may be waited for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_set);
} eligible_cpus SEC(".maps");

static __always_inline u32 set_of(u32 queue);

static __always_inline u64 dsq_of(u32 queue, u32 side)
{
	return queue + (u64)side * NR_QUEUES;
}

/* Where those wait of a queue that are there for this CPU. */
static __always_inline u64 dsq_here(u32 queue, s32 cpu)
{
	u32 set = set_of(queue);

	return dsq_of(queue, set == NO_SET || in_set(cpu, set) ? KEPT : SPILLED);
}

static __always_inline s64 tasks_in(u32 queue)
{
	return scx_bpf_dsq_nr_queued(dsq_of(queue, KEPT)) +
	       scx_bpf_dsq_nr_queued(dsq_of(queue, SPILLED));
}

static __noinline u32 side_of(struct task_struct *p, u32 queue)
{
	u32 set = set_of(queue);
	struct bpf_cpumask *cpus;

	if (set == NO_SET)
		return KEPT;
	cpus = set_cpus(set);
	return cpus && bpf_cpumask_intersects(cpus_of(cpus), p->cpus_ptr) ? KEPT : SPILLED;
}

/* The CPUs for which a task waits in a queue; to be used before the next task is asked about. */
static __noinline const struct cpumask *eligible(struct task_struct *p, u32 queue)
{
	u32 set = set_of(queue), zero = 0;
	struct bpf_cpumask *cpus, *both;
	struct cpu_set *place;

	if (set == NO_SET)
		return p->cpus_ptr;
	cpus = set_cpus(set);
	place = bpf_map_lookup_elem(&eligible_cpus, &zero);
	if (!cpus || !place)
		return p->cpus_ptr;
	both = place->cpus;
	if (!both || !bpf_cpumask_and(both, cpus_of(cpus), p->cpus_ptr))
		return p->cpus_ptr;
	return cpus_of(both);
}

static __always_inline bool waits_for(struct task_struct *p, u32 queue, s32 cpu)
{
	return bpf_cpumask_test_cpu(cpu, eligible(p, queue));
}

static __always_inline s32 pick_idle_taker(struct task_struct *p, u32 queue, u32 side)
{
	return scx_bpf_pick_idle_cpu(eligible(p, queue), 0);
}

static __noinline s32 create_eligible(void)
{
	return create_masks(&eligible_cpus);
}

/* For a scheduler that is being loaded. */
static __noinline s32 create_sides(u32 queue)
{
	s32 error = scx_bpf_create_dsq(dsq_of(queue, KEPT), -1);

	if (!error && set_of(queue) != NO_SET)
		error = scx_bpf_create_dsq(dsq_of(queue, SPILLED), -1);
	return error;
}

#endif
