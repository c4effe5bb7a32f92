/* SPDX-License-Identifier: GPL-2.0 */
/*
 * web_server: a scheduler generated from web_server.sched, which uses orders.sched. Edit
 * those, not this.
 *
 * Keep request handlers responsive while batch work fills the idle time.
 */
#include <schedc/attributes.h>
#include <schedc/cgroup.h>
#include <schedc/exit.h>
#include <schedc/names.h>
#include <schedc/turn.h>

char _license[] SEC("license") = "GPL";

/* A queue's number is also that of its dispatch queue. */
enum queue {
	QUEUE_INTERACTIVE, /* web_server.sched:17 queue interactive */
	QUEUE_NORMAL, /* web_server.sched:18 queue normal */
	QUEUE_BATCH, /* web_server.sched:19 queue batch */
	NR_QUEUES,
	NO_QUEUE = NR_QUEUES,
};

/* May be written while the scheduler runs: every read is held to the range that proofs cover. */
volatile struct {
	s64 quantum; /* web_server.sched:5 param quantum */
	s64 batch_floor; /* web_server.sched:6 param batch_floor */
} params SEC(".data") = {
	.quantum = 4000000LL,
	.batch_floor = 10LL,
};

static __always_inline s64 param_quantum(void)
{
	return clamp_to(params.quantum, 500000LL, 20000000LL);
}

static __always_inline s64 param_batch_floor(void)
{
	return clamp_to(params.batch_floor, 10LL, 20LL);
}

/* By queue: the greatest virtual time from which a task of it has started. */
static u64 clock_interactive; /* web_server.sched:17 queue interactive */
static u64 clock_normal; /* web_server.sched:18 queue normal */

/* What a task carries with it. */
struct task_ctx {
	struct turn turn;
	bool under[1]; /* whether its cgroup lies below those that the policy names */
	struct {
		s64 burst; /* web_server.sched:10 burst */
		s64 since; /* web_server.sched:11 since */
	} task;
	struct {
		u64 v; /* orders.sched:9 v */
	} queue_interactive;
	struct {
		u64 v; /* orders.sched:9 v */
	} queue_normal;
};

enum guard {
	GUARD_NORMAL_SHARE, /* web_server.sched:29 guard normal at least */
	GUARD_BATCH_SHARE, /* web_server.sched:30 guard batch at least */
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
	struct { /* web_server.sched:28 weighted { normal: 4 batch: 1 } */
		u64 now; /* the greatest service from which a child was chosen */
		u64 served[2]; /* by child: ns of service, scaled by its weight */
		u64 seen; /* the queues that waited at the last choice, as bits */
	} weighted_0;
};

#include <schedc/idle.h>

/* Kept with the task: a cgroup's place never changes, only the task moves. */
static __always_inline void find_cgroup(struct task_ctx *t, struct cgroup *cgroup)
{
	/* web_server.sched:23 cgroup under /batch.slice */
	t->under[0] = cgroup_at(cgroup, 1, "batch.slice", 12);
}

/* web_server.sched:10 the states of a new task */
static __always_inline void
init_states(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 10 "web_server.sched"
	t->task.burst = 5000000;
	t->task.since = 0;
}
#line 104 "web_server.bpf.c"

/* web_server.sched:12 task, on wake */
static __always_inline void
task_wake(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 12 "web_server.sched"
	t->task.since = 0;
}
#line 113 "web_server.bpf.c"

/* web_server.sched:13 task, on stop */
static __always_inline void
task_stop(struct task_struct *p, struct task_ctx *t, u64 now, s64 used, s64 granted, bool blocked)
{
#line 13 "web_server.sched"
	t->task.since = clamp_to(t->task.since + used, 0, 1000000000);
	if (blocked)
#line 14 "web_server.sched"
		t->task.burst = quotient(t->task.burst * 3 + t->task.since, 4);
}
#line 125 "web_server.bpf.c"

