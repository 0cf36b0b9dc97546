#!/usr/bin/env bash
# record-faults.sh [--kills 300]: the recorder under faults, with the real program: killed (SIGKILL) at random moments under load, half of
# them aimed at the instant at which a file appears, is renamed or removed; the power cut at forty random instants on a real ext4;
# its disk dying, taken away, put back, slow. Each frame is compared with what was sent, byte for byte. The tests are
# tests/Tapline.Lab/Record; here they repeat often, and what they found is kept in bench/results/. Needs root.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
kills=300
while [ $# -gt 0 ]; do
    case $1 in
        --kills) kills=$2 ;;
        *) sed -n '2,5s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The bench needs root: it makes network namespaces and mounts disks of its own."
ready_tapline
result=$root/bench/results/record-faults-$(date -u +%Y%m%d-%H%M).txt
failed=0
{
    head_of "The recorder under faults" btrfs-progs e2fsprogs tcpdump
    echo "# source    numbered frames of 700 bytes, 40,000 (kills) and 30,000 (power cuts) a second, two workers, segments of 8 and 4 MiB"
    echo
    for class in RecordKillTests PowerCutTests RecordDiskTests; do
        TAPLINE_PROOF=full TAPLINE_KILLS=$kills "$lab" -class "Tapline.Lab.Record.$class" -noLogo -noColor > "/tmp/record-faults.$$" 2>&1 || failed=1
        grep -E '^record-faults:|\[FAIL\]|\[SKIP\]|^ {6}' "/tmp/record-faults.$$" || true
        sed -n 's/^ *Tapline.Lab  Total/'"$class"': total/p' "/tmp/record-faults.$$"
        rm -f "/tmp/record-faults.$$"
    done
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
exit "$failed"
