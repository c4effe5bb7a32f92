/* SPDX-License-Identifier: GPL-2.0 */
/* What units.h says of instances, where every queue has one, which all CPUs see. */
#ifndef SCHEDC_GLOBAL_H
#define SCHEDC_GLOBAL_H

#include "kfuncs.h"

static __always_inline u64 dsq_of(u32 queue, u32 unit)
{
	return queue;
}

static __always_inline u64 dsq_here(u32 queue, s32 cpu)
{
	return queue;
}

static __always_inline s32 pick_idle_taker(struct task_struct *p, u32 queue, u32 unit)
{
	return scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
}

#endif
