#!/usr/bin/env bash
# query.sh [--repeat 5] [--trace FILE]: one conversation out of a recording of 1.09 GB (2.68 million frames), `tapline query` by
# index beside `tcpdump -r` on the same frames in one file, and beside itself without index. Runs are interleaved, figures are
# medians; both must give the same number of frames. The trace is bench/read-trace.sh's.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
repeat=5; trace=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/trace.pcap
while [ $# -gt 0 ]; do
    case $1 in
        --repeat) repeat=$2; shift ;;
        --trace) trace=$2; shift ;;
        *) echo "usage: query.sh [--repeat N] [--trace FILE]" >&2; exit 2 ;;
    esac
    shift
done
ready_tapline
[ -e "$trace" ] || fail "No trace: run bench/read-trace.sh once, or name one with --trace."
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo > /dev/null || fail "Tapline.Bench did not build."
work=$(mktemp -d /var/tmp/tapline-query.XXXXXX); trap 'rm -rf "$work"' EXIT
"$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" record "$trace" "$work" >&2
mkdir -p "$work/plain/recording"; ln "$work"/recording/*.pcapng "$work/plain/recording/" # the same segments without indexes

# A TCP conversation from the middle of the trace.
read -r a ap b bp < <(editcap -r "$trace" - 1300000-1310000 | tshark -n -r - -Y 'tcp.flags.syn == 1 && ip' -T fields \
    -e ip.src -e tcp.srcport -e ip.dst -e tcp.dstport -E separator=' ' -E occurrence=f 2> /dev/null | head -1) || true
expression="host $a and host $b and tcp port $ap and tcp port $bp"
declare -A command
names=(query no-index tcpdump)
command[query]="$tapline query '$expression' --data $work --force -w $work/out.pcapng"
command[no-index]="$tapline query '$expression' --data $work/plain --force -w $work/out.pcapng"
command[tcpdump]="tcpdump -n -r $trace -w $work/out.pcapng '$expression'"
cat "$trace" "$work"/recording/* > /dev/null # into the page cache: all read from memory
for ((i = 1; i <= repeat; i++)); do
    for name in "${names[@]}"; do
        /usr/bin/time -o "$work/time" -f '%e %U %S %M' bash -c "${command[$name]}" 2> "$work/err" || fail "$name failed: $(tail -1 "$work/err")"
        tail -1 "$work/time" >> "$work/$name.times"
        capinfos -Tcr "$work/out.pcapng" | cut -f2 > "$work/$name.frames"
    done
done
cmp -s "$work/query.frames" "$work/tcpdump.frames" && cmp -s "$work/query.frames" "$work/no-index.frames" || fail "the answers differ."
result=$root/bench/results/query-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "One conversation ($(cat "$work/query.frames") frames) out of $(stat -c %s "$trace") bytes: medians of $repeat interleaved runs" tcpdump
    echo "# indexes   $(cat "$work"/recording/*.tlx | wc -c) bytes beside $(cat "$work"/recording/*.pcapng | wc -c)"
    for name in "${names[@]}"; do echo "# command   $name: ${command[$name]}" | sed "s|$root/||; s|$work|DATA|g; s|$trace|TRACE|"; done
    echo
    printf '%-10s %8s %8s %8s %8s\n' tool wall_s user_s sys_s peak_MB
    for name in "${names[@]}"; do
        cut -d' ' -f1 "$work/$name.times" | median > "$work/$name.wall"
        printf '%-10s %8.2f %8.2f %8.2f %8.0f\n' "$name" "$(cat "$work/$name.wall")" "$(cut -d' ' -f2 "$work/$name.times" | median)" \
            "$(cut -d' ' -f3 "$work/$name.times" | median)" "$(cut -d' ' -f4 "$work/$name.times" | median | awk '{print $1 / 1024}')"
    done
    echo
    paste "$work/query.wall" "$work/no-index.wall" "$work/tcpdump.wall" |
        awk '{printf "query is %.1f times as fast as tcpdump, %.1f times as fast as itself without index\n", $3 / $1, $2 / $1}'
} | tee "$result"
