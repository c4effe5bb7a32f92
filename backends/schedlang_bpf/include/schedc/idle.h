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

/* Wake an idle CPU for the first task of a queue that has one. */
__global int wake_for(u64 dsq)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	s32 cpu = -1;

	if (!scx_bpf_dsq_nr_queued(dsq))
		return 0;
	if (!bpf_iter_scx_dsq_new(&it, dsq, 0)) {
		while ((p = bpf_iter_scx_dsq_next(&it))) {
			cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
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

/* A wake-up may have been spent on another task than it was meant for. */
__global int hand_on(void)
{
	const struct cpumask *idle = scx_bpf_get_idle_cpumask();
	bool none = bpf_cpumask_empty(idle);
	u32 queue;

	scx_bpf_put_idle_cpumask(idle);
	if (none)
		return 0;
	for (queue = 0; queue < NR_QUEUES; queue++) {
		if (wake_for(queue))
			break;
	}
	return 0;
}

/* A CPU that ran none of our tasks has chosen. */
static __always_inline void woken_has_chosen(struct cpu_ctx *c, s32 cpu, bool found)
{
	hand_on();
	/* It goes from idle to idle, of which update_idle is not told, and is marked again. */
	c->in_vain = !found && !c->in_vain;
	if (c->in_vain)
		kick_idle(cpu);
}

/* A CPU stops or begins to run tasks; it is marked already, but for kernels before 6.16. */
static __always_inline void idleness_changes(struct cpu_ctx *c, s32 cpu, bool idle)
{
	u64 head = 0;

	c->in_vain = false;
	if (idle && waiting_here(cpu, NO_QUEUE, &head))
		kick_idle(cpu);
}

#endif
