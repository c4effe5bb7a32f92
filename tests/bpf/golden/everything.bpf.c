/* SPDX-License-Identifier: GPL-2.0 */
/*
 * everything: a scheduler generated from everything.sched, which uses orders.sched,
 * statistics.sched. Edit those, not this.
 *
 * Of everything something: what the language has is in here.
 *
 * Accepted: queue rest may starve, because it is idle work
 */
#include <schedc/attributes.h>
#include <schedc/cgroup.h>
#include <schedc/exit.h>
#include <schedc/names.h>
#include <schedc/turn.h>
#include <schedc/wakers.h>

char _license[] SEC("license") = "GPL";

/* A queue's number is also that of its dispatch queue. */
enum queue {
	QUEUE_URGENT, /* everything.sched:26 queue urgent */
	QUEUE_FAIR, /* everything.sched:27 queue fair */
	QUEUE_LINE, /* everything.sched:28 queue line */
	QUEUE_REST, /* everything.sched:29 queue rest */
	NR_QUEUES,
	NO_QUEUE = NR_QUEUES,
};

/* May be written while the scheduler runs: every read is held to the range that proofs cover. */
volatile struct {
	s64 quantum; /* everything.sched:5 param quantum */
	s64 floor; /* everything.sched:7 param floor */
} params SEC(".data") = {
	.quantum = 4000000LL,
	.floor = 10LL,
};

static __always_inline s64 param_quantum(void)
{
	return clamp_to(params.quantum, 1000000LL, 20000000LL);
}

static __always_inline s64 param_floor(void)
{
	return clamp_to(params.floor, 5LL, 20LL);
}

/* By queue: the greatest virtual time from which a task of it has started. */
static u64 clock_fair; /* everything.sched:27 queue fair */

/* What a task carries with it. */
struct task_ctx {
	struct turn turn;
	bool under[1]; /* whether its cgroup lies below those that the policy names */
	struct {
		s64 burst; /* everything.sched:10 burst */
		bool calm; /* everything.sched:11 calm */
		u64 seen; /* everything.sched:12 seen */
		bool waker_calm; /* everything.sched:14 waker.calm */
		s64 avg_run; /* statistics.sched:14 avg_run */
		s64 run_since_wake; /* statistics.sched:7 run_since_wake */
		s64 waker_avg_run; /* everything.sched:36 waker.avg_run */
		s64 wake_gap; /* statistics.sched:20 wake_gap */
		u64 wake_gap_woken_at; /* statistics.sched:21 wake_gap.woken_at */
		s64 waking_gap; /* statistics.sched:27 waking_gap */
		u64 waking_gap_waking_at; /* statistics.sched:28 waking_gap.waking_at */
	} task;
	struct {
		u64 due; /* everything.sched:20 due */
	} queue_urgent;
	struct {
		u64 v; /* orders.sched:9 v */
	} queue_fair;
};

enum guard {
	GUARD_FAIR_AFTER, /* everything.sched:42 guard fair after */
	GUARD_LINE_SHARE, /* everything.sched:43 guard line at least */
	GUARD_REST_SHARE, /* everything.sched:44 guard rest at least */
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
	struct { /* everything.sched:41 weighted { fair: 4 strict { .. }: 1 } */
		u64 now; /* the greatest service from which a child was chosen */
		u64 served[2]; /* by child: ns of service, scaled by its weight */
		u64 seen; /* the queues that waited at the last choice, as bits */
	} weighted_0;
};

#include <schedc/idle.h>

/* Kept with the task: a cgroup's place never changes, only the task moves. */
static __always_inline void find_cgroup(struct task_ctx *t, struct cgroup *cgroup)
{
	/* everything.sched:34 cgroup under /batch.slice/low */
	t->under[0] = cgroup_at(cgroup, 1, "batch.slice", 12) &&
		      cgroup_at(cgroup, 2, "low", 4);
}

