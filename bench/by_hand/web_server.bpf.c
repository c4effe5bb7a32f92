/* SPDX-License-Identifier: GPL-2.0 */
/* Handlers before the batch: examples/web_server.sched by hand. */
#include <schedc/attributes.h>
#include <schedc/cgroup.h>
#include <schedc/names.h>

enum dsq { INTERACTIVE, NORMAL, BATCH, NR_DSQS, NONE = NR_DSQS };

#define HAS_TASKS

struct task_ctx {
	u64 started_at;
	u64 vtime[2]; /* by queue */
	s64 burst;
	s64 since;
	bool known[2]; /* vtime is set */
	bool in_batch; /* its cgroup */
	bool placed;
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
	bool by_tree; /* the last choice */
	u64 due[NR_DSQS];
	/* Of normal and batch in the tree: the greatest service chosen from, and theirs. */
	u64 node_now;
	u64 served[NR_DSQS];
	u64 seen;
};

#include "common.h"

volatile struct {
	s64 quantum;
	s64 batch_floor;
} params SEC(".data") = {
	.quantum = 4 * MSEC,
	.batch_floor = 10,
};

static u64 vtime_now[2];

static __always_inline bool is_handler(struct task_struct *p)
{
	struct name name = process_of(p);

	return !__builtin_memcmp(name.text, "nginx", 5) || !__builtin_memcmp(name.text, "envoy", 5);
}

static __always_inline u32 classify(struct task_struct *p, struct task_ctx *t)
{
	if (is_handler(p))
		return INTERACTIVE;
	if (t->in_batch || nice_of(p) >= 10)
		return BATCH;
	if (t->burst < 2 * MSEC && !is_kthread(p))
		return INTERACTIVE;
	return NORMAL;
}

static __always_inline void join(struct task_ctx *t, u32 dsq, s64 credit)
{
	u64 clock = READ_ONCE(vtime_now[dsq]);

	if (!t->known[dsq]) {
		t->known[dsq] = true;
		t->vtime[dsq] = clock + MSEC;
	}
	t->vtime[dsq] = point_max(t->vtime[dsq], clock - credit);
}

static __noinline void arrive(struct task_struct *p, struct task_ctx *t, bool woke)
{
	if (woke)
		t->since = 0;
	t->placed = false;
	t->dsq = classify(p, t);
	switch (t->dsq) {
	case INTERACTIVE:
		t->slice_ns = MSEC;
		join(t, INTERACTIVE, 10 * MSEC);
		break;
	case NORMAL:
		t->slice_ns = clamp_to(params.quantum, 500000, 20 * MSEC);
		join(t, NORMAL, 20 * MSEC);
		break;
	case BATCH:
		t->slice_ns = 8 * MSEC;
		break;
	}
}

static __noinline void settle(struct cpu_ctx *c, u64 now)
{
	u64 ran = time_since(now, c->settled_at);

	if (!c->running)
		return;
	c->settled_at = now;
	if (c->dsq == NORMAL) {
		c->due[NORMAL] += share_cost(ran, 20);
		c->served[NORMAL] = point_min(c->served[NORMAL] + ran, c->node_now + MAX_DEBT);
	} else if (c->dsq == BATCH) {
		c->due[BATCH] += share_cost(ran, clamp_to(params.batch_floor, 10, 20));
		charge_child(&c->served[BATCH], c->node_now, ran, 4);
	}
}

static __always_inline void see_empty(struct cpu_ctx *c, u64 waiting, u64 now)
{
	if (!c->busy)
		waiting = 0;
	if (!(waiting & BIT(NORMAL)))
		c->due[NORMAL] = point_max(c->due[NORMAL], now);
	if (!(waiting & BIT(BATCH)))
		c->due[BATCH] = point_max(c->due[BATCH], now);
}

/* normal : batch = 4 : 1 */
static __noinline u32 choose_by_service(struct cpu_ctx *c, u64 waiting)
{
	u64 new = waiting & ~c->seen;

	if (new & BIT(NORMAL))
		c->served[NORMAL] = point_max(c->served[NORMAL], c->node_now);
	if (new & BIT(BATCH))
		c->served[BATCH] = point_max(c->served[BATCH], c->node_now);
	c->seen = waiting;
	if (!(waiting & BIT(NORMAL)))
		return BATCH;
	if (!(waiting & BIT(BATCH)))
		return NORMAL;
	return point_before(c->served[BATCH], c->served[NORMAL]) ? BATCH : NORMAL;
}

static __always_inline void granted(struct cpu_ctx *c, u32 dsq)
{
	if (dsq == NORMAL)
		c->node_now = point_max(c->node_now, c->served[NORMAL]);
	else if (dsq == BATCH)
		c->node_now = point_max(c->node_now, c->served[BATCH]);
}

