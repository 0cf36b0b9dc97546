#!/usr/bin/env bash
# take-cost.sh CAPTURE...: what each policy of keeping (whole, headers, first bytes of a flow, handshakes of encrypted flows) costs a frame,
# and which part of the bytes it keeps, on these captures, in memory, on one processor. Printed and kept in bench/results/.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -gt 0 ] || { echo "usage: take-cost.sh CAPTURE..." >&2; exit 2; }
require_sdk
dotnet build "$root/tests/Tapline.Bench" -c Release -v q --nologo -p:UseSharedCompilation=false >/dev/null
mkdir -p "$root/bench/results"
{
    head_of "keep policies: cost a frame and bytes kept ($(for c in "$@"; do basename "$c"; done | paste -sd' '))"
    "$root/artifacts/bin/Tapline.Bench/release/Tapline.Bench" take "$@"
} | tee "$root/bench/results/take-cost-$(date -u +%Y%m%d-%H%M).txt"
