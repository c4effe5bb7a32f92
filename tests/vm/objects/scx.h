/*
 * The few declarations that the tests' schedulers need. Kernel types are named only as far as
 * they are used; libbpf matches them to the running kernel's by name.
 */
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;

#define SEC(name) __attribute__((section(name), used))
#define KFUNC __attribute__((section(".ksyms"), weak))
#define CORE __attribute__((preserve_access_index))

struct CORE task_struct {
	int pid;
};

struct sched_ext_ops {
	void (*enqueue)(void);
	void (*dispatch)(void);
	s32 (*init)(void);
	u32 timeout_ms;
	char name[128];
};

#define SCX_DSQ_GLOBAL ((1ull << 63) | 1)
#define SCX_SLICE_DFL 20000000ull

/* The kernel renamed this twice; libbpf drops the last ___suffix when it looks a name up. */
extern _Bool scx_bpf_dsq_insert___v2___new(struct task_struct *, u64, u64, u64) KFUNC;
extern void scx_bpf_dsq_insert___mid(struct task_struct *, u64, u64, u64) KFUNC;
extern void scx_bpf_dispatch___old(struct task_struct *, u64, u64, u64) KFUNC;
extern s32 scx_bpf_create_dsq(u64, s32) KFUNC;

static inline void insert(struct task_struct *p, u64 dsq, u64 slice, u64 flags)
{
	if (scx_bpf_dsq_insert___v2___new)
		scx_bpf_dsq_insert___v2___new(p, dsq, slice, flags);
	else if (scx_bpf_dsq_insert___mid)
		scx_bpf_dsq_insert___mid(p, dsq, slice, flags);
	else
		scx_bpf_dispatch___old(p, dsq, slice, flags);
}

SEC("license") char _license[] = "GPL";
