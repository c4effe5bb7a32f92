/*
 * What is noted while a workload runs, and what is written of it at the end: an `outcome` file
 * of 64-bit words that schedlang_vm/program.py reads.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include "program.h"

enum { MOST_SAMPLES = 1 << 20 };

struct samples {
	u64 count, total_ns, max_ns;
	u64 *values;
};

/* Of a group. The account is that of threads that have ended, until the run is over. */
struct tally {
	u64 started, ended, ended_ns;
	struct account account;
	u64 migrations, passes, missed, longest_wait_ns;
	struct samples wakeups, requests[REQUESTS];
};

static inline void add(u64 *sum, u64 value)
{
	__atomic_fetch_add(sum, value, __ATOMIC_RELAXED);
}

static inline void raise(u64 *most, u64 value)
{
	u64 seen = __atomic_load_n(most, __ATOMIC_RELAXED);

	while (value > seen &&
	       !__atomic_compare_exchange_n(most, &seen, value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* Whether there was room for it. */
static inline int note(struct samples *samples, u64 value_ns)
{
	u64 at = __atomic_fetch_add(&samples->count, 1, __ATOMIC_RELAXED);

	if (at >= MOST_SAMPLES)
		return 0;
	samples->values[at] = value_ns;
	add(&samples->total_ns, value_ns);
	raise(&samples->max_ns, value_ns);
	return 1;
}

static void sift(u64 *values, u64 at, u64 count)
{
	u64 child;

	for (; (child = 2 * at + 1) < count; at = child) {
		u64 value = values[at];

		if (child + 1 < count && values[child + 1] > values[child])
			child++;
		if (values[child] <= value)
			return;
		values[at] = values[child];
		values[child] = value;
	}
}

static void heap_sort(u64 *values, u64 count)
{
	u64 at;

	for (at = count / 2; at-- > 0;)
		sift(values, at, count);
	while (count > 1) {
		u64 largest = values[0];

		values[0] = values[--count];
		values[count] = largest;
		sift(values, 0, count);
	}
}

/* The nearest rank: the least value that `percent` of all values do not exceed. */
static u64 percentile(const struct samples *samples, u64 percent)
{
	return samples->values[(samples->count * percent + 99) / 100 - 1];
}

static u64 *write_samples(u64 *at, struct samples *samples)
{
	u64 count = samples->count;

	if (count > MOST_SAMPLES)
		samples->count = count = MOST_SAMPLES;
	heap_sort(samples->values, count);
	*at++ = count;
	*at++ = count ? percentile(samples, 50) : 0;
	*at++ = count ? percentile(samples, 99) : 0;
	*at++ = samples->max_ns;
	*at++ = samples->total_ns;
	return at;
}

static u64 *write_tally(u64 *at, struct tally *tally)
{
	int i;

	*at++ = tally->started;
	*at++ = tally->ended;
	*at++ = tally->ended_ns;
	*at++ = tally->account.run_ns;
	*at++ = tally->account.wait_ns;
	*at++ = tally->account.switches;
	*at++ = tally->migrations;
	*at++ = tally->passes;
	*at++ = tally->missed;
	*at++ = tally->longest_wait_ns;
	at = write_samples(at, &tally->wakeups);
	for (i = 0; i < REQUESTS; i++)
		at = write_samples(at, &tally->requests[i]);
	return at;
}

#endif
