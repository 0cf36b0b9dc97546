#!/usr/bin/env bash
# needs.sh GROUP [--check]: installs what a group of commands needs from Debian, and says first what and why.
# No server that comes with it is started, enabled or given a database of its own; services that were there before are left alone.
# Exit 0: all there. Exit 1: something is missing; the last line says what. --check installs nothing.
set -u
group=${1:?usage: needs.sh demo|demo-qemu|test|captures|bench [--check]}; check=${2:-}

# probe (a command, or a file pattern with a slash) | Debian package | what for | groups
# A package behind `unpack:` is for virtual machines only: it is fetched and unpacked in a folder of its own, not installed.
table='
ip|iproute2|namespaces, bridges and traffic control|demo demo-qemu test captures bench
/usr/lib/*/libpcap.so.0.8|libpcap0.8|the witness for filter expressions|test bench
nginx|nginx|the demo'\''s web server|demo test captures
/usr/lib/postgresql/*/bin/initdb|postgresql|the demo'\''s database|demo test captures
lz4|lz4|the witness for compressed segments|test
redis-server|redis-server|the demo'\''s cache|demo test captures
tcpdump|tcpdump|an independent reader of the tool port|demo demo-qemu test captures bench
tshark|tshark|the witness for decoded captures|test captures bench
qemu-system-x86_64|qemu-system-x86|real virtual machines|demo-qemu test
/var/cache/tapline/linux-image-*|unpack:linux-image-cloud-amd64|their kernel, unpacked there and never installed|demo-qemu test
/var/cache/tapline/busybox-static|unpack:busybox-static|their programs, unpacked there and never installed|demo-qemu test
nstat|iproute2|the kernel'\''s own TCP counters|test
ping|iputils-ping|ICMP traffic in the lab|test captures
ethtool|ethtool|offloads of lab interfaces|test captures bench
iperf3|iperf3|bulk traffic in the lab|test bench
ovs-vswitchd|openvswitch-switch|a real Open vSwitch in the lab|test
libvirtd|libvirt-daemon|a real libvirtd in the lab|test
/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so|libvirt-daemon-driver-qemu|its driver for QEMU|test
virsh|libvirt-clients|the operator'\''s tool of libvirt|test
chromium|chromium|the console'\''s pages in a real browser|test
bpftool|bpftool|an independent list of what hangs on interfaces|test
mkfs.btrfs|btrfs-progs|instants of a file system for the power cuts of the lab|test
tmux|tmux|the terminal view in a real terminal|test
dnsmasq|dnsmasq-base|a DNS server in the lab|captures
dig|bind9-dnsutils|a DNS client in the lab|captures
curl|curl|an HTTP client in the lab|test captures
softflowd|softflowd|a peer in the read bench|bench
argus|argus-server|a peer in the read bench|bench
ndpiReader|libndpi-bin|a peer in the read bench|bench
tcptrace|tcptrace|a peer in the read bench|bench
time|time|peak memory in the read bench|bench
tcprewrite|tcpreplay|builds the bench trace, a peer in the replay bench|bench
stenotype|stenographer|a peer in the record and query benches|bench
netsniff-ng|netsniff-ng|a peer in the record bench|bench
dumpcap|wireshark-common|a peer in the record bench|bench
clang|clang|the clone program that the mirror bench compares with|bench
daemonlogger|daemonlogger|a peer in the mirror bench|bench
ovs-vsctl|openvswitch-switch|a peer in the mirror bench|bench
stenotype|stenographer|a peer in the query bench|bench
stenoread|stenographer-client|its client|bench
sockperf|sockperf|round trips in the tap-harm bench|bench
'

