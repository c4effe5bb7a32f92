/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel functions of sched_ext, under one name each for all kernels from 6.12 on.
 *
 * What a kernel has is asked of its own type information when the object is loaded, never of its
 * version number. libbpf ignores the last ___suffix of a declaration's name.
 */
#ifndef SCHEDC_KFUNCS_H
#define SCHEDC_KFUNCS_H

#include "arith.h"

/* The same in all versions. */
s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) __ksym;
s32 scx_bpf_dsq_nr_queued(u64 dsq_id) __ksym;
void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym;
s32 scx_bpf_pick_idle_cpu(const struct cpumask *allowed, u64 flags) __ksym;
bool scx_bpf_test_and_clear_cpu_idle(s32 cpu) __ksym;
void scx_bpf_cpuperf_set(s32 cpu, u32 speed) __ksym;
s32 scx_bpf_task_cpu(const struct task_struct *p) __ksym;
const struct cpumask *scx_bpf_get_possible_cpumask(void) __ksym;
const struct cpumask *scx_bpf_get_online_cpumask(void) __ksym;
void scx_bpf_put_cpumask(const struct cpumask *mask) __ksym;
const struct cpumask *scx_bpf_get_idle_cpumask(void) __ksym;
void scx_bpf_put_idle_cpumask(const struct cpumask *mask) __ksym;
int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags) __ksym;
struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __ksym;
void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __ksym;
bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask) __ksym;
bool bpf_cpumask_empty(const struct cpumask *mask) __ksym;
u32 bpf_cpumask_first(const struct cpumask *mask) __ksym;
u32 bpf_cpumask_weight(const struct cpumask *mask) __ksym;
struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask) __ksym;
bool bpf_cpumask_and(struct bpf_cpumask *to, const struct cpumask *a,
		     const struct cpumask *b) __ksym;
u32 scx_bpf_nr_cpu_ids(void) __ksym;
u32 scx_bpf_cpuperf_cap(s32 cpu) __ksym;
bool bpf_cpumask_intersects(const struct cpumask *a, const struct cpumask *b) __ksym;
int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
int *bpf_iter_num_next(struct bpf_iter_num *it) __ksym;
void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

/* 6.12 */
void scx_bpf_dispatch___612(struct task_struct *p, u64 dsq, u64 slice, u64 flags) __ksym __weak;
void scx_bpf_dispatch_vtime___612(struct task_struct *p, u64 dsq, u64 slice, u64 vtime,
				  u64 flags) __ksym __weak;
bool scx_bpf_consume___612(u64 dsq) __ksym __weak;
/* 6.13 */
void scx_bpf_dsq_insert___613(struct task_struct *p, u64 dsq, u64 slice, u64 flags) __ksym __weak;
void scx_bpf_dsq_insert_vtime___613(struct task_struct *p, u64 dsq, u64 slice, u64 vtime,
				    u64 flags) __ksym __weak;
bool scx_bpf_dsq_move_to_local___613(u64 dsq) __ksym __weak;
/* 6.14 */
u64 scx_bpf_now___614(void) __ksym __weak;
/* 6.19 */
bool scx_bpf_dsq_insert___v2___619(struct task_struct *p, u64 dsq, u64 slice,
				   u64 flags) __ksym __weak;
bool __scx_bpf_dsq_insert_vtime___619(struct task_struct *p,
				      struct scx_bpf_dsq_insert_vtime_args *args) __ksym __weak;
bool scx_bpf_task_set_slice___619(struct task_struct *p, u64 slice) __ksym __weak;
/* 7.1 */
bool scx_bpf_dsq_move_to_local___v2___701(u64 dsq, u64 flags) __ksym __weak;

static __always_inline u64 now_ns(void)
{
	return kernel_has(scx_bpf_now___614) ? scx_bpf_now___614() : bpf_ktime_get_ns();
}

/* Append a task to a dispatch queue. */
static __always_inline void insert(struct task_struct *p, u64 dsq, u64 slice_ns)
{
	if (kernel_has(scx_bpf_dsq_insert___v2___619))
		scx_bpf_dsq_insert___v2___619(p, dsq, slice_ns, 0);
	else if (kernel_has(scx_bpf_dsq_insert___613))
		scx_bpf_dsq_insert___613(p, dsq, slice_ns, 0);
	else
		scx_bpf_dispatch___612(p, dsq, slice_ns, 0);
}

