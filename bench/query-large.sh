#!/usr/bin/env bash
# query-large.sh [--copies 10] [--rounds 20] [--store FOLDER] [--steno FOLDER [--steno-copies 10]] [--sizes "1 5 20"]: queries of a large recording, each with
# its indexes cold (the recording's files are dropped from the page cache before) and warm, beside `tcpdump -r` on the same frames in
# one file, and beside stenoread where --steno has a recording of bench/steno.sh (of the first copies at least). Conversations are random ones of the trace
# in random copies of it. Runs are interleaved; answers are compared. --sizes: the same queries on stores of so many copies.
# The trace is bench/read-trace.sh's; a store of N copies takes N × 2.3 GB while it is made, N × 2.3 GB with its pcap file.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
copies=10; rounds=20; store=; steno=; steno_copies=; sizes=; trace=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/trace.pcap
while [ $# -gt 0 ]; do
    case $1 in
        --copies) copies=$2; shift ;;
        --rounds) rounds=$2; shift ;;
        --store) store=$2; shift ;;
        --steno) steno=$2; shift ;;
        --steno-copies) steno_copies=$2; shift ;;
        --sizes) sizes=$2; shift ;;
        --trace) trace=$2; shift ;;
        *) echo "usage: query-large.sh [--copies N] [--rounds N] [--store FOLDER] [--steno FOLDER [--steno-copies N]] [--sizes LIST]" >&2; exit 2 ;;
    esac
    shift
done
[ -e "$trace" ] || fail "No trace: run bench/read-trace.sh once, or name one with --trace."
general=$root/artifacts/tapline/Tapline.Server; native=$root/artifacts/query/Tapline.Query; bench=$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench
[ -x "$native" ] || "$root/scripts/native-query.sh"
[ -x "$bench" ] || dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo > /dev/null || fail "Tapline.Bench did not build."
work=$(mktemp -d /var/tmp/tapline-query.XXXXXX); trap 'rm -rf "$work"' EXIT
mkdir -p "$root/bench/results"

# A store of N copies in FOLDER, with one capture file of the same frames beside it where a third argument names one.
make_store() {
    [ -d "$2/recording" ] || { mkdir -p "$2"; "$bench" store "$trace" "$2" "$1" ${3:+"$3"} >&2; }
}

