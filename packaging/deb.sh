#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the Debian packages of this tree and has lintian look at them:
#
#     packaging/deb.sh [FOLDER]
#
# They end up in FOLDER, build/deb if none is named. Installs what is missing for
# that with apt. The tree stays as it is: a copy is built, as Debian wants its
# files in a folder of their own at the top.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=packaging/packages.sh
. packaging/packages.sh

packages_install build deb
mkdir -p "${1:-build/deb}"
folder=$(cd "${1:-build/deb}" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

mkdir "$temp/whd"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$temp/whd"
mv "$temp/whd/packaging/debian" "$temp/whd/debian"
if ! (cd "$temp/whd" && dpkg-buildpackage -b -us -uc) >"$temp/log" 2>&1; then
	tail -n 60 "$temp/log" >&2
	exit 1
fi
# What looks like words in a binary are halves of some, which the compiler compares in pieces.
lintian --allow-root --display-info --pedantic --suppress-tags spelling-error-in-binary \
	--fail-on error,warning,info,pedantic "$temp"/*.changes
mv "$temp"/*.deb "$folder"
printf '%s\n' "$folder"/*.deb
