/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Turns that end early for others. To be included after struct cpu_ctx.
 *
 * A CPU's own callbacks write what its turn is, and the number of the turn last. Whoever cuts a
 * turn short runs on any CPU and holds another run queue; it writes only `cut_turn`, `cut_ns` and
 * `ended_turn`, under the number that it has read first. So a cut that comes too late names a turn
 * that is over, and does nothing; of two at a time one may be lost, until the next arrival. What is
 * left of a slice is the kernel's to count down, under a lock that cannot be taken from here: hence
 * the CPU's own tick carries out a cut, and nobody writes to a task of another run queue.
 *
 * A turn that has had its time is ended by an interrupt, which can only say "whatever runs": if the
 * CPU goes on to the next turn in that moment, it is that one which ends early.
 */
#ifndef SCHEDC_PREEMPT_H
#define SCHEDC_PREEMPT_H

#include "cpus.h"
#include "distance.h"

/* What a task that waits leaves a turn of queue `over`. */
struct cut {
	u64 left_ns;
	u64 key; /* if `compares`: only a turn with a greater key */
	u64 now;
	u32 over;
	bool compares;
};

static __always_inline void turn_begins(struct cpu_ctx *c, struct turn *turn, u64 now)
{
	c->started_at = now;
	c->slice_ns = turn->slice_ns;
	c->key = turn->key;
	c->turn++;
}

/* How long the turn on a CPU may last. */
static __always_inline u64 allowed_ns(struct cpu_ctx *c)
{
	return READ_ONCE(c->cut_turn) == c->turn ? READ_ONCE(c->cut_ns) : c->slice_ns;
}

static __always_inline bool is_over(struct cpu_ctx *c, u64 now)
{
	return c->running && time_since(now, c->started_at) >= allowed_ns(c);
}

static __always_inline void turn_lasts(struct turn *turn, u64 most_ns)
{
	if (most_ns < turn->slice_ns)
		turn->slice_ns = most_ns;
}

/* Whether the turn on a CPU is one that would last longer than it is left. Its number, or 0. */
static __always_inline u64 turn_to_cut(struct cpu_ctx *c, struct cut *cut)
{
	u64 turn = READ_ONCE(c->turn);

	if (!READ_ONCE(c->running) || READ_ONCE(c->queue) != cut->over ||
	    READ_ONCE(c->ended_turn) == turn)
		return 0;
	if (cut->compares && !point_before(cut->key, READ_ONCE(c->key)))
		return 0;
	if (time_since(cut->now, READ_ONCE(c->started_at)) < cut->left_ns &&
	    allowed_ns(c) <= cut->left_ns)
		return 0;
	return turn;
}

__global int may_be_cut(s32 cpu, struct cut *cut __arg_nonnull)
{
	struct cpu_ctx *c = find_cpu(cpu);

	return c && turn_to_cut(c, cut);
}

/* Let the turn on a CPU last what it is left, or end now if it has lasted that long. */
__global int cut_turn(s32 cpu, struct cut *cut __arg_nonnull)
{
	struct cpu_ctx *c = find_cpu(cpu);
	u64 turn, ran;

	if (!c)
		return 0;
	turn = turn_to_cut(c, cut);
	if (!turn)
		return 0;
	ran = time_since(cut->now, READ_ONCE(c->started_at));
	c->cut_ns = point_min(allowed_ns(c), ran < cut->left_ns ? cut->left_ns : ran);
	c->cut_turn = turn;
	if (ran < cut->left_ns)
		return 1;
	c->ended_turn = turn;
	if (READ_ONCE(c->turn) == turn)
		kick_running(cpu);
	return 1;
}

#ifdef SCHEDC_UNITS_H
/* Whether a CPU sees the instance that the task waits in. */
static __always_inline bool sees(s32 cpu, struct task_ctx *t)
{
	enum scope scope = scope_of(t->turn.queue);

	return unit_of(scope, cpu) == unit_of(scope, t->home);
}
#endif

/* Cut one turn short, the nearest, where the task could run. */
static __noinline bool cut_nearest(struct task_struct *p, struct cut *cut)
{
#ifdef SCHEDC_UNITS_H
	struct task_ctx *t = find_task(p);
#endif
	s32 home = scx_bpf_task_cpu(p), at = -1, *cpu;
	struct bpf_iter_num it;
	u32 nearest = 4, far;

#ifdef SCHEDC_UNITS_H
	if (!t)
		return false;
#endif
	if (bpf_cpumask_test_cpu(home, p->cpus_ptr) && cut_turn(home, cut))
		return true;
	bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());
	while (nearest > 1 && (cpu = bpf_iter_num_next(&it))) {
#ifdef SCHEDC_UNITS_H
		if (!sees(*cpu, t))
			continue;
#endif
		far = distance(home, *cpu);
		if (far < nearest && bpf_cpumask_test_cpu(*cpu, p->cpus_ptr) &&
		    may_be_cut(*cpu, cut)) {
			nearest = far;
			at = *cpu;
		}
	}
	bpf_iter_num_destroy(&it);
	return at >= 0 && cut_turn(at, cut);
}

static __always_inline bool cut_any(struct task_struct *p, u32 over, u64 left_ns, u64 now)
{
	struct cut cut = { .left_ns = left_ns, .now = now, .over = over };

	return cut_nearest(p, &cut);
}

static __always_inline bool cut_later(struct task_struct *p, u32 over, u64 left_ns, u64 now,
				      u64 key)
{
	struct cut cut = {
		.left_ns = left_ns, .key = key, .now = now, .over = over, .compares = true,
	};

	return cut_nearest(p, &cut);
}

#endif
