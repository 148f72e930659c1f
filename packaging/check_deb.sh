#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the Debian packages and checks them: that lintian has nothing to say, that each
# holds what it should and nothing else, that an upgrade starts whd anew and leaves its
# socket, that a removal stops both, and that what they hold runs from where it is.
#
#     packaging/check_deb.sh
#
# Nothing is installed and nothing is left behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

fail() {
	echo "packaging/check_deb.sh: $*" >&2
	exit 1
}

say() {
	echo "-- $*"
}

say "they can be built, and lintian has nothing to say"
"$here/deb.sh" "$temp/debs" >/dev/null
rm -f "$temp"/debs/*-dbgsym_*

say "each holds what it should"
for file in "$temp"/debs/*.deb; do
	name=$(dpkg-deb -f "$file" Package)
	dpkg-deb -x "$file" "$temp/root"
	dpkg-deb -c "$file" | awk -v name="$name" '$6 !~ /\/$/ { print name, $6 }'
done | sed -E 's,/lib/[a-z0-9_]+-linux-gnu[a-z0-9]*/,/LIBDIR/,
	s/\.so\.[0-9]+\.[0-9.]+$/.so.VERSION/' | LC_ALL=C sort >"$temp/held"
diff -u "$here/../tests/golden/debs" "$temp/held" ||
	fail "what the packages hold differs from tests/golden/debs: correct one of them"

say "an upgrade and a removal do what they should"
dpkg-deb -e "$temp"/debs/whd_*.deb "$temp/control"
grep -q 'systemd-sysusers.* whd.conf' "$temp/control/postinst" || fail "no user is made"
grep -q '_dh_action=restart' "$temp/control/postinst" || fail "an upgrade does not start whd anew"
grep -q "invoke \$_dh_action 'whd.service' >" "$temp/control/postinst" ||
	fail "an upgrade does not start whd alone"
grep -q "invoke start 'whd.socket'" "$temp/control/postinst" || fail "the socket is not started"
! grep -qs "stop.*'whd" "$temp/control/preinst" || fail "an upgrade stops whd or its socket"
for unit in whd.service whd.socket; do
	grep -q "invoke stop '$unit'" "$temp/control/prerm" || fail "a removal leaves $unit running"
done

say "what they hold runs"
"$temp/root/usr/sbin/whd" -n -c "$temp/root/usr/share/doc/whd/whd.conf.example" >/dev/null ||
	fail "whd refuses its example configuration"
"$temp/root/usr/bin/whctl" --version >/dev/null || fail "whctl --version fails"
PYTHONPATH=$temp/root/usr/lib/python3/dist-packages /usr/bin/python3 -B -c 'import whclient' ||
	fail "whclient.py cannot be imported"
/usr/bin/python3 -B "$here/check_service.py" "$temp/root/usr/sbin/whd"
