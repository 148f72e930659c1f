#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing on a Debian 12, builds, and runs all tests:
#
#   dev    gcc, warnings are errors: everything
#   asan   address and undefined behaviour sanitizers: everything that runs C
#   clang  warnings are errors: built only
#
# Exit status 0 only if all of it went well. The last lines are CTest's summary
# of both. Needs no network but Debian's packages, and may be run again at any
# time, from anywhere.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/packages.sh
. packaging/packages.sh

jobs=$(nproc)

# build PRESET
build() {
	printf '== building: %s\n' "$1"
	cmake --preset "$1" >/dev/null
	cmake --build --preset "$1" -j "$jobs" -- --quiet
}

# One CTest run over more than one build folder has one summary.
# suite FOLDER PRESET..
suite() {
	local folder=$1 preset
	shift
	mkdir -p "$folder"
	for preset; do
		printf 'subdirs("%s")\n' "$PWD/build/$preset"
	done >"$folder/CTestTestfile.cmake"
}

packages_install build test check deb
build dev
build asan
build clang
suite build/suite dev asan

printf '== testing\n'
exec ctest --test-dir build/suite -j "$jobs" --output-on-failure --no-tests=error
