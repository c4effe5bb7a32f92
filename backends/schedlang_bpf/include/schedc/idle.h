/* SPDX-License-Identifier: GPL-2.0 */
/*
 * No CPU sleeps while a task waits in a queue that it may run. To be included after cpus.h and maps.h.
 *
 * An arrival wakes one idle CPU, which then takes what comes first for it: that may be another
 * task, so the wake-up is handed on. An arrival that found no idle CPU may have missed one that had
 * already looked into the queues, but was not marked as idle yet: so a CPU looks again once it is
 * marked. What remains is an arrival that looks for an idle CPU before the mark is set and comes
 * into its queue after that second look: the kernel inserts a task only when enqueue has returned.
 *
 * A task in a CPU's local queue needs none of this: that CPU is awake, and looks there first.
 */
#ifndef SCHEDC_IDLE_H
#define SCHEDC_IDLE_H

#include "cpus.h"
#include "maps.h"

/* Wake an idle CPU for the first task of an instance that has one. */
__global int wake_for(u32 queue, u32 unit)
{
	u64 dsq = dsq_of(queue, unit);
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	s32 cpu = -1;

	if (!scx_bpf_dsq_nr_queued(dsq))
		return 0;
	if (!bpf_iter_scx_dsq_new(&it, dsq, 0)) {
		while ((p = bpf_iter_scx_dsq_next(&it))) {
			cpu = pick_idle_taker(p, queue, unit);
			if (cpu >= 0)
				break;
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	if (cpu < 0)
		return 0;
	kick_idle(cpu);
	return 1;
}

#ifdef SCHEDC_UNITS_H
/* The same for the instances of a queue that this CPU may take from. */
__global int wake_for_any(u32 queue, s32 cpu)
{
	enum scope scope = scope_of(queue);
	u32 own = unit_of(scope, cpu);
	struct bpf_iter_num it;
	int *unit, woke = 0;

	if (reach_of(queue) == REACH_NOTHING)
		return wake_for(queue, own);
	bpf_iter_num_new(&it, 0, nr_units(scope));
	while ((unit = bpf_iter_num_next(&it))) {
		if ((*unit == own || may_rob(queue, *unit, cpu)) && wake_for(queue, *unit)) {
			woke = 1;
			break;
		}
	}
	bpf_iter_num_destroy(&it);
	return woke;
}

/* Whether a task waits in an instance that this CPU may steal from. */
__global int loot_waits(u32 queue, s32 cpu)
{
	enum scope scope = scope_of(queue);
	struct bpf_iter_num it;
	int *unit, found = 0;
	u64 key = 0;

	bpf_iter_num_new(&it, 0, nr_units(scope));
	while ((unit = bpf_iter_num_next(&it))) {
		if (may_rob(queue, *unit, cpu) && first_key(dsq_of(queue, *unit), cpu, &key)) {
			found = 1;
			break;
		}
	}
	bpf_iter_num_destroy(&it);
	return found;
}
#endif

/* A wake-up may have been spent on another task than it was meant for. */
__global int hand_on(s32 cpu)
{
	const struct cpumask *idle = scx_bpf_get_idle_cpumask();
	bool none = bpf_cpumask_empty(idle);
	u32 queue;

	scx_bpf_put_idle_cpumask(idle);
	if (none)
		return 0;
#ifdef SCHEDC_UNITS_H
	bool for_global = false;

	/* Who is woken for one queue may not look into the instance that another one is about. */
	for (queue = 0; queue < NR_QUEUES; queue++) {
		bool global = scope_of(queue) == SCOPE_GLOBAL;

		if (!(global && for_global) && wake_for_any(queue, cpu) && global)
			for_global = true;
	}
#else
	for (queue = 0; queue < NR_QUEUES; queue++) {
		if (wake_for(queue, 0))
			break;
#ifdef SCHEDC_CONFINED_H
		if (set_of(queue) != NO_SET && wake_for(queue, SPILLED))
			break;
#endif
	}
#endif
	return 0;
}

/* A CPU that ran none of our tasks has chosen. */
static __always_inline void woken_has_chosen(struct cpu_ctx *c, s32 cpu, bool found)
{
	hand_on(cpu);
	/* It goes from idle to idle, of which update_idle is not told, and is marked again. */
	c->in_vain = !found && !c->in_vain;
	if (c->in_vain)
		kick_idle(cpu);
}

/* Whether anything waits that this CPU would take. */
static __always_inline bool work_waits(s32 cpu)
{
	u64 head = 0;

	if (waiting_here(cpu, NO_QUEUE, &head))
		return true;
#ifdef SCHEDC_UNITS_H
	for (u32 queue = 0; queue < NR_QUEUES; queue++) {
		if (reach_of(queue) != REACH_NOTHING && loot_waits(queue, cpu))
			return true;
	}
#endif
	return false;
}

/* A CPU stops or begins to run tasks; it is marked already, but for kernels before 6.16. */
static __always_inline void idleness_changes(struct cpu_ctx *c, s32 cpu, bool idle)
{
	c->in_vain = false;
	if (idle && work_waits(cpu))
		kick_idle(cpu);
}

#endif
