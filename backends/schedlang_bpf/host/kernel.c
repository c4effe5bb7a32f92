/* SPDX-License-Identifier: GPL-2.0 */
/*
 * As much of the kernel's sched_ext core as calls a scheduler's callbacks in the order, and under
 * the conditions, in which the kernel does. Time stands still unless `host_time` moves it.
 */
extern struct sched_ext_ops OPS;

enum { CPUS = 8, TASKS = 64, QUEUES = 64 * CPUS, VALUE_BYTES = 8192, VALUES = 256, MASKS = 64, GROUPS = 64 };

struct host_task {
	struct task_struct p;
	struct task_struct parent;
	struct cred cred;
	struct cpumask mask;
	struct cgroup cgroups[MAX_LEVELS];
	struct kernfs_node nodes[MAX_LEVELS];
	char names[MAX_LEVELS][256];
	void *storage;
	s32 cpu;
	u64 direct;	/* the dispatch queue that it was inserted in directly, or NONE */
	u64 seq;
	s64 dsq;	/* where it is queued: a user queue, LOCAL + cpu, or -1 */
};

#define NONE (~0ULL)
#define LOCAL 1000

static struct host_task tasks_[TASKS];
static int nr_tasks, host_cpus, host_llcs, host_nodes, nr_threads, nr_little, this_cpu, in_dispatch;
static struct host_task *curr[CPUS], *blocked[CPUS];
static int late_waker = -1, late_cpu;	/* who wakes up, and where, while a CPU goes idle */
static u32 speeds[CPUS];
static bool idle_bit[CPUS], kicked[CPUS], ended[CPUS];
static u64 now_, seq_, lookups;
static struct { void *map; u32 key, cpu; char *value; } values[VALUES];
static char fault[256];
static struct cpumask idle_cpus, online_cpus;
static struct bpf_cpumask masks_[MASKS];
static int nr_masks;
static struct group groups_[GROUPS];
static char group_paths[GROUPS][256];
static int nr_groups;
static const struct cpumask all_cpus = { BIT(CPUS) - 1 };
static struct task_struct leaders[TASKS];

static void fail(const char *why)
{
	if (!fault[0])
		strncpy(fault, why, sizeof(fault) - 1);
}

static struct host_task *host(const struct task_struct *p)
{
	return (struct host_task *)p;
}

/* --- what the scheduler calls */

static void *value_of(void *map, u32 key, u32 cpu)
{
	for (int i = 0; i < VALUES; i++) {
		if (!values[i].map) {
			values[i].map = map;
			values[i].key = key;
			values[i].cpu = cpu;
			values[i].value = calloc(1, VALUE_BYTES);
		}
		if (values[i].map == map && values[i].key == key && values[i].cpu == cpu)
			return values[i].value;
	}
	abort();
}

void *host_lookup(void *map, const void *key, int type)
{
	lookups++;
	return value_of(map, *(const u32 *)key, type == BPF_MAP_TYPE_PERCPU_ARRAY ? this_cpu : 0);
}

void *bpf_map_lookup_percpu_elem(void *map, const void *key, u32 cpu)
{
	lookups++;
	return value_of(map, *(const u32 *)key, cpu);
}

void *bpf_task_storage_get(void *map, struct task_struct *p, void *value, u64 flags)
{
	if (!p)
		return NULL;
	lookups++;
	if (!host(p)->storage && flags)
		host(p)->storage = calloc(1, VALUE_BYTES);
	return host(p)->storage;
}

const int sd_llc_id, numa_node;
static int part_;

/* CPUs that do not run are alone in their parts, which nobody else is in. */
const void *bpf_per_cpu_ptr(const void *variable, u32 cpu)
{
	int parts = variable == &sd_llc_id ? host_llcs : host_nodes;

	part_ = cpu < host_cpus ? cpu * parts / host_cpus : cpu;
	return &part_;
}

void *bpf_kptr_xchg(void *place, void *pointer)
{
	void *before = *(void **)place;

	*(void **)place = pointer;
	return before;
}

struct bpf_cpumask *bpf_cpumask_create(void)
{
	return masks_ + nr_masks++;
}

void bpf_cpumask_release(struct bpf_cpumask *mask) {}
void bpf_cpumask_set_cpu(u32 cpu, struct bpf_cpumask *mask) { mask->cpumask.bits |= BIT(cpu); }
u32 scx_bpf_nr_cpu_ids(void) { return CPUS; }
u32 scx_bpf_cpuperf_cap(s32 cpu) { return cpu >= host_cpus - nr_little ? 512 : 1024; }

