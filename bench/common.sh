# Sourced by the benches: where things are, the head of a result file, medians.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/common.sh"

# Everything that a figure depends on and a reader would ask for.
head_of() {
    echo "# $1"
    echo "# date      $(date -u +%Y-%m-%dT%H:%MZ)"
    echo "# commit    $(git -C "$root" describe --always --dirty 2>/dev/null)"
    echo "# kernel    $(uname -r)"
    echo "# processor $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) processors, $(awk '/MemTotal/{printf "%.0f GiB", $2/1048576}' /proc/meminfo)"
    echo "# runtime   .NET SDK $(dotnet --version)"
    echo "# load      $(cut -d' ' -f1-3 /proc/loadavg) before the start"
    shift; for package in "$@"; do echo "# package   $package $(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)"; done
}

median() { sort -n | awk '{v[NR]=$1} END {if (NR) print (NR % 2) ? v[(NR+1)/2] : (v[NR/2] + v[NR/2+1]) / 2}'; }

# clone_object FILE IFINDEX: compiles bench/clone.c (sections tc and sink) for a tool port.
clone_object() {
    clang -O2 -target bpf -I "/usr/include/$(uname -m)-linux-gnu" -DTOOL="$2" -c "$root/bench/clone.c" -o "$1"
}

# ready_tapline: builds what the benches run; sets $tapline and $lab.
ready_tapline() {
    require_sdk
    mkdir -p "$root/bench/results"
    "$root/scripts/needs.sh" bench || exit 1
    "$root/tapline" --version > /dev/null || exit 1
    tapline=$root/artifacts/tapline/Tapline.Server; lab=$root/artifacts/bin/Tapline.Lab/release/Tapline.Lab
    dotnet build "$root/tests/Tapline.Lab" -c Release -v q --nologo > /dev/null || fail "Tapline.Lab did not build."
}

# make_wire: a namespace $space of a veth, v0 to send into and v1 to capture at, that speaks on its own of nothing.
make_wire() {
    ip netns add "$space"
    ip netns exec "$space" sh -c 'for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done' || true
    ip -n "$space" link add v0 type veth peer name v1
    ip -n "$space" link set lo up; ip -n "$space" link set v0 up; ip -n "$space" link set v1 up
    ip netns exec "$space" ethtool -K v1 gro on
}

# received [LINK]: frames that came in at a link of $space, v1 where none is named, by its own counter.
received() { ip -n "$space" -s -j link show dev "${1:-v1}" | sed -E 's/.*"rx":\{"bytes":[0-9]+,"packets":([0-9]+).*/\1/'; }

# until_ok COMMAND...: waits up to 15 s for it to succeed; else tells what $work/err has.
until_ok() { for _ in $(seq 300); do "$@" && return 0; sleep 0.05; done; cat "$work/err" >&2; fail "in vain: $*"; }