cold() { # drops a recording (or any files) from the page cache, and nobody else's
    python3 - "$@" <<'P'
import os, sys
for folder in sys.argv[1:]:
    for path, _, files in os.walk(folder):
        for name in files:
            fd = os.open(os.path.join(path, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)
P
}

# timed FILE COMMAND...: adds the wall time in ms to FILE.
timed() {
    local to=$1 begin end; shift
    begin=${EPOCHREALTIME/./}; "$@" > "$work/out" 2> "$work/err" || fail "$* failed: $(tail -1 "$work/err")"; end=${EPOCHREALTIME/./}
    awk -v us=$((end - begin)) 'BEGIN {printf "%.1f\n", us / 1000}' >> "$to"
}

at() { sort -n "$1" | awk -v q="$2" '{v[NR] = $1} END {i = int(NR * q + 0.999); print v[i < 1 ? 1 : i]}'; } # a quantile
frames() { capinfos -Tcr "$1" 2> /dev/null | cut -f2; }
row() { # NAME FILE [FRAMES]
    printf '%-34s %6d %9.1f %9.1f %9.1f %10s\n' "$1" "$(wc -l < "$2")" "$(at "$2" 0.5)" "$(at "$2" 0.95)" "$(sort -n "$2" | tail -1)" "${3:--}"
}

# Conversations of the trace: initiator, port, responder, port; IPv4 outside of tunnels, whose first octets copies keep.
editcap -r "$trace" "$work/some.pcap" 200000-215000 900000-915000 1300000-1315000 2000000-2015000
tshark -n -r "$work/some.pcap" -Y 'tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip && !gre && !vxlan && !geneve && !mpls && !erspan && !gtp' \
    -T fields -e ip.src -e tcp.srcport -e ip.dst -e tcp.dstport -E separator=' ' -E occurrence=f 2> /dev/null | sort -u | shuf --random-source=<(yes) -n "$rounds" > "$work/conversations"
shifted() { local IFS=.; set -- $1 "$2"; echo "$1.$(($2 ^ $5)).$3.$4"; }
conversation() { # LINE COPY: the expression
    read -r a ap b bp < <(sed -n "$1p" "$work/conversations")
    echo "host $(shifted "$a" "$2") and host $(shifted "$b" "$2") and tcp port $ap and tcp port $bp"
}
count=$(wc -l < "$work/conversations"); [ "$count" -ge 5 ] || fail "the trace has too few conversations."

measure_store() { # STORE COPIES PREFIX: the queries of one store
    local store=$1 copies=$2 prefix=$3 line expression
    for ((line = 1; line <= count; line++)); do
        expression=$(conversation "$line" $((line * 7 % copies)))
        cold "$store/recording"; timed "$work/$prefix.cold" "$native" query "$expression" --data "$store" --force --no-manifest -w "$work/a.pcapng"
        timed "$work/$prefix.warm" "$native" query "$expression" --data "$store" --force --no-manifest -w "$work/a.pcapng"
        frames "$work/a.pcapng" >> "$work/$prefix.frames"
    done
}

queries() { # STORE COPIES: the other questions
    local store=$1 copies=$2 name since until minutes
    read -r a _ b _ < <(sed -n 1p "$work/conversations")
    # The trace begins at 22:13:25 and lasts some ten minutes a copy.
    since=2023-11-14T22:20:00Z; until=2023-11-14T23:20:00Z minutes=2023-11-14T22:25:00Z
    for ((i = 0; i < 5; i++)); do
        for name in address vm retransmissions; do
            case $name in
                address) set -- "host $(shifted "$b" 3)" ;;
                vm) set -- "vm vm40" --since "$since" --until "$until" ;;
                retransmissions) [ "$i" -lt 2 ] || continue; set -- "retransmissions > 3" --since "$since" --until "$minutes" ;;
            esac
            cold "$store/recording"; timed "$work/$name.cold" "$native" query "$@" --data "$store" --force --no-manifest -w "$work/a.pcapng"
            timed "$work/$name.warm" "$native" query "$@" --data "$store" --force --no-manifest -w "$work/a.pcapng"
            frames "$work/a.pcapng" > "$work/$name.frames"
        done
        set -- "retransmissions > 3" --limit 1 # over all of it: the flows of every segment are asked before
        cold "$store/recording"; timed "$work/flows.cold" "$native" query "$@" --data "$store" --force --no-manifest -w "$work/a.pcapng"
        timed "$work/flows.warm" "$native" query "$@" --data "$store" --force --no-manifest -w "$work/a.pcapng"
        cold "$store/recording"; timed "$work/first.cold" bash -c "'$native' query 'tcp' --data '$store' -w - 2> /dev/null | head -c 65536"
    done
}

