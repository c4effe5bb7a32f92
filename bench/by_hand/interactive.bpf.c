/* SPDX-License-Identifier: GPL-2.0 */
/* Who mostly sleeps goes first: examples/interactive.sched by hand. */
#include <schedc/attributes.h>

enum dsq { KERNEL, QUICK, BULK, NR_DSQS, NONE = NR_DSQS };

#define HAS_TASKS

struct task_ctx {
	u64 started_at;
	u64 vtime;
	s64 burst;
	s64 since;
	bool known; /* vtime is set */
	u64 slice_ns;
	u32 dsq;
	bool running;
	bool charged; /* by dispatch */
};

struct cpu_ctx {
	u64 settled_at;
	u32 dsq; /* of the task that runs */
	bool running;
	bool busy;
	bool in_vain;
	u64 due[NR_DSQS];
};

#include "common.h"

volatile struct {
	s64 quick_below;
} params SEC(".data") = {
	.quick_below = 3 * MSEC,
};

static u64 vtime_now;

static __always_inline u32 classify(struct task_struct *p, struct task_ctx *t)
{
	s64 quick_below;

	if (is_kthread(p) || is_pinned(p))
		return KERNEL;
	quick_below = clamp_to(params.quick_below, 500000, 10 * MSEC);
	return t->burst < quick_below && t->since < quick_below * 2 ? QUICK : BULK;
}

static __noinline void arrive(struct task_struct *p, struct task_ctx *t, bool woke)
{
	u64 clock;

	if (woke)
		t->since = 0;
	t->dsq = classify(p, t);
	t->slice_ns = t->dsq == QUICK ? 4 * MSEC : MSEC;
	if (t->dsq != BULK)
		return;
	clock = READ_ONCE(vtime_now);
	if (!t->known) {
		t->known = true;
		t->vtime = clock + MSEC;
	}
	t->vtime = point_max(t->vtime, clock - 20 * MSEC);
}

static __always_inline void settle(struct cpu_ctx *c, u64 now)
{
	u64 ran = time_since(now, c->settled_at);

	if (!c->running)
		return;
	c->settled_at = now;
	if (c->dsq == QUICK)
		c->due[QUICK] += share_cost(ran, 40);
	else if (c->dsq == BULK)
		c->due[BULK] += share_cost(ran, 10);
}

static __always_inline void see_empty(struct cpu_ctx *c, u64 waiting, u64 now)
{
	if (!c->busy)
		waiting = 0;
	if (!(waiting & BIT(QUICK)))
		c->due[QUICK] = point_max(c->due[QUICK], now);
	if (!(waiting & BIT(BULK)))
		c->due[BULK] = point_max(c->due[BULK], now);
}

static __noinline u32 choose(struct cpu_ctx *c, u64 waiting, u64 now)
{
	u32 dsq, best = NONE;
	u64 due = now + 1;

	see_empty(c, waiting, now);
	c->busy = waiting;
	for (dsq = QUICK; dsq < NR_DSQS; dsq++) {
		if ((waiting & BIT(dsq)) && point_before(c->due[dsq], due)) {
			due = c->due[dsq];
			best = dsq;
		}
	}
	if (best != NONE)
		return best;
	for (dsq = KERNEL; dsq < NR_DSQS; dsq++) {
		if (waiting & BIT(dsq))
			return dsq;
	}
	return NONE;
}

/* The task's turn is over. */
static __noinline void charge(struct task_struct *p, struct task_ctx *t, u64 now, bool blocked)
{
	s64 used = time_used(now, t->started_at);

	t->running = false;
	t->since = min_of(t->since + used, 1000 * MSEC);
	if (blocked)
		t->burst = quotient(t->burst * 3 + t->since, 4);
	if (t->dsq == BULK)
		t->vtime += quotient(used * 100, p->scx.weight);
}

static __noinline void start(struct task_ctx *t, struct cpu_ctx *c, u64 now)
{
	c->running = true;
	c->dsq = t->dsq;
	c->settled_at = now;
	if (t->running)
		return;
	t->running = true;
	t->charged = false;
	t->started_at = now;
	/* All queues were empty while this CPU was idle. */
	if (!c->busy)
		see_empty(c, 0, now);
	c->busy = true;
	if (t->dsq == BULK) {
		advance_clock(&vtime_now, t->vtime);
		c->due[BULK] = point_min(c->due[BULK], now);
	} else if (t->dsq == QUICK) {
		c->due[QUICK] = point_min(c->due[QUICK], now);
	}
}

