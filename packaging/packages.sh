# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by test.sh and demo.sh: installs the packages of the named sections
# of the file `packages` beside this one, if any of them is missing.

packages_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# packages_of SECTION..: the names, one a line
packages_of() {
	local section
	for section; do
		sed -n "s/^$section: //p" "$packages_dir/packages" | tr ' ' '\n'
	done
}

# packages_missing NAME..: those that are not installed
packages_missing() {
	local name
	for name; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null |
			grep -qx installed || echo "$name"
	done
}

# packages_install SECTION..: nothing is done if nothing is missing
packages_install() {
	local -a names missing as_root=()
	mapfile -t names < <(packages_of "$@")
	mapfile -t missing < <(packages_missing "${names[@]}")
	[ "${#missing[@]}" -eq 0 ] && return 0
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "these packages are missing: ${missing[*]}: install them as root, or run this as root" >&2
			return 1
		}
		as_root=(sudo)
	fi
	echo "installing: ${missing[*]}"
	"${as_root[@]}" apt-get update -qq
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}
