/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Queues that have an instance on each node, on each last-level cache or on each CPU. To be
 * included after enum queue; the policy defines `scope_of` and `reach_of`.
 *
 * Units are numbered from 0 in the order of their first CPUs. The topology is the kernel's when the
 * scheduler is loaded; a CPU that comes or goes ends the scheduler, and loading it again reads anew.
 */
#ifndef SCHEDC_UNITS_H
#define SCHEDC_UNITS_H

#include "topology.h"

/* A power of two: an index that is not below is cut off. A larger machine is refused. */
#define MAX_CPUS 1024

/* From the widest to the narrowest. */
enum scope {
	SCOPE_GLOBAL,
	SCOPE_NODE,
	SCOPE_LLC,
	SCOPE_CPU,
};

/* How far a CPU goes for a task if it finds none; the nearest instances come first. */
enum reach {
	REACH_LLC,
	REACH_NODE,
	REACH_ANY,
	REACH_NOTHING,
};

/* A queue's clock on one unit; CPUs that share none share no cache line either. */
struct clock {
	u64 now;
} __attribute__((aligned(64)));

/* Where a CPU is. */
struct cpu_place {
	u16 llc;
	u16 node;
};

static struct cpu_place cpu_places[MAX_CPUS];
static u16 first_of_llc[MAX_CPUS], first_of_node[MAX_CPUS];
static u32 nr_cpus, nr_llcs, nr_nodes;

static __always_inline enum scope scope_of(u32 queue);
static __always_inline enum reach reach_of(u32 queue);

static __always_inline u64 *unit_clock(struct clock *clocks, u32 unit)
{
	return &clocks[unit & (MAX_CPUS - 1)].now;
}

static __always_inline struct cpu_place *place_of(s32 cpu)
{
	return &cpu_places[cpu & (MAX_CPUS - 1)];
}

static __always_inline u32 unit_of(enum scope scope, s32 cpu)
{
	switch (scope) {
	case SCOPE_GLOBAL:
		return 0;
	case SCOPE_NODE:
		return place_of(cpu)->node;
	case SCOPE_LLC:
		return place_of(cpu)->llc;
	case SCOPE_CPU:
		return cpu;
	}
	return 0;
}

static __always_inline u32 nr_units(enum scope scope)
{
	switch (scope) {
	case SCOPE_GLOBAL:
		return 1;
	case SCOPE_NODE:
		return nr_nodes;
	case SCOPE_LLC:
		return nr_llcs;
	case SCOPE_CPU:
		return nr_cpus;
	}
	return 1;
}

static __always_inline s32 first_cpu(enum scope scope, u32 unit)
{
	switch (scope) {
	case SCOPE_GLOBAL:
		return 0;
	case SCOPE_NODE:
		return first_of_node[unit & (MAX_CPUS - 1)];
	case SCOPE_LLC:
		return first_of_llc[unit & (MAX_CPUS - 1)];
	case SCOPE_CPU:
		return unit;
	}
	return 0;
}

/* An instance is a dispatch queue; that of unit 0 has the queue's number. */
static __always_inline u64 dsq_of(u32 queue, u32 unit)
{
	return queue + (u64)unit * NR_QUEUES;
}

/* The instance that a CPU sees. */
static __always_inline u64 dsq_here(u32 queue, s32 cpu)
{
	return dsq_of(queue, unit_of(scope_of(queue), cpu));
}

/* How far a unit is from a CPU. */
static __always_inline enum reach distance_to(enum scope scope, u32 unit, s32 cpu)
{
	struct cpu_place *here = place_of(cpu), *there = place_of(first_cpu(scope, unit));

	if (there->llc == here->llc)
		return REACH_LLC;
	return there->node == here->node ? REACH_NODE : REACH_ANY;
}

/* --- reading the topology */

/* By the kernel's number of a cache or a node, ours and one more; zero if it was not seen yet. */
static u16 llc_numbers[MAX_CPUS], node_numbers[MAX_CPUS];

/* Our number of what the kernel calls `id`, of which `count` are known, the last one of `cpu`. */
static __always_inline u16 number_of(u16 *numbers, u32 id, u32 *count, u16 *first, s32 cpu)
{
	u16 *number = &numbers[id & (MAX_CPUS - 1)];

	if (!*number) {
		first[*count & (MAX_CPUS - 1)] = cpu;
		*number = ++*count;
	}
	return *number - 1;
}

