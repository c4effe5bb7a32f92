/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the hand-written schedulers have in common. They stand on the same wrappers of kernel
 * functions as generated ones, as schedulers of the kernel tree stand on scx/common.bpf.h.
 * To be included after struct cpu_ctx, NR_DSQS, and struct task_ctx where there is one.
 */
#include <schedc/cpus.h>
#include <schedc/exit.h>

char _license[] SEC("license") = "GPL";

#define ENQ_WAKEUP 1
#define MSEC 1000000LL

static __always_inline bool is_queued(struct task_struct *p)
{
	return p->scx.flags & core_enum(scx_ent_flags, SCX_TASK_QUEUED);
}

static __always_inline void insert_local(struct task_struct *p, u64 slice_ns)
{
	insert(p, core_enum(scx_dsq_id_flags, SCX_DSQ_LOCAL), slice_ns);
}

static __noinline s32 claim_idle_cpu(struct task_struct *p, s32 prev_cpu)
{
	s32 cpu;

	if (bpf_cpumask_test_cpu(prev_cpu, p->cpus_ptr) &&
	    scx_bpf_test_and_clear_cpu_idle(prev_cpu))
		return prev_cpu;
	cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr,
				    core_enum(scx_pick_idle_cpu_flags, SCX_PICK_IDLE_CORE));
	if (cpu >= 0)
		return cpu;
	return scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
}

static __always_inline void kick_an_idle_cpu(struct task_struct *p)
{
	s32 cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);

	if (cpu >= 0)
		kick_idle(cpu);
}

__global int kick_for(u64 dsq)
{
	struct bpf_iter_scx_dsq it;
	struct task_struct *p;
	s32 cpu = -1;

	if (!scx_bpf_dsq_nr_queued(dsq))
		return 0;
	if (!bpf_iter_scx_dsq_new(&it, dsq, 0)) {
		while ((p = bpf_iter_scx_dsq_next(&it))) {
			cpu = scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
			if (cpu >= 0)
				break;
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	if (cpu < 0)
		return 0;
	kick_idle(cpu);
	return 1;
}

/* A kick may have been spent on another task than it was meant for. */
__global int hand_on(void)
{
	const struct cpumask *idle = scx_bpf_get_idle_cpumask();
	bool none = bpf_cpumask_empty(idle);
	u32 dsq;

	scx_bpf_put_idle_cpumask(idle);
	if (none)
		return 0;
	for (dsq = 0; dsq < NR_DSQS; dsq++) {
		if (kick_for(dsq))
			break;
	}
	return 0;
}

/* A CPU that was kicked looks once more before it stays idle. */
static __always_inline void kicked_cpu_has_chosen(struct cpu_ctx *c, s32 cpu, bool found)
{
	hand_on();
	c->in_vain = !found && !c->in_vain;
	if (c->in_vain)
		kick_idle(cpu);
}

/* The queues with a task for `cpu`, as bits. */
__global u64 waiting_on(s32 cpu)
{
	u64 waiting = 0, key;
	u32 dsq;

	for (dsq = 0; dsq < NR_DSQS; dsq++)
		waiting |= (u64)(first_key(dsq, cpu, &key) & 1) << dsq;
	return waiting;
}

static __always_inline void idle_changes(s32 cpu, bool idle)
{
	struct cpu_ctx *c = find_cpu(cpu);

	if (!c)
		return;
	c->in_vain = false;
	if (idle && waiting_on(cpu))
		kick_idle(cpu);
}

static __always_inline s32 create_dsqs(void)
{
	s32 error;
	u32 dsq;

	for (dsq = 0; dsq < NR_DSQS; dsq++) {
		error = scx_bpf_create_dsq(dsq, -1);
		if (error)
			return error;
	}
	return 0;
}

#ifdef HAS_TASKS
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct task_ctx);
} tasks SEC(".maps");

static __always_inline struct task_ctx *find_task(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, 0);
}

static __always_inline struct task_ctx *create_task(struct task_struct *p)
{
	return bpf_task_storage_get(&tasks, p, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
}

static __always_inline s64 time_used(u64 now, u64 started_at)
{
	return clamp_to(time_since(now, started_at), 1000, 1000000000);
}
#endif

#define MAX_DEBT (1ULL << 60)

/* What `ran` ns cost a queue that is guaranteed `percent` of the time. */
static __always_inline u64 share_cost(u64 ran, s64 percent)
{
	return (ran * 100 + percent - 1) / percent;
}

static __always_inline void charge_child(u64 *served, u64 now, u64 ran, u64 scale)
{
	u64 cost = ran < MAX_DEBT / scale ? ran * scale : MAX_DEBT;

	*served = point_min(*served + cost, now + MAX_DEBT);
}
