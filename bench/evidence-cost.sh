#!/usr/bin/env bash
# evidence-cost.sh [--seconds 3] [--folder DIR]: at which rates one worker's recording drops frames with sealing and without, and how fast a
# recording is verified. The folder must be on the disk that is meant; 4 GiB are written and removed. Kept in bench/results/.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
seconds=3; folder=${TAPLINE_BENCH_CACHE:-/var/tmp/tapline-bench}/evidence
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=$2; shift ;;
        --folder) folder=$2; shift ;;
        *) echo "usage: evidence-cost.sh [--seconds N] [--folder DIR]" >&2; exit 2 ;;
    esac
    shift
done
require_sdk
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo -p:UseSharedCompilation=false >/dev/null
mkdir -p "$root/bench/results" "$folder"
trap 'rm -rf "$folder"' EXIT
{
    head_of "one worker's recording with evidence beside without, by rate"
    "$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" evidence "$folder" "$seconds"
} | tee "$root/bench/results/evidence-cost-$(date -u +%Y%m%d-%H%M).txt"