PATH=$PATH:/usr/sbin:/sbin
present() { case $1 in */*) compgen -G "$1" > /dev/null ;; *) type -P "$1" > /dev/null ;; esac; }

packages=(); unpacks=(); reasons=()
while IFS='|' read -r probe package reason groups; do
    case " $groups " in *" $group "*) ;; *) continue ;; esac
    if ! present "$probe"; then
        case " ${packages[*]-} " in
            *" $package "*) continue ;;
        esac
        case $package in unpack:*) unpacks+=("${package#unpack:}") ;; *) packages+=("$package") ;; esac
        reasons+=("${package#unpack:} ($reason)")
    fi
done < <(printf '%s' "$table" | sed '/^$/d')
[ ${#reasons[@]} -gt 0 ] || exit 0

list=$(printf '%s, ' "${reasons[@]}"); list=${list%, }
if [ "$check" = --check ]; then echo "not installed: $list" >&2; exit 1; fi
if [ "$(id -u)" != 0 ]; then echo "Not installed, and only root can install it: $list." >&2; exit 1; fi
if ! type -P apt-get > /dev/null; then echo "Not installed, and there is no apt-get to install it with: $list." >&2; exit 1; fi
echo "Getting from Debian's packages: $list. No server among them is started or enabled." >&2

exec 8> /run/tapline-needs.lock; flock 8
log=$(mktemp /tmp/tapline-apt.XXXXXX); policy=/usr/sbin/policy-rc.d; clusters=/etc/postgresql-common/createcluster.conf
mark='# put here by tapline scripts/needs.sh for the time of one installation'
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1

# Everything that makes a service start by itself: unit links and run-level links.
autostarts() {
    { find /etc/systemd/system -type l \( -name '*.service' -o -name '*.socket' \)
      find /etc/rc[2-5].d -name 'S*'; } 2>/dev/null | sort
}

restore() {
    if [ -e "$policy" ] && grep -qF "$mark" "$policy"; then
        rm -f "$policy"
        if [ -e "$policy.tapline-saved" ]; then mv "$policy.tapline-saved" "$policy"; fi
    fi
    if [ -e "$clusters.tapline-saved" ]; then mv "$clusters.tapline-saved" "$clusters"; fi
}

apt() { apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" >> "$log" 2>&1 8>&-; }

install() {
    apt install "$@" && return 0
    apt update; apt install "$@"
}

# unpack PACKAGE: fetches a package, or the one that it stands for when it is only a name for the newest kernel, and
# unpacks it in a folder of that name, which appears when it is whole.
cache=/var/cache/tapline
unpack() {
    local name=$1 scratch=$cache/.unpacking.$$
    case $name in linux-image-*) name=$(apt-cache depends "$name" | sed -n 's/^ *Depends: \(linux-image-.*\)$/\1/p' | head -1) ;; esac
    [ -n "$name" ] || return 1
    mkdir -p "$cache" "$scratch"
    (cd "$scratch" && apt-get -q download "$name" && dpkg-deb -x ./*.deb unpacked && mv -T unpacked "$cache/$name") >> "$log" 2>&1 8>&-
    local ended=$?
    rm -rf "$scratch"
    return $ended
}

restore # what a killed run may have left
before=$(autostarts)
trap 'restore; rm -f "$log"' EXIT
trap 'exit 1' INT TERM HUP
if [ -e "$policy" ]; then mv "$policy" "$policy.tapline-saved"; fi
printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"; chmod 755 "$policy"

if ! compgen -G '/var/lib/apt/lists/*_Packages*' > /dev/null; then apt update; fi
ok=1
case " ${packages[*]} " in
    *' postgresql '*)
        # Its common part first: it brings the switch by which the server's package makes no cluster.
        if install postgresql-common; then
            cp -p "$clusters" "$clusters.tapline-saved"
            printf '\ncreate_main_cluster = false\n' >> "$clusters"
        else
            ok=0
        fi ;;
esac
if [ $ok = 1 ] && [ ${#packages[@]} -gt 0 ]; then install "${packages[@]}" || ok=0; fi
for package in "${unpacks[@]}"; do
    unpack "$package" || { apt update; unpack "$package"; } || { packages+=("$package"); ok=0; }
done

# What began to start by itself with this installation stops doing so; the base system's own parts, which may have come
# along as dependencies, are not servers and stay as Debian has them.
is_base() {
    case $(dpkg-query -S "$1" 2>/dev/null | head -1 | cut -d: -f1) in
        systemd* | udev | dbus* | util-linux | e2fsprogs | logrotate | procps | kmod | '') return 0 ;; *) return 1 ;;
    esac
}
comm -13 <(echo "$before") <(autostarts) | while read -r link; do
    name=${link##*/}
    case $link in
        /etc/systemd/system/*)
            if is_base "*/systemd/system/$name"; then continue; fi
            if type -P deb-systemd-helper > /dev/null; then deb-systemd-helper disable "$name" >> "$log" 2>&1; fi
            rm -f "$link" ;;
        *)
            if is_base "/etc/init.d/${name:3}"; then continue; fi
            update-rc.d "${name:3}" disable >> "$log" 2>&1 ;;
    esac
done

if [ $ok = 0 ]; then tail -20 "$log" >&2; echo "apt-get could not install: ${packages[*]}; its words are above." >&2; exit 1; fi
exit 0
