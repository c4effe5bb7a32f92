/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The arithmetic of policies. Quantities are signed and never leave +-2^62: the compiler has
 * checked that. Points in time or virtual time may wrap and are compared by signed difference.
 */
#ifndef SCHEDC_ARITH_H
#define SCHEDC_ARITH_H

#include "bpf.h"

static __always_inline bool point_before(u64 a, u64 b)
{
	return (s64)(a - b) < 0;
}

static __always_inline u64 point_max(u64 a, u64 b)
{
	return point_before(a, b) ? b : a;
}

static __always_inline u64 point_min(u64 a, u64 b)
{
	return point_before(b, a) ? b : a;
}

/* How long after `then` it is; clocks of two CPUs may differ a little. */
static __always_inline u64 time_since(u64 now, u64 then)
{
	return point_before(now, then) ? 0 : now - then;
}

static __always_inline s64 max_of(s64 a, s64 b)
{
	return a < b ? b : a;
}

static __always_inline s64 min_of(s64 a, s64 b)
{
	return b < a ? b : a;
}

static __always_inline s64 clamp_to(s64 value, s64 lo, s64 hi)
{
	return min_of(max_of(value, lo), hi);
}

/* numerator >= 0, divisor >= 1: BPF only divides unsigned. */
static __always_inline s64 quotient(s64 numerator, s64 divisor)
{
	return (u64)numerator / (u64)divisor;
}

/* The greatest n with 2^n <= value; 0 for 0. */
static __always_inline s64 log2_of(s64 value)
{
	u64 rest = value;
	s64 n = 0;

	if (rest >> 32) {
		rest >>= 32;
		n += 32;
	}
	if (rest >> 16) {
		rest >>= 16;
		n += 16;
	}
	if (rest >> 8) {
		rest >>= 8;
		n += 8;
	}
	if (rest >> 4) {
		rest >>= 4;
		n += 4;
	}
	if (rest >> 2) {
		rest >>= 2;
		n += 2;
	}
	return n + (rest >> 1);
}

/*
 * Move a queue's clock forward to `v`, never back. Where another CPU moves it at the same moment
 * this one's step may be lost, and the next start makes it up.
 */
static __always_inline void advance_clock(u64 *clock, u64 v)
{
	u64 seen = READ_ONCE(*clock);

	if (point_before(seen, v))
		__sync_val_compare_and_swap(clock, seen, v);
}

#endif
