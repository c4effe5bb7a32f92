/* SPDX-License-Identifier: GPL-2.0 */
/* What every policy keeps of a task, and the costs of service. */
#ifndef SCHEDC_TURN_H
#define SCHEDC_TURN_H

#include "kfuncs.h"

#define MIN_CHARGE_NS 1000
#define MAX_CHARGE_NS 1000000000
#define MAX_SLICE_NS 100000000
#define MAX_DEBT (1ULL << 60)

/*
 * A task arrives (and waits), starts a turn (and runs), and when that ends arrives again or falls
 * asleep. `queue`, `key` and `slice_ns` are those of the last arrival.
 */
struct turn {
	u64 waiting_since; /* if turns are counted */
	u64 started_at;
	u64 key;
	u64 slice_ns;
	u64 joined; /* bit q: the task has states of queue q's order */
	u32 queue;
	bool waiting;
	bool running;
	bool asleep; /* or not seen yet: its next arrival is a wake-up */
	bool comes; /* its arrival may cut a turn short: it was not on a CPU that chooses now */
	bool placed; /* starts next without having been chosen */
	bool returned; /* arrived already: enqueue only inserts it */
};

#ifndef IS_TRACED
#define IS_TRACED false
#endif

/* Set before loading: whether turns are counted. If not, the verifier removes what counts. */
const volatile bool counts_turns = false;

static __always_inline u64 now_if_counted(void)
{
	return counts_turns || IS_TRACED ? now_ns() : 0;
}

static __always_inline void turn_waits(struct turn *turn, u64 now)
{
	turn->asleep = false;
	turn->placed = false;
	if (counts_turns && !turn->waiting)
		turn->waiting_since = now;
	turn->waiting = true;
}

/* The CPU that has been claimed for a task starts it next. */
static __always_inline void start_at_once(struct task_struct *p, struct turn *turn)
{
	turn->placed = true;
	insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_LOCAL), turn->slice_ns);
}

/* What `ran` ns of service cost a queue that is guaranteed `percent` of the time. */
static __always_inline u64 share_cost(u64 ran, s64 percent)
{
	return quotient(ran * 100 + percent - 1, percent);
}

/* Charge service to a child of a weighted node; its debt is bounded. */
static __always_inline void charge(u64 *served, u64 now, u64 ran, u64 scale)
{
	u64 cost = ran < MAX_DEBT / scale ? ran * scale : MAX_DEBT;

	*served = point_min(*served + cost, now + MAX_DEBT);
}

#endif
