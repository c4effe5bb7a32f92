/* SPDX-License-Identifier: GPL-2.0 */
/* Synchronous wake-ups. */
#ifndef SCHEDC_SYNC_H
#define SCHEDC_SYNC_H

#include "wakers.h"

/* Whether the waker is about to sleep, and leaves its CPU to the task. */
static __always_inline bool makes_room(struct task_struct *p, u64 wake_flags)
{
	return (wake_flags & core_enum(scx_wake_flags, SCX_WAKE_SYNC)) && !in_interrupt() &&
	       bpf_cpumask_test_cpu(bpf_get_smp_processor_id(), p->cpus_ptr);
}

#endif