bool bpf_cpumask_intersects(const struct cpumask *a, const struct cpumask *b)
{
	return a->bits & b->bits;
}

u32 bpf_get_smp_processor_id(void) { return this_cpu; }

bool bpf_cpumask_and(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
	return to->cpumask.bits = a->bits & b->bits;
}

int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end)
{
	it->next = start - 1;
	it->end = end;
	return 0;
}

int *bpf_iter_num_next(struct bpf_iter_num *it)
{
	return ++it->next < it->end ? &it->next : NULL;
}

void bpf_iter_num_destroy(struct bpf_iter_num *it) {}

struct group *find_group(u64 id) { return id && id <= nr_groups ? &groups_[id - 1] : NULL; }
void remove_group(u64 id) {}

s32 add_group(u64 id, const struct group *group)
{
	groups_[id - 1] = *group;
	return 0;
}

u64 bpf_ktime_get_ns(void) { return now_; }

/* The idle task, which has no storage, is nobody. */
struct task_struct *bpf_get_current_task_btf(void)
{
	return curr[this_cpu] ? &curr[this_cpu]->p : NULL;
}

long bpf_probe_read_kernel_str(void *to, u32 size, const void *from)
{
	strncpy(to, from, size);
	((char *)to)[size - 1] = 0;
	return 0;
}

s32 scx_bpf_create_dsq(u64 dsq_id, s32 node) { return 0; }

void scx_bpf_kick_cpu(s32 cpu, u64 flags)
{
	if (flags & SCX_KICK_PREEMPT)
		ended[cpu] = true;
	else
		kicked[cpu] = true;
}

void scx_bpf_cpuperf_set(s32 cpu, u32 speed) { speeds[cpu] = speed; }
s32 scx_bpf_task_cpu(const struct task_struct *p) { return host(p)->cpu; }

const struct cpumask *scx_bpf_get_possible_cpumask(void)
{
	return &all_cpus;
}

const struct cpumask *scx_bpf_get_online_cpumask(void)
{
	online_cpus.bits = BIT(host_cpus) - 1;
	return &online_cpus;
}

void scx_bpf_put_cpumask(const struct cpumask *mask) {}

const struct cpumask *scx_bpf_get_idle_cpumask(void)
{
	idle_cpus.bits = 0;
	for (int cpu = 0; cpu < host_cpus; cpu++)
		idle_cpus.bits |= (u64)idle_bit[cpu] << cpu;
	return &idle_cpus;
}

void scx_bpf_put_idle_cpumask(const struct cpumask *mask) {}
bool bpf_cpumask_empty(const struct cpumask *mask) { return !mask->bits; }

bool bpf_cpumask_test_cpu(u32 cpu, const struct cpumask *mask)
{
	return cpu < CPUS && mask->bits >> cpu & 1;
}

u32 bpf_cpumask_first(const struct cpumask *mask) { return __builtin_ctzll(mask->bits); }
u32 bpf_cpumask_weight(const struct cpumask *mask) { return __builtin_popcountll(mask->bits); }

bool scx_bpf_test_and_clear_cpu_idle(s32 cpu)
{
	bool was = idle_bit[cpu];

	idle_bit[cpu] = false;
	return was;
}

static bool core_is_idle(int cpu)
{
	for (int other = 0; other < host_cpus; other++) {
		if (other / nr_threads == cpu / nr_threads && !idle_bit[other])
			return false;
	}
	return true;
}

s32 scx_bpf_pick_idle_cpu(const struct cpumask *allowed, u64 flags)
{
	for (int cpu = 0; cpu < host_cpus; cpu++) {
		if ((flags & SCX_PICK_IDLE_CORE) && !core_is_idle(cpu))
			continue;
		if (bpf_cpumask_test_cpu(cpu, allowed) && scx_bpf_test_and_clear_cpu_idle(cpu))
			return cpu;
	}
	return -1;
}

/* The first task in a queue after (key, seq), by key, then by insertion. */
static struct host_task *first_in(s64 dsq, struct host_task *after)
{
	struct host_task *best = NULL;

