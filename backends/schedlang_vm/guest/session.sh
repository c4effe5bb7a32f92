# Trials of schedulers, sourced by the job. A trial's input lies in /job/N: `object.o` (absent:
# the kernel's own scheduler) and `tasks`, a line for each task:
#   nice|cpus|run_ns|sleep_ns|once|cgroup|name
# Its output goes to a section `trial-N`: see session.py, which reads it.
# INVARIANT: what a user named is only ever data here: quoted, never evaluated.

scx=/sys/kernel/sched_ext

# Sampling must not wait for the scheduler that it observes.
task f $$

# enter_cgroup PATH: move this process there; the controller is enabled all the way down.
enter_cgroup() {
	cd /sys/fs/cgroup
	rest=$1
	while [ "$rest" ]; do
		echo +cpu >cgroup.subtree_control
		mkdir -p "./${rest%%/*}" && cd "./${rest%%/*}"
		case $rest in */*) rest=${rest#*/} ;; *) rest= ;; esac
	done
	echo 0 >cgroup.procs
}

# start_tasks DIR: start them waiting at the gate; sets `pids`, `files`, `states`.
start_tasks() {
	pids= files= states= count=0
	rm -f /tmp/gate
	mkfifo /tmp/gate
	exec 8<>/tmp/gate
	while IFS='|' read -r nice cpus run sleep once cgroup name; do
		(
			exec 3</tmp/gate 8>&- 9>&-
			[ "$cgroup" ] && enter_cgroup "$cgroup"
			exec task t "$nice" "$cpus" "$run" "$sleep" "$once" "$out/counters-$count" "$name"
		) </dev/null &
		pids="$pids $!"
		files="$files /proc/$!/schedstat"
		states="$states /proc/$!/status"
		count=$((count + 1))
	done <"$1/tasks"
	until [ "$(find $out -name 'counters-*' -size +0 | wc -l)" -ge $count ]; do
		usleep 10000
	done
	echo $pids >$out/pids
}

# sample NAME: what the kernel says at this moment.
sample() {
	{
		task c
		grep -s -H "" $scx/state $scx/nr_rejected $scx/enable_seq $scx/root/ops \
			$scx/root/events $files
		[ $1 = stopped ] && grep -s -H -E "^State|_ctxt_switches" $states
	} >$out/sample-$1
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
	task c >$out/attach-begin
	# `timeout` leaves a watcher behind for up to a second: it must not hold the gate open.
	timeout -s KILL "$2" bpftool struct_ops register $1/object.o /sys/fs/bpf/trial \
		>$out/register.out 2>$out/register.err 8>&- 9>&-
	echo $? >$out/register.rc
	shorten $out/register.err
	task c >$out/attach-end
}

detach() {
	rm -rf /sys/fs/bpf/trial
	tries=0
	while [ "$(cat $scx/state)" != disabled ] && [ $tries -lt 100 ]; do
		tries=$((tries + 1))
		usleep 20000
	done
}

# trial N LIMIT_S SAMPLES INTERVAL_US STATS_MAP
trial() {
	out=/tmp/out-$1
	mkdir -p $out
	dmesg -c >/dev/null
	start_tasks /job/$1
	attach /job/$1 "$2"
	if [ ! -e $out/register.rc ] || [ "$(cat $out/register.rc)" = 0 ]; then
		observe "$3" "$4" "$5"
	fi
	kill -KILL $pids 2>/dev/null
	wait
	detach
	dmesg >$out/dmesg-after
	send trial-$1 $out
	rm -rf $out
}

# observe SAMPLES INTERVAL_US STATS_MAP: let the tasks run and watch.
observe() {
	bpftool -j prog show >$out/programs
	task v >$out/verified
	sample 0
	exec 8>&-
	task c >$out/gate-open
	number=1
	while [ $number -le "$1" ]; do
		usleep "$2"
		sample $number
		number=$((number + 1))
	done
	kill -STOP $pids
	sample stopped
	dmesg >$out/dmesg
	bpftool -j map dump name "$3" >$out/stats 2>/dev/null
	detach
	sample detached
}
