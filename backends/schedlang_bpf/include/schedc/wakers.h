/* SPDX-License-Identifier: GPL-2.0 */
/* Whether the task that runs here does what is done here. */
#ifndef SCHEDC_WAKERS_H
#define SCHEDC_WAKERS_H

#include "kfuncs.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* x86 before 6.15 */
struct pcpu_hot {
	int preempt_count;
};

#pragma clang attribute pop

extern const struct pcpu_hot pcpu_hot __ksym __weak;
extern const int __preempt_count __ksym __weak;
/* Where interrupts are also held off by counting, that count lies below theirs. */
extern const unsigned long local_interrupt_disable_state __ksym __weak;

/* A softirq that is served, not held off; hard interrupts, and non-maskable ones. */
#define SERVES_SOFTIRQ (1u << 8)
#define SERVES_HARDIRQ (&local_interrupt_disable_state ? 0x1fu << 24 : 0xffu << 16)

static __always_inline u32 preempt_count(void)
{
	if (&__preempt_count)
		return *(const int *)bpf_this_cpu_ptr(&__preempt_count);
	if (&pcpu_hot)
		return ((const struct pcpu_hot *)bpf_this_cpu_ptr(&pcpu_hot))->preempt_count;
	/* On machines that keep it elsewhere an interrupt counts as the task that it interrupts. */
	return 0;
}

static __always_inline bool in_interrupt(void)
{
	return preempt_count() & (SERVES_SOFTIRQ | SERVES_HARDIRQ);
}

#endif
