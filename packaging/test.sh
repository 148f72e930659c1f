#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what is missing on a Debian 12, builds and runs every test:
#   dev    gcc, warnings are errors: lint, unit, fuzz seeds, simulation,
#          simulator and end-to-end tests
#   clang  the same sources, warnings are errors: built only
#   asan   address and undefined behaviour sanitizers: everything that runs
#          C code
# Exits non-zero if anything fails. Ends with the summary of CTest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/packages.sh
. packaging/packages.sh

jobs=$(nproc)

say() { printf '\n== %s\n' "$*"; }

build() {
	say "building: $1"
	cmake --preset "$1" >/dev/null
	cmake --build --preset "$1" -j "$jobs" -- --quiet
}

packages_install build test check
build dev
build clang
build asan

say "tests with sanitizers"
status=0
ctest --preset asan -j "$jobs" --output-on-failure || status=$?
say "tests"
ctest --preset dev -j "$jobs" --output-on-failure || status=$?
exit "$status"
