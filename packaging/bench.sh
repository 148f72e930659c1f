#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs the peers on a Debian 12, builds whd as it is shipped, and measures
# whd beside them: one table, and with --json FILE and --picture FILE the same
# for programs and for the README. --growth FILE is a second picture: how the time
# of an operation grows with webhooks and with the queue. --help tells more.
#
# Everything runs in a private folder, on unix sockets and loopback, and ends by
# itself. Servers that a package would start at boot are none of ours.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/packages.sh
. packaging/packages.sh

packages_install build bench
cmake --preset release >/dev/null
cmake --build --preset release -j "$(nproc)" -- --quiet
exec /usr/bin/python3 -B tests/bench/bench.py --build build/release "$@"
