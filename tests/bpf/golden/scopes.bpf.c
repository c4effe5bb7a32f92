/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scopes: a scheduler generated from scopes.sched, which uses orders.sched. Edit those, not
 * this.
 *
 * Queues of every scope.
 */
#include <schedc/attributes.h>
#include <schedc/exit.h>
#include <schedc/topology.h>
#include <schedc/turn.h>

char _license[] SEC("license") = "GPL";

enum queue {
	QUEUE_URGENT, /* scopes.sched:5 queue urgent */
	QUEUE_NORMAL, /* scopes.sched:6 queue normal */
	QUEUE_BATCH, /* scopes.sched:7 queue batch */
	QUEUE_REST, /* scopes.sched:8 queue rest */
	NR_QUEUES,
	NO_QUEUE = NR_QUEUES,
};

#include <schedc/units.h>

static __always_inline enum scope scope_of(u32 queue)
{
	switch (queue) {
	case QUEUE_URGENT: /* scopes.sched:5 per cpu steal node */
		return SCOPE_CPU;
	case QUEUE_NORMAL: /* scopes.sched:6 per llc steal */
		return SCOPE_LLC;
	case QUEUE_BATCH: /* scopes.sched:7 per node */
		return SCOPE_NODE;
	}
	return SCOPE_GLOBAL;
}

static __always_inline enum reach reach_of(u32 queue)
{
	switch (queue) {
	case QUEUE_URGENT:
		return REACH_NODE;
	case QUEUE_NORMAL:
		return REACH_ANY;
	}
	return REACH_NOTHING;
}

/* By queue: the greatest virtual time from which a task of it has started. */
static struct clock clock_normal[MAX_CPUS]; /* scopes.sched:6 queue normal */

/* What a task carries with it. */
struct task_ctx {
	struct turn turn;
	s32 home; /* the CPU whose instance of its queue the task joined */
	struct {
		u64 v; /* orders.sched:9 v */
		u32 unit; /* that of the instance whose clock is meant */
	} queue_normal;
};

enum guard {
	GUARD_NORMAL_SHARE, /* scopes.sched:18 guard normal at least */
	GUARD_BATCH_SHARE, /* scopes.sched:19 guard batch at least */
	GUARD_REST_SHARE, /* scopes.sched:20 guard rest at least */
	NR_GUARDS,
};

/* What each CPU keeps. */
struct cpu_ctx {
	u64 settled_at; /* up to when its turn has been charged */
	u32 queue; /* of that turn */
	bool running; /* a turn */
	bool in_vain; /* its last look was for nothing, after a wake-up */
	bool busy; /* found something to run when it last looked */
	bool by_tree; /* what it chose last was not due to a guard */
	u64 due[NR_GUARDS];
	struct { /* scopes.sched:17 weighted { normal: 4 batch: 1 rest: 1 } */
		u64 now; /* the greatest service from which a child was chosen */
		u64 served[3]; /* by child: ns of service, scaled by its weight */
		u64 seen; /* the queues that waited at the last choice, as bits */
	} weighted_0;
};

#include <schedc/idle.h>

/* scopes.sched:10 route */
static __always_inline u32
route(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 11 "scopes.sched"
	if (nice_of(p) < 0)
#line 11 "scopes.sched"
		return QUEUE_URGENT;
	if (nice_of(p) > 10)
#line 12 "scopes.sched"
		return QUEUE_REST;
	if (nice_of(p) > 5)
#line 13 "scopes.sched"
		return QUEUE_BATCH;
#line 10 "scopes.sched"
	return QUEUE_NORMAL;
}
#line 106 "scopes.bpf.c"

/* scopes.sched:5 queue urgent: an arrival */
static __always_inline void
queue_urgent_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 5 "scopes.sched"
	t->turn.slice_ns = 1000000;
}
#line 115 "scopes.bpf.c"

/* scopes.sched:6 queue normal: an arrival */
static __always_inline void
queue_normal_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	const u32 unit = unit_of(SCOPE_LLC, t->home);
	const u64 clock = READ_ONCE(*unit_clock(clock_normal, unit));

	if (!(t->turn.joined & BIT(QUEUE_NORMAL))) {
		t->turn.joined |= BIT(QUEUE_NORMAL);
#line 9 "orders.sched"
		t->queue_normal.v = clock + 1000000;
#line 128 "scopes.bpf.c"
	} else if (t->queue_normal.unit != unit) {
		const u64 left = READ_ONCE(*unit_clock(clock_normal, t->queue_normal.unit));

		/* As far ahead of the clock as it was, with a newcomer's credit at most. */
		t->queue_normal.v = point_max(t->queue_normal.v + clock - left, clock + 1000000);
	}
	t->queue_normal.unit = unit;