/* web_server.sched:21 route */
static __always_inline u32
route(struct task_struct *p, struct task_ctx *t, u64 now)
{
	const struct name process = process_of(p);

#line 22 "web_server.sched"
	if (name_starts(&process, "nginx", 5) || name_starts(&process, "envoy", 5))
#line 22 "web_server.sched"
		return QUEUE_INTERACTIVE;
	if (t->under[0] || nice_of(p) >= 10)
#line 23 "web_server.sched"
		return QUEUE_BATCH;
	if (t->task.burst < 2000000 && !is_kthread(p))
#line 24 "web_server.sched"
		return QUEUE_INTERACTIVE;
#line 21 "web_server.sched"
	return QUEUE_NORMAL;
}
#line 146 "web_server.bpf.c"

/* web_server.sched:17 queue interactive: an arrival */
static __always_inline void
queue_interactive_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	const u64 clock = READ_ONCE(clock_interactive);

	if (!(t->turn.joined & BIT(QUEUE_INTERACTIVE))) {
		t->turn.joined |= BIT(QUEUE_INTERACTIVE);
#line 9 "orders.sched"
		t->queue_interactive.v = clock + 1000000;
#line 158 "web_server.bpf.c"
	}
#line 10 "orders.sched"
	t->queue_interactive.v = point_max(t->queue_interactive.v, clock - 10000000);
#line 12 "orders.sched"
	t->turn.key = t->queue_interactive.v;
#line 17 "web_server.sched"
	t->turn.slice_ns = 1000000;
}
#line 167 "web_server.bpf.c"

/* web_server.sched:17 queue interactive: the end of a turn from it */
static __always_inline void
queue_interactive_stop(struct task_struct *p, struct task_ctx *t, u64 now,
		       s64 used, s64 granted, bool blocked)
{
#line 11 "orders.sched"
	t->queue_interactive.v = t->queue_interactive.v + quotient(used * 100, weight_of(p));
}
#line 177 "web_server.bpf.c"

/* web_server.sched:18 queue normal: an arrival */
static __always_inline void
queue_normal_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	const u64 clock = READ_ONCE(clock_normal);

	if (!(t->turn.joined & BIT(QUEUE_NORMAL))) {
		t->turn.joined |= BIT(QUEUE_NORMAL);
#line 9 "orders.sched"
		t->queue_normal.v = clock + 1000000;
#line 189 "web_server.bpf.c"
	}
#line 10 "orders.sched"
	t->queue_normal.v = point_max(t->queue_normal.v, clock - 20000000);
#line 12 "orders.sched"
	t->turn.key = t->queue_normal.v;
#line 18 "web_server.sched"
	t->turn.slice_ns = param_quantum();
}
#line 198 "web_server.bpf.c"

/* web_server.sched:18 queue normal: the end of a turn from it */
static __always_inline void
queue_normal_stop(struct task_struct *p, struct task_ctx *t, u64 now,
		  s64 used, s64 granted, bool blocked)
{
#line 11 "orders.sched"
	t->queue_normal.v = t->queue_normal.v + quotient(used * 100, weight_of(p));
}
#line 208 "web_server.bpf.c"

/* web_server.sched:19 queue batch: an arrival */
static __always_inline void
queue_batch_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 19 "web_server.sched"
	t->turn.slice_ns = 8000000;
}
#line 217 "web_server.bpf.c"

/* A task becomes ready to run: its queue, its place there, and its slice. */
static void arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	turn_waits(&t->turn, now);
	if (woke)
		task_wake(p, t, now);
	t->turn.queue = route(p, t, now);
	switch (t->turn.queue) {
	case QUEUE_INTERACTIVE:
		queue_interactive_arrive(p, t, now, woke);
		break;
	case QUEUE_NORMAL:
		queue_normal_arrive(p, t, now, woke);
		break;
	case QUEUE_BATCH:
		queue_batch_arrive(p, t, now, woke);
		break;
	}
}

