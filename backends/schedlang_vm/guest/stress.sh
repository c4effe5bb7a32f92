# Schedulers under stress, one after another, sourced by the job. They lie in /job/objects/N.o.
# What came of each goes to a section `stress-N`: see stress.py, which reads it.

scx=/sys/kernel/sched_ext
cpus=/sys/devices/system/cpu
# How long CPUs come and go, after the time that was asked for.
PLUG_S=10

# load OBJECT: 0 if it is at work.
load() {
	rm -rf /sys/fs/bpf/stressed
	bpftool struct_ops register "$1" /sys/fs/bpf/stressed >/dev/null 2>>$out/register.err
}

# plug OBJECT UNTIL_S: take every CPU but the first away and give it back, in turn. The kernel lets a
# scheduler go when the machine changes, and asks for it again.
plug() {
	cpu=1
	while [ "$(cut -d. -f1 /proc/uptime)" -lt "$2" ]; do
		for online in 0 1; do
			echo $online >$cpus/cpu$cpu/online
			usleep 500000
			[ "$(cat $scx/state)" = enabled ] && continue
			load "$1" && echo $cpu $online >>$out/reloads
		done
		cpu=$((cpu + 1))
		[ -e $cpus/cpu$cpu/online ] || cpu=1
	done
}

# stress N SECONDS STRESSORS...
stress() {
	out=/tmp/out-$1
	mkdir -p $out
	object=/job/objects/$1.o
	seconds=$2
	shift 2
	: >$out/reloads
	dmesg -c >/dev/null
	load $object
	echo $? >$out/register.rc
	cat $scx/state >$out/before
	/command/stress-ng "$@" --timeout $((seconds + PLUG_S)) >$out/said 2>&1 &
	sleep $seconds
	cat $scx/state >$out/between
	plug $object $(($(cut -d. -f1 /proc/uptime) + PLUG_S))
	wait $!
	echo $? >$out/status
	cat $scx/state >$out/after
	grep -s -H "" $scx/nr_rejected $scx/root/events >$out/events
	dmesg >$out/dmesg
	rm -rf /sys/fs/bpf/stressed
	while [ "$(cat $scx/state)" != disabled ]; do usleep 20000; done
	send stress-${out#/tmp/out-} $out
	rm -rf $out
}

# machine: which CPUs share a cache and a node.
machine() {
	mkdir -p /tmp/machine
	cat $cpus/cpu*/cache/index3/shared_cpu_list | sort -u >/tmp/machine/caches
	cat /sys/devices/system/node/node*/cpulist >/tmp/machine/nodes
	send machine /tmp/machine
}
