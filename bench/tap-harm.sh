#!/usr/bin/env bash
# tap-harm.sh [--rounds 5] [--seconds 3] [--kinds "none kernel-tso kernel user tcpdump"] [--machines together|apart]
# What a tap costs the machines that it taps: TCP throughput (iperf3, offloads on) and TCP round trips (sockperf ping-pong,
# 64 bytes) between two ports of a bridge, with no tap, Tapline's kernel path, its user path, and tcpdump writing nowhere.
# kernel-tso: the tool port takes super-frames whole, as a NIC with segmentation offload does; kernel, user: it does not.
# together: the tapped share the first processor, taps in user space have the others. apart: client and server have a
# processor each, as VMs do, and taps in user space run beside the server. The kinds take turns within each round; medians
# over the rounds. Needs root; makes and removes four namespaces.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=5; seconds=3; machines=together; kinds="none kernel-tso kernel user tcpdump"
while [ $# -gt 0 ]; do
    case $1 in
        --machines) machines=$2 ;; --rounds) rounds=$2 ;; --seconds) seconds=$2 ;; --kinds) kinds=$2 ;;
        *) sed -n '2,9s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The harm bench needs root: it makes network namespaces and attaches programs."
ready_tapline
host=tlharm$$; vms=("tlharma$$" "tlharmb$$"); tool=tlharmt$$
work=$(mktemp -d /tmp/tapline-bench.XXXXXX); tap=(); servers=()
stop_tap() { if [ ${#tap[@]} -gt 0 ]; then kill -TERM "${tap[@]}" 2>/dev/null || true; wait "${tap[@]}" 2>/dev/null || true; tap=(); fi; }
cleanup() {
    stop_tap
    if [ ${#servers[@]} -gt 0 ]; then kill -KILL "${servers[@]}" 2>/dev/null || true; wait "${servers[@]}" 2>/dev/null || true; fi
    for space in "$host" "${vms[@]}" "$tool"; do ip netns del "$space" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
until_ok() { for _ in $(seq 300); do "$@" > /dev/null 2>&1 && return 0; sleep 0.05; done; cat "$work/err" >&2; fail "in vain: $*"; }

for space in "$host" "${vms[@]}" "$tool"; do
    ip netns add "$space"
    ip netns exec "$space" sh -c 'for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done' || true
    ip -n "$space" link set lo up
done
ip -n "$host" link add br0 type bridge stp_state 0 mcast_snooping 0; ip -n "$host" link set br0 up
for i in 0 1; do
    ip -n "$host" link add "p$i" type veth peer name eth0 netns "${vms[$i]}"
    ip -n "$host" link set "p$i" master br0 up
    ip -n "${vms[$i]}" address add "10.9.0.$((i + 1))/24" dev eth0; ip -n "${vms[$i]}" link set eth0 up
done
for port in t0 d0; do
    ip -n "$host" link add "$port" type veth peer name "far-$port" netns "$tool"
    ip -n "$host" link set "$port" up; ip -n "$tool" link set "far-$port" up
done
ip netns exec "$host" ethtool -K t0 tx off > /dev/null
clone_object "$work/clone.o" 0
for port in t0 d0; do
    ip netns exec "$tool" tc qdisc add dev "far-$port" clsact
    ip netns exec "$tool" tc filter add dev "far-$port" ingress bpf da obj "$work/clone.o" sec sink
done
# The tapped machines have the first processor, whoever taps them in user space the others, as hypervisors are set up;
# without that the scheduler's choice of processors moves the figures by more than any tap does.
vm=(taskset -c 0); far=("${vm[@]}"); tapper=(taskset -c "1-$(($(nproc) - 1))")
if [ "$machines" = apart ]; then far=("${tapper[@]}"); fi
ip netns exec "${vms[1]}" "${far[@]}" iperf3 -s > /dev/null 2>&1 & servers+=($!)
ip netns exec "${vms[1]}" "${far[@]}" sockperf server --tcp -i 10.9.0.2 -p 11111 > /dev/null 2>&1 & servers+=($!)
until_ok ip netns exec "${vms[0]}" ping -c 1 -W 1 10.9.0.2

start_tap() {
    : > "$work/err"
    case $1 in
        none) return ;;
        kernel* | user)
            local port=t0; if [ "$1" = kernel-tso ]; then port=d0; fi
            ip netns exec "$host" "${tapper[@]}" "$tapline" mirror --from bridge:br0 --to "nic:$port" --mode "${1%-tso}" --json > "$work/out.$1" 2> "$work/err" &
            tap=($!); until_ok grep -q ready "$work/err" ;;
        tcpdump)
            # Both ports, as the mirror has them; the "any" device would see each frame three times.
            for port in p0 p1; do
                : > "$work/err.$port"
                ip netns exec "$host" "${tapper[@]}" tcpdump -Z root -n -Q in -i "$port" -w /dev/null 2> "$work/err.$port" & tap+=($!)
                until_ok grep -q listening "$work/err.$port"
            done ;;
    esac
}

result=$root/bench/results/tap-harm-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "What a tap costs the tapped: two ports of a bridge, $rounds rounds of $seconds s, in turns" iperf3 sockperf tcpdump
    echo "# tool      a veth whose far end forgets each frame; the tapped machines are $machines; taps in user space have processors 1 and up"
    echo
    printf '%-10s %14s %18s %12s\n' kind 'Gbit/s' 'round trips/s' 'p99 us'
    for _ in $(seq "$rounds"); do
        for kind in $kinds; do
            start_tap "$kind"
            gbits=$(ip netns exec "${vms[0]}" "${vm[@]}" iperf3 -c 10.9.0.2 -t "$seconds" -J \
                | awk -F'[:,]' '/"sum_received"/{f=1} f && /bits_per_second/{printf "%.3f", $2 / 1e9; exit}')
            ip netns exec "${vms[0]}" "${vm[@]}" sockperf ping-pong --tcp -i 10.9.0.2 -p 11111 -t "$seconds" -m 64 > "$work/sockperf" 2>&1
            trips=$(sed -n 's/.*\[Valid Duration\] RunTime=\([0-9.]*\) sec; SentMessages=\([0-9]*\);.*/\1 \2/p' "$work/sockperf" | awk '{printf "%d", $2 / $1}')
            p99=$(sed -n 's/.*percentile 99.000 = *\([0-9.]*\).*/\1/p' "$work/sockperf")
            stop_tap
            [ -n "$gbits" ] && [ -n "$trips" ] || { cat "$work/sockperf" >&2; fail "iperf3 or sockperf gave no figure."; }
            echo "$gbits" >> "$work/gbits.$kind"; echo "$trips" >> "$work/trips.$kind"; echo "$p99" >> "$work/p99.$kind"
            printf '%-10s %14s %18s %12s\n' "$kind" "$gbits" "$trips" "$p99"
        done
    done
    echo
    # Each round's ratio, then their median: what disturbs the machine disturbs neighbours alike.
    ratio() { paste "$work/$1.$2" "$work/$1.none" | awk '{print $1 / $2}' | median; }
    for kind in $kinds; do
        printf 'median %-10s %8.2f Gbit/s %8.0f round trips/s, p99 %s us; of the rounds: %.3f and %.3f of no tap\n' "$kind" \
            "$(median < "$work/gbits.$kind")" "$(median < "$work/trips.$kind")" "$(median < "$work/p99.$kind")" \
            "$(ratio gbits "$kind")" "$(ratio trips "$kind")"
    done
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