/* everything.sched:10 the states of a new task */
static __always_inline void
init_states(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 10 "everything.sched"
	t->task.burst = 1000000;
	t->task.calm = 1;
	t->task.seen = now;
#line 14 "everything.sched"
	t->task.waker_calm = 1;
#line 14 "statistics.sched"
	t->task.avg_run = 5000000;
#line 7 "statistics.sched"
	t->task.run_since_wake = 0;
#line 36 "everything.sched"
	t->task.waker_avg_run = 5000000;
#line 20 "statistics.sched"
	t->task.wake_gap = 1000000000;
	t->task.wake_gap_woken_at = now - 1000000000;
#line 27 "statistics.sched"
	t->task.waking_gap = 1000000000;
	t->task.waking_gap_waking_at = now - 1000000000;
}
#line 133 "everything.bpf.c"

/* statistics.sched:8 task, on wake */
static __always_inline void
task_wake(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 8 "statistics.sched"
	t->task.run_since_wake = 0;
#line 22 "statistics.sched"
	t->task.wake_gap = quotient(t->task.wake_gap * 3 + min_of(max_of((s64)(now - t->task.wake_gap_woken_at), 0), 10000000000LL), 4);
#line 22 "statistics.sched"
	t->task.wake_gap_woken_at = now;
#line 13 "everything.sched"
	t->task.calm = t->task.burst < 2000000;
#line 13 "everything.sched"
	t->task.seen = now;
}
#line 150 "everything.bpf.c"

/* statistics.sched:29 task, on waking */
static __always_inline void
task_waking(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 29 "statistics.sched"
	t->task.waking_gap = quotient(t->task.waking_gap * 3 + min_of(max_of((s64)(now - t->task.waking_gap_waking_at), 0), 10000000000LL), 4);
#line 29 "statistics.sched"
	t->task.waking_gap_waking_at = now;
#line 14 "everything.sched"
	t->task.calm = t->task.waker_calm;
}
#line 163 "everything.bpf.c"

/* everything.sched:15 task, on join */
static __always_inline void
task_join(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 15 "everything.sched"
	if (t->task.calm && woke)
#line 15 "everything.sched"
		t->task.burst = quotient(t->task.burst, 2);
}
#line 174 "everything.bpf.c"

/* statistics.sched:9 task, on stop */
static __always_inline void
task_stop(struct task_struct *p, struct task_ctx *t, u64 now, s64 used, s64 granted, bool blocked)
{
#line 9 "statistics.sched"
	t->task.run_since_wake = clamp_to(t->task.run_since_wake + used, 0, 10000000000LL);
#line 15 "statistics.sched"
	if (blocked)
#line 15 "statistics.sched"
		t->task.avg_run = quotient(t->task.avg_run * 3 + t->task.run_since_wake, 4);
#line 16 "everything.sched"
	if (!blocked)
#line 16 "everything.sched"
		t->task.burst = clamp_to(min_of(max_of(t->task.burst + used, 0), granted * 100), 0, 1000000000);
}
#line 191 "everything.bpf.c"

/* everything.sched:31 route */
static __always_inline u32
route(struct task_struct *p, struct task_ctx *t, u64 now)
{
	const struct name comm = comm_of(p);
	const struct name process = process_of(p);

#line 32 "everything.sched"
	if (name_starts(&comm, "nginx", 5) || name_ends(&process, "worker", 6) || name_contains(&comm, "x", 1) || name_is(&comm, "sshd", 4))
#line 32 "everything.sched"
		return QUEUE_URGENT;
	if (is_kthread(p) || is_restricted(p))
#line 33 "everything.sched"
		return QUEUE_URGENT;
	if (t->under[0])
#line 34 "everything.sched"
		return QUEUE_REST;
	if (log2_of(weight_of(p)) < 5 || nice_of(p) >= 10 || uid_of(p) == 65534 || (name_starts(&comm, "k", 1) && name_after(&comm, name_after(&comm, 1, "r/", 2), ":0", 2 + 1) != NOT_THERE))
#line 35 "everything.sched"
		return QUEUE_LINE;
	if (t->task.waker_avg_run < 1000000 && t->task.wake_gap < 10000000 && t->task.waking_gap < 10000000)
#line 36 "everything.sched"
		return QUEUE_URGENT;
	if (t->task.calm && (s64)(now - t->task.seen) < 1000000000)
#line 37 "everything.sched"
		return QUEUE_URGENT;
#line 31 "everything.sched"
	return QUEUE_FAIR;
}
#line 222 "everything.bpf.c"