#line 10 "orders.sched"
	t->queue_normal.v = point_max(t->queue_normal.v, clock - 20000000);
#line 12 "orders.sched"
	t->turn.key = t->queue_normal.v;
#line 6 "scopes.sched"
	t->turn.slice_ns = 4000000;
}
#line 143 "scopes.bpf.c"

/* scopes.sched:6 queue normal: the end of a turn from it */
static __always_inline void
queue_normal_stop(struct task_struct *p, struct task_ctx *t, u64 now,
		  s64 used, s64 granted, bool blocked)
{
#line 11 "orders.sched"
	t->queue_normal.v = t->queue_normal.v + quotient(used * 100, weight_of(p));
}
#line 153 "scopes.bpf.c"

/* scopes.sched:7 queue batch: an arrival */
static __always_inline void
queue_batch_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 7 "scopes.sched"
	t->turn.slice_ns = 8000000;
}
#line 162 "scopes.bpf.c"

/* scopes.sched:8 queue rest: an arrival */
static __always_inline void
queue_rest_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 8 "scopes.sched"
	t->turn.slice_ns = 8000000;
}
#line 171 "scopes.bpf.c"

/* A task becomes ready to run: its queue, its place there, and its slice. */
static void arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke, s32 home)
{
	t->home = home;
	turn_waits(&t->turn, now);
	t->turn.queue = route(p, t, now);
	switch (t->turn.queue) {
	case QUEUE_URGENT:
		queue_urgent_arrive(p, t, now, woke);
		break;
	case QUEUE_NORMAL:
		queue_normal_arrive(p, t, now, woke);
		break;
	case QUEUE_BATCH:
		queue_batch_arrive(p, t, now, woke);
		break;
	case QUEUE_REST:
		queue_rest_arrive(p, t, now, woke);
		break;
	}
}

/* A task's turn is over, and it is charged for it. */
static void end_turn(struct task_struct *p, struct task_ctx *t, u64 now, bool blocked)
{
	s64 used = clamp_to(time_since(now, t->turn.started_at), MIN_CHARGE_NS, MAX_CHARGE_NS);
	s64 granted = t->turn.slice_ns;

	t->turn.running = false;
	switch (t->turn.queue) {
	case QUEUE_NORMAL:
		queue_normal_stop(p, t, now, used, granted, blocked);
		break;
	}
}

/* Charge the turn on this CPU up to now. */
static void settle(struct cpu_ctx *c, u64 now)
{
	u64 ran = time_since(now, c->settled_at);

	if (!c->running)
		return;
	c->settled_at = now;
	switch (c->queue) {
	case QUEUE_NORMAL:
#line 18 "scopes.sched"
		c->due[GUARD_NORMAL_SHARE] += share_cost(ran, 20);
#line 17 "scopes.sched"
		charge(&c->weighted_0.served[0], c->weighted_0.now, ran, 1ULL);
#line 223 "scopes.bpf.c"
		break;
	case QUEUE_BATCH:
#line 19 "scopes.sched"
		c->due[GUARD_BATCH_SHARE] += share_cost(ran, 10);
#line 17 "scopes.sched"
		charge(&c->weighted_0.served[1], c->weighted_0.now, ran, 4ULL);
#line 230 "scopes.bpf.c"
		break;
	case QUEUE_REST:
#line 20 "scopes.sched"
		c->due[GUARD_REST_SHARE] += share_cost(ran, 10);
#line 17 "scopes.sched"
		charge(&c->weighted_0.served[2], c->weighted_0.now, ran, 4ULL);
#line 237 "scopes.bpf.c"
		break;
	}
}
#line 241 "scopes.bpf.c"

/*
 * A guarded queue that is empty here has no claim. All were so while the CPU was idle: what came
 * then woke it.
 */