keep=$store; store=${store:-$work/store}
make_store "$copies" "$store" "$store.pcap"
result=$root/bench/results/query-large-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Queries of $(du -b --exclude='*.tlx' "$store/recording" | cut -f1) bytes of segments, $(ls "$store"/recording/*.pcapng | wc -l) segments, $copies copies of the trace" tcpdump stenographer
    echo "# indexes   $(cat "$store"/recording/*.tlx | wc -c) bytes"
    echo "# disk      $(dd if="$(ls "$store"/recording/*.pcapng | head -3 | tail -1)" of=/dev/null bs=4M iflag=direct 2>&1 | tail -1 | sed 's/.*, //') direct sequential reading"
    echo "# native    artifacts/query/Tapline.Query; general: artifacts/tapline/Tapline.Server (the .NET runtime); a process each"
    echo
    printf '%-34s %6s %9s %9s %9s %10s\n' "query (ms)" runs median p95 worst frames
    measure_store "$store" "$copies" conversation
    for ((line = 1; line <= count; line += 2)); do
        timed "$work/general.warm" "$general" query "$(conversation "$line" $((line * 7 % copies)))" --data "$store" --force --no-manifest -w "$work/a.pcapng"
    done
    for ((line = 1; line <= 3; line++)); do # from memory, as far as it fits
        expression=$(conversation "$line" $((line * 7 % copies)))
        timed "$work/tcpdump.warm" tcpdump -n -r "$store.pcap" -w "$work/t.pcap" "$expression"
        [ "$(frames "$work/t.pcap")" = "$(sed -n "${line}p" "$work/conversation.frames")" ] || fail "tcpdump finds other frames for $expression."
    done
    queries "$store" "$copies"
    row "conversation, cold" "$work/conversation.cold" "$(median < "$work/conversation.frames")"
    row "conversation, warm" "$work/conversation.warm" "$(median < "$work/conversation.frames")"
    row "conversation, warm, general" "$work/general.warm"
    row "conversation, tcpdump -r" "$work/tcpdump.warm"
    for name in address vm retransmissions; do # retransmissions: five minutes, whose answer is nearly a fifth of all frames of this trace
        row "$name, cold" "$work/$name.cold" "$(cat "$work/$name.frames")"; row "$name, warm" "$work/$name.warm" "$(cat "$work/$name.frames")"
    done
    row "first 64 KiB of a large answer, cold" "$work/first.cold"
    row "first packet of flows' facts, cold" "$work/flows.cold"; row "first packet of flows' facts, warm" "$work/flows.warm"
    if [ -n "$steno" ]; then
        echo "# stenoread searches $(find "$steno/packets" -type f ! -name '.*' -printf '%s\n' | awk '{s += $1} END {print s}') bytes of its own files"
        for ((line = 1; line <= count; line += 2)); do
            read -r a ap b bp < <(sed -n "${line}p" "$work/conversations"); copy=$((line * 7 % ${steno_copies:-$copies}))
            timed "$work/steno.warm" "$root/bench/steno.sh" read "$steno" \
                "host $(shifted "$a" "$copy") and host $(shifted "$b" "$copy") and port $ap and port $bp and tcp" "$work/s.pcap"
            frames "$work/s.pcap" >> "$work/steno.frames"
            "$native" query "$(conversation "$line" "$copy")" --data "$store" --force --no-manifest -w "$work/a.pcapng" 2> /dev/null
            [ "$(frames "$work/s.pcap")" = "$(frames "$work/a.pcapng")" ] || echo "# stenoread found $(frames "$work/s.pcap") frames of $(frames "$work/a.pcapng")"
        done
        row "conversation, stenoread, warm" "$work/steno.warm" "$(median < "$work/steno.frames")"
    fi
    echo
    awk -v t="$(at "$work/tcpdump.warm" 0.5)" -v q="$(at "$work/conversation.warm" 0.5)" -v c="$(at "$work/conversation.cold" 0.5)" \
        'BEGIN {printf "a conversation: %.0f times as fast as tcpdump from memory; with cold indexes %.0f times as fast as tcpdump from memory\n", t / q, t / c}'
    if [ -n "$steno" ]; then
        awk -v s="$(at "$work/steno.warm" 0.5)" -v q="$(at "$work/conversation.warm" 0.5)" 'BEGIN {printf "a conversation: %.1f times as fast as stenoread\n", s / q}'
    fi
    for size in $sizes; do
        make_store "$size" "$work/size-$size"
        measure_store "$work/size-$size" "$size" "size-$size"
        row "conversation, $size copies, cold" "$work/size-$size.cold"; row "conversation, $size copies, warm" "$work/size-$size.warm"
        rm -rf "$work/size-$size"
    done
} | tee "$result"
[ -n "$keep" ] || rm -f "$store.pcap"
echo "kept in ${result#"$root"/}" >&2
