#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Shows what whd is for, on a bare Debian 12: installs what is missing, builds,
# starts a simulated API (whsim) and whd in a private folder, and goes through
# reading, changing, an outage, a crash and the way back. What it says is
# checked at the API itself, by its list and its request log: demo_check.py.
# It ends only processes that it started, and sleeps nowhere.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
# shellcheck source=packaging/packages.sh
. "$here/packages.sh"

once=no    # end by itself
leave=no   # what runs may go on when this shell ends
dir=""     # the private folder
starts=0   # of whd: each has its own log
step=0     # of the show
facts=0    # that were seen to hold
whd_pid="" # of the one that runs now
api=""     # url of the API
control="" # url of whsim's control port

usage() {
	cat <<-'END'
		usage: packaging/demo.sh           the show; whd is left running to play with
		       packaging/demo.sh --once    the show, then all is ended and removed
		       packaging/demo.sh --stop DIR
		                                   ends and removes what a show left in DIR

		WHD_BIN_DIR=DIR takes whd, whctl and whsim from there: nothing is installed or
		built. NO_COLOR=1 leaves out the colours. Exit status: 0 each step was seen to
		hold, 1 not, 2 wrong use.
	END
}

# ------------------------------------------------------------- the terminal --

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold="" dim="" green="" red="" plain=""
fi

die() {
	printf '%sdemo.sh: %s%s\n' "$red" "$*" "$plain" >&2
	exit 1
}

headline() {
	step=$((step + 1))
	printf '\n%s== %d. %s%s\n' "$bold" "$step" "$1" "$plain"
}

say() { printf '   %s\n' "$@"; }

# As one would type it.
quoted() {
	local word line=""
	for word; do
		[[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]] || word="'$word'"
		line+="$word "
	done
	printf '%s' "${line% }"
}

typed() { printf '%s$ %s%s\n' "$bold" "$(quoted "$@")" "$plain"; }

# shown STATUS COMMAND..: the command, what it printed, and that it ended as expected
shown() {
	local expected=$1 status=0
	shift
	typed "$@"
	${bold:+env CLICOLOR_FORCE=1} "$@" 2>&1 | sed 's/^/  /' || status=$?
	[ "$status" -eq 0 ] || printf '  %s(exit status %d)%s\n' "$dim" "$status" "$plain"
	[ "$status" -eq "$expected" ] ||
		die "expected: exit status $expected, seen: $status: $(quoted "$@")"
}

# ---------------------------------------------------------------- the checks --

# Short, so Ctrl-C is left to this shell.
look() (
	trap '' INT
	exec /usr/bin/python3 -B "$here/demo_check.py" "$@"
)

# told WHERE FACTS STATUS: one line a fact; ends the demo if one did not hold
told() {
	local line
	while IFS= read -r line; do
		case $line in
		expected:* | seen:*) printf '  %s✗ %s: %s%s\n' "$red" "$1" "$line" "$plain" ;;
		?*)
			printf '  %s✓%s %s: %s\n' "$green" "$plain" "$1" "$line"
			facts=$((facts + 1))
			;;
		esac
	done <<<"$2"
	[ "$3" -eq 0 ] || die "step $step was not seen to hold"
}

# checked CHECK ARGUMENT..: what the API itself says of it
checked() {
	local lines status=0
	lines=$(look "$control" "$@") || status=$?
	told "checked at the API" "$lines" "$status"
}

# ------------------------------------------------------------- the processes --

# Tells a process from a later one with the same number.
started_at() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	read -ra stat <<<"${stat##*) }"
	echo "${stat[19]}"
}

# remember NAME PID: for --stop
remember() { echo "$1 $2 $(started_at "$2")" >>"$dir/whd-demo.processes"; }

# end PID: asks it to end, and waits for it
end() {
	kill -TERM "$1" 2>/dev/null || return 0
	look gone "$1" || kill -KILL "$1" 2>/dev/null || true
}

