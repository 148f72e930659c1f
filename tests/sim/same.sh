#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# same.sh WHD-SIM SEEDS: the same seeds, lived twice, must tell the same story to the bit.
set -euo pipefail
first=$("$1" --seeds "$2" --hash)
second=$("$1" --seeds "$2" --hash)
echo "seeds $2: $first $second"
[ -n "$first" ] && [ "$first" = "$second" ]
