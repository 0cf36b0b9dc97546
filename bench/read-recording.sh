#!/usr/bin/env bash
# read-recording.sh [--repeat 5] [--trace FILE]: `tapline read` over a recording that two workers made of a trace of 1.09 GB
# with one thread and with two, beside the same on the trace itself. Runs are interleaved, figures are medians; the flows must be the same.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
repeat=5; trace=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/trace.pcap
while [ $# -gt 0 ]; do
    case $1 in
        --repeat) repeat=$2; shift ;;
        --trace) trace=$2; shift ;;
        *) echo "usage: read-recording.sh [--repeat N] [--trace FILE]" >&2; exit 2 ;;
    esac
    shift
done
ready_tapline
[ -e "$trace" ] || fail "No trace: run bench/read-trace.sh once, or name one with --trace."
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo > /dev/null || fail "Tapline.Bench did not build."
work=$(mktemp -d /var/tmp/tapline-read.XXXXXX); trap 'rm -rf "$work"' EXIT
made=$("$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" chains "$trace" "$work" 2)

declare -A command
names=(recording-1 recording-2 trace-1 trace-2)
command[recording-1]="$tapline read $work --what summary --workers 1"
command[recording-2]="$tapline read $work --what summary --workers 2"
command[trace-1]="$tapline read $trace --what summary --workers 1"
command[trace-2]="$tapline read $trace --what summary --workers 2"
cat "$trace" "$work"/recording/* > /dev/null # into the page cache: all read from memory
for ((i = 1; i <= repeat; i++)); do
    for name in "${names[@]}"; do
        /usr/bin/time -o "$work/time" -f '%e %U %S %M' ${command[$name]} > "$work/$name.out" 2> "$work/err" || fail "$name failed: $(tail -1 "$work/err")"
        tail -1 "$work/time" >> "$work/$name.times"
    done
done
cmp -s "$work/recording-1.out" "$work/recording-2.out" || fail "one thread and two give different answers."
diff <(grep -E '^(Frames|Time|Flows)' "$work/recording-1.out") <(grep -E '^(Frames|Time|Flows)' "$work/trace-1.out") > /dev/null ||
    fail "the recording reads unlike its trace."
result=$root/bench/results/read-recording-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Reading a recording ($made) of $(stat -c %s "$trace") bytes: medians of $repeat interleaved runs"
    for name in "${names[@]}"; do echo "# command   $name: ${command[$name]}" | sed "s|$root/||; s|$work|DATA|g; s|$trace|TRACE|"; done
    echo
    printf '%-12s %8s %8s %8s %8s\n' tool wall_s user_s sys_s peak_MB
    for name in "${names[@]}"; do
        cut -d' ' -f1 "$work/$name.times" | median > "$work/$name.wall"
        printf '%-12s %8.2f %8.2f %8.2f %8.0f\n' "$name" "$(cat "$work/$name.wall")" "$(cut -d' ' -f2 "$work/$name.times" | median)" \
            "$(cut -d' ' -f3 "$work/$name.times" | median)" "$(cut -d' ' -f4 "$work/$name.times" | median | awk '{print $1 / 1024}')"
    done
    echo
    paste "$work/recording-1.wall" "$work/recording-2.wall" "$work/trace-1.wall" "$work/trace-2.wall" |
        awk '{printf "two threads are %.2f times as fast as one on the recording, %.2f times on the trace\n", $1 / $2, $3 / $4}'
} | tee "$result"
