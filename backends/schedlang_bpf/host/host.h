/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stands in for the kernel's types and the BPF side, so that generated C runs as a program of this
 * machine. Included before everything else; the package's other headers are the real ones.
 */
#define SCHEDC_KERNEL_H
#define SCHEDC_BPF_H
#define SCHEDC_WAKERS_H
#define SCHEDC_GROUP_MAP_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef _Bool bool;

#define true 1
#define false 0
#define E2BIG 7
#define ENOMEM 12
#define TASK_COMM_LEN 16
#define PRIO_OF_NICE_0 120
#define OPS_KEEP_BUILTIN_IDLE (1ULL << 0)
#define OPS_ENQ_LAST (1ULL << 1)
#define OPS_ENQ_EXITING (1ULL << 2)
#define MAX_LEVELS 8

struct cpumask {
	u64 bits;
};

struct bpf_cpumask {
	struct cpumask cpumask;
};

struct kernfs_node {
	const char *name;
	u64 id;
};

struct group {
	u64 parent;
	s64 weight;
	s64 members;
	s64 counted;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
	struct cgroup *ancestors[MAX_LEVELS];
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

struct scx_exit_info {
	int kind;
	s64 exit_code;
	const char *reason;
	char *msg;
};

struct scx_bpf_dsq_insert_vtime_args {
	u64 dsq_id, slice, vtime, enq_flags;
};

struct bpf_iter_scx_dsq {
	u64 dsq;
	u64 at;
};

struct bpf_iter_num {
	int next, end;
};

enum { SCX_TASK_QUEUED = 1, SCX_DEQ_SLEEP = 1, SCX_KICK_IDLE = 1, SCX_KICK_PREEMPT = 2,
       SCX_PICK_IDLE_CORE = 1, SCX_WAKE_SYNC = 16 };
#define SCX_DSQ_GLOBAL 0x8000000000000001ULL
#define SCX_DSQ_LOCAL 0x8000000000000002ULL

struct sched_ext_ops {
	s32 (*select_cpu)(u64 *args);
	void (*enqueue)(u64 *args);
	void (*dispatch)(u64 *args);
	void (*tick)(u64 *args);
	void (*running)(u64 *args);
	void (*stopping)(u64 *args);
	void (*quiescent)(u64 *args);
	void (*update_idle)(u64 *args);
	s32 (*init_task)(u64 *args);
	void (*enable)(u64 *args);
	void (*disable)(u64 *args);
	s32 (*cgroup_init)(u64 *args);
	void (*cgroup_exit)(u64 *args);
	void (*cgroup_set_weight)(u64 *args);
	void (*cgroup_move)(u64 *args);
	s32 (*init)(u64 *args);
	void (*exit)(u64 *args);
	u64 flags;
	u32 timeout_ms;
	char name[128];
};

#define SEC(name)
#define __always_inline inline
#define __noinline
#define __global
#define __ksym
#define __weak
#define __kptr
#define __arg_nonnull
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define BIT(n) (1ULL << (n))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name

enum { BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_TASK_STORAGE,
       BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE };

/* A map's type is told by the type of its member `type`. */
#define bpf_map_lookup_elem(map, key) host_lookup(map, key, sizeof(*(map)->type) / sizeof(int))
void *host_lookup(void *map, const void *key, int type);
void *bpf_map_lookup_percpu_elem(void *map, const void *key, u32 cpu);
void *bpf_task_storage_get(void *map, struct task_struct *p, void *value, u64 flags);
u64 bpf_ktime_get_ns(void);
u32 bpf_get_smp_processor_id(void);
const void *bpf_per_cpu_ptr(const void *variable, u32 cpu);
void *bpf_kptr_xchg(void *place, void *pointer);
struct group *find_group(u64 id);
s32 add_group(u64 id, const struct group *group);
void remove_group(u64 id);
long bpf_probe_read_kernel_str(void *to, u32 size, const void *from);
struct task_struct *bpf_get_current_task_btf(void);

#define core_enum(type, name) name
#define read_member(pointer, member) ((pointer)->member)
/* Of the functions that not all kernels have, those of 6.13. */
#define kernel_has(function) has_##function
enum {
	has_scx_bpf_dsq_insert___613 = 1,
	has_scx_bpf_dsq_insert_vtime___613 = 1,
	has_scx_bpf_dsq_move_to_local___613 = 1,
	has_scx_bpf_now___614 = 0,
	has_scx_bpf_dsq_insert___v2___619 = 0,
	has___scx_bpf_dsq_insert_vtime___619 = 0,
	has_scx_bpf_task_set_slice___619 = 0,
	has_scx_bpf_dsq_move_to_local___v2___701 = 0,
};
#define kernel_has_type(type) 0
#define in_interrupt() false

#define OP1(type, name, t0, a0)								\
	static type name##_op(t0);							\
	type name(u64 *args) { return name##_op((t0)args[0]); }				\
	static type name##_op(t0 a0)
#define OP2(type, name, t0, a0, t1, a1)							\
	static type name##_op(t0, t1);							\
	type name(u64 *args) { return name##_op((t0)args[0], (t1)args[1]); }		\
	static type name##_op(t0 a0, t1 a1)
#define OP3(type, name, t0, a0, t1, a1, t2, a2)						\
	static type name##_op(t0, t1, t2);						\
	type name(u64 *args)								\
	{										\
		return name##_op((t0)args[0], (t1)args[1], (t2)args[2]);		\
	}										\
	static type name##_op(t0 a0, t1 a1, t2 a2)
#define OP_INIT(name)									\
	static s32 name##_op(void);							\
	s32 name(u64 *args) { return name##_op(); }					\
	static s32 name##_op(void)
