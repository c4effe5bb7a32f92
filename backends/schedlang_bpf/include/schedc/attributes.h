/* SPDX-License-Identifier: GPL-2.0 */
/* A task's attributes, as policies see them. */
#ifndef SCHEDC_ATTRIBUTES_H
#define SCHEDC_ATTRIBUTES_H

#include "kfuncs.h"

#define PF_KTHREAD 0x00200000

/* How many CPUs the machine can have; set when the scheduler is loaded. */
static u32 nr_possible_cpus;

static __always_inline void count_possible_cpus(void)
{
	const struct cpumask *possible = scx_bpf_get_possible_cpumask();

	nr_possible_cpus = bpf_cpumask_weight(possible);
	scx_bpf_put_cpumask(possible);
}

/* How many CPUs are there; with another number the kernel loads the scheduler anew. */
static s64 nr_online_cpus;

static __always_inline void count_online_cpus(void)
{
	const struct cpumask *online = scx_bpf_get_online_cpumask();

	nr_online_cpus = bpf_cpumask_weight(online);
	scx_bpf_put_cpumask(online);
}

static __always_inline s64 nice_of(struct task_struct *p)
{
	return p->static_prio - PRIO_OF_NICE_0;
}

static __always_inline s64 weight_of(struct task_struct *p)
{
	return p->scx.weight;
}

/* A task that runs or waits has credentials; the verifier does not know that. */
static __always_inline s64 uid_of(struct task_struct *p)
{
	const struct cred *cred = p->real_cred;

	return cred ? cred->uid.val : 0;
}

static __always_inline s64 gid_of(struct task_struct *p)
{
	const struct cred *cred = p->real_cred;

	return cred ? cred->gid.val : 0;
}

static __always_inline bool is_group_leader(struct task_struct *p)
{
	return p->pid == p->tgid;
}

static __always_inline bool is_kthread(struct task_struct *p)
{
	return p->flags & PF_KTHREAD;
}

static __always_inline bool is_restricted(struct task_struct *p)
{
	return p->nr_cpus_allowed < nr_possible_cpus;
}

#endif