static __always_inline void see_empty(struct cpu_ctx *c, u64 waiting, u64 now)
{
	if (!c->busy)
		waiting = 0;
#line 18 "scopes.sched"
	if (!(waiting & BIT(QUEUE_NORMAL)))
#line 18 "scopes.sched"
		c->due[GUARD_NORMAL_SHARE] = point_max(c->due[GUARD_NORMAL_SHARE], now);
	if (!(waiting & BIT(QUEUE_BATCH)))
#line 19 "scopes.sched"
		c->due[GUARD_BATCH_SHARE] = point_max(c->due[GUARD_BATCH_SHARE], now);
	if (!(waiting & BIT(QUEUE_REST)))
#line 20 "scopes.sched"
		c->due[GUARD_REST_SHARE] = point_max(c->due[GUARD_REST_SHARE], now);
}
#line 262 "scopes.bpf.c"

/* The guarded queue whose claim has been due longest. */
static __always_inline u32 overdue(struct cpu_ctx *c, u64 waiting, u64 now)
{
	u32 queue = NO_QUEUE;
	u64 due = now + 1;

	/* scopes.sched:18 guard normal at least */
	if ((waiting & BIT(QUEUE_NORMAL)) && point_before(c->due[GUARD_NORMAL_SHARE], due)) {
		queue = QUEUE_NORMAL;
		due = c->due[GUARD_NORMAL_SHARE];
	}
	/* scopes.sched:19 guard batch at least */
	if ((waiting & BIT(QUEUE_BATCH)) && point_before(c->due[GUARD_BATCH_SHARE], due)) {
		queue = QUEUE_BATCH;
		due = c->due[GUARD_BATCH_SHARE];
	}
	/* scopes.sched:20 guard rest at least */
	if ((waiting & BIT(QUEUE_REST)) && point_before(c->due[GUARD_REST_SHARE], due)) {
		queue = QUEUE_REST;
		due = c->due[GUARD_REST_SHARE];
	}
	return queue;
}

/* scopes.sched:17 weighted { normal: 4 batch: 1 rest: 1 } */
__global u32 choose_weighted_0(struct cpu_ctx *c __arg_nonnull, u64 waiting)
{
	const u64 members[] = {
		BIT(QUEUE_NORMAL),
		BIT(QUEUE_BATCH),
		BIT(QUEUE_REST),
	};
	u64 seen = c->weighted_0.seen;
	u32 child, least = 3;

	for (child = 0; child < 3; child++) {
		if (!(waiting & members[child]))
			continue;
		if (!(seen & members[child]))
			c->weighted_0.served[child] =
				point_max(c->weighted_0.served[child], c->weighted_0.now);
		if (least == 3 ||
		    point_before(c->weighted_0.served[child],
				 c->weighted_0.served[least]))
			least = child;
	}
	c->weighted_0.seen = waiting;
	switch (least) {
	case 0:
		return QUEUE_NORMAL;
	case 1:
		return QUEUE_BATCH;
	case 2:
		return QUEUE_REST;
	}
	return NO_QUEUE;
}

/* scopes.sched:17 strict { urgent weighted { .. } } */
static __always_inline u32 choose_strict_0(struct cpu_ctx *c, u64 waiting)
{
	if (waiting & BIT(QUEUE_URGENT))
		return QUEUE_URGENT;
	if (waiting & (BIT(QUEUE_NORMAL) | BIT(QUEUE_BATCH) | BIT(QUEUE_REST)))
		return choose_weighted_0(c, waiting);
	return NO_QUEUE;
}

/* The queue that this CPU serves next, of those that wait here. */
__global u32 choose(struct cpu_ctx *c __arg_nonnull, u64 waiting, u64 now)
{
	u32 queue;

	see_empty(c, waiting, now);
	queue = overdue(c, waiting, now);
	c->by_tree = queue == NO_QUEUE;
	if (queue == NO_QUEUE)
		queue = choose_strict_0(c, waiting);
	c->busy = queue != NO_QUEUE;
	return queue;
}

/* The tree's choice was carried out: the time of each weighted node above the queue moves on. */
__global int granted(struct cpu_ctx *c __arg_nonnull, u32 queue)
{
	switch (queue) {
	case QUEUE_NORMAL:
		c->weighted_0.now =
			point_max(c->weighted_0.now, c->weighted_0.served[0]);
		break;
	case QUEUE_BATCH:
		c->weighted_0.now =
			point_max(c->weighted_0.now, c->weighted_0.served[1]);
		break;
	case QUEUE_REST:
		c->weighted_0.now =
			point_max(c->weighted_0.now, c->weighted_0.served[2]);
		break;
	}
	return 0;
}