/* everything.sched:26 queue urgent: an arrival */
static __always_inline void
queue_urgent_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	if (!(t->turn.joined & BIT(QUEUE_URGENT))) {
		t->turn.joined |= BIT(QUEUE_URGENT);
#line 20 "everything.sched"
		t->queue_urgent.due = now + 2000000;
#line 232 "everything.bpf.c"
	}
	if (woke) {
#line 21 "everything.sched"
		t->queue_urgent.due = now + 2000000;
#line 237 "everything.bpf.c"
	}
	task_join(p, t, now, woke);
#line 22 "everything.sched"
	t->queue_urgent.due = point_min(point_max(t->queue_urgent.due, now - 2000000), now + 2000000);
	t->turn.key = t->queue_urgent.due;
#line 26 "everything.sched"
	t->turn.slice_ns = 1000000;
}
#line 246 "everything.bpf.c"

/* everything.sched:27 queue fair: an arrival */
static __always_inline void
queue_fair_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	const u64 clock = READ_ONCE(clock_fair);

	if (!(t->turn.joined & BIT(QUEUE_FAIR))) {
		t->turn.joined |= BIT(QUEUE_FAIR);
#line 9 "orders.sched"
		t->queue_fair.v = clock + 1000000;
#line 258 "everything.bpf.c"
	}
	task_join(p, t, now, woke);
#line 10 "orders.sched"
	t->queue_fair.v = point_max(t->queue_fair.v, clock - 20000000);
#line 12 "orders.sched"
	t->turn.key = t->queue_fair.v;
#line 27 "everything.sched"
	t->turn.slice_ns = param_quantum();
}
#line 268 "everything.bpf.c"

/* everything.sched:27 queue fair: the end of a turn from it */
static __always_inline void
queue_fair_stop(struct task_struct *p, struct task_ctx *t, u64 now,
		s64 used, s64 granted, bool blocked)
{
#line 11 "orders.sched"
	t->queue_fair.v = t->queue_fair.v + quotient(used * 100, weight_of(p));
}
#line 278 "everything.bpf.c"

/* everything.sched:28 queue line: an arrival */
static __always_inline void
queue_line_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	task_join(p, t, now, woke);
#line 28 "everything.sched"
	t->turn.slice_ns = 3000000;
}
#line 288 "everything.bpf.c"

/* everything.sched:29 queue rest: an arrival */
static __always_inline void
queue_rest_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	task_join(p, t, now, woke);
#line 29 "everything.sched"
	t->turn.slice_ns = is_pinned(p) ? 1000000 : 8000000;
}
#line 298 "everything.bpf.c"

/*
 * The task that runs here wakes another: it may take notice, and may leave the other something. An
 * interrupt has nothing to do with the task that it interrupts.
 */
static __noinline void note_waker(struct task_ctx *t, u64 now)
{
	struct task_struct *waker = bpf_get_current_task_btf();
	struct task_ctx *w;

	if (in_interrupt())
		return;
	w = find_task(waker);
	if (!w || !w->turn.running)
		return;
	task_waking(waker, w, now);
	t->task.waker_calm = w->task.calm; /* everything.sched:14 waker */
	t->task.waker_avg_run = w->task.avg_run; /* everything.sched:36 waker */
}

/* A task becomes ready to run: its queue, its place there, and its slice. */
static void arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	turn_waits(&t->turn, now);
	if (woke)
		task_wake(p, t, now);
	t->turn.queue = route(p, t, now);
	switch (t->turn.queue) {
	case QUEUE_URGENT:
		queue_urgent_arrive(p, t, now, woke);
		break;
	case QUEUE_FAIR:
		queue_fair_arrive(p, t, now, woke);
		break;
	case QUEUE_LINE:
		queue_line_arrive(p, t, now, woke);
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
	task_stop(p, t, now, used, granted, blocked);
	switch (t->turn.queue) {
	case QUEUE_FAIR:
		queue_fair_stop(p, t, now, used, granted, blocked);
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
	case QUEUE_FAIR:
#line 42 "everything.sched"
		c->due[GUARD_FAIR_AFTER] = now + 20000000;
#line 41 "everything.sched"
		charge(&c->weighted_0.served[0], c->weighted_0.now, ran, 1ULL);
#line 371 "everything.bpf.c"
		break;
	case QUEUE_LINE:
#line 43 "everything.sched"
		c->due[GUARD_LINE_SHARE] += share_cost(ran, param_floor());
#line 41 "everything.sched"
		charge(&c->weighted_0.served[1], c->weighted_0.now, ran, 4ULL);
#line 378 "everything.bpf.c"
		break;
	case QUEUE_REST:
#line 44 "everything.sched"
		c->due[GUARD_REST_SHARE] += share_cost(ran, 5);
#line 41 "everything.sched"
		charge(&c->weighted_0.served[1], c->weighted_0.now, ran, 4ULL);
#line 385 "everything.bpf.c"
		break;
	}
}
#line 389 "everything.bpf.c"

