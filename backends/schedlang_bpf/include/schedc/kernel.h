/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's types, as far as a generated scheduler needs them.
 *
 * Every structure is marked preserve_access_index, so that libbpf adjusts offsets to the running
 * kernel (CO-RE): only names and types matter here, neither order nor completeness.
 */
#ifndef SCHEDC_KERNEL_H
#define SCHEDC_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

#define NULL ((void *)0)
#define true 1
#define false 0

#define E2BIG 7
#define ENOMEM 12
#define TASK_COMM_LEN 16
#define PRIO_OF_NICE_0 120

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* libbpf wants to see that this is a structure; nothing reads it. */
struct cpumask {
	unsigned long bits[1];
};

struct bpf_cpumask {
	struct cpumask cpumask;
};

struct kernfs_node {
	const char *name;
	u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[]; /* by level, itself included */
};

struct sched_ext_entity {
	u32 flags;
	u32 weight;
	u64 slice;
	u64 dsq_vtime;
};

typedef struct {
	u32 val;
} kuid_t, kgid_t;

struct cred {
	kuid_t uid;
	kgid_t gid;
};

struct task_struct {
	int static_prio;
	unsigned int flags;
	struct sched_ext_entity scx;
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	unsigned short migration_disabled;
	s32 pid;
	s32 tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	const struct cred *real_cred;
	char comm[TASK_COMM_LEN];
};

struct scx_cgroup_init_args {
	u32 weight;
};

struct scx_init_task_args {
	bool fork;
	struct cgroup *cgroup;
};

enum scx_exit_kind {
	SCX_EXIT_NONE,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	s64 exit_code;
	const char *reason;
	char *msg;
};

/* Since 6.19 this function takes its arguments packed. */
struct scx_bpf_dsq_insert_vtime_args {
	u64 dsq_id;
	u64 slice;
	u64 vtime;
	u64 enq_flags;
};

#pragma clang attribute pop

/* The kernel's own size of an iterator on the stack. */
struct bpf_iter_scx_dsq {
	u64 __opaque[6];
} __attribute__((aligned(8)));

struct bpf_iter_num {
	u64 __opaque[1];
} __attribute__((aligned(8)));

/* Values that move between kernel versions: read through core_enum() only. */
enum scx_dsq_id_flags {
	SCX_DSQ_GLOBAL = 0x8000000000000001ULL,
	SCX_DSQ_LOCAL = 0x8000000000000002ULL,
};

enum scx_ent_flags {
	SCX_TASK_QUEUED = 1,
};

enum scx_deq_flags {
	SCX_DEQ_SLEEP = 1,
};

enum scx_kick_flags {
	SCX_KICK_IDLE = 1,
	SCX_KICK_PREEMPT = 2,
};

enum scx_wake_flags {
	SCX_WAKE_SYNC = 16,
};

enum scx_pick_idle_cpu_flags {
	SCX_PICK_IDLE_CORE = 1,
};

/*
 * The flags of sched_ext_ops are data that nothing relocates, so only bits that never moved can be
 * used: the kernel keeps track of idle CPUs although update_idle is there; it does not keep a task on
 * its CPU by itself; exiting tasks are scheduled by the policy like all others.
 */
#define OPS_KEEP_BUILTIN_IDLE (1ULL << 0)
#define OPS_ENQ_LAST (1ULL << 1)
#define OPS_ENQ_EXITING (1ULL << 2)

/* The callbacks that generated schedulers use; libbpf matches them by name. */
struct sched_ext_ops {
	s32 (*select_cpu)(struct task_struct *p, s32 prev_cpu, u64 wake_flags);
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*quiescent)(struct task_struct *p, u64 deq_flags);
	void (*update_idle)(s32 cpu, bool idle);
	s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*enable)(struct task_struct *p);
	void (*disable)(struct task_struct *p);
	s32 (*cgroup_init)(struct cgroup *cgrp, struct scx_cgroup_init_args *args);
	void (*cgroup_exit)(struct cgroup *cgrp);
	void (*cgroup_set_weight)(struct cgroup *cgrp, u32 weight);
	void (*cgroup_move)(struct task_struct *p, struct cgroup *from, struct cgroup *to);
	s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

#endif
