# Objects that are loaded and let go, one after another, sourced by the job. They lie in
# /job/objects/N.o. What came of them goes to the section `loaded`: see loading.py, which reads it.

# load_all COUNT LIMIT_S: a load that takes longer than the limit is killed.
load_all() {
	out=/tmp/loaded
	mkdir -p $out
	number=0
	while [ $number -lt "$1" ]; do
		timeout -s KILL "$2" bpftool prog loadall /job/objects/$number.o /sys/fs/bpf/loaded \
			>/dev/null 2>$out/log-$number
		code=$?
		[ $code = 0 ] && rm $out/log-$number
		# By program its number, and the instructions that the verifier looked at.
		echo "$code $(player v | tr '\n' ' ')" >>$out/table
		rm -rf /sys/fs/bpf/loaded
		number=$((number + 1))
	done
	send loaded $out
}
