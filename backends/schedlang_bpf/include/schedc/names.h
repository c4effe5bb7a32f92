/* SPDX-License-Identifier: GPL-2.0 */
/* Patterns on a task's name. `length` excludes the final NUL and is 1..15. */
#ifndef SCHEDC_NAMES_H
#define SCHEDC_NAMES_H

#include "kfuncs.h"

/* A name, padded with zeroes; its first byte is the lowest of words[0]. */
struct name {
	union {
		char text[TASK_COMM_LEN];
		u64 words[2];
	};
};

/* The kernel pads names with zeroes. */
static __always_inline struct name comm_of(struct task_struct *p)
{
	struct name name = {
		.words = { *(const u64 *)&p->comm[0], *(const u64 *)&p->comm[8] },
	};

	return name;
}

/* The name of the task's process, which is that of its first thread. */
static __always_inline struct name process_of(struct task_struct *p)
{
	return comm_of(p->group_leader);
}

/* Whether the first `bytes` of a text, a constant, stand at the beginning of a name. */
static __always_inline bool name_begins(const struct name *name, u64 first, u64 second, u32 bytes)
{
	u64 low = name->words[0] ^ first, high = name->words[1] ^ second;

	if (bytes < 8)
		return !(low << (64 - 8 * bytes));
	if (bytes == 8)
		return !low;
	return !low && !(high << (128 - 8 * bytes));
}

/* Whether the first `bytes` of a text stand anywhere in a name. */
static __noinline bool name_holds(const struct name *name, u64 first, u64 second, u32 bytes)
{
	u64 first_mask = bytes < 8 ? BIT(8 * bytes) - 1 : ~0ULL;
	u64 second_mask = bytes <= 8 ? 0 : bytes < 16 ? BIT(8 * (bytes - 8)) - 1 : ~0ULL;
	u64 low = name->words[0], high = name->words[1];
	u32 at;

	for (at = 0; at + bytes <= TASK_COMM_LEN; at++) {
		if (!((low ^ first) & first_mask) && !((high ^ second) & second_mask))
			return true;
		low = low >> 8 | high << 56;
		high >>= 8;
	}
	return false;
}

/* A text in two words, as names are kept. */
#define PADDED(text) (text "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")
#define BYTE_OF(text, at) ((u64)(u8)PADDED(text)[at] << (8 * ((at) % 8)))
#define WORD_OF(text, at)								\
	(BYTE_OF(text, at) | BYTE_OF(text, at + 1) | BYTE_OF(text, at + 2) |		\
	 BYTE_OF(text, at + 3) | BYTE_OF(text, at + 4) | BYTE_OF(text, at + 5) |	\
	 BYTE_OF(text, at + 6) | BYTE_OF(text, at + 7))
#define name_match(how, name, text, bytes)						\
	how(name, WORD_OF(text, 0), WORD_OF(text, 8), bytes)

/* With its NUL a text is found at the end only. */
#define name_is(name, text, length) name_match(name_begins, name, text, length + 1)
#define name_starts(name, text, length) name_match(name_begins, name, text, length)
#define name_ends(name, text, length) name_match(name_holds, name, text, length + 1)
#define name_contains(name, text, length) name_match(name_holds, name, text, length)

/*
 * Where the first `bytes` of a text end in a name in which they are looked for from `from` on.
 * With its NUL a text is found at the end only.
 */
#define NOT_THERE (TASK_COMM_LEN + 1)

static __noinline u32 name_end_of(const struct name *name, u32 from, u64 first, u64 second,
				  u32 bytes)
{
	u64 first_mask = bytes < 8 ? BIT(8 * bytes) - 1 : ~0ULL;
	u64 second_mask = bytes <= 8 ? 0 : bytes < 16 ? BIT(8 * (bytes - 8)) - 1 : ~0ULL;
	u64 low = name->words[0], high = name->words[1];
	u32 at;

	for (at = 0; at + bytes <= TASK_COMM_LEN; at++) {
		if (at >= from && !((low ^ first) & first_mask) && !((high ^ second) & second_mask))
			return at + bytes;
		low = low >> 8 | high << 56;
		high >>= 8;
	}
	return NOT_THERE;
}

#define name_after(name, from, text, bytes)						\
	name_end_of(name, from, WORD_OF(text, 0), WORD_OF(text, 8), bytes)

#endif