# first_line FILE PID TEXT: the first line with TEXT that the process writes there
first_line() {
	local line found="" fd
	exec {fd}< <(exec tail -n +1 -f --pid="$2" "$1")
	while [ -z "$found" ] && IFS= read -r -t 20 -u "$fd" line; do
		[[ $line != *"$3"* ]] || found=$line
	done
	kill "$!" 2>/dev/null || true
	exec {fd}<&-
	[ -n "$found" ] || die "${1##*/} ends without $3: $(tail -n 3 "$1")"
	printf '%s\n' "$found"
}

# Own session and no terminal: they outlive this shell, and Ctrl-C is not theirs.
start_api() {
	local ready log=$dir/whsim.log
	: >"$log"
	setsid whsim --seed 6 </dev/null >"$log" 2>&1 &
	remember whsim $!
	ready=$(first_line "$log" $! '"control"')
	[[ $ready =~ \"url\":\"([^\"]+)\",\"control\":\"([^\"]+)\" ]] || die "whsim said: $ready"
	api=${BASH_REMATCH[1]}
	control=${BASH_REMATCH[2]}
}

start_whd() {
	local log
	starts=$((starts + 1))
	log=$dir/whd-$starts.log
	: >"$log"
	typed whd -c "$dir/whd.conf"
	setsid whd -c "$dir/whd.conf" </dev/null >"$log" 2>&1 &
	whd_pid=$!
	remember whd "$whd_pid"
	first_line "$log" "$whd_pid" "msg=ready" | sed 's/^/  /'
}

kill_whd() {
	typed kill -9 "$whd_pid"
	kill -9 "$whd_pid"
	wait "$whd_pid" 2>/dev/null || true
}

# shellcheck disable=SC2317 # called by the trap
at_exit() {
	local status=$? pid
	set +e
	trap '' INT TERM HUP
	[ "$leave" = no ] || exit "$status"
	[ "$status" -ne 1 ] || [ "$starts" -eq 0 ] ||
		sed 's/^/   of the log of whd: /' <(tail -n 5 "$dir/whd-$starts.log") >&2
	for pid in $(jobs -p); do
		end "$pid"
	done
	[ -z "$dir" ] || rm -rf "$dir"
	exit "$status"
}

# stop DIR: only what stands in its list and is still that process
stop() {
	local name pid since
	dir=$(cd "$1" 2>/dev/null && pwd) ||
		die "there is no folder $1: give the one that was printed"
	[[ ${dir##*/} == whd-demo.* && -O $dir/whd-demo.processes ]] ||
		die "$dir is not of a demo of yours: give the folder that was printed"
	while read -r name pid since; do
		[ "$(started_at "$pid")" = "$since" ] || continue
		[ "$(cat "/proc/$pid/comm" 2>/dev/null)" = "$name" ] || continue
		end "$pid"
		echo "ended $name, process $pid"
	done <"$dir/whd-demo.processes"
	rm -rf "$dir"
	echo "removed $dir"
}

# ----------------------------------------------------------- before the show --

build() {
	local quiet=(-- --quiet)
	[ ! -t 1 ] || quiet=()
	packages_install build
	printf '%sBuilding whd, whctl and whsim in build/release%s\n' "$bold" "$plain"
	{ mkdir -p "$root/build/release" && [ -w "$root/build/release" ]; } 2>/dev/null ||
		die "cannot write $root/build/release: run as its owner, or set WHD_BIN_DIR"
	(cd "$root" && cmake --preset release) >"$dir/cmake.log" 2>&1 ||
		die "$(cat "$dir/cmake.log")"
	(cd "$root" && cmake --build --preset release --target whd whctl whsim "${quiet[@]}")
	PATH=$root/build/release/bin:$PATH
}

find_programs() {
	local name
	[ -n "${WHD_BIN_DIR:-}" ] || {
		build
		return
	}
	for name in whd whctl whsim; do
		[ -x "$WHD_BIN_DIR/$name" ] || die "there is no $name in WHD_BIN_DIR ($WHD_BIN_DIR)"
	done
	PATH=$(cd "$WHD_BIN_DIR" && pwd):$PATH
}

configure() {
	echo test-key-1 >"$dir/key"
	cat >"$dir/whd.conf" <<-END
		[upstream]
		url = $api
		key_file = $dir/key
		allow_http = yes
		[sync]
		interval = 2s
		stale_after = 1s
		[socket]
		path = $dir/whd.sock
		[access]
		write = $(id -u)
		admin = $(id -u)
		[store]
		path = $dir/store
		[retry]
		base = 100ms
		cap = 1s
		[log]
		format = logfmt
	END
}

prepare() {
	unset WHCTL_WAIT
	dir=$(mktemp -d "${TMPDIR:-/tmp}/whd-demo.XXXXXX")
	find_programs
	umask 077
	# Names are shown as they are, also where no language is set.
	[ "$(locale charmap 2>/dev/null)" = UTF-8 ] || export LC_ALL=C.UTF-8
	export WHD_SOCKET=$dir/whd.sock
}

# ------------------------------------------------------------------ the show --

list=(whctl list -o table --columns "whid,whname,_whd.state")
aged=(whctl list -o table --columns "whname,_whd.state,_whd.age_ms,_whd.stale")
queue=(whctl queue list -o table --columns "kind,whid,state,attempts")
# What whd holds, for a check.
save_list() { whctl list --json >"$dir/list"; }
save_queue() { whctl queue list --json >"$dir/queue-$1"; }

show_cache() {
	headline "The cached list"
	say "whsim plays the API, with 6 webhooks. whd fetches them and keeps a copy on disk;" \
		"whctl reads that copy."
	start_api
	configure
	start_whd
	shown 0 whctl wait synced --quiet
	shown 0 "${list[@]}"
	save_list
	checked equal "$dir/list"
	mapfile -t seeded < <(whctl list -o value=whname)
}

show_changes() {
	headline "A create, an update and a delete go through"
	say "A change is written to disk before it is acknowledged, then sent. With --wait whctl" \
		"comes back when it is in effect."
	look "$control" snapshot "$dir/before"
	shown 0 whctl create --name 'Building permits Aarau' --comment 'first draft' \
		--app app-1 --municipality aarau --url https://hooks.example.test/in/permits \
		--process p-1 --process p-2 --wait -o table
	checked effect "$dir/before" create 'Building permits Aarau' whcomment='first draft' \
		applicationId=app-1 municipalityId=aarau \
		callbackUrl=https://hooks.example.test/in/permits processes=p-1,p-2
	look "$control" snapshot "$dir/before"
	shown 0 whctl update "name:${seeded[0]}" --comment 'changed by the demo' --wait -o table
	checked effect "$dir/before" update "${seeded[0]}" whcomment='changed by the demo'
	look "$control" snapshot "$dir/before"
	shown 0 whctl delete "name:${seeded[1]}" --yes --wait -o table
	checked effect "$dir/before" delete "${seeded[1]}"
}

show_outage() {
	headline "The API is cut off"
	say "Its connections are reset, new ones refused. whd notices and goes on."
	shown 0 whctl sync -o table
	shown 0 "$here/demo_check.py" "$control" net refuse
	look "$control" snapshot "$dir/cut"
	shown 9 whctl sync
	shown 6 whctl wait online --timeout 2s
	checked untouched "$dir/cut"
}

show_reads() {
	headline "Reads are still answered, with their age"
	say "The copy says of each webhook how old it is, and that it is too old for [sync]" \
		"stale_after, here 1 s. Who cannot do with that asks for less: --max-age."
	save_list
	shown 0 "${aged[@]}"
	checked equal "$dir/list"
	checked age "$dir/list"
	shown 1 whctl list --max-age 1s
}

show_offline_changes() {
	headline "Changes made offline are queued"
	say "Every kind is taken: also an update of what was created a moment ago and has only" \
		"a local id yet. What has never left is folded: such an update goes into the" \
		"create, and a create that is deleted again is never sent at all."
	shown 0 whctl create --name 'Dog licences Brugg' --comment 'made offline' --app app-2 \
		--municipality brugg --url https://hooks.example.test/in/dogs --process p-3 -o table
	shown 0 whctl create --name 'Parking Olten' --comment 'made offline' --app app-3 \
		--municipality olten --url https://hooks.example.test/in/parking --process p-4 \
		-o table
	shown 0 whctl update 'name:Dog licences Brugg' --comment 'and updated offline' -o table
	shown 0 whctl update "name:${seeded[2]}" --comment 'changed offline' -o table
	shown 0 whctl update 'name:Building permits Aarau' --process p-2 --process p-9 -o table
	shown 0 whctl delete "name:${seeded[3]}" --yes -o table
	shown 0 whctl create --name 'A mistake' --comment '' --app app-4 --municipality olten \
		--url https://hooks.example.test/in/mistake --process p-5 -o table
	shown 0 whctl delete 'name:A mistake' --yes -o table
	say "Reads show what is queued at once:"
	shown 0 "${list[@]}"
	shown 0 "${queue[@]}"
	checked untouched "$dir/cut"
}

show_crash() {
	local lines status=0
	headline "whd is killed with -9 and started again, still offline"
	say "No chance to save anything. What was acknowledged was on disk already."
	save_queue before
	kill_whd
	start_whd
	save_queue after
	shown 0 "${queue[@]}"
	lines=$(look same-queue "$dir/queue-before" "$dir/queue-after") || status=$?
	told "compared with before the kill" "$lines" "$status"
	say "That is whd's word; the API will tell in step $((step + 1))."
	shown 0 "${aged[@]}"
	checked untouched "$dir/cut"
}

show_return() {
	headline "The API is back: the queue drains"
	say "whd finds it by itself, looks at the list first, and then sends what waited."
	shown 0 "$here/demo_check.py" "$control" net up
	shown 0 whctl wait idle --quiet
	shown 0 "${queue[@]}"
	shown 0 whctl history --limit 8 -o table --columns kind,whid,state,result,reason,attempts
	checked effect "$dir/cut" \
		create 'Dog licences Brugg' whcomment='and updated offline' applicationId=app-2 \
		municipalityId=brugg callbackUrl=https://hooks.example.test/in/dogs processes=p-3 \
		create 'Parking Olten' whcomment='made offline' applicationId=app-3 \
		municipalityId=olten callbackUrl=https://hooks.example.test/in/parking \
		processes=p-4 \
		update "${seeded[2]}" whcomment='changed offline' \
		update 'Building permits Aarau' processes=p-2,p-9 \
		delete "${seeded[3]}"
}

show_equal() {
	headline "The API's own list is whd's list"
	shown 0 whctl sync -o table
	shown 0 "${list[@]}"
	save_list
	checked equal "$dir/list"
}

# ---------------------------------------------------------------- at the end --

end_show() {
	local pid
	for pid in $(jobs -p); do
		end "$pid"
		wait "$pid" || die "process $pid ended with status $?: expected 0"
	done
	printf '\n%sAll %d statements held.%s Nothing is left running.\n' "$bold" "$facts" "$plain"
}

leave_running() {
	local look
	look="$(quoted "$here/demo_check.py") \$CONTROL"
	leave=yes
	cat <<-END

		${bold}All $facts statements held.$plain whd and the simulated API are left running.
		Talk to them:

		  export WHD_SOCKET=$WHD_SOCKET
		  export CONTROL=$control
		  PATH=$(quoted "$(dirname "$(command -v whctl)")"):\$PATH

		  whctl status
		  whctl list
		  whctl create --name Test --comment '' --app a --municipality m \\
		      --url https://example.test/ --process p
		  whctl watch                      every change as it happens; Ctrl-C ends it
		  whctl help

		  $look net refuse        cut the API off
		  $look net up            bring it back
		  $look request /log      what the API was asked
		  $look request /rows     what the API holds

		Configuration and logs are in $dir. To stop both and remove that folder:

		  $(quoted "$here/demo.sh" --stop "$dir")
	END
}

main() {
	trap at_exit EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	prepare
	show_cache
	show_changes
	show_outage
	show_reads
	show_offline_changes
	show_crash
	show_return
	show_equal
	if [ "$once" = yes ]; then
		end_show
	else
		leave_running
	fi
}

case "${1:-}/$#" in
/0) main ;;
--once/1)
	once=yes
	main
	;;
--stop/2) stop "$2" ;;
--help/1 | -h/1) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
