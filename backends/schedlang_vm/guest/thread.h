/*
 * One thread of a workload: its slot in the player's memory, its random numbers, its waits.
 *
 * INVARIANT: whoever waits is woken by one thread that says since when it could run, so that
 * the time from there to its running is known to the waiter itself.
 */
#ifndef THREAD_H
#define THREAD_H

#include "figures.h"

enum { SLOT_BYTES = 16384 };
enum { FREE, LIVING, ENDED };			/* a slot; ENDED and no tid: free again */
enum { NO_PROBLEM, NO_SLOT, NO_CLONE, NO_SAMPLES, NO_CGROUP, NO_CPUS, NO_COMMAND, NO_PARAMS };

struct place {
	u32 word;		/* 0 free, 1 held, 2 held and somebody waits for it */
	u64 count;
	struct thread *first, *last;
};

struct run {
	const struct header *header;
	const struct group *groups;
	const struct step *steps;
	const struct tune *tunes;
	char *params;		/* the scheduler's data, or NULL */
	char **command;		/* its texts, then NULL */
	u64 command_status;	/* as wait4 gives it; NEVER: it has not ended */
	struct place *places;
	struct tally *tallies;
	s64 *cgroups;		/* descriptors, -1: none */
	char *slots;
	u32 ready, alive;
	u64 problem;
	u64 begun_ns;
};

struct thread {
	u32 wake, tid, state, cpu;
	u32 accounted;
	u32 waking;			/* it sleeps, or waits to be woken */
	struct run *run;
	const struct group *group;
	const struct group *from;	/* the forking thread's, or NULL */
	struct tally *tally;
	struct thread *parent;
	struct thread *next;		/* at the same place, or in the same brood */
	u64 children;			/* and WORKING, unless it waits for them */
	u64 stream;
	u64 start_ns, born_ns;
	u64 due_ns;			/* the end of its present period */
	u64 ready_ns;			/* since then it runs or could; NEVER: it is blocked */
	u64 waited_ns, longest_ns, migrations;
	u64 rounds[DEPTH], begun_ns[REQUESTS];
	struct account before;
	u32 command;		/* the command's process, while this thread waits for it */
};

#define WORKING (1ul << 32)

static inline struct thread *slot(struct run *run, u64 number)
{
	return (struct thread *)(run->slots + number * SLOT_BYTES);
}

