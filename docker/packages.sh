#!/usr/bin/env bash
# Installs what is missing of some Debian packages: packages.sh PACKAGE…
# Needs root only if something is missing; says the one line to run where it is not root. A daemon
# that comes along is neither started now nor at the next boot; nothing else on the system changes.
set -euo pipefail

ROOT=${PACKAGES_ROOT:-}  # a test's
POLICY=$ROOT/usr/sbin/policy-rc.d  # asked by Debian's maintainer scripts before they start anything

status() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null || true; }

restore() {
  rm -f "$POLICY"
  [ ! -e "$POLICY.before" ] || mv "$POLICY.before" "$POLICY"
}

keep_daemons_down() {
  [ ! -e "$POLICY" ] || mv "$POLICY" "$POLICY.before"
  trap restore EXIT
  printf '#!/bin/sh\nexit 101\n' >"$POLICY"
  chmod +x "$POLICY"
}

services() { ls "$ROOT/etc/init.d" 2>/dev/null || true; }

missing=()
for package in "$@"; do
  [ "$(status "$package")" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
line="apt-get install -y --no-install-recommends ${missing[*]}"
command -v apt-get >/dev/null || { echo "apt-get is not here; missing: ${missing[*]}" >&2; exit 1; }
if [ "$(id -u)" -ne 0 ]; then
  echo "packages are missing; as root, say" >&2
  echo "  $line" >&2
  exit 1
fi
echo "$line" >&2
before=$(services)
keep_daemons_down
{ apt-get -qq update && DEBIAN_FRONTEND=noninteractive $line -qq >/dev/null; } >&2
for service in $(comm -13 <(echo "$before") <(services)); do
  update-rc.d "$service" disable >&2
done
