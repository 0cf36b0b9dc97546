#!/usr/bin/env bash
# index-cost.sh [--rounds 5] [--trace FILE|FOLDER]: recording with its flow index beside recording alone, on the same capture in one
# process, alternating; and what the index takes of each packet. Printed and kept in bench/results/. The trace is read-trace.sh's.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
rounds=5; trace=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/trace.pcap
while [ $# -gt 0 ]; do
    case $1 in
        --rounds) rounds=$2; shift ;;
        --trace) trace=$2; shift ;;
        *) echo "usage: index-cost.sh [--rounds N] [--trace FILE|FOLDER]" >&2; exit 2 ;;
    esac
    shift
done
[ -e "$trace" ] || fail "No trace at $trace: bench/read-trace.sh builds it, or name another with --trace."
require_sdk
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo >/dev/null
mkdir -p "$root/bench/results"
{
    head_of "recording with its flow index beside recording alone: $(basename "$trace")"
    "$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" index "$trace" "$rounds"
} | tee "$root/bench/results/index-cost-$(date -u +%Y%m%d-%H%M).txt"
