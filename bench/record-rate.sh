#!/usr/bin/env bash
# record-rate.sh [--sizes "512 1514 64"] [--rates "200000 ..."] [--seconds 4] [--disk DIR] [--megabytes 4096]
#                [--tools "tapline stenotype tcpdump dumpcap netsniff-ng"]
# The highest rate at which nothing is lost on the way to the disk, on a veth, by frame size: Tapline recording, indexing and analysing
# every frame beside recorders that record (and, stenotype, index). For each size and rate the tools take turns; each sees the
# same source for the same time, alone, and writes onto the same disk. Truth is the veth's receive counter. Then how fast Tapline's
# writer writes beside `dd oflag=direct`. Needs root; makes and removes one namespace.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
sizes="512 1514 64"; seconds=4; tools="tapline stenotype tcpdump dumpcap netsniff-ng"; disk=/var/tmp; megabytes=4096
rates="200000 400000 600000 700000 800000 900000 1000000 1100000 1200000 1300000 1500000"
while [ $# -gt 0 ]; do
    case $1 in
        --sizes) sizes=$2 ;; --rates) rates=$2 ;; --seconds) seconds=$2 ;; --tools) tools=$2 ;; --disk) disk=$2 ;; --megabytes) megabytes=$2 ;;
        *) sed -n '2,7s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The bench needs root: it makes a network namespace and opens packet sockets."
ready_tapline
space=tlbench$$; work=$(mktemp -d "$disk/tapline-bench.XXXXXX"); reader=
cleanup() {
    if [ -n "$reader" ]; then kill -TERM "$reader" 2>/dev/null || true; fi
    ip netns del "$space" 2>/dev/null || true; rm -rf "$work"
}
trap cleanup EXIT
make_wire
cpu=$(($(nproc) - 1))

start() {
    : > "$work/err"; : > "$work/out"; rm -rf "$work/data"; mkdir -p "$work/data/PKT0" "$work/data/IDX0" "$work/data/PKT1" "$work/data/IDX1"
    case $1 in
        tcpdump) set -- tcpdump -Z root -n -i v1 -B 1048576 -w "$work/data/out.pcap" ;; # as much ring memory as Tapline's budget: 1 GiB
        dumpcap) set -- dumpcap -q -B 1024 -i v1 -w "$work/data/out.pcapng" ;;
        netsniff-ng) set -- netsniff-ng -i v1 -o "$work/data/out.pcap" --silent --ring-size 1GiB ;;
        # With as many threads as processors, 1 GiB of blocks (so many for each thread), and its counts told with each block.
        stenotype) set -- stenotype --iface=v1 --dir="$work/data" --threads="$(nproc)" --blocks=$((1024 / $(nproc))) --seccomp=none \
            --uid=root --gid=root --blockage_sec=1 --stats_blocks=1 -v ;;
        tapline) set -- "$tapline" engine --point v1 --data "$work/data" --record "$work/data/recording;budget=40G" --json ;;
        tapline-1) set -- "$tapline" engine --point v1 --data "$work/data" --record "$work/data/recording;budget=40G" --json --workers 1 ;;
    esac
    ip netns exec "$space" "$@" > "$work/out" 2> "$work/err" & reader=$!; disown "$reader" # its killing is no news
    case $1 in
        tcpdump) until_ok grep -q 'listening on' "$work/err" ;;
        dumpcap) until_ok grep -q 'File:' "$work/err"; sleep 0.3 ;;
        *Tapline*) until_ok grep -q 'ready' "$work/err" ;;
        stenotype) until_ok grep -q 'Dropping privileges from' "$work/err"; sleep 1.5 ;;
        *) sleep 1.5 ;;
    esac
}

# finish TOOL: ends the reader; sets took to the frames that it says it has on disk, wrote to the bytes there. Not in a subshell,
# which could not wait.
finish() {
    # stenotype tells what it took when the next block is full or a second old, and when it ends it may wait for a frame for ever.
    if [ "$1" = stenotype ]; then sleep 2; kill -TERM "$reader"; sleep 2; kill -KILL "$reader" 2>/dev/null || true; fi
    # Both: a shell without a terminal starts its background programs deaf to the first.
    kill -INT "$reader" 2>/dev/null || true; kill -TERM "$reader" 2>/dev/null || true
    while kill -0 "$reader" 2>/dev/null; do sleep 0.1; done; reader=
    wrote=$(find "$work/data" -type f -printf '%s\n' | awk '{s += $1} END {print s + 0}')
    case $1 in
        tcpdump) took=$(sed -n 's/^\([0-9]*\) packets\{0,1\} captured.*/\1/p' "$work/err") ;;
        dumpcap) took=$(sed -n "s/^Packets received\/dropped on interface '.*': \([0-9]*\)\/.*/\1/p" "$work/err") ;;
        netsniff-ng) took=$(sed -n 's/.*[^0-9]\([0-9][0-9]*\)  *packets passed filter.*/\1/p' "$work/err" "$work/out" | head -1) ;;
        stenotype) took=$(sed -n 's/.*Thread \([0-9]*\) stats:.*packets=\([0-9]*\) .*/\1 \2/p' "$work/err" |
            awk '{last[$1] = $2} END {for (t in last) s += last[t]; print s}') ;;
        *) took=$(sed -E 's/^[^[]*"recorded":([0-9]+).*/\1/; q' "$work/out") ;;
    esac
    if [ -z "$took" ]; then cat "$work/err" "$work/out" >&2; fail "$1 did not say what it took."; fi
    rm -rf "$work/data"
}