/* A task's turn begins, or goes on after its properties were changed. */
__global int start_turn(struct task_ctx *t __arg_nonnull, struct cpu_ctx *c __arg_nonnull,
			  u64 now)
{
	c->running = true;
	c->queue = t->turn.queue;
	c->settled_at = now;
	if (t->turn.running)
		return 0;
	turn_runs(&t->turn, now);
	if (!c->busy)
		see_empty(c, 0, now);
	c->busy = true;
	/* A turn that was not chosen moves the tree as if its queue had been alone. */
	if (t->turn.placed) {
		choose_strict_0(c, BIT(t->turn.queue));
		granted(c, t->turn.queue);
	}
	switch (t->turn.queue) {
	case QUEUE_NORMAL:
		advance_clock(unit_clock(clock_normal, t->queue_normal.unit), t->queue_normal.v);
		c->due[GUARD_NORMAL_SHARE] = point_min(c->due[GUARD_NORMAL_SHARE], now);
		break;
	case QUEUE_BATCH:
		c->due[GUARD_BATCH_SHARE] = point_min(c->due[GUARD_BATCH_SHARE], now);
		break;
	case QUEUE_REST:
		c->due[GUARD_REST_SHARE] = point_min(c->due[GUARD_REST_SHARE], now);
		break;
	}
	return 0;
}

/* place { prev cpu in any } */
static s32 place(struct task_struct *p, s32 prev_cpu)
{
	s32 cpu;

	if (bpf_cpumask_test_cpu(prev_cpu, p->cpus_ptr) &&
	    scx_bpf_test_and_clear_cpu_idle(prev_cpu))
		return prev_cpu;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		return cpu;
	return -1;
}

/* A task wakes up or is new: an idle CPU takes it at once. */
OP3(s32, scopes_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = place(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return home_of(p, prev_cpu);
	t = find_task(p);
	if (t) {
		arrive(p, t, now_if_counted(), true, cpu);
		start_at_once(p, &t->turn);
	}
	return cpu;
}

OP2(void, scopes_enqueue, struct task_struct *, p, u64, enq_flags)
{
	struct task_ctx *t = find_task(p);
	bool woke;
	u32 unit;
	u64 dsq;
	s32 cpu;

	if (!t) {
		insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL), MAX_SLICE_NS);
		return;
	}
	woke = t->turn.asleep;
	if (!t->turn.returned)
		arrive(p, t, now_if_counted(), woke, scx_bpf_task_cpu(p));
	t->turn.returned = false;
	/* select_cpu is never called for a task that can run on one CPU only. */
	if (woke && is_pinned(p)) {
		cpu = place(p, scx_bpf_task_cpu(p));
		if (cpu >= 0) {
			start_at_once(p, &t->turn);
			kick_idle(cpu);
			return;
		}
	}
	unit = unit_of(scope_of(t->turn.queue), t->home);
	dsq = dsq_of(t->turn.queue, unit);
	if (BIT(t->turn.queue) & BIT(QUEUE_NORMAL))
		insert_by_key(p, dsq, t->turn.slice_ns, t->turn.key);
	else
		insert(p, dsq, t->turn.slice_ns);
	/* A CPU that is taken off the idle ones must be woken. */
	cpu = pick_idle_taker(p, t->turn.queue, unit);
	if (cpu >= 0)
		kick_idle(cpu);
}

/*
 * The kernel asks for the next task while the previous one is in no queue and not charged yet. So
 * its turn ends here and it arrives again, to compete like any other. If it is chosen the kernel,
 * seeing a new slice, lets it run on; if not, all that is left to enqueue is to insert it.
 */
