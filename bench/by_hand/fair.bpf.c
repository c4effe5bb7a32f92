/* SPDX-License-Identifier: GPL-2.0 */
/* One queue by weighted virtual time: examples/fair.sched by hand. */
#include <schedc/attributes.h>

#define SHARED_DSQ 0
#define NR_DSQS 1
#define HAS_TASKS

struct task_ctx {
	u64 vtime;
	u64 started_at;
	u64 slice_ns;
	bool known;
	bool running;
	bool charged; /* by dispatch */
};

struct cpu_ctx {
	bool in_vain;
};

#include "common.h"

volatile struct {
	s64 quantum;
} params SEC(".data") = {
	.quantum = 4 * MSEC,
};

static u64 vtime_now;

static __always_inline void arrive(struct task_ctx *t)
{
	u64 clock = READ_ONCE(vtime_now);

	if (!t->known) {
		t->known = true;
		t->vtime = clock + MSEC;
	}
	t->vtime = point_max(t->vtime, clock - 20 * MSEC);
	t->slice_ns = clamp_to(params.quantum, 500000, 20 * MSEC);
}

static __always_inline void charge(struct task_struct *p, struct task_ctx *t, u64 now)
{
	t->running = false;
	t->vtime += quotient(time_used(now, t->started_at) * 100, p->scx.weight);
}

static __always_inline void start(struct task_ctx *t, u64 now)
{
	if (t->running)
		return;
	t->running = true;
	t->charged = false;
	t->started_at = now;
	advance_clock(&vtime_now, t->vtime);
}

OP3(s32, fair_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = claim_idle_cpu(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return prev_cpu;
	t = find_task(p);
	if (t) {
		arrive(t);
		insert_local(p, t->slice_ns);
	}
	return cpu;
}

OP2(void, fair_enqueue, struct task_struct *, p, u64, enq_flags)
{
	struct task_ctx *t = find_task(p);

	if (!t) {
		insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL), 20 * MSEC);
		return;
	}
	if (!t->charged)
		arrive(t);
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
	insert_by_key(p, SHARED_DSQ, t->slice_ns, t->vtime);
	kick_an_idle_cpu(p);
}

OP2(void, fair_dispatch, s32, cpu, struct task_struct *, prev)
{
	struct task_ctx *t = NULL;
	struct cpu_ctx *c;
	bool found;

	if (prev && is_queued(prev) && may_run_on(prev, cpu))
		t = find_task(prev);
	if (prev && t) {
		u64 now = now_ns();

		if (t->running) {
			charge(prev, t, now);
			arrive(t);
			t->charged = true;
		}
		if (comes_first(t->vtime, SHARED_DSQ, cpu) || !move_to_local(SHARED_DSQ)) {
			set_slice(prev, t->slice_ns);
			start(t, now);
		}
		return;
	}
	found = move_to_local(SHARED_DSQ);
	if (prev)
		return;
	c = find_cpu(cpu);
	if (c)
		kicked_cpu_has_chosen(c, cpu, found);
}

OP1(void, fair_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (t)
		start(t, now_ns());
}

OP2(void, fair_stopping, struct task_struct *, p, bool, runnable)
{
	struct task_ctx *t;

	if (!runnable)
		return;
	t = find_task(p);
	if (t && t->running)
		charge(p, t, now_ns());
	if (p->scx.slice)
		set_slice(p, 0);
}

OP2(void, fair_quiescent, struct task_struct *, p, u64, deq_flags)
{
	struct task_ctx *t;

	if (!(deq_flags & core_enum(scx_deq_flags, SCX_DEQ_SLEEP)))
		return;
	t = find_task(p);
	if (t && t->running)
		charge(p, t, now_ns());
}

OP2(void, fair_update_idle, s32, cpu, bool, idle)
{
	idle_changes(cpu, idle);
}

OP2(s32, fair_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	return create_task(p) ? 0 : -ENOMEM;
}

OP1(void, fair_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (t)
		t->running = t->charged = false;
}

OP_INIT(fair_init)
{
	return create_dsqs();
}

OP1(void, fair_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops fair_ops = {
	.select_cpu = (void *)fair_select_cpu,
	.enqueue = (void *)fair_enqueue,
	.dispatch = (void *)fair_dispatch,
	.running = (void *)fair_running,
	.stopping = (void *)fair_stopping,
	.quiescent = (void *)fair_quiescent,
	.update_idle = (void *)fair_update_idle,
	.init_task = (void *)fair_init_task,
	.enable = (void *)fair_enable,
	.init = (void *)fair_init,
	.exit = (void *)fair_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "fair",
};