/* A task's turn is over, and it is charged for it. */
static void end_turn(struct task_struct *p, struct task_ctx *t, u64 now, bool blocked)
{
	s64 used = clamp_to(time_since(now, t->turn.started_at), MIN_CHARGE_NS, MAX_CHARGE_NS);
	s64 granted = t->turn.slice_ns;

	t->turn.running = false;
	task_stop(p, t, now, used, granted, blocked);
	switch (t->turn.queue) {
	case QUEUE_INTERACTIVE:
		queue_interactive_stop(p, t, now, used, granted, blocked);
		break;
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
#line 29 "web_server.sched"
		c->due[GUARD_NORMAL_SHARE] += share_cost(ran, 20);
#line 28 "web_server.sched"
		charge(&c->weighted_0.served[0], c->weighted_0.now, ran, 1ULL);
#line 271 "web_server.bpf.c"
		break;
	case QUEUE_BATCH:
#line 30 "web_server.sched"
		c->due[GUARD_BATCH_SHARE] += share_cost(ran, param_batch_floor());
#line 28 "web_server.sched"
		charge(&c->weighted_0.served[1], c->weighted_0.now, ran, 4ULL);
#line 278 "web_server.bpf.c"
		break;
	}
}
#line 282 "web_server.bpf.c"

/*
 * A guarded queue that is empty here has no claim. All were so while the CPU was idle: what came
 * then woke it.
 */
static __always_inline void see_empty(struct cpu_ctx *c, u64 waiting, u64 now)
{
	if (!c->busy)
		waiting = 0;
#line 29 "web_server.sched"
	if (!(waiting & BIT(QUEUE_NORMAL)))
#line 29 "web_server.sched"
		c->due[GUARD_NORMAL_SHARE] = point_max(c->due[GUARD_NORMAL_SHARE], now);
	if (!(waiting & BIT(QUEUE_BATCH)))
#line 30 "web_server.sched"
		c->due[GUARD_BATCH_SHARE] = point_max(c->due[GUARD_BATCH_SHARE], now);
}
#line 300 "web_server.bpf.c"

/* The guarded queue whose claim has been due longest. */
static __always_inline u32 overdue(struct cpu_ctx *c, u64 waiting, u64 now)
{
	u32 queue = NO_QUEUE;
	u64 due = now + 1;

	/* web_server.sched:29 guard normal at least */
	if ((waiting & BIT(QUEUE_NORMAL)) && point_before(c->due[GUARD_NORMAL_SHARE], due)) {
		queue = QUEUE_NORMAL;
		due = c->due[GUARD_NORMAL_SHARE];
	}
	/* web_server.sched:30 guard batch at least */
	if ((waiting & BIT(QUEUE_BATCH)) && point_before(c->due[GUARD_BATCH_SHARE], due)) {
		queue = QUEUE_BATCH;
		due = c->due[GUARD_BATCH_SHARE];
	}
	return queue;
}

/* web_server.sched:28 weighted { normal: 4 batch: 1 } */
__global u32 choose_weighted_0(struct cpu_ctx *c __arg_nonnull, u64 waiting)
{
	const u64 members[] = {
		BIT(QUEUE_NORMAL),
		BIT(QUEUE_BATCH),
	};
	u64 seen = c->weighted_0.seen;
	u32 child, least = 2;

	for (child = 0; child < 2; child++) {
		if (!(waiting & members[child]))
			continue;
		if (!(seen & members[child]))
			c->weighted_0.served[child] =
				point_max(c->weighted_0.served[child], c->weighted_0.now);
		if (least == 2 ||
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
	}
	return NO_QUEUE;
}

/* web_server.sched:28 strict { interactive weighted { .. } } */
static __always_inline u32 choose_strict_0(struct cpu_ctx *c, u64 waiting)
{
	if (waiting & BIT(QUEUE_INTERACTIVE))
		return QUEUE_INTERACTIVE;
	if (waiting & (BIT(QUEUE_NORMAL) | BIT(QUEUE_BATCH)))
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
	case QUEUE_INTERACTIVE:
		advance_clock(&clock_interactive, t->queue_interactive.v);
		break;
	case QUEUE_NORMAL:
		advance_clock(&clock_normal, t->queue_normal.v);
		c->due[GUARD_NORMAL_SHARE] = point_min(c->due[GUARD_NORMAL_SHARE], now);
		break;
	case QUEUE_BATCH:
		c->due[GUARD_BATCH_SHARE] = point_min(c->due[GUARD_BATCH_SHARE], now);
		break;
	}
	return 0;
}

/* place { prev core in any cpu in any } */
static s32 place(struct task_struct *p, s32 prev_cpu)
{
	s32 cpu;

	if (bpf_cpumask_test_cpu(prev_cpu, p->cpus_ptr) &&
	    scx_bpf_test_and_clear_cpu_idle(prev_cpu))
		return prev_cpu;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr,
				    core_enum(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_CORE));
	if (cpu >= 0)
		return cpu;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		return cpu;
	return -1;
}

