#!/usr/bin/env bash
# read-trace.sh [--repeat 5] [--trace FILE] [--tshark]: reading a 1.09 GB trace (2.68 million frames, 140,000 conversations),
# Tapline beside Debian's peers. Runs are interleaved, figures are medians; the result is printed and kept in bench/results/.
# The trace is built once by ../shared/bench-trace.sh into ${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}, outside the repository.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
repeat=5; trace=; with_tshark=
while [ $# -gt 0 ]; do
    case $1 in
        --repeat) repeat=$2; shift ;;
        --trace) trace=$2; shift ;;
        --tshark) with_tshark=1 ;;
        *) echo "usage: read-trace.sh [--repeat N] [--trace FILE] [--tshark]" >&2; exit 2 ;;
    esac
    shift
done
ready_tapline
if [ -z "$trace" ]; then
    cache=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}; trace=$cache/trace.pcap; shared=${TAPLINE_SHARED:-$root/../shared}
    if [ ! -e "$trace" ]; then
        [ -e "$shared/bench-trace.sh" ] || fail "No trace: name one with --trace, or put the developer corpus beside the repository."
        mkdir -p "$cache"; bash "$shared/bench-trace.sh" "$trace.part.pcap" >&2; mv "$trace.part.pcap" "$trace"
    fi
fi
work=$(mktemp -d /tmp/tapline-bench.XXXXXX); trap 'rm -rf "$work"' EXIT

declare -A command
names=(tapline-1 tapline-2 tcpdump softflowd argus ndpiReader tcptrace tapline-1x4 tapline-2x4)
command[tapline-1]="$tapline read $trace --what summary --workers 1"
command[tapline-2]="$tapline read $trace --what summary --workers 2"
# Start-up and compilation last as long whatever is read: four times the trace shows how the work itself scales.
command[tapline-1x4]="$tapline read $trace $trace $trace $trace --what summary --workers 1"
command[tapline-2x4]="$tapline read $trace $trace $trace $trace --what summary --workers 2"
command[tcpdump]="tcpdump -r $trace -w /dev/null"
command[softflowd]="softflowd -d -c none -p $work/pid -n 127.0.0.1:9 -m 1000000 -r $trace"
command[argus]="argus -X -r $trace -w /dev/null"
command[ndpiReader]="ndpiReader -i $trace -q"
command[tcptrace]="tcptrace -n -l $trace" # -l: per connection what Tapline keeps too (retransmissions, windows, …)
if [ -n "$with_tshark" ]; then names+=(tshark); command[tshark]="tshark -n -r $trace -q -z conv,tcp"; fi

cat "$trace" > /dev/null # into the page cache: all read from memory
for ((i = 1; i <= repeat; i++)); do
    for name in "${names[@]}"; do
        if [ "$name" = tshark ] && [ "$i" -gt 1 ]; then continue; fi
        say "run $i of $repeat: $name"
        if ! /usr/bin/time -o "$work/time" -f '%e %U %S %M' timeout 600 ${command[$name]} > "$work/out" 2> "$work/err"; then
            unsay; echo "$name failed: $(tail -2 "$work/err" | tr '\n' ' ')" >&2; echo "- - - -" > "$work/time"
        fi
        tail -1 "$work/time" >> "$work/$name.times"
    done
done
unsay

result=$root/bench/results/read-trace-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Reading $(stat -c %s "$trace") bytes: medians of $repeat interleaved runs" tcpdump softflowd argus-server libndpi-bin tcptrace tshark
    for name in "${names[@]}"; do echo "# command   $name: ${command[$name]//$trace/TRACE}" | sed "s|$root/||; s|$work/||"; done
    echo
    printf '%-12s %8s %8s %8s %10s %9s\n' tool wall_s user_s sys_s peak_MB fastest_s
    for name in "${names[@]}"; do
        grep -v -- - "$work/$name.times" > "$work/good" || { printf '%-12s failed\n' "$name"; continue; }
        wall=$(cut -d' ' -f1 "$work/good" | median); echo "$wall" > "$work/$name.wall"
        printf '%-12s %8.2f %8.2f %8.2f %10.0f %9.2f\n' "$name" "$wall" "$(cut -d' ' -f2 "$work/good" | median)" \
            "$(cut -d' ' -f3 "$work/good" | median)" "$(cut -d' ' -f4 "$work/good" | median | awk '{print $1 / 1024}')" \
            "$(cut -d' ' -f1 "$work/good" | sort -n | head -1)"
    done
    echo
    echo "ratios of wall time to tapline with one worker:"
    for name in "${names[@]}"; do
        [ -e "$work/$name.wall" ] && awk -v n="$name" '{b = $1; getline < ARGV[2]; printf "  %-12s %6.2f\n", n, b / $1; exit}' "$work/$name.wall" "$work/tapline-1.wall"
    done
    echo
    awk '{a = $1; getline < ARGV[2]; b = $1; getline < ARGV[3]; c = $1; getline < ARGV[4]
        printf "two workers, times as fast as one: %.2f on the trace, %.2f on four of it in a row\n", a / b, c / $1; exit}' \
        "$work/tapline-1.wall" "$work/tapline-2.wall" "$work/tapline-1x4.wall" "$work/tapline-2x4.wall"
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