OP3(s32, interactive_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = claim_idle_cpu(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return prev_cpu;
	t = find_task(p);
	if (t) {
		arrive(p, t, true);
		insert_local(p, t->slice_ns);
	}
	return cpu;
}

OP2(void, interactive_enqueue, struct task_struct *, p, u64, enq_flags)
{
	struct task_ctx *t = find_task(p);

	if (!t) {
		insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL), 100 * MSEC);
		return;
	}
	if (!t->charged)
		arrive(p, t, enq_flags & ENQ_WAKEUP);
	t->charged = false;
	/* select_cpu was not asked. */
	if ((enq_flags & ENQ_WAKEUP) && is_pinned(p)) {
		s32 cpu = claim_idle_cpu(p, scx_bpf_task_cpu(p));

		if (cpu >= 0) {
			insert_local(p, t->slice_ns);
			kick_idle(cpu);
			return;
		}
	}
	if (t->dsq == BULK)
		insert_by_key(p, BULK, t->slice_ns, t->vtime);
	else
		insert(p, t->dsq, t->slice_ns);
	kick_an_idle_cpu(p);
}

OP2(void, interactive_dispatch, s32, cpu, struct task_struct *, prev)
{
	struct cpu_ctx *c = find_cpu(cpu);
	struct task_ctx *t = NULL;
	u64 waiting, own = 0, now = now_ns();
	u32 dsq, mine = NONE, round;
	bool ahead, found = false;

	if (!c)
		return;
	settle(c, now);
	if (prev && is_queued(prev) && may_run_on(prev, cpu))
		t = find_task(prev);
	if (prev && t) {
		if (t->running) {
			charge(prev, t, now, false);
			arrive(prev, t, false);
			t->charged = true;
		}
		mine = t->dsq;
		own = BIT(mine);
	}
	waiting = waiting_on(cpu);
	ahead = mine == BULK && t && comes_first(t->vtime, BULK, cpu);
	for (round = 0; round <= NR_DSQS; round++) {
		dsq = choose(c, waiting | own, now);
		if (dsq == NONE)
			break;
		if (prev && t && dsq == mine && (!(waiting & own) || ahead)) {
			set_slice(prev, t->slice_ns);
			start(t, c, now);
		} else if (!move_to_local(dsq)) {
			waiting &= ~BIT(dsq);
			continue;
		}
		found = true;
		break;
	}
	if (!prev)
		kicked_cpu_has_chosen(c, cpu, found);
}

OP1(void, interactive_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);
	struct cpu_ctx *c = find_cpu(scx_bpf_task_cpu(p));

	if (t && c)
		start(t, c, now_ns());
}

OP2(void, interactive_stopping, struct task_struct *, p, bool, runnable)
{
	struct cpu_ctx *c = find_cpu(scx_bpf_task_cpu(p));
	struct task_ctx *t;
	u64 now = now_ns();

	if (c) {
		settle(c, now);
		c->running = false;
	}
	if (!runnable)
		return;
	t = find_task(p);
	if (t && t->running)
		charge(p, t, now, false);
	if (p->scx.slice)
		set_slice(p, 0);
}

OP2(void, interactive_quiescent, struct task_struct *, p, u64, deq_flags)
{
	struct task_ctx *t;

	if (!(deq_flags & core_enum(scx_deq_flags, SCX_DEQ_SLEEP)))
		return;
	t = find_task(p);
	if (t && t->running)
		charge(p, t, now_ns(), true);
}

OP2(void, interactive_update_idle, s32, cpu, bool, idle)
{
	idle_changes(cpu, idle);
}

OP2(s32, interactive_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	t->burst = 2 * MSEC;
	return 0;
}

OP1(void, interactive_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (t)
		t->running = t->charged = false;
}

OP_INIT(interactive_init)
{
	return create_dsqs();
}

OP1(void, interactive_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops interactive_ops = {
	.select_cpu = (void *)interactive_select_cpu,
	.enqueue = (void *)interactive_enqueue,
	.dispatch = (void *)interactive_dispatch,
	.running = (void *)interactive_running,
	.stopping = (void *)interactive_stopping,
	.quiescent = (void *)interactive_quiescent,
	.update_idle = (void *)interactive_update_idle,
	.init_task = (void *)interactive_init_task,
	.enable = (void *)interactive_enable,
	.init = (void *)interactive_init,
	.exit = (void *)interactive_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "interactive",
};