static inline void fail(struct run *run, u64 problem)
{
	u64 none = NO_PROBLEM;

	__atomic_compare_exchange_n(&run->problem, &none, problem, 0, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

/* --- random numbers: schedlang/workload/draws.py */

#define SPLITMIX_STEP 0x9e3779b97f4a7c15ul

static u64 mix(u64 z)
{
	z += SPLITMIX_STEP;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebul;
	return z ^ (z >> 31);
}

static inline u64 stream_start(u64 seed, u64 group, u64 number)
{
	return mix(mix(mix(seed) + group) + number);
}

static u64 draw(struct thread *t, const struct length *length)
{
	u64 bits;

	if (length->kind == CONSTANT)
		return length->x;
	bits = mix(t->stream);
	t->stream += SPLITMIX_STEP;
	if (length->kind == UNIFORM)
		return length->x + bits % (length->y - length->x + 1);
	return length->x * t->run->header->quantiles[bits >> 56] / 1024;
}

/* --- waits for a CPU */

static inline void see_wait(struct thread *t, u64 wait_ns)
{
	t->waited_ns += wait_ns;
	if (wait_ns > t->longest_ns)
		t->longest_ns = wait_ns;
}

static inline void see_cpu(struct thread *t)
{
	u32 cpu = this_cpu();

	if (cpu != t->cpu)
		t->migrations++;
	t->cpu = cpu;
}

/* It runs again, having been able to since t->ready_ns. */
static u64 see_running(struct thread *t)
{
	u64 now = now_ns(), wait_ns = now > t->ready_ns ? now - t->ready_ns : 0;

	see_wait(t, wait_ns);
	see_cpu(t);
	t->ready_ns = now;
	return wait_ns;
}

static void note_wakeup(struct thread *t, u64 wait_ns)
{
	if (!note(&t->tally->wakeups, wait_ns))
		fail(t->run, NO_SAMPLES);
}

/*
 * Use `run_ns` of CPU time. What passed between two looks and is not CPU time was a wait; a look
 * itself takes some microseconds under an emulator.
 */
static void use_cpu(struct thread *t, u64 run_ns)
{
	enum { NOTICEABLE_NS = 20000, ROUNDS = 1000 };
	u64 cpu = clock_ns(THREAD_CPU), wall = now_ns(), until = cpu + run_ns;

	while (cpu < until) {
		u64 cpu_before = cpu, wall_before = wall;
		int i;

		for (i = 0; i < ROUNDS; i++)
			__asm__ volatile("" ::: "memory");
		cpu = clock_ns(THREAD_CPU);
		wall = now_ns();
		if (wall - wall_before > cpu - cpu_before + NOTICEABLE_NS)
			see_wait(t, wall - wall_before - (cpu - cpu_before));
		see_cpu(t);
		t->ready_ns = wall;
	}
}

static u64 sleep_quietly(struct thread *t, u64 due_ns)
{
	t->ready_ns = due_ns;
	sleep_to(due_ns);
	return see_running(t);
}

static void sleep_until(struct thread *t, u64 due_ns)
{
	u64 wait_ns;

	if (due_ns <= now_ns())
		return;
	t->waking = 1;
	wait_ns = sleep_quietly(t, due_ns);
	t->waking = 0;
	note_wakeup(t, wait_ns);
}

/* Wait for `unpark`; whether it had to. INVARIANT: t->ready_ns is NEVER before anybody can know. */
static int park(struct thread *t)
{
	int waited = 0;

	while (!__atomic_load_n(&t->wake, __ATOMIC_ACQUIRE))
		waited |= futex_wait(&t->wake, 0, NEVER) == 0;
	t->wake = 0;
	return waited;
}

static void unpark(struct thread *t, u64 ready_ns)
{
	t->ready_ns = ready_ns;
	__atomic_store_n(&t->wake, 1, __ATOMIC_RELEASE);
	futex_wake(&t->wake);
}

static void wait_for_post(struct thread *t)
{
	u64 wait_ns;
	int waited;

	t->waking = 1;
	waited = park(t);
	wait_ns = see_running(t);
	t->waking = 0;
	if (waited)
		note_wakeup(t, wait_ns);
}

/* --- places: channels, locks, barriers; first come, first served */

static void hold(u32 *word)
{
	u32 seen = 0;

	if (__atomic_compare_exchange_n(word, &seen, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
		futex_wait(word, 2, NEVER);
}

static void release(u32 *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		futex_wake(word);
}

/* With the place held. */
static void queue_up(struct place *place, struct thread *t)
{
	t->next = 0;
	t->ready_ns = NEVER;
	if (place->first)
		place->last->next = t;
	else
		place->first = t;
	place->last = t;
}

static void take(struct thread *t, struct place *place)
{
	hold(&place->word);
	if (place->count) {
		place->count--;
		release(&place->word);
		return;
	}
	queue_up(place, t);
	release(&place->word);
	wait_for_post(t);
}

static void give(struct place *place)
{
	struct thread *first;

	hold(&place->word);
	first = place->first;
	if (first)
		place->first = first->next;
	else
		place->count++;
	release(&place->word);
	if (first)
		unpark(first, now_ns());
}

static void meet(struct thread *t, struct place *place, u64 parties)
{
	struct thread *waiting, *next;

	hold(&place->word);
	if (++place->count < parties) {
		queue_up(place, t);
		release(&place->word);
		wait_for_post(t);
		return;
	}
	waiting = place->first;
	place->first = 0;
	place->count = 0;
	release(&place->word);
	for (; waiting; waiting = next) {
		next = waiting->next;
		unpark(waiting, now_ns());
	}
}

#endif
