# Sourced by the scripts at the root: where the repository is, whether the .NET SDK is there, one builder at a time.
# Nothing here starts a process unless it must: the launcher's check has to stay below 20 ms.

sdk_sentence="Tapline needs the .NET 10 SDK: install the package dotnet-sdk-10.0 (or unpack Microsoft's SDK archive) so that \`dotnet\` is on the PATH."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_GENERATE_ASPNET_CERTIFICATE=false

fail() { printf '%s\n' "$*" >&2; exit 1; }

# Cheap: is there a dotnet at all? Sets DOTNET_ROOT for the built program's own host when it lies in an unusual place.
require_dotnet() {
    local host
    host=$(type -P dotnet) || fail "$sdk_sentence"
    if [ -z "${DOTNET_ROOT:-}" ] && [ ! -e /etc/dotnet/install_location ] && [ ! -d /usr/share/dotnet ] && [ ! -d /usr/lib/dotnet ]; then
        DOTNET_ROOT=$(dirname "$(readlink -f "$host")"); export DOTNET_ROOT
    fi
}

# Costs a process, so only before a build: a runtime without an SDK, or an older SDK, is not enough.
require_sdk() {
    require_dotnet
    dotnet --list-sdks 2>/dev/null | grep -q '^10\.' || fail "$sdk_sentence"
    # A home that cannot be written (a service account) must not stop the build.
    if [ ! -w "${HOME:-/}" ]; then export DOTNET_CLI_HOME="$root/artifacts/home" NUGET_PACKAGES="$root/artifacts/nuget"; fi
}

# stale STAMP PATH...: true when the stamp is missing or anything under the paths is newer (a removed file makes its folder newer).
stale() {
    local stamp=$1; shift
    [ ! -e "$stamp" ] || [ -n "$(find "$@" -newer "$stamp" -print -quit 2>/dev/null)" ]
}

say() { if [ -t 2 ]; then printf '\r\033[K%s' "$*" >&2; fi; }
unsay() { if [ -t 2 ]; then printf '\r\033[K' >&2; fi; }

# publish PROJECT FOLDER: a Release build into artifacts/FOLDER, swapped in whole, so that a program that runs from the
# old one keeps its files. Call with the lock held (on descriptor 9, which must not be inherited by the compiler's server:
# that outlives the build, and with it the lock would).
publish() {
    local project=$1 folder=$root/artifacts/$2 next=$root/artifacts/$2.next old=$root/artifacts/$2.old log=$root/artifacts/$2.log
    rm -rf "$next" "$old"; mkdir -p "$next"; : > "$next/.stamp"; touch -d '1 second ago' "$next/.stamp"
    if ! dotnet publish "$root/$project" -c Release -o "$next" -v q --nologo > "$log" 2>&1 < /dev/null 9>&-; then
        unsay; cat "$log" >&2; rm -rf "$next"; fail "Tapline did not build; the compiler's words are above."
    fi
    if [ -e "$folder" ]; then mv "$folder" "$old"; fi
    mv "$next" "$folder"; rm -rf "$old"
}

# built NAME PROJECT PATH...: makes artifacts/NAME current; PATHs are what it is made from.
built() {
    local name=$1 project=$2 stamp=$root/artifacts/$1/.stamp; shift 2
    stale "$stamp" "$@" || return 0
    require_sdk
    mkdir -p "$root/artifacts" 2>/dev/null && [ -w "$root/artifacts" ] ||
        fail "Tapline must be built first and $root/artifacts cannot be written by you: run it once as the owner of this folder."
    exec 9> "$root/artifacts/.lock"
    if ! flock -n 9; then say "tapline: another build is under way, waiting…"; flock 9; fi
    if stale "$stamp" "$@"; then
        say "tapline: building $name (the first time takes about a minute)…"
        publish "$project" "$name"
    fi
    exec 9>&-; unsay
}