/* A task wakes up or is new: an idle CPU takes it at once. */
OP3(s32, web_server_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = place(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return prev_cpu;
	t = find_task(p);
	if (t) {
		arrive(p, t, now_if_counted(), true);
		start_at_once(p, &t->turn);
	}
	return cpu;
}

OP2(void, web_server_enqueue, struct task_struct *, p, u64, enq_flags)
{
	struct task_ctx *t = find_task(p);
	bool woke;
	s32 cpu;

	if (!t) {
		insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL), MAX_SLICE_NS);
		return;
	}
	woke = t->turn.asleep;
	if (!t->turn.returned)
		arrive(p, t, now_if_counted(), woke);
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
	if (BIT(t->turn.queue) & (BIT(QUEUE_INTERACTIVE) | BIT(QUEUE_NORMAL)))
		insert_by_key(p, t->turn.queue, t->turn.slice_ns, t->turn.key);
	else
		insert(p, t->turn.queue, t->turn.slice_ns);
	/* A CPU that is taken off the idle ones must be woken. */
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0)
		kick_idle(cpu);
}

/*
 * The kernel asks for the next task while the previous one is in no queue and not charged yet. So
 * its turn ends here and it arrives again, to compete like any other. If it is chosen the kernel,
 * seeing a new slice, lets it run on; if not, all that is left to enqueue is to insert it.
 */
OP2(void, web_server_dispatch, s32, cpu, struct task_struct *, prev)
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
			arrive(prev, t, now, false);
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
	ahead = (own & (BIT(QUEUE_INTERACTIVE) | BIT(QUEUE_NORMAL))) && point_before(key, head);
	/* A queue from which nothing can be moved after all counts as empty in the next round. */
	for (round = 0; round <= NR_QUEUES; round++) {
		queue = choose(c, waiting | own, now);
		if (queue == NO_QUEUE)
			break;
		if (prev && t && queue == mine && (!(waiting & own) || ahead)) {
			set_slice(prev, t->turn.slice_ns);
			start_turn(t, c, now);
		} else if (!move_to_local(queue)) {
			waiting &= ~BIT(queue);
			continue;
		}
		if (c->by_tree)
			granted(c, queue);
		found = true;
		break;
	}
	/* A CPU that comes out of idleness, or from another class, was woken to choose. */
	if (!prev)
		woken_has_chosen(c, cpu, found);
}

OP1(void, web_server_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);
	struct cpu_ctx *c = find_cpu(scx_bpf_task_cpu(p));
	u64 now = now_ns();

	if (!t || !c)
		return;
	/* The kernel starts some tasks by itself, those that may not migrate among them. */
	if (!t->turn.waiting && !t->turn.running) {
		arrive(p, t, now, t->turn.asleep);
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
	if (t && t->turn.running)
		end_turn(p, t, now, false);
	if (p->scx.slice)
		set_slice(p, 0);
}

OP2(void, web_server_quiescent, struct task_struct *, p, u64, deq_flags)
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

OP2(void, web_server_update_idle, s32, cpu, bool, idle)
{
	struct cpu_ctx *c = find_cpu(cpu);

	if (c)
		idleness_changes(c, cpu, idle);
}

OP2(s32, web_server_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	find_cgroup(t, args->cgroup);
	init_states(p, t, now_ns());
	return 0;
}

/* The task comes under this scheduler, for the first time or from another class. */
OP1(void, web_server_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (!t)
		return;
	t->turn.asleep = true;
	t->turn.waiting = false;
	t->turn.running = false;
	t->turn.returned = false;
}

OP3(void, web_server_cgroup_move, struct task_struct *, p, struct cgroup *, from,
    struct cgroup *, to)
{
	struct task_ctx *t = find_task(p);

	if (t)
		find_cgroup(t, to);
}

OP_INIT(web_server_init)
{
	u32 queue;
	s32 error;

	for (queue = 0; queue < NR_QUEUES; queue++) {
		error = scx_bpf_create_dsq(queue, -1);
		if (error)
			return error;
	}
	return 0;
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
