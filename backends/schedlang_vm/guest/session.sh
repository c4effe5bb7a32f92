# Trials of schedulers, sourced by the job. A trial's input lies in /job/N: `object.o` (absent:
# the kernel's own scheduler), `program` (see guest/program.h), and `cgroups`, a line for each
# cgroup to make: PATH|WEIGHT.
# Its output goes to a section `trial-N`: see session.py, which reads it.
# INVARIANT: what a user named is only ever data here: quoted, never evaluated.

scx=/sys/kernel/sched_ext
tracing=/sys/kernel/tracing

# Watching must not wait for the scheduler that is watched.
player f $$

# make_cgroups FILE
make_cgroups() {
	while IFS='|' read -r path weight; do
		(
			cd /sys/fs/cgroup
			case $path in */*) cd "./${path%/*}" ;; esac
			echo +cpu >cgroup.subtree_control
			mkdir -p "./${path##*/}" && echo "$weight" >"./${path##*/}/cpu.weight"
		)
	done <"$1"
}

# start_player DIR: descriptor 8 tells it what to do, 7 what it has done.
start_player() {
	rm -f /tmp/orders /tmp/told
	mkfifo /tmp/orders /tmp/told
	player p $1/program $out/outcome </tmp/orders >/tmp/told 9>&- &
	exec 8>/tmp/orders 7</tmp/told
	said=
	read -r said <&7
}

# sample NAME: what the kernel says at this moment.
sample() {
	grep -s -H "" $scx/state $scx/nr_rejected $scx/enable_seq $scx/root/ops $scx/root/events \
		>$out/sample-$1
}

# shorten FILE: a verifier's log may have 80 MB; its two ends tell the story.
shorten() {
	[ "$(wc -c <$1)" -le 1048576 ] && return
	{
		head -c 262144 $1
		echo
		echo "; the middle of this log is left out"
		tail -c 262144 $1
	} >$1.short
	mv $1.short $1
}

# attach DIR LIMIT_S: a load that takes longer than the limit is killed.
attach() {
	[ -e $1/object.o ] || return 0
	player v >$out/verified-before
	player c >$out/attach-begin
	# `timeout` leaves a watcher behind for up to a second: it must not hold the player's orders.
	timeout -s KILL "$2" bpftool struct_ops register $1/object.o /sys/fs/bpf/trial \
		>$out/register.out 2>$out/register.err 7<&- 8>&- 9>&-
	echo $? >$out/register.rc
	shorten $out/register.err
	player c >$out/attach-end
}

detach() {
	rm -rf /sys/fs/bpf/trial
	tries=0
	while [ "$(cat $scx/state)" != disabled ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		usleep 20000
	done
}

# trial N LIMIT_S STATS_MAP TRACE_KIB PROFILE
trial() {
	out=/tmp/out-$1
	mkdir -p $out
	echo "$5" >/proc/sys/kernel/bpf_stats_enabled
	dmesg -c >/dev/null
	make_cgroups /job/$1/cgroups
	start_player /job/$1
	# From the scheduler's beginning on, or its state would be unknown.
	[ "$4" = 0 ] || start_trace "$4"
	attach /job/$1 "$2"
	if [ "$said" = 1 ] && { [ ! -e $out/register.rc ] || [ "$(cat $out/register.rc)" = 0 ]; }; then
		observe "$3" "$4" "$5"
	fi
	exec 8>&-
	wait
	exec 7<&-
	detach
	dmesg >$out/dmesg-after
	send trial-$1 $out
	rm -rf $out
}

# observe STATS_MAP TRACE_KIB PROFILE: let the threads run and watch.
observe() {
	bpftool -j prog show >$out/programs
	player v >$out/verified
	sample begin
	echo go >&8
	read -r said <&7
	[ "$2" = 0 ] || echo 0 >$tracing/tracing_on
	sample end
	[ "$3" = 0 ] || bpftool -j prog show >$out/programs-end
	dmesg >$out/dmesg
	bpftool -j map dump name "$1" >$out/stats 2>/dev/null
	detach
	[ "$2" = 0 ] || keep_trace
}

# start_trace KIB: so much for each CPU.
start_trace() {
	echo 0 >$tracing/tracing_on
	echo mono >$tracing/trace_clock
	echo "$1" >$tracing/buffer_size_kb
	echo >$tracing/trace
	for event in sched/sched_switch sched/sched_waking sched/sched_wakeup sched/sched_wakeup_new \
		sched/sched_process_fork sched/sched_process_exit bpf_trace sched_ext; do
		[ -e $tracing/events/$event/enable ] && echo 1 >$tracing/events/$event/enable
	done
	echo 1 >$tracing/tracing_on
}

keep_trace() {
	cat $tracing/trace >$out/trace
	grep -H "" $tracing/per_cpu/cpu*/stats >$out/trace-stats
	echo 0 >$tracing/events/enable
	echo >$tracing/trace
}