result=$root/bench/results/record-rate-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Lossless recording on a veth: $seconds s at each step, one tool at a time, onto the same disk" \
        stenographer tcpdump wireshark-common netsniff-ng
    echo "# source    Tapline.Lab frames: UDP, 4096 five-tuples of 256 senders, in steps of 1 ms, pinned to processor $cpu with the veth's receive softirq"
    echo "# disk      $(df -PT "$disk" | awk 'NR == 2 {print $2 " on " $1}')"
    echo "# tapline   records, indexes, analyses flows (engine --record); stenotype records and indexes; the others record"
    echo "# memory    1 GiB of ring each"
    echo
    for size in $sizes; do
        printf '%-6s %10s' size asked; for tool in $tools; do printf ' | %24s' "$tool: reached, lost"; done; echo
        declare -A best=() over=()
        for tool in $tools; do best[$tool]=0; over[$tool]=; done
        for rate in $rates; do
            line=; most=0; ended=1
            for tool in $tools; do
                # A tool that lost frames at two rates one after the other is not asked again.
                if [ "${over[$tool]}" = 11 ]; then line+=$(printf ' | %24s' -); continue; fi
                ended=
                start "$tool"
                before=$(received)
                sent=$("$lab" frames --netns "$space" --dev v0 --size "$size" --port-bits 4 --rate "$rate" --seconds "$seconds" --cpu "$cpu")
                sleep 1.5 # block timeouts and what waits in rings
                truth=$(($(received) - before)); finish "$tool"
                lost=$((truth - took)); reached=$(echo "$sent" | sed -E 's/.*"frames_per_second":([0-9]+).*/\1/')
                line+=$(printf ' | %9d %8d %5.1f%%' "$reached" "$lost" "$(awk -v l=$lost -v t=$truth 'BEGIN {print t ? 100 * l / t : 0}')")
                if [ "$reached" -gt "$most" ]; then most=$reached; fi
                if [ "$lost" -gt 0 ]; then over[$tool]+=1
                elif [ -z "${over[$tool]}" ] && [ "$reached" -gt "${best[$tool]}" ]; then best[$tool]=$reached; fi
            done
            if [ -n "$ended" ]; then break; fi
            printf '%-6d %10d%s\n' "$size" "$rate" "$line"
            # Past the source's own limit more cannot be asked.
            if [ $((most * 100)) -lt $((rate * 80)) ]; then break; fi
        done
        printf 'highest lossless rate at %d bytes, frames per second:' "$size"
        for tool in $tools; do printf ' %s %d' "$tool" "${best[$tool]}"; done; echo; echo
    done
    [ "$megabytes" -gt 0 ] || exit 0
    dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo > /dev/null || fail "Tapline.Bench did not build."
    echo "# writing   $megabytes MiB: Tapline's recorder (frames of 1514 bytes), dd bs=4M oflag=direct; in turn, bytes per second"
    for _ in 1 2 3; do
        "$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" write "$work" "$megabytes" | cut -d' ' -f1 >> "$work/tapline.speed"
        LC_ALL=C dd if=/dev/zero of="$work/dd" bs=4M count=$((megabytes / 4)) oflag=direct 2>&1 |
            sed -n 's/.* bytes .*copied, \([0-9.e-]*\) s.*/\1/p' |
            awk -v m="$megabytes" '{printf "%.0f\n", m * 1048576 / $1}' >> "$work/dd.speed"
        rm "$work/dd"
    done
    paste "$work/tapline.speed" "$work/dd.speed" | awk '{printf "tapline %d, dd %d\n", $1, $2}'
    awk -v t="$(median < "$work/tapline.speed")" -v d="$(median < "$work/dd.speed")" 'BEGIN {printf "medians: tapline %.2f of dd\n", t / d}'
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