static __noinline s32 number_units(void)
{
	struct bpf_iter_num it;
	int *cpu;

	nr_cpus = scx_bpf_nr_cpu_ids();
	if (nr_cpus > MAX_CPUS)
		return -E2BIG;
	bpf_iter_num_new(&it, 0, nr_cpus);
	while ((cpu = bpf_iter_num_next(&it))) {
		struct cpu_place *place = place_of(*cpu);

		place->llc = number_of(llc_numbers, llc_of(*cpu), &nr_llcs, first_of_llc, *cpu);
		place->node = number_of(node_numbers, node_of(*cpu), &nr_nodes, first_of_node, *cpu);
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

static __noinline s32 create_instances(u32 queue)
{
	struct bpf_iter_num it;
	s32 error = 0;
	int *unit;

	bpf_iter_num_new(&it, 0, nr_units(scope_of(queue)));
	while ((unit = bpf_iter_num_next(&it))) {
		error = scx_bpf_create_dsq(dsq_of(queue, *unit), -1);
		if (error)
			break;
	}
	bpf_iter_num_destroy(&it);
	return error;
}

/* --- homes and idle CPUs */

/* The CPU whose instance a task joins that claims none. */
static __always_inline s32 home_of(struct task_struct *p, s32 cpu)
{
	return bpf_cpumask_test_cpu(cpu, p->cpus_ptr) ? cpu : bpf_cpumask_first(p->cpus_ptr);
}

/* Take an idle CPU of the unit that `cpu` is in off the idle ones, if the task may run there. */
static __noinline s32 pick_idle_of(struct task_struct *p, enum scope scope, s32 cpu)
{
	switch (scope) {
	case SCOPE_GLOBAL:
		return scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	case SCOPE_NODE:
		return pick_idle_in(p, node_cpus(cpu), 0);
	case SCOPE_LLC:
		return pick_idle_in(p, llc_cpus(cpu), 0);
	case SCOPE_CPU:
		break;
	}
	if (bpf_cpumask_test_cpu(cpu, p->cpus_ptr) && scx_bpf_test_and_clear_cpu_idle(cpu))
		return cpu;
	return -1;
}

/* An idle CPU that may take the task from an instance: one that sees it, or else a thief. */
static __noinline s32 pick_idle_taker(struct task_struct *p, u32 queue, u32 unit)
{
	enum scope scope = scope_of(queue);
	enum reach reach = reach_of(queue);
	s32 first = first_cpu(scope, unit), cpu;

	cpu = pick_idle_of(p, scope, first);
	if (cpu >= 0 || reach == REACH_NOTHING)
		return cpu;
	return pick_idle_of(p, reach == REACH_NODE ? SCOPE_NODE : SCOPE_GLOBAL, first);
}

/* --- stealing */

/* Whether a CPU may take from an instance that is not its own. */
static __always_inline bool may_rob(u32 queue, u32 unit, s32 cpu)
{
	enum reach reach = reach_of(queue);

	return reach != REACH_NOTHING && distance_to(scope_of(queue), unit, cpu) <= reach;
}

/* Take a task from the instances at one distance, from the own number on and around the end. */
static __noinline bool steal_at(u32 queue, s32 cpu, enum reach distance)
{
	enum scope scope = scope_of(queue);
	u32 units = nr_units(scope), own = unit_of(scope, cpu);
	struct bpf_iter_num it;
	bool found = false;
	int *step;

	bpf_iter_num_new(&it, 1, units);
	while ((step = bpf_iter_num_next(&it))) {
		u32 unit = own + *step;

		if (unit >= units)
			unit -= units;
		if (distance_to(scope, unit, cpu) != distance)
			continue;
		if (scx_bpf_dsq_nr_queued(dsq_of(queue, unit)) &&
		    move_to_local(dsq_of(queue, unit))) {
			found = true;
			break;
		}
	}
	bpf_iter_num_destroy(&it);
	return found;
}

/* Take a task from another instance, the nearest that has one. */
static __always_inline bool steal_from(u32 queue, s32 cpu)
{
	/* Other caches are farther than the own one, other nodes farther than that. */
	u32 distance = SCOPE_CPU - scope_of(queue);

	for (; distance <= reach_of(queue); distance++) {
		if (steal_at(queue, cpu, distance))
			return true;
	}
	return false;
}

#endif