OP2(void, scopes_dispatch, s32, cpu, struct task_struct *, prev)
{
	struct cpu_ctx *c = find_cpu(cpu);
	struct task_ctx *t = NULL;
	u64 waiting, own = 0, key = 0, head = 0, now = now_ns();
	u32 queue, round, mine = NO_QUEUE;
	bool ahead, found = false;

	if (!c)
		return;
	settle(c, now);
	if (prev && (prev->scx.flags & core_enum(scx_ent_flags, SCX_TASK_QUEUED)) &&
	    may_run_on(prev, cpu)) {
		t = find_task(prev);
		if (t && t->turn.running) {
			end_turn(prev, t, now, false);
			arrive(prev, t, now, false, cpu);
			t->turn.returned = true;
		}
		if (t && t->turn.returned) {
			mine = t->turn.queue;
			own = BIT(mine);
			key = t->turn.key;
		}
	}
	waiting = waiting_here(cpu, mine, &head);
	/* Of two equal keys the one that waits came first. */
	ahead = (own & BIT(QUEUE_NORMAL)) && point_before(key, head);
	/* A queue from which nothing can be moved after all counts as empty in the next round. */
	for (round = 0; round <= NR_QUEUES; round++) {
		queue = choose(c, waiting | own, now);
		if (queue == NO_QUEUE)
			break;
		if (prev && t && queue == mine && (!(waiting & own) || ahead)) {
			set_slice(prev, t->turn.slice_ns);
			start_turn(t, c, now);
		} else if (!move_to_local(dsq_here(queue, cpu))) {
			waiting &= ~BIT(queue);
			continue;
		}
		if (c->by_tree)
			granted(c, queue);
		found = true;
		break;
	}
	if (!found && steal_from(QUEUE_URGENT, cpu)) {
		/* It moves the tree as if its queue had been alone. */
		choose_strict_0(c, BIT(QUEUE_URGENT));
		granted(c, QUEUE_URGENT);
		found = true;
	}
	if (!found && steal_from(QUEUE_NORMAL, cpu)) {
		/* It moves the tree as if its queue had been alone. */
		choose_strict_0(c, BIT(QUEUE_NORMAL));
		granted(c, QUEUE_NORMAL);
		found = true;
	}
	/* A CPU that comes out of idleness, or from another class, was woken to choose. */
	if (!prev)
		woken_has_chosen(c, cpu, found);
}

OP1(void, scopes_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);
	struct cpu_ctx *c = find_cpu(scx_bpf_task_cpu(p));
	u64 now = now_ns();

	if (!t || !c)
		return;
	/* The kernel starts some tasks by itself, those that may not migrate among them. */
	if (!t->turn.waiting && !t->turn.running) {
		arrive(p, t, now, t->turn.asleep, scx_bpf_task_cpu(p));
		t->turn.placed = true;
		set_slice(p, t->turn.slice_ns);
		hand_on(scx_bpf_task_cpu(p));
	}
	start_turn(t, c, now);
}

/*
 * What is left of a slice is given up, so that a task which a higher class has pushed off the CPU
 * comes back through its queue. A running task whose properties are changed stops and runs again
 * without leaving the CPU, which is no end of its turn; only quiescent tells that from sleep.
 */
OP2(void, scopes_stopping, struct task_struct *, p, bool, runnable)
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
	if (t && t->turn.running)
		end_turn(p, t, now, false);
	if (p->scx.slice)
		set_slice(p, 0);
}

OP2(void, scopes_quiescent, struct task_struct *, p, u64, deq_flags)
{
	struct task_ctx *t;

	if (!(deq_flags & core_enum(scx_deq_flags, SCX_DEQ_SLEEP)))
		return;
	t = find_task(p);
	if (!t)
		return;
	if (t->turn.running)
		end_turn(p, t, now_ns(), true);
	t->turn.waiting = false;
	t->turn.asleep = true;
}

OP2(void, scopes_update_idle, s32, cpu, bool, idle)
{
	struct cpu_ctx *c = find_cpu(cpu);

	if (c)
		idleness_changes(c, cpu, idle);
}

OP2(s32, scopes_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	return 0;
}

/* The task comes under this scheduler, for the first time or from another class. */
OP1(void, scopes_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (!t)
		return;
	t->turn.asleep = true;
	t->turn.waiting = false;
	t->turn.running = false;
	t->turn.returned = false;
}

OP_INIT(scopes_init)
{
	u32 queue;
	s32 error;

	error = create_scratch();
	if (!error)
		error = find_parts();
	if (!error)
		error = number_units();
	if (error)
		return error;
	for (queue = 0; queue < NR_QUEUES; queue++) {
		error = create_instances(queue);
		if (error)
			return error;
	}
	return 0;
}

OP1(void, scopes_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops scopes_ops = {
	.select_cpu = (void *)scopes_select_cpu,
	.enqueue = (void *)scopes_enqueue,
	.dispatch = (void *)scopes_dispatch,
	.running = (void *)scopes_running,
	.stopping = (void *)scopes_stopping,
	.quiescent = (void *)scopes_quiescent,
	.update_idle = (void *)scopes_update_idle,
	.init_task = (void *)scopes_init_task,
	.enable = (void *)scopes_enable,
	.init = (void *)scopes_init,
	.exit = (void *)scopes_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "scopes",
};