/*
 * A guarded queue that is empty here has no claim. All were so while the CPU was idle: what came
 * then woke it.
 */
static __always_inline void see_empty(struct cpu_ctx *c, u64 waiting, u64 now)
{
	if (!c->busy)
		waiting = 0;
#line 42 "everything.sched"
	if (!(waiting & BIT(QUEUE_FAIR)))
#line 42 "everything.sched"
		c->due[GUARD_FAIR_AFTER] = now + 20000000;
	if (!(waiting & BIT(QUEUE_LINE)))
#line 43 "everything.sched"
		c->due[GUARD_LINE_SHARE] = point_max(c->due[GUARD_LINE_SHARE], now);
	if (!(waiting & BIT(QUEUE_REST)))
#line 44 "everything.sched"
		c->due[GUARD_REST_SHARE] = point_max(c->due[GUARD_REST_SHARE], now);
}
#line 410 "everything.bpf.c"

/* The guarded queue whose claim has been due longest. */
static __always_inline u32 overdue(struct cpu_ctx *c, u64 waiting, u64 now)
{
	u32 queue = NO_QUEUE;
	u64 due = now + 1;

	/* everything.sched:42 guard fair after */
	if ((waiting & BIT(QUEUE_FAIR)) && point_before(c->due[GUARD_FAIR_AFTER], due)) {
		queue = QUEUE_FAIR;
		due = c->due[GUARD_FAIR_AFTER];
	}
	/* everything.sched:43 guard line at least */
	if ((waiting & BIT(QUEUE_LINE)) && point_before(c->due[GUARD_LINE_SHARE], due)) {
		queue = QUEUE_LINE;
		due = c->due[GUARD_LINE_SHARE];
	}
	/* everything.sched:44 guard rest at least */
	if ((waiting & BIT(QUEUE_REST)) && point_before(c->due[GUARD_REST_SHARE], due)) {
		queue = QUEUE_REST;
		due = c->due[GUARD_REST_SHARE];
	}
	return queue;
}

/* everything.sched:41 strict { line rest } */
static __always_inline u32 choose_strict_0(u64 waiting)
{
	if (waiting & BIT(QUEUE_LINE))
		return QUEUE_LINE;
	if (waiting & BIT(QUEUE_REST))
		return QUEUE_REST;
	return NO_QUEUE;
}

/* everything.sched:41 weighted { fair: 4 strict { .. }: 1 } */
__global u32 choose_weighted_0(struct cpu_ctx *c __arg_nonnull, u64 waiting)
{
	const u64 members[] = {
		BIT(QUEUE_FAIR),
		(BIT(QUEUE_LINE) | BIT(QUEUE_REST)),
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
		return QUEUE_FAIR;
	case 1:
		return choose_strict_0(waiting);
	}
	return NO_QUEUE;
}

/* everything.sched:41 strict { urgent weighted { .. } } */
static __always_inline u32 choose_strict_1(struct cpu_ctx *c, u64 waiting)
{
	if (waiting & BIT(QUEUE_URGENT))
		return QUEUE_URGENT;
	if (waiting & (BIT(QUEUE_FAIR) | BIT(QUEUE_LINE) | BIT(QUEUE_REST)))
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
		queue = choose_strict_1(c, waiting);
	c->busy = queue != NO_QUEUE;
	return queue;
}