	for (int i = 0; i < nr_tasks; i++) {
		struct host_task *t = &tasks_[i];
		s64 key = t->p.scx.dsq_vtime;

		if (t->dsq != dsq)
			continue;
		if (after && ((s64)(key - after->p.scx.dsq_vtime) < 0 ||
			      (key == (s64)after->p.scx.dsq_vtime && t->seq <= after->seq)))
			continue;
		if (!best || (s64)(key - best->p.scx.dsq_vtime) < 0 ||
		    (key == (s64)best->p.scx.dsq_vtime && t->seq < best->seq))
			best = t;
	}
	return best;
}

s32 scx_bpf_dsq_nr_queued(u64 dsq)
{
	int n = 0;

	for (int i = 0; i < nr_tasks; i++)
		n += tasks_[i].dsq == (s64)dsq;
	return n;
}

int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, u64 dsq_id, u64 flags)
{
	it->dsq = dsq_id;
	it->at = 0;
	return 0;
}

struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it)
{
	struct host_task *t = first_in(it->dsq, (struct host_task *)it->at);

	it->at = (u64)t;
	return t ? &t->p : NULL;
}

void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) {}

static void verdict(struct task_struct *p, u64 dsq, u64 slice, u64 vtime)
{
	if (host(p)->direct != NONE)
		fail("a second insertion of one task");
	if (in_dispatch)
		fail("an insertion in dispatch");
	host(p)->direct = dsq;
	p->scx.slice = slice;
	p->scx.dsq_vtime = vtime;
}

void scx_bpf_dsq_insert___613(struct task_struct *p, u64 dsq, u64 slice, u64 flags)
{
	verdict(p, dsq, slice, 0);
}

void scx_bpf_dsq_insert_vtime___613(struct task_struct *p, u64 dsq, u64 slice, u64 vtime, u64 flags)
{
	verdict(p, dsq, slice, vtime);
}

static void link_local(struct host_task *t, int cpu)
{
	t->p.scx.dsq_vtime = 0;
	t->seq = ++seq_;
	t->dsq = LOCAL + cpu;
	t->cpu = cpu;
}

bool scx_bpf_dsq_move_to_local___613(u64 dsq)
{
	struct host_task *t = first_in(dsq, NULL);

	while (t && !bpf_cpumask_test_cpu(this_cpu, &t->mask))
		t = first_in(dsq, t);
	if (t)
		link_local(t, this_cpu);
	return t;
}

/* --- what the kernel does */

static void do_enqueue(struct host_task *t, u64 flags)
{
	u64 args[] = { (u64)&t->p, flags };

	if (t->direct == NONE)
		OPS.enqueue(args);
	if (t->direct == NONE) {
		fail("a task was not enqueued");
		return;
	}
	if (t->direct == SCX_DSQ_LOCAL) {
		link_local(t, t->cpu);
		if (!curr[t->cpu])
			kicked[t->cpu] = true;
	} else if (t->direct < QUEUES) {
		t->seq = ++seq_;
		t->dsq = t->direct;
	} else {
		fail("a task in an unknown dispatch queue");
	}
	t->direct = NONE;
}

static void stopping(struct host_task *t, bool runnable)
{
	u64 args[] = { (u64)&t->p, runnable };

	if (OPS.stopping)
		OPS.stopping(args);
}

static void quiescent(u64 *args)
{
	if (OPS.quiescent)
		OPS.quiescent(args);
}

static void running(struct host_task *t)
{
	u64 args[] = { (u64)&t->p };

	if (OPS.running)
		OPS.running(args);
}

static struct host_task *first_local(int cpu)
{
	return first_in(LOCAL + cpu, NULL);
}

/* A CPU begins to be idle, or stops; from idle to idle it is marked only. */
static void set_idle(int cpu, bool idle, bool changes)
{
	u64 args[] = { cpu, idle };

	idle_bit[cpu] = idle;
	if (changes)
		OPS.update_idle(args);
}

void host_wake(int number, int cpu, int sync);

/* The next CPU that finds nothing finds it before this task comes, and is idle after that. */
void host_wake_late(int number, int cpu)
{
	late_waker = number;
	late_cpu = cpu;
}

