#!/usr/bin/env bash
# steno.sh record FOLDER CAPTURE | read FOLDER QUERY OUT | stop FOLDER: stenographer (Debian's stenographer, stenographer-client) on a link
# in a namespace of its own, for bench/query-large.sh. record: starts the server there, plays the capture to it, and waits until all
# of it is on disk and indexed; the server stays up for read. stop ends it and removes the namespace; the recording stays.
set -euo pipefail
folder=$(realpath -m "$2"); space=tapline-steno-$(printf %s "$folder" | cksum | cut -d' ' -f1)
export STENOGRAPHER_CONFIG=$folder/config
inside() { ip netns exec "$space" "$@"; }
case $1 in
    record)
        capture=$3; mkdir -p "$folder"/{packets,index,certs}
        ip netns add "$space"; inside ip link set lo up
        inside ip link add s0 mtu 65535 type veth peer name s1 mtu 65535; inside ip link set s0 up; inside ip link set s1 up
        cd "$folder/certs"
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -keyout ca_key.pem -out ca_cert.pem -subj /CN=127.0.0.1 -addext basicConstraints=critical,CA:TRUE 2> /dev/null
        for who in server client; do
            usage=serverAuth; [ $who = server ] || usage=clientAuth
            openssl req -newkey rsa:2048 -nodes -keyout ${who}_key.pem -out $who.csr -subj /CN=127.0.0.1 2> /dev/null
            openssl x509 -req -in $who.csr -CA ca_cert.pem -CAkey ca_key.pem -CAcreateserial -days 30 -out ${who}_cert.pem \
                -extfile <(printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%s' $usage) 2> /dev/null
        done
        cat > "$folder/config" <<JSON
{ "Threads": [{ "PacketsDirectory": "$folder/packets", "IndexDirectory": "$folder/index", "MaxDirectoryFiles": 30000, "DiskFreePercentage": 1 }],
  "StenotypePath": "/usr/sbin/stenotype", "Interface": "s1", "Port": 1234, "Host": "127.0.0.1",
  "Flags": ["--seccomp=none", "--uid=root", "--gid=root", "--blocks=1024", "--preallocate_file_mb=0", "--filesize_mb=1024", "-v", "--stats_sec=5"], "CertPath": "$folder/certs" }
JSON
        inside stenographer -syslog=false -config "$folder/config" > "$folder/log" 2>&1 9>&- &
        echo $! > "$folder/pid"
        for ((i = 0; i < 300; i++)); do ! grep -q 'starting to process' "$folder/log" || break; sleep 0.1; done
        inside tcpreplay -q --mbps=2500 -i s0 "$capture" > "$folder/replay" 2> /dev/null
        # Files end a minute after they began; visible are those that are whole.
        wanted=$(stat -c %s "$capture")
        for ((i = 0; i < 90; i++)); do
            [ "$(find "$folder/packets" -type f ! -name '.*' -printf '%s\n' | awk '{s += $1} END {printf "%d", s}')" -lt $((wanted / 20 * 19)) ] || break
            sleep 1
        done
        sleep 20 # the server looks for new files every 15 s
        ;;
    read) inside stenoread "$3" -w "$4" ;;
    stop)
        kill "$(cat "$folder/pid")" 2> /dev/null || true
        sleep 1; ip netns pids "$space" | xargs -r kill 2> /dev/null || true
        ip netns del "$space"
        ;;
    *) echo "usage: steno.sh record FOLDER CAPTURE | read FOLDER QUERY OUT | stop FOLDER" >&2; exit 2 ;;
esac
