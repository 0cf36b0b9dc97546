#!/usr/bin/env bash
# container-cost.sh [--rounds 5] [--trace FILE]: recording compressed, encrypted and both beside recording as it is: size on disk,
# time to record with index on one writer's thread, time to read all and to find one port by index. Alternating in one process,
# medians, ratios. Printed and kept in bench/results/. The trace is read-trace.sh's.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=5; trace=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/trace.pcap
while [ $# -gt 0 ]; do
    case $1 in
        --rounds) rounds=$2; shift ;;
        --trace) trace=$2; shift ;;
        *) echo "usage: container-cost.sh [--rounds N] [--trace FILE]" >&2; exit 2 ;;
    esac
    shift
done
[ -e "$trace" ] || fail "No trace at $trace: bench/read-trace.sh builds it, or name another with --trace."
require_sdk
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo >/dev/null
mkdir -p "$root/bench/results"
{
    head_of "segments at rest, compressed and encrypted, beside ordinary ones: $(basename "$trace")"
    "$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" container "$trace" "$rounds"
} | tee "$root/bench/results/container-cost-$(date -u +%Y%m%d-%H%M).txt"