/* Choose what CPU `cpu` runs next; its number, or -1. A task whose slice is left goes on. */
int host_schedule(int cpu)
{
	struct host_task *prev = curr[cpu] ? curr[cpu] : blocked[cpu], *next = NULL;
	u64 args[] = { cpu, (u64)(prev ? &prev->p : NULL) };

	this_cpu = cpu;
	blocked[cpu] = NULL;
	kicked[cpu] = false;
	ended[cpu] = false;
	if (prev && (prev->p.scx.flags & SCX_TASK_QUEUED) && prev->p.scx.slice)
		return prev - tasks_;
	if (!first_local(cpu)) {
		in_dispatch = 1;
		OPS.dispatch(args);
		in_dispatch = 0;
		if (prev && (prev->p.scx.flags & SCX_TASK_QUEUED) && prev->p.scx.slice)
			return prev - tasks_;
	}
	next = first_local(cpu);
	if (prev && (prev->p.scx.flags & SCX_TASK_QUEUED)) {
		if (!next && !(OPS.flags & OPS_ENQ_LAST)) {
			fail("the kernel had to keep a task by itself");
			return -1;
		}
		stopping(prev, true);
		if (prev->p.scx.slice)
			fail("a slice was left");
		do_enqueue(prev, 0);
	}
	curr[cpu] = next;
	if (!next) {
		if (late_waker >= 0) {
			int number = late_waker;

			late_waker = -1;
			host_wake(number, late_cpu, 0);
			this_cpu = cpu;
		}
		set_idle(cpu, true, prev);
		return -1;
	}
	next->dsq = -1;
	set_idle(cpu, false, !prev);
	if (!next->p.scx.slice)
		fail("a task without a slice");
	this_cpu = cpu;
	running(next);
	return next - tasks_;
}

/* The task on `cpu` uses up its slice (the tick sees to that), or blocks. */
void host_expire(int cpu)
{
	curr[cpu]->p.scx.slice = 0;
}

/* The tick, and whether it ends the turn on `cpu`. */
int host_tick(int cpu)
{
	u64 args[] = { (u64)&curr[cpu]->p };

	this_cpu = cpu;
	if (OPS.tick)
		OPS.tick(args);
	return !curr[cpu]->p.scx.slice;
}

void host_block(int cpu)
{
	struct host_task *t = curr[cpu];
	u64 args[] = { (u64)&t->p, SCX_DEQ_SLEEP };

	this_cpu = cpu;
	stopping(t, false);
	quiescent(args);
	t->p.scx.flags &= ~SCX_TASK_QUEUED;
	curr[cpu] = NULL;
	blocked[cpu] = t;
}

/* A property of the running task is changed: it leaves and comes back without leaving its CPU. */
void host_touch(int cpu)
{
	struct host_task *t = curr[cpu];
	u64 args[] = { (u64)&t->p, 2 };

	this_cpu = (cpu + 1) % host_cpus;
	stopping(t, false);
	quiescent(args);
	running(t);
}

void host_wake(int number, int cpu, int sync)
{
	struct host_task *t = &tasks_[number];
	u64 args[] = { (u64)&t->p, t->cpu, sync ? SCX_WAKE_SYNC : 0 };

	this_cpu = cpu;
	if (t->p.nr_cpus_allowed > 1) {
		t->cpu = OPS.select_cpu(args);
		if (!bpf_cpumask_test_cpu(t->cpu, &t->mask)) {
			if (t->direct != NONE)
				fail("a task was placed where it may not run");
			t->cpu = __builtin_ctzll(t->mask.bits);
		}
	}
	t->p.scx.flags |= SCX_TASK_QUEUED;
	do_enqueue(t, 1);
	/* The core reschedules an idle CPU on whose run queue a task wakes up. */
	if (!curr[t->cpu])
		kicked[t->cpu] = true;
}

static void set_attributes(struct host_task *t, int nice, int weight, u64 mask)
{
	t->p.static_prio = PRIO_OF_NICE_0 + nice;
	t->p.scx.weight = weight;
	t->mask.bits = mask;
	t->p.nr_cpus_allowed = __builtin_popcountll(mask);
}

/* A task that does not run gets other attributes: if it waits, it is taken out and put in again. */
void host_change(int number, int nice, int weight, u64 mask)
{
	struct host_task *t = &tasks_[number];
	u64 args[] = { (u64)&t->p, 2 };
	bool waits = t->dsq >= 0;

	if (waits)
		quiescent(args);
	t->dsq = -1;
	set_attributes(t, nice, weight, mask);
	if (waits)
		do_enqueue(t, 0);
}

