/* SPDX-License-Identifier: GPL-2.0 */
/*
 * strict_priority: a scheduler generated from strict_priority.sched. Edit that, not this.
 *
 * Plain strict priority: what it says is simple, what it does is starve. `schedc` refuses it.
 */
#include <schedc/attributes.h>
#include <schedc/exit.h>
#include <schedc/turn.h>

char _license[] SEC("license") = "GPL";

/* A queue's number is also that of its dispatch queue. */
enum queue {
	QUEUE_URGENT, /* strict_priority.sched:4 queue urgent */
	QUEUE_REST, /* strict_priority.sched:5 queue rest */
	NR_QUEUES,
	NO_QUEUE = NR_QUEUES,
};

/* What a task carries with it. */
struct task_ctx {
	struct turn turn;
};

/* What each CPU keeps. */
struct cpu_ctx {
	bool in_vain; /* its last look was for nothing, after a wake-up */
};

#include <schedc/idle.h>

/* strict_priority.sched:7 route */
static __always_inline u32
route(struct task_struct *p, struct task_ctx *t, u64 now)
{
#line 8 "strict_priority.sched"
	if (nice_of(p) < 0)
#line 8 "strict_priority.sched"
		return QUEUE_URGENT;
#line 7 "strict_priority.sched"
	return QUEUE_REST;
}
#line 45 "strict_priority.bpf.c"

/* strict_priority.sched:4 queue urgent: an arrival */
static __always_inline void
queue_urgent_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 4 "strict_priority.sched"
	t->turn.slice_ns = 5000000;
}
#line 54 "strict_priority.bpf.c"

/* strict_priority.sched:5 queue rest: an arrival */
static __always_inline void
queue_rest_arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
#line 5 "strict_priority.sched"
	t->turn.slice_ns = 5000000;
}
#line 63 "strict_priority.bpf.c"

/* A task becomes ready to run: its queue, its place there, and its slice. */
static void arrive(struct task_struct *p, struct task_ctx *t, u64 now, bool woke)
{
	turn_waits(&t->turn, now);
	t->turn.queue = route(p, t, now);
	switch (t->turn.queue) {
	case QUEUE_URGENT:
		queue_urgent_arrive(p, t, now, woke);
		break;
	case QUEUE_REST:
		queue_rest_arrive(p, t, now, woke);
		break;
	}
}

/* A task's turn is over, and it is charged for it. */
static void end_turn(struct task_struct *p, struct task_ctx *t, u64 now, bool blocked)
{
	t->turn.running = false;
}

/* A task's turn begins, or goes on after its properties were changed. */
static void start_turn(struct task_ctx *t, u64 now)
{
	if (t->turn.running)
		return;
	turn_runs(&t->turn, now);
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
OP3(s32, strict_priority_select_cpu, struct task_struct *, p, s32, prev_cpu, u64, wake_flags)
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

OP2(void, strict_priority_enqueue, struct task_struct *, p, u64, enq_flags)
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
OP2(void, strict_priority_dispatch, s32, cpu, struct task_struct *, prev)
{
	struct cpu_ctx *c;
	struct task_ctx *t = NULL;
	u64 now = 0;
	u32 mine = NO_QUEUE;
	bool found = true;

	if (prev && (prev->scx.flags & core_enum(scx_ent_flags, SCX_TASK_QUEUED)) &&
	    may_run_on(prev, cpu)) {
		t = find_task(prev);
		now = now_if_counted();
		if (t && t->turn.running) {
			end_turn(prev, t, now, false);
			arrive(prev, t, now, false);
			t->turn.returned = true;
		}
		if (t && t->turn.returned)
			mine = t->turn.queue;
	}
	/* strict_priority.sched:12 strict { urgent rest } */
	if (move_to_local(QUEUE_URGENT))
		goto chosen;
	if (mine == QUEUE_URGENT)
		goto goes_on;
	if (move_to_local(QUEUE_REST))
		goto chosen;
	if (mine == QUEUE_REST)
		goto goes_on;
	found = false;
	goto chosen;
goes_on:
	if (prev && t) {
		set_slice(prev, t->turn.slice_ns);
		start_turn(t, now);
	}
chosen:
	/* A CPU that comes out of idleness, or from another class, was woken to choose. */
	if (!prev && (c = find_cpu(cpu)))
		woken_has_chosen(c, cpu, found);
}

OP1(void, strict_priority_running, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);
	u64 now = now_if_counted();

	if (!t)
		return;
	/* The kernel starts some tasks by itself, those that may not migrate among them. */
	if (!t->turn.waiting && !t->turn.running) {
		arrive(p, t, now, t->turn.asleep);
		t->turn.placed = true;
		set_slice(p, t->turn.slice_ns);
		hand_on(scx_bpf_task_cpu(p));
	}
	start_turn(t, now);
}

/*
 * What is left of a slice is given up, so that a task which a higher class has pushed off the CPU
 * comes back through its queue. A running task whose properties are changed stops and runs again
 * without leaving the CPU, which is no end of its turn; only quiescent tells that from sleep.
 */
OP2(void, strict_priority_stopping, struct task_struct *, p, bool, runnable)
{
	struct task_ctx *t;

	if (!runnable)
		return;
	t = find_task(p);
	if (t && t->turn.running)
		end_turn(p, t, now_if_counted(), false);
	if (p->scx.slice)
		set_slice(p, 0);
}

OP2(void, strict_priority_quiescent, struct task_struct *, p, u64, deq_flags)
{
	struct task_ctx *t;

	if (!(deq_flags & core_enum(scx_deq_flags, SCX_DEQ_SLEEP)))
		return;
	t = find_task(p);
	if (!t)
		return;
	if (t->turn.running)
		end_turn(p, t, now_if_counted(), true);
	t->turn.waiting = false;
	t->turn.asleep = true;
}

OP2(void, strict_priority_update_idle, s32, cpu, bool, idle)
{
	struct cpu_ctx *c = find_cpu(cpu);

	if (c)
		idleness_changes(c, cpu, idle);
}

OP2(s32, strict_priority_init_task, struct task_struct *, p, struct scx_init_task_args *, args)
{
	struct task_ctx *t = create_task(p);

	if (!t)
		return -ENOMEM;
	return 0;
}

/* The task comes under this scheduler, for the first time or from another class. */
OP1(void, strict_priority_enable, struct task_struct *, p)
{
	struct task_ctx *t = find_task(p);

	if (!t)
		return;
	t->turn.asleep = true;
	t->turn.waiting = false;
	t->turn.running = false;
	t->turn.returned = false;
}

OP_INIT(strict_priority_init)
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

OP1(void, strict_priority_exit, struct scx_exit_info *, info)
{
	save_exit_info(info);
}

SEC(".struct_ops.link")
struct sched_ext_ops strict_priority_ops = {
	.select_cpu = (void *)strict_priority_select_cpu,
	.enqueue = (void *)strict_priority_enqueue,
	.dispatch = (void *)strict_priority_dispatch,
	.running = (void *)strict_priority_running,
	.stopping = (void *)strict_priority_stopping,
	.quiescent = (void *)strict_priority_quiescent,
	.update_idle = (void *)strict_priority_update_idle,
	.init_task = (void *)strict_priority_init_task,
	.enable = (void *)strict_priority_enable,
	.init = (void *)strict_priority_init,
	.exit = (void *)strict_priority_exit,
	.flags = OPS_KEEP_BUILTIN_IDLE | OPS_ENQ_EXITING,
	.timeout_ms = 30000,
	.name = "strict_priority",
};
