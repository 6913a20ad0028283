#!/bin/sh
# The Debian packages that the lab tests need. As root the missing ones are installed, without starting
# their services; as anybody else the missing ones are named. Never fails: without them the lab tests are
# skipped and say so.
set -u
PATH="$PATH:/usr/sbin:/sbin"

missing=""
need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need ip iproute2
need nft nftables
need nmap nmap
need sshd openssh-server
need ssh-keyscan openssh-client
need nginx nginx-light
need dnsmasq dnsmasq-base
need unbound unbound
need squid squid
need danted dante-server
need chronyd chrony
need sysctl procps
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "lab tests need these Debian packages, which are missing:$missing (as root: apt-get install$missing)"
    exit 0
fi

# Debian's maintainer scripts ask this file whether a service may be started; 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
fi

log=$(mktemp)
install() {
    # shellcheck disable=SC2086 # the list is meant to be split
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
echo "installing for the lab tests:$missing"
install || { apt-get update >"$log" 2>&1 && install; } ||
    echo "apt-get could not install$missing: $(grep -m1 '^E:' "$log" || tail -n1 "$log"); the lab tests will be skipped"
rm -f "$log"
exit 0
