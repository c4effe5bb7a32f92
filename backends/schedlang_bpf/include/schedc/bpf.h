/* SPDX-License-Identifier: GPL-2.0 */
/* The BPF side: sections, map definitions, helpers, CO-RE queries and callback wrappers. */
#ifndef SCHEDC_BPF_H
#define SCHEDC_BPF_H

#include "kernel.h"

#define SEC(name) __attribute__((section(name), used))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
/*
 * A function that is not static: the verifier checks it once, for all arguments, instead of again
 * at every call. Weak, or clang would leave out arguments that it sees are not used.
 */
#define __global __attribute__((noinline, weak))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
#define __kptr __attribute__((btf_type_tag("kptr")))

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define BIT(n) (1ULL << (n))

/* How libbpf wants map properties to be told: as the types of a structure's members. */
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name

enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
	BPF_F_NO_PREALLOC = 1,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
};

static void *(*const bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static void *(*const bpf_this_cpu_ptr)(const void *percpu) = (void *)154;
static long (*const bpf_map_update_elem)(void *map, const void *key, const void *value,
					 u64 flags) = (void *)2;
static long (*const bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static u64 (*const bpf_ktime_get_ns)(void) = (void *)5;
static u32 (*const bpf_get_smp_processor_id)(void) = (void *)8;
static long (*const bpf_probe_read_kernel)(void *to, u32 size, const void *from) = (void *)113;
static long (*const bpf_probe_read_kernel_str)(void *to, u32 size, const void *from) = (void *)115;
static const void *(*const bpf_per_cpu_ptr)(const void *variable, u32 cpu) = (void *)153;
static void *(*const bpf_task_storage_get)(void *map, struct task_struct *p, void *value,
					   u64 flags) = (void *)156;
static struct task_struct *(*const bpf_get_current_task_btf)(void) = (void *)158;
static void *(*const bpf_kptr_xchg)(void *place, void *pointer) = (void *)194;
static void *(*const bpf_map_lookup_percpu_elem)(void *map, const void *key, u32 cpu) = (void *)195;

/* The running kernel's value of an enumerator, and whether it has a function or a type. */
#define core_enum(type, name)								\
	__builtin_preserve_enum_value(*(typeof(enum type) *)name, 1)
/* Read a member through a pointer of which the verifier does not know where it came from. */
#define read_member(pointer, member)							\
	({										\
		typeof((pointer)->member) value = {};					\
		bpf_probe_read_kernel(&value, sizeof(value), &(pointer)->member);	\
		value;									\
	})
#define kernel_has(function) (!!(function))
#define kernel_has_type(type) __builtin_preserve_type_info(*(typeof(type) *)0, 0)

/* A callback of sched_ext_ops: the kernel hands its arguments over in an array of words. */
#define OP1(type, name, type0, arg0)							\
	static __always_inline type name##_op(type0);					\
	SEC("struct_ops/" #name) type name(u64 *args)					\
	{										\
		return name##_op((type0)args[0]);					\
	}										\
	static __always_inline type name##_op(type0 arg0)
#define OP2(type, name, type0, arg0, type1, arg1)					\
	static __always_inline type name##_op(type0, type1);				\
	SEC("struct_ops/" #name) type name(u64 *args)					\
	{										\
		return name##_op((type0)args[0], (type1)args[1]);			\
	}										\
	static __always_inline type name##_op(type0 arg0, type1 arg1)
#define OP3(type, name, type0, arg0, type1, arg1, type2, arg2)				\
	static __always_inline type name##_op(type0, type1, type2);			\
	SEC("struct_ops/" #name) type name(u64 *args)					\
	{										\
		return name##_op((type0)args[0], (type1)args[1], (type2)args[2]);	\
	}										\
	static __always_inline type name##_op(type0 arg0, type1 arg1, type2 arg2)

/* The one callback that may sleep: it creates the dispatch queues. */
#define OP_INIT(name)									\
	static __always_inline s32 name##_op(void);					\
	SEC("struct_ops.s/" #name) s32 name(u64 *args) { return name##_op(); }		\
	static __always_inline s32 name##_op(void)

#endif