/* The tree's choice was carried out: the time of each weighted node above the queue moves on. */
__global int granted(struct cpu_ctx *c __arg_nonnull, u32 queue)
{
	switch (queue) {
	case QUEUE_FAIR:
		c->weighted_0.now =
			point_max(c->weighted_0.now, c->weighted_0.served[0]);
		break;
	case QUEUE_LINE:
		c->weighted_0.now =
			point_max(c->weighted_0.now, c->weighted_0.served[1]);
		break;
	case QUEUE_REST:
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
		choose_strict_1(c, BIT(t->turn.queue));
		granted(c, t->turn.queue);
	}
	switch (t->turn.queue) {
	case QUEUE_FAIR:
		advance_clock(&clock_fair, t->queue_fair.v);
		break;
	case QUEUE_LINE:
		c->due[GUARD_LINE_SHARE] = point_min(c->due[GUARD_LINE_SHARE], now);
		break;
	case QUEUE_REST:
		c->due[GUARD_REST_SHARE] = point_min(c->due[GUARD_REST_SHARE], now);
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
OP3(s32, everything_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
{
	s32 cpu = place(p, prev_cpu);
	struct task_ctx *t;

	if (cpu < 0)
		return prev_cpu;
	t = find_task(p);
	if (t) {
		note_waker(t, now_ns());
		arrive(p, t, now_ns(), true);
		start_at_once(p, &t->turn);
	}
	return cpu;
}

OP2(void, everything_enqueue, struct task_struct *, p, u64, enq_flags)
{
	struct task_ctx *t = find_task(p);
	bool woke;
	s32 cpu;

	if (!t) {
		insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_GLOBAL), MAX_SLICE_NS);
		return;
	}
	if (t->turn.asleep)
		note_waker(t, now_ns());
	woke = t->turn.asleep;
	if (!t->turn.returned)
		arrive(p, t, now_ns(), woke);
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
	if (BIT(t->turn.queue) & (BIT(QUEUE_URGENT) | BIT(QUEUE_FAIR)))
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
OP2(void, everything_dispatch, s32, cpu, struct task_struct *, prev)
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
	ahead = (own & (BIT(QUEUE_URGENT) | BIT(QUEUE_FAIR))) && point_before(key, head);
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

OP1(void, everything_running, struct task_struct *, p)
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
OP2(void, everything_stopping, struct task_struct *, p, bool, runnable)
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

OP2(void, everything_quiescent, struct task_struct *, p, u64, deq_flags)
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

OP2(void, everything_update_idle, s32, cpu, bool, idle)
{
	struct cpu_ctx *c = find_cpu(cpu);

	if (c)
		idleness_changes(c, cpu, idle);
}

OP2(s32, everything_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	find_cgroup(t, args->cgroup);
	init_states(p, t, now_ns());
	return 0;
}

/* The task comes under this scheduler, for the first time or from another class. */
OP1(void, everything_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (!t)
		return;
	t->turn.asleep = true;
	t->turn.waiting = false;
	t->turn.running = false;
	t->turn.returned = false;
}

OP3(void, everything_cgroup_move, struct task_struct *, p, struct cgroup *, from,
    struct cgroup *, to)
{
	struct task_ctx *t = find_task(p);

	if (t)
		find_cgroup(t, to);
}

OP_INIT(everything_init)
{
	u32 queue;
	s32 error;

	count_possible_cpus();
	for (queue = 0; queue < NR_QUEUES; queue++) {
		error = scx_bpf_create_dsq(queue, -1);
		if (error)
			return error;
	}
	return 0;
}

OP1(void, everything_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops everything_ops = {
	.select_cpu = (void *)everything_select_cpu,
	.enqueue = (void *)everything_enqueue,
	.dispatch = (void *)everything_dispatch,
	.running = (void *)everything_running,
	.stopping = (void *)everything_stopping,
	.quiescent = (void *)everything_quiescent,
	.update_idle = (void *)everything_update_idle,
	.init_task = (void *)everything_init_task,
	.enable = (void *)everything_enable,
	.cgroup_move = (void *)everything_cgroup_move,
	.init = (void *)everything_init,
	.exit = (void *)everything_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "everything",
};
