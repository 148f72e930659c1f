#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Looks for what the compilers let pass: sizes, layers, banned functions, style
# and documents that are out of date. Each finding is one line:
#
#     file:line: rule: what is wrong: what to do
#
#     tests/lint.sh [-b BUILD] [-r RULE]... [ROOT]
#
# BUILD is a build folder; without it the rules that look at programs are left
# out. RULE is one of those of lint_text.py or of the case at the end of this file.
# Exit status 1 if anything was found, 2 on wrong use.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
build=
rules=()

usage() {
	sed -n '3,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

while getopts b:r: option; do
	case $option in
	b) build=$(cd "$OPTARG" && pwd) || exit 2 ;;
	r) rules+=("$OPTARG") ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 1 ] && usage
[ $# -eq 1 ] && root=$(cd "$1" && pwd)
cd "$root" || exit 2

libraries=(msgpack lmdb libuv libcurl jansson libxxhash)

# left_out RULE WHY: a rule that cannot be checked here is told, not passed over
left_out() {
	echo "lint: $1 is not checked: $2" >&2
}

# files GLOB..: those of the project, as lint_text.py sees them
files() {
	/usr/bin/python3 -B - "$here" "$root" "$@" <<-'END'
		import pathlib, sys
		sys.path.insert(0, sys.argv[1])
		import lint_text
		for path in lint_text.all_files(pathlib.Path(sys.argv[2])):
		    if lint_text.fits(path, sys.argv[3:]):
		        print(path)
	END
}

# ---------------------------------------------------------------- sources --

# check_text [RULE]: what a source shows by itself
check_text() {
	/usr/bin/python3 -B "$here/lint_text.py" "$root" "$@"
	[ $? -le 1 ] || echo "tests/lint_text.py:1: ${1:-text}: could not be checked: see above"
}

# Every header can be included first: it brings what it needs.
check_headers() {
	local compile
	compile="gcc -std=c17 -D_GNU_SOURCE -fsyntax-only -I."
	compile+=" $(pkg-config --cflags "${libraries[@]}" 2>/dev/null)"
	files '*.h' | xargs -P "$(nproc)" -I{} sh -c '
		'"$compile"' -include "{}" -x c /dev/null >/dev/null 2>&1 ||
			echo "{}:1: headers: does not compile alone: include what it needs"'
}

check_format() {
	local tool
	tool=$(command -v clang-format-14 || command -v clang-format) || {
		left_out format "clang-format is missing"
		return
	}
	files '*.c' '*.h' | xargs -n 40 -P "$(nproc)" sh -c '
		'"$tool"' --dry-run -Werror "$@" 2>&1 |
			sed -nE "s/^([^ :]+:[0-9]+):[0-9]+: [a-z]+: code should be .*/\1/p" |
			sort -u -t: -k1,1' sh |
		sed "s/$/: format: not as .clang-format has it: clang-format-14 -i the file/"
}

check_shell() {
	local file
	for file in $(files '*.sh' '.ci/run'); do
		bash -n "$file" 2>&1 | sed -E 's/^([^:]+): line ([0-9]+): /\1:\2: shell: /'
	done
	command -v shellcheck >/dev/null || {
		left_out shell "shellcheck is missing, only the syntax is"
		return
	}
	files '*.sh' '.ci/run' | xargs shellcheck -x -f gcc |
		sed -E 's/: (note|warning|error): /: shell: /'
}

check_python() {
	local file parse='import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read())'
	for file in $(files '*.py'); do
		/usr/bin/python3 -B -c "$parse" "$file" >/dev/null 2>&1 ||
			echo "$file:1: python: does not parse: correct the syntax"
	done
}

check_manual() {
	command -v mandoc >/dev/null || {
		left_out manual "mandoc is missing"
		return
	}
	files 'packaging/man/*' | xargs mandoc -T lint -W style 2>&1 |
		grep -v -e 'referenced manual not found' -e 'outdated mandoc.db' |
		sed -E 's/^mandoc: ([^:]+:[0-9]+):[0-9]+: /\1: manual: /; s/$/: correct the page/'
}

# --------------------------------------------------------------- programs --

# FILE ALLOWED: the sonames a program may need at run time, as one pattern
check_needed_by() {
	local soname
	[ -e "$build/$1" ] || return 0
	objdump -p "$build/$1" | awk '$1 == "NEEDED" { print $2 }' | while read -r soname; do
		echo "$soname" | grep -qE "^(libc|libm|ld-linux-.*|$2)[.-]" ||
			echo "$1:1: needed: $soname is none of its libraries: drop what brings it"
	done
}

check_needed() {
	[ -n "$build" ] || return 0
	local wire='libmsgpack-?c' json='libjansson'
	check_needed_by bin/whd "libuv|libcurl|liblmdb|libinih|libsystemd|libxxhash|$wire|$json"
	check_needed_by bin/whctl "libsmartcols|libfyaml|$wire|$json"
	check_needed_by lib/libwhclient.so "$wire"
	check_needed_by bin/whsim "libmicrohttpd|$json"
}

# Variables that can be written: all state hangs off a structure, but the log's.
check_state() {
	[ -n "$build" ] || return 0
	find "$build/CMakeFiles" -name '*.c.o' ! -path '*/daemon/log.c.o' -print0 |
		xargs -0 -r objdump -t 2>/dev/null |
		awk '/file format/ { file = $1; sub(/.*\.dir\//, "", file); sub(/\.o:$/, "", file) }
		     / O (\.bss|\.data|\*COM\*)(\.[^r]|[ \t])/ {
			print file ":1: state: " $NF " can be written: put it into a structure" }'
}

check_docs() {
	[ -n "$build" ] || return 0
	if [ ! -x "$build/tests/describe" ]; then
		left_out docs "$build/tests/describe is not built"
		return
	fi
	/usr/bin/python3 -B "$here/../packaging/docs.py" check "$build/tests/describe" "$root" |
		sed -E 's/^([^:]+:[0-9]+): /\1: docs: /'
}

# -------------------------------------------------------------------- all --

check() {
	case $1 in
	headers) check_headers ;;
	format) check_format ;;
	shell) check_shell ;;
	python) check_python ;;
	manual) check_manual ;;
	needed) check_needed ;;
	state) check_state ;;
	docs) check_docs ;;
	text) check_text ;;
	*) check_text "$1" ;;
	esac
}

[ ${#rules[@]} -gt 0 ] || rules=(text headers format shell python manual needed state docs)
found=$(
	for rule in "${rules[@]}"; do
		check "$rule"
	done
)
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
echo "lint: $(printf '%s\n' "$found" | wc -l) findings" >&2
exit 1
