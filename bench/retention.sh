#!/usr/bin/env bash
# retention.sh [--minutes 30] [--rate 250000] [--size 1514] [--budget 2G] [--disk DIR]: a recorder at a steady rate on a small
# budget, which it fills many times over. Ten times a second the folder is measured: what its files take on disk must never be above the budget by
# more than a segment for each worker, and the ring's drop counter must not move. Needs root.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
minutes=30; rate=250000; size=1514; budget=2G; disk=/var/tmp
while [ $# -gt 0 ]; do
    case $1 in
        --minutes) minutes=$2 ;; --rate) rate=$2 ;; --size) size=$2 ;; --budget) budget=$2 ;; --disk) disk=$2 ;;
        *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The bench needs root: it makes a network namespace and opens packet sockets."
ready_tapline
space=tlkeep$$; work=$(mktemp -d "$disk/tapline-keep.XXXXXX"); recorder=; source=
cleanup() {
    for process in $recorder $source; do kill -TERM "$process" 2>/dev/null || true; done
    ip netns del "$space" 2>/dev/null || true; rm -rf "$work"
}
trap cleanup EXIT
make_wire
workers=$(nproc)
ip netns exec "$space" "$tapline" record --from v1 --data "$work" --budget "$budget" --workers "$workers" --json \
    > "$work/out" 2> "$work/err" & recorder=$!
until_ok grep -q Recording "$work/err"
"$lab" frames --netns "$space" --dev v0 --size "$size" --port-bits 4 --rate "$rate" --seconds $((minutes * 60)) \
    --cpu $((workers - 1)) > "$work/sent" & source=$!
most=0; looks=0
while kill -0 "$source" 2>/dev/null; do
    # Blocks, not lengths: what is reserved for segments under way counts. A file may go between listing and looking.
    used=$(find "$work/recording" -type f -printf '%b\n' 2>/dev/null | awk '{s += $1} END {printf "%d", s * 512}') || true
    if [ "${used:-0}" -gt "$most" ]; then most=$used; fi
    looks=$((looks + 1)); sleep 0.1
done
wait "$source" || true; source=
sleep 1; kill -TERM "$recorder"; wait "$recorder" || true; recorder=
result=$root/bench/results/retention-$(date -u +%Y%m%d-%H%M).txt
field() { sed -E "s/.*\"$1\":([0-9]+).*/\1/" "$work/out"; }
point() { sed -E 's/.*"points":\[\{([^}]*)\}.*/\1/' "$work/out" | sed -E "s/.*\"$1\":([0-9]+).*/\1/"; }
bytes=$(field budget_bytes); segment=$((bytes / 16 > 268435456 ? 268435456 : bytes / 16))
{
    head_of "Retention: $minutes minutes at $rate frames of $size bytes a second on a budget of $budget"
    echo "# disk      $(df -PT "$disk" | awk 'NR == 2 {print $2 " on " $1}')"
    echo
    echo "sent               $(sed -E 's/.*"sent":([0-9]+).*/\1/' "$work/sent")"
    for name in arrived dropped_ring recorded dropped_recorder; do printf '%-18s %s\n' "$name" "$(point $name)"; done
    printf '%-18s %s\n' written_bytes "$(field written_bytes)" removed_segments "$(field removed_segments)" looks "$looks"
    printf '%-18s %s\n' budget_bytes "$bytes" most_on_disk "$most"
    awk -v m="$most" -v b="$bytes" -v s="$segment" -v w="$workers" 'BEGIN {
        printf "above the budget by at most %.3f segments (allowed: %d)\n", (m > b ? (m - b) / s : 0), w; exit (m > b + w * s) }' || echo "ABOVE THE BUDGET"
    [ "$(point dropped_ring)" = 0 ] && [ "$(point dropped_recorder)" = 0 ] && echo "no frame was dropped" || echo "FRAMES WERE DROPPED"
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
! grep -q '^[A-Z ]*$' <(grep -E '^(ABOVE|FRAMES)' "$result")