/* The id of a control group; of one that was not there yet the scheduler is told. */
static u64 group_id(const char *path, struct cgroup *cgrp)
{
	struct scx_cgroup_init_args init = { .weight = 100 };
	u64 args[] = { (u64)cgrp, (u64)&init };
	int id;

	for (id = 0; id < nr_groups; id++) {
		if (!strcmp(group_paths[id], path)) {
			cgrp->kn->id = id + 1;
			return id + 1;
		}
	}
	if (nr_groups == GROUPS)
		abort();
	strncpy(group_paths[nr_groups++], path, 255);
	cgrp->kn->id = nr_groups;
	if (OPS.cgroup_init && OPS.cgroup_init(args))
		fail("cgroup_init failed");
	return nr_groups;
}

static struct cgroup *find_path(struct host_task *t, const char *path)
{
	char whole[1024] = "";
	char text[1024];
	char *part, *rest;
	int level = 0;

	t->cgroups[0].ancestors[0] = &t->cgroups[0];
	t->cgroups[0].kn = &t->nodes[0];
	t->nodes[0].name = "";
	group_id("/", &t->cgroups[0]);
	strncpy(text, path, sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (part = strtok_r(text, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		struct cgroup *c = &t->cgroups[++level];

		if (level >= MAX_LEVELS)
			abort();
		strncpy(t->names[level], part, 255);
		t->nodes[level].name = t->names[level];
		c->level = level;
		c->kn = &t->nodes[level];
		memcpy(c->ancestors, c[-1].ancestors, sizeof(c->ancestors));
		c->ancestors[level] = c;
		strcat(strcat(whole, "/"), part);
		group_id(whole, c);
	}
	return &t->cgroups[level];
}

static struct host_task weigher;

void host_weigh(const char *path, int weight)
{
	u64 args[] = { (u64)find_path(&weigher, path), weight };

	if (OPS.cgroup_set_weight)
		OPS.cgroup_set_weight(args);
}

static void set_cgroup(struct host_task *t, const char *path)
{
	struct scx_init_task_args init = { .fork = true, .cgroup = find_path(t, path) };
	u64 args[] = { (u64)&t->p, (u64)&init };

	if (OPS.init_task && OPS.init_task(args))
		fail("init_task failed");
}

int host_fork(const char *comm, const char *process, int nice, int weight, const char *cgroup,
	      int kthread, const u32 *ids, u64 mask, int cpu)
{
	struct host_task *t = &tasks_[nr_tasks++];
	u64 args[] = { (u64)&t->p };

	strncpy(t->p.comm, comm, TASK_COMM_LEN - 1);
	t->p.group_leader = &leaders[nr_tasks - 1];
	strncpy(t->p.group_leader->comm, process, TASK_COMM_LEN - 1);
	set_attributes(t, nice, weight, mask);
	t->p.flags = kthread ? 0x00200000 : 0;
	t->p.pid = ids[0];
	t->p.tgid = ids[1];
	t->parent.tgid = ids[2];
	t->p.real_parent = &t->parent;
	t->cred = (struct cred){ .uid = { ids[3] }, .gid = { ids[4] } };
	t->p.real_cred = &t->cred;
	t->p.cpus_ptr = &t->mask;
	t->cpu = cpu;
	t->direct = NONE;
	t->dsq = -1;
	if (!bpf_cpumask_test_cpu(cpu, &t->mask))
		t->cpu = __builtin_ctzll(mask);
	set_cgroup(t, cgroup);
	if (OPS.enable)
		OPS.enable(args);
	return t - tasks_;
}

/* At time 0; the policy's params have been set. */
void host_start(int cpus, int llcs, int nodes, int smt, int little)
{
	u64 none[1];

	host_cpus = cpus;
	host_llcs = llcs;
	host_nodes = nodes;
	nr_threads = smt;
	nr_little = little;
	if (OPS.init(none))
		fail("init failed");
	for (int cpu = 0; cpu < cpus; cpu++)
		speeds[cpu] = 1024;
	for (int cpu = 0; cpu < cpus; cpu++)
		set_idle(cpu, true, false);
}

void host_time(u64 now) { now_ = now; }
int host_kicked(int cpu) { return kicked[cpu]; }
int host_ended(int cpu) { return ended[cpu]; }
int host_speed(int cpu) { return speeds[cpu]; }
int host_cpu(int task) { return tasks_[task].cpu; }
u64 host_slice(int task) { return tasks_[task].p.scx.slice; }
const char *host_fault(void) { return fault; }
