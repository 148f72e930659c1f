#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks what is installed: that it is all there and nothing else, that the
# example configuration, the units and the user are good, that the client
# libraries can be used from where they are, and that whd behaves as systemd
# wants it to.
#
#     packaging/check.sh BUILD
#
# Everything is installed below a temporary folder and nothing is left behind.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "${1:?usage: packaging/check.sh BUILD}" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

fail() {
	echo "packaging/check.sh: $*" >&2
	exit 1
}

say() {
	echo "-- $*"
}

say "everything is installed, and nothing else"
DESTDIR=$temp/root cmake --install "$build" >/dev/null
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
libdir=$(sed -n 's/^CMAKE_INSTALL_LIBDIR:PATH=//p' "$build/CMakeCache.txt")
top=$temp/root$prefix
(cd "$top" && find . ! -type d) | sed -E "s,^\./$libdir/(libwh|pkgconfig),LIBDIR/\1,; s,^\./,," |
	sed -E 's/\.so\.[0-9]+\.[0-9.]+$/.so.VERSION/' | LC_ALL=C sort >"$temp/installed"
diff -u "$here/../tests/golden/installed" "$temp/installed" ||
	fail "what is installed differs from tests/golden/installed: correct one of them"

say "programs start"
"$top/sbin/whd" --version | grep -q '^whd [0-9]' || fail "whd --version says nothing"
"$top/bin/whctl" --version >/dev/null || fail "whctl --version fails"
for file in share/bash-completion/completions/whctl share/zsh/vendor-completions/_whctl \
	share/fish/vendor_completions.d/whctl.fish; do
	grep -q whctl "$top/$file" || fail "$file does not complete whctl"
done

say "the example configuration is good, as it is and with every setting in force"
example=$here/whd.conf.example
sed -E '/^url = /d; s/^#([a-z_]+ =)/\1/; s/@whd-admin/root/
	s|^url =$|url = https://gateway.example.invalid/webhookconfig|' "$example" >"$temp/all.conf"
"$top/sbin/whd" -n -c "$example" >/dev/null || fail "whd -n refuses $example"
"$top/sbin/whd" -n -c "$temp/all.conf" >/dev/null || fail "whd -n refuses the defaults of $example"
grep -o '^WH_SET([a-z]*, [a-z_]*' "$here/../daemon/config.def" | sed 's/^WH_SET(//; s/, /./' |
	LC_ALL=C sort >"$temp/settings"
awk '/^\[/ { section = substr($0, 2, length - 2) } /^[a-z_]+ =/ { print section "." $1 }' \
	"$temp/all.conf" | LC_ALL=C sort >"$temp/shown"
diff -u "$temp/settings" "$temp/shown" || fail "$example shows other settings than there are"

say "the client library can be linked from where it is installed"
cat >"$temp/client.c" <<'END'
#include <string.h>
#include <whclient.h>
int main(void)
{
	struct whc *c = 0;
	int r = whc_open(&c, "/nonexistent/whd.sock", 0);
	int right = r != 0;
	whc_close(c);
	return right ? 0 : 1;
}
END
export PKG_CONFIG_PATH=$top/$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$temp/root
read -ra flags < <(pkg-config --cflags --libs whclient)
for compiler in "gcc -std=c11" "g++ -std=c++17 -x c++"; do
	command -v "${compiler%% *}" >/dev/null || continue
	# shellcheck disable=SC2086 # a compiler and its options
	$compiler -Wall -Wextra -Wpedantic -Werror "$temp/client.c" -o "$temp/client" "${flags[@]}"
	LD_LIBRARY_PATH=$top/$libdir "$temp/client" || fail "a program of $compiler does not run"
done
PYTHONPATH=$top/lib/python3/dist-packages /usr/bin/python3 -B -c 'import whclient' ||
	fail "whclient.py cannot be imported"

say "the units are right and let whd do little"
if command -v systemd-analyze >/dev/null; then
	units=$top/lib/systemd/system
	sed -i "s|=$prefix/|=$top/|" "$units/whd.service"
	systemd-analyze verify --man=no "$units/whd.service" "$units/whd.socket" ||
		fail "systemd-analyze verify complains"
	systemd-analyze security --no-pager --offline=true --threshold=15 "$units/whd.service" \
		>"$temp/security" || fail "the unit allows too much: $(tail -n 1 "$temp/security")"
	tail -n 1 "$temp/security"
	mkdir -p "$temp/root/etc"
	systemd-sysusers --root="$temp/root" "$top/lib/sysusers.d/whd.conf" 2>/dev/null ||
		fail "systemd-sysusers refuses whd.conf"
	grep -q '^whd:' "$temp/root/etc/passwd" || fail "the user whd is not made"
	grep -q '^whd-admin:' "$temp/root/etc/group" || fail "the group whd-admin is not made"
else
	echo "not checked: systemd-analyze is missing"
fi

say "whd does what systemd expects of it"
/usr/bin/python3 -B "$here/check_service.py" "$top/sbin/whd"
