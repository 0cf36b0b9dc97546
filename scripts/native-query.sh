#!/usr/bin/env bash
# native-query.sh: compiles `tapline query` ahead of time into artifacts/query (some 40 seconds). The launcher uses it as long as it is
# newer than the general program; without it the general program answers, a quarter of a second later. Wants clang or gcc.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
. "$root/scripts/common.sh"
type -P clang > /dev/null || type -P gcc > /dev/null || fail "Compiling ahead of time wants a linker: install clang (or gcc)."
"$root/tapline" --version > /dev/null
require_sdk
exec 9> "$root/artifacts/.lock"; flock 9
TAPLINE_NATIVE=true publish src/Tapline.Query query
touch "$root/artifacts/query/.stamp"
echo "artifacts/query/Tapline.Query is ready; ./tapline query uses it." >&2
