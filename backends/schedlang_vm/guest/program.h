/*
 * A workload as schedlang_vm/program.py compiles it: little-endian 64-bit words, the structures
 * below one after another: header, groups, objects, steps, tunes; then a command's texts, if there is one:
 * the file for its output, the program, and its arguments, each ended by 0.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "sys.h"

enum { QUANTILES = 256, NAME_BYTES = 16, PATH_BYTES = 256, DEPTH = 8, REQUESTS = 8 };

struct header {
	u64 seed;
	u64 limit_ns;		/* the run is cut off then */
	u64 groups, objects, steps, slots;
	u64 texts;		/* how many texts a command has; 0: there is none */
	u64 tunes;
	u64 quantiles[QUANTILES];
};

/* A duration: CONSTANT x, UNIFORM x..y, EXPONENTIAL around x. */
enum { CONSTANT, UNIFORM, EXPONENTIAL };

struct length {
	u64 kind, x, y;
};

struct group {
	char comm[NAME_BYTES], process[NAME_BYTES];
	char cgroup[PATH_BYTES];	/* "": where the player is */
	s64 nice;
	u64 cpus;		/* a mask, all ones: any */
	u64 joined;		/* its threads are threads of a process; 0: each is a process */
	u64 threads;
	u64 first_step;
	struct length start;
};

/* A channel holds `count` messages at first, a lock one, a barrier none. */
struct object {
	u64 count;
};

enum {
	RUN,		/* length */
	SLEEP,		/* length */
	TICK,		/* the period x */
	TAKE,		/* x messages from object `what` */
	GIVE,		/* x messages to object `what` */
	MEET,		/* x parties at object `what` */
	FORK,		/* x threads of group `what`; y: in this thread's own process */
	JOIN,
	BEGIN,		/* request `what` */
	FINISH,		/* request `what` */
	REPEAT,		/* the loop at depth `what`, x times; 0: for ever */
	AGAIN,		/* back to step x while the loop at depth `what` lasts */
	EXECUTE,	/* the command, to its end */
	STOP,
};

struct step {
	u64 op, what;
	struct length length;
};

/* So long after the beginning, the word at byte `at` of the scheduler's data becomes `value`. */
struct tune {
	u64 after_ns, at, value;
};

#endif
