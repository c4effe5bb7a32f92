/* SPDX-License-Identifier: GPL-2.0 */
/* The maps of a scheduler. To be included after struct task_ctx and enum queue. */
#ifndef SCHEDC_MAPS_H
#define SCHEDC_MAPS_H

#include "turn.h"
#if !defined(SCHEDC_UNITS_H) && !defined(SCHEDC_CONFINED_H)
#include "global.h"
#endif

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} tasks SEC(".maps");

/* For the world to read, by queue, if turns are counted. */
struct queue_stats {
	u64 dispatches;
	u64 wait_total_ns;
	u64 wait_max_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, NR_QUEUES);
	__type(key, u32);
	__type(value, struct queue_stats);
} stats SEC(".maps");

static __always_inline struct task_ctx *find_task(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

static __always_inline struct task_ctx *create_task(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

/* Count a turn that begins, and the wait before it. */
static __noinline void count_turn(struct turn *turn, u64 now)
{
	u64 waited_ns = turn->waiting ? time_since(now, turn->waiting_since) : 0;
	struct queue_stats *s = bpf_map_lookup_elem(&stats, &turn->queue);

	if (!s)
		return;
	s->dispatches++;
	s->wait_total_ns += waited_ns;
	if (waited_ns > s->wait_max_ns)
		s->wait_max_ns = waited_ns;
}

static __always_inline void turn_runs(struct turn *turn, u64 now)
{
	if (counts_turns)
		count_turn(turn, now);
	turn->waiting = false;
	turn->returned = false;
	turn->running = true;
	turn->started_at = now;
}

/*
 * The queues that hold a task which may run on `cpu`, as bits. `head` becomes the key of the first
 * such task of queue `own`, if there is one.
 */
__global u64 waiting_here(s32 cpu, u32 own, u64 *head __arg_nonnull)
{
	u64 waiting = 0, key = 0;
	u32 queue;

	for (queue = 0; queue < NR_QUEUES; queue++) {
		/* Without a branch, which the verifier would follow for every set of queues. */
		waiting |= (u64)(first_key(dsq_here(queue, cpu), cpu, &key) & 1) << queue;
		if (queue == own)
			*head = key;
	}
	return waiting;
}

#endif
