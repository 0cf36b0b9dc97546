#!/usr/bin/env bash
# live-rate.sh [--sizes "64 512 1514"] [--rates "100000 ..."] [--seconds 3] [--tools "tapline tcpdump tcpdump-big dumpcap"]
# The highest rate at which nothing is lost, on a veth, by frame size: Tapline analysing every frame beside tools that only
# copy. For each size and rate the tools take turns; each sees the same source (live XDP frames, pinned to the last
# processor) for the same time, alone. Truth is the veth's own receive counter. Needs root; makes and removes one namespace.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
sizes="64 512 1514"; seconds=3; tools="tapline tcpdump tcpdump-big dumpcap"
rates="100000 200000 300000 400000 500000 600000 700000 800000 900000 1000000 1200000 1400000 1700000 2000000"
while [ $# -gt 0 ]; do
    case $1 in
        --sizes) sizes=$2 ;; --rates) rates=$2 ;; --seconds) seconds=$2 ;; --tools) tools=$2 ;;
        *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The live bench needs root: it makes a network namespace and opens packet sockets."
ready_tapline
space=tlbench$$; work=$(mktemp -d /tmp/tapline-bench.XXXXXX); reader=
cleanup() {
    if [ -n "$reader" ]; then kill -TERM "$reader" 2>/dev/null || true; fi
    ip netns del "$space" 2>/dev/null || true; rm -rf "$work"
}
trap cleanup EXIT
make_wire
cpu=$(($(nproc) - 1))

start() {
    local out=$work/out
    : > "$work/err"; : > "$work/out"; rm -rf "$work/data"
    case $1 in
        tcpdump) set -- tcpdump -Z root -n -i v1 -w /dev/null ;;
        tcpdump-big) set -- tcpdump -Z root -n -B 1048576 -i v1 -w /dev/null ;; # as much ring memory as Tapline's budget: 1 GiB
        # To standard output, never by the name of the device: dumpcap removes its file when a capture fails.
        dumpcap) set -- dumpcap -q -i v1 -w -; out=/dev/null ;;
        tapline) set -- "$tapline" engine --point v1 --data "$work/data" --json ;;
        tapline-1) set -- "$tapline" engine --point v1 --data "$work/data" --json --workers 1 ;;
    esac
    ip netns exec "$space" "$@" > "$out" 2> "$work/err" & reader=$!
    case $1 in
        tcpdump) until_ok grep -q 'listening on' "$work/err" ;;
        dumpcap) until_ok grep -q 'File:' "$work/err"; sleep 0.3 ;;
        *) until_ok grep -q 'ready' "$work/err" ;;
    esac
}

# finish TOOL: ends the reader; sets took to the frames that it says it took. Not in a subshell, which could not wait.
finish() {
    kill -INT "$reader" 2>/dev/null; kill -TERM "$reader" 2>/dev/null || true; wait "$reader" || true; reader=
    case $1 in
        tcpdump*) took=$(sed -n 's/^\([0-9]*\) packets\{0,1\} captured.*/\1/p' "$work/err") ;;
        dumpcap) took=$(sed -n "s/^Packets received\/dropped on interface '.*': \([0-9]*\)\/.*/\1/p" "$work/err") ;;
        *) took=$(sed -E 's/^[^[]*"analysed":([0-9]+).*/\1/; q' "$work/out") ;;
    esac
    if [ -z "$took" ]; then cat "$work/err" "$work/out" >&2; fail "$1 did not say what it took."; fi
}

result=$root/bench/results/live-rate-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Lossless live rate on a veth: $seconds s at each step, one tool at a time" tcpdump wireshark-common
    echo "# source    Tapline.Lab frames: UDP, 4096 five-tuples, in steps of 1 ms, pinned to processor $cpu with the veth's receive softirq"
    echo "# tcpdump-big has a buffer of 1 GiB (-B 1048576), which is Tapline's default ring budget; the others their defaults"
    echo
    for size in $sizes; do
        # Each cell: the rate that the source reached beside this tool, and the frames lost of it.
        printf '%-6s %10s' size asked; for tool in $tools; do printf ' | %24s' "$tool: reached, lost"; done; echo
        declare -A best=() over=()
        for tool in $tools; do best[$tool]=0; over[$tool]=; done
        for rate in $rates; do
            line=; most=0
            for tool in $tools; do
                start "$tool"
                before=$(received)
                sent=$("$lab" frames --netns "$space" --dev v0 --size "$size" --rate "$rate" --seconds "$seconds" --cpu "$cpu")
                sleep 1.2 # block timeouts and what waits in rings
                truth=$(($(received) - before)); finish "$tool"
                lost=$((truth - took)); reached=$(echo "$sent" | sed -E 's/.*"frames_per_second":([0-9]+).*/\1/')
                line+=$(printf ' | %9d %8d %5.1f%%' "$reached" "$lost" "$(awk -v l=$lost -v t=$truth 'BEGIN {print t ? 100 * l / t : 0}')")
                if [ "$reached" -gt "$most" ]; then most=$reached; fi
                if [ "$lost" -gt 0 ]; then over[$tool]=1
                elif [ -z "${over[$tool]}" ] && [ "$reached" -gt "${best[$tool]}" ]; then best[$tool]=$reached; fi
            done
            printf '%-6d %10d%s\n' "$size" "$rate" "$line"
            # Past the source's own limit more cannot be asked.
            if [ $((most * 100)) -lt $((rate * 80)) ]; then break; fi
        done
        printf 'highest lossless rate at %d bytes, frames per second:' "$size"
        for tool in $tools; do printf ' %s %d' "$tool" "${best[$tool]}"; done; echo; echo
    done
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
