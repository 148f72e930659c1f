# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Sourced by test.sh and demo.sh: installs the packages of the named sections
# of the file `packages` beside this one, if any of them is missing. Nothing
# else is fetched from anywhere.

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

# packages_as_root WORD..: runs apt-get without asking anything
packages_as_root() {
	local -a as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || return 1
		as_root=(sudo)
	fi
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# packages_install SECTION..: nothing is done if nothing is missing
packages_install() {
	local -a names missing
	command -v dpkg-query >/dev/null || {
		echo "this is no Debian: install what packaging/packages names" >&2
		return 1
	}
	mapfile -t names < <(packages_of "$@")
	mapfile -t missing < <(packages_missing "${names[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing: ${missing[*]}"
	packages_as_root apt-get update -qq || echo "the lists of packages are not all fresh" >&2
	packages_as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" \
		>/dev/null || {
		echo "as root: apt-get install ${missing[*]}" >&2
		return 1
	}
}