/* Insert a task into a dispatch queue that is ordered by keys. */
static __always_inline void insert_by_key(struct task_struct *p, u64 dsq, u64 slice_ns, u64 key)
{
	if (kernel_has_type(struct scx_bpf_dsq_insert_vtime_args) &&
	    kernel_has(__scx_bpf_dsq_insert_vtime___619)) {
		struct scx_bpf_dsq_insert_vtime_args args = {
			.dsq_id = dsq,
			.slice = slice_ns,
			.vtime = key,
		};

		__scx_bpf_dsq_insert_vtime___619(p, &args);
	} else if (kernel_has(scx_bpf_dsq_insert_vtime___613)) {
		scx_bpf_dsq_insert_vtime___613(p, dsq, slice_ns, key, 0);
	} else {
		scx_bpf_dispatch_vtime___612(p, dsq, slice_ns, key, 0);
	}
}

/* Give this CPU the first task of a dispatch queue that may run here. False if there is none. */
static __always_inline bool move_to_local(u64 dsq)
{
	if (kernel_has(scx_bpf_dsq_move_to_local___v2___701))
		return scx_bpf_dsq_move_to_local___v2___701(dsq, 0);
	if (kernel_has(scx_bpf_dsq_move_to_local___613))
		return scx_bpf_dsq_move_to_local___613(dsq);
	return scx_bpf_consume___612(dsq);
}

/* What is left of a task's slice; the caller's CPU holds the task's run queue. */
static __always_inline void set_slice(struct task_struct *p, u64 slice_ns)
{
	if (kernel_has(scx_bpf_task_set_slice___619))
		scx_bpf_task_set_slice___619(p, slice_ns);
	else
		p->scx.slice = slice_ns;
}

/* What the kernel asks for by itself; a hint, of which 0 is the least. */
#define FULL_SPEED 1024

static __always_inline void ask_for_speed(u32 speed)
{
	scx_bpf_cpuperf_set(bpf_get_smp_processor_id(), speed);
}

static __always_inline void kick_idle(s32 cpu)
{
	scx_bpf_kick_cpu(cpu, core_enum(scx_kick_flags, SCX_KICK_IDLE));
}

/* End the slice of whatever a CPU runs, and let it choose. */
static __always_inline void kick_running(s32 cpu)
{
	scx_bpf_kick_cpu(cpu, core_enum(scx_kick_flags, SCX_KICK_PREEMPT));
}

/*
 * A BPF program holds migration off for the task that it interrupts, so a count of one means
 * nothing for the current task.
 */
static __always_inline bool migration_disabled(struct task_struct *p)
{
	if (p->migration_disabled == 1)
		return p != bpf_get_current_task_btf();
	return p->migration_disabled > 1;
}

static __always_inline bool is_pinned(struct task_struct *p)
{
	return p->nr_cpus_allowed == 1 || migration_disabled(p);
}

static __always_inline bool may_run_on(struct task_struct *p, s32 cpu)
{
	return bpf_cpumask_test_cpu(cpu, p->cpus_ptr) &&
	       (!migration_disabled(p) || scx_bpf_task_cpu(p) == cpu);
}

/*
 * The key of the first task in a dispatch queue that may run on `cpu`. Zero if there is none.
 * Almost always the first task will do; others are looked at only past tasks bound elsewhere.
 */
__global int first_key(u64 dsq, s32 cpu, u64 *key __arg_nonnull)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	int found = 0;

	if (!scx_bpf_dsq_nr_queued(dsq))
		return 0;
	if (!bpf_iter_scx_dsq_new(&it, dsq, 0)) {
		while ((p = bpf_iter_scx_dsq_next(&it))) {
			if (may_run_on(p, cpu)) {
				*key = p->scx.dsq_vtime;
				found = 1;
				break;
			}
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	return found;
}

/* Whether a task with this key precedes those of a dispatch queue that may run on `cpu`. */
static __always_inline bool comes_first(u64 key, u64 dsq, s32 cpu)
{
	u64 head = 0;

	/* Of two equal keys the one that waits came first. */
	return !first_key(dsq, cpu, &head) || point_before(key, head);
}

#endif