static __noinline u32 choose(struct cpu_ctx *c, u64 waiting, u64 now)
{
	u32 best = NONE;
	u64 due = now + 1;

	see_empty(c, waiting, now);
	c->busy = waiting;
	if ((waiting & BIT(NORMAL)) && point_before(c->due[NORMAL], due)) {
		due = c->due[NORMAL];
		best = NORMAL;
	}
	if ((waiting & BIT(BATCH)) && point_before(c->due[BATCH], due))
		best = BATCH;
	c->by_tree = best == NONE;
	if (best != NONE)
		return best;
	if (waiting & BIT(INTERACTIVE))
		return INTERACTIVE;
	return waiting ? choose_by_service(c, waiting) : NONE;
}

/* The task's turn is over. */
static __noinline void charge(struct task_struct *p, struct task_ctx *t, u64 now, bool blocked)
{
	s64 used = time_used(now, t->started_at);

	t->running = false;
	t->since = min_of(t->since + used, 1000 * MSEC);
	if (blocked)
		t->burst = quotient(t->burst * 3 + t->since, 4);
	if (t->dsq < BATCH)
		t->vtime[t->dsq] += quotient(used * 100, p->scx.weight);
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
	/* Who was placed was not chosen: as if its queue had been alone. */
	if (t->placed && t->dsq != INTERACTIVE) {
		choose_by_service(c, BIT(t->dsq));
		granted(c, t->dsq);
	}
	if (t->dsq < BATCH)
		advance_clock(&vtime_now[t->dsq], t->vtime[t->dsq]);
	if (t->dsq != INTERACTIVE && t->dsq < NR_DSQS)
		c->due[t->dsq] = point_min(c->due[t->dsq], now);
}

OP3(s32, web_server_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = claim_idle_cpu(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return prev_cpu;
	t = find_task(p);
	if (t) {
		arrive(p, t, true);
		t->placed = true;
		insert_local(p, t->slice_ns);
	}
	return cpu;
}

OP2(void, web_server_enqueue, struct task_struct *, p, u64, enq_flags)
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
			t->placed = true;
			insert_local(p, t->slice_ns);
			kick_idle(cpu);
			return;
		}
	}
	if (t->dsq < BATCH)
		insert_by_key(p, t->dsq, t->slice_ns, t->vtime[t->dsq]);
	else
		insert(p, t->dsq, t->slice_ns);
	kick_an_idle_cpu(p);
}

OP2(void, web_server_dispatch, s32, cpu, struct task_struct *, prev)
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
	ahead = mine < BATCH && t && comes_first(t->vtime[mine], mine, cpu);
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
		if (c->by_tree)
			granted(c, dsq);
		found = true;
		break;
	}
	if (!prev)
		kicked_cpu_has_chosen(c, cpu, found);
}

OP1(void, web_server_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);
	struct cpu_ctx *c = find_cpu(scx_bpf_task_cpu(p));

	if (t && c)
		start(t, c, now_ns());
}

OP2(void, web_server_stopping, struct task_struct *, p, bool, runnable)
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

OP2(void, web_server_quiescent, struct task_struct *, p, u64, deq_flags)
{
	struct task_ctx *t;

	if (!(deq_flags & core_enum(scx_deq_flags, SCX_DEQ_SLEEP)))
		return;
	t = find_task(p);
	if (t && t->running)
		charge(p, t, now_ns(), true);
}

OP2(void, web_server_update_idle, s32, cpu, bool, idle)
{
	idle_changes(cpu, idle);
}

OP2(s32, web_server_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	t->burst = 5 * MSEC;
	t->in_batch = cgroup_at(args->cgroup, 1, "batch.slice", 12);
	return 0;
}

OP1(void, web_server_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (t)
		t->running = t->charged = false;
}

OP3(void, web_server_cgroup_move, struct task_struct *, p, struct cgroup *, from,
    struct cgroup *, to)
{
	struct task_ctx *t = find_task(p);

	if (t)
		t->in_batch = cgroup_at(to, 1, "batch.slice", 12);
}

OP_INIT(web_server_init)
{
	return create_dsqs();
}

OP1(void, web_server_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops web_server_ops = {
	.select_cpu = (void *)web_server_select_cpu,
	.enqueue = (void *)web_server_enqueue,
	.dispatch = (void *)web_server_dispatch,
	.running = (void *)web_server_running,
	.stopping = (void *)web_server_stopping,
	.quiescent = (void *)web_server_quiescent,
	.update_idle = (void *)web_server_update_idle,
	.init_task = (void *)web_server_init_task,
	.enable = (void *)web_server_enable,
	.cgroup_move = (void *)web_server_cgroup_move,
	.init = (void *)web_server_init,
	.exit = (void *)web_server_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "web_server",
};
