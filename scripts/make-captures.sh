#!/usr/bin/env bash
# make-captures.sh [FOLDER]: makes the repository's own captures anew, with real servers and clients in two network
# namespaces joined by a veth pair. Each is what tcpdump saw on the server's side, written as pcapng by editcap.
# Needs root. Times, ports and sequence numbers differ on each run; what the tests say about the files must not.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd); out=${1:-$here/tests/captures}
"$here/scripts/needs.sh" captures
c=tlc${$}c; s=tlc${$}s; work=$(mktemp -d /tmp/tapline-captures.XXXXXX); chmod 755 "$work"; mkdir -p "$out"
lab=$here/artifacts/bin/Tapline.Lab/release/Tapline.Lab # its `tag` and `lose` verbs
[ -x "$lab" ] || dotnet build "$here/tests/Tapline.Lab" -c Release -v q --nologo > /dev/null
pids=()
cleanup() {
    for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
    ip netns del "$c" 2>/dev/null || true; ip netns del "$s" 2>/dev/null || true; rm -rf "$work"
}
trap cleanup EXIT
ip netns add "$c"; ip netns add "$s"
ip -n "$c" link add eth0 address 02:00:00:00:00:0c type veth peer name eth0 address 02:00:00:00:00:05 netns "$s"
for n in "$c" "$s"; do ip -n "$n" link set lo up; ip -n "$n" link set eth0 up; done
ip -n "$c" address add 10.1.0.1/24 dev eth0; ip -n "$s" address add 10.1.0.2/24 dev eth0
ip -n "$c" address add fd00:1::1/64 dev eth0 nodad; ip -n "$s" address add fd00:1::2/64 dev eth0 nodad
C() { ip netns exec "$c" "$@"; }
S() { ip netns exec "$s" "$@"; }
background() { ip netns exec "$s" "$@" > "$work/log" 2>&1 & pids+=($!); }
until_ok() { for _ in $(seq 100); do "$@" > /dev/null 2>&1 && return 0; sleep 0.1; done; echo "in vain: $*" >&2; return 1; }

# capture NAME SNAPLEN FILTER COMMAND...: records the server's side of $device (eth0) while the command runs.
capture() {
    local name=$1 snap=$2 filter=$3 pid; shift 3
    ip netns exec "$s" tcpdump -i "${device:-eth0}" -n -U --immediate-mode -Z root -s "$snap" -B 8192 -w "$work/$name.pcap" $filter 2> "$work/$name.err" & pid=$!
    until_ok grep -q 'listening on' "$work/$name.err"
    "$@" > /dev/null 2>&1 || true
    sleep 0.7 # the last acknowledgements, and tcpdump's own buffer time
    kill -TERM $pid; wait $pid || true
    editcap -F pcapng "$work/$name.pcap" "$out/$name.pcapng"
    echo "$name: $(capinfos -Tmc -r "$out/$name.pcapng" | cut -d, -f2) frames, $(stat -c %s "$out/$name.pcapng") bytes"
}

# nginx, in both address families
mkdir -p "$work/web/files" "$work/web/tmp"; head -c 20000 /dev/zero | tr '\0' x > "$work/web/files/page"; head -c 130000 /dev/urandom > "$work/web/files/bulk"
chmod -R a+rX "$work/web"
cat > "$work/web/nginx.conf" <<N
daemon off; user www-data; worker_processes 1; pid $work/web/pid; events { }
http { access_log off; client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server { listen 10.1.0.2:80; listen [fd00:1::2]:80; listen 10.3.0.2:80; listen 10.4.0.2:80; listen 10.5.0.2:80; root $work/web/files;
    location /gone { return 410 "gone"; } location /error { return 500 "no"; } } }
N
# a VLAN, a VLAN in a provider's VLAN (tagged by a BPF program: not every kernel has VLAN devices), a VXLAN segment
for d in eth1 eth2; do
    ip -n "$c" link add $d type veth peer name $d netns "$s"
    for n in "$c" "$s"; do
        ip netns exec "$n" sh -c "echo 1 > /proc/sys/net/ipv6/conf/$d/disable_ipv6"; ip -n "$n" link set $d up
    done
done
for n in "$c" "$s"; do "$lab" tag --netns "$n" --dev eth1 --vlan 7; "$lab" tag --netns "$n" --dev eth2 --vlan 8 --service-vlan 100; done
ip -n "$c" address add 10.3.0.1/24 dev eth1; ip -n "$s" address add 10.3.0.2/24 dev eth1
ip -n "$c" address add 10.5.0.1/24 dev eth2; ip -n "$s" address add 10.5.0.2/24 dev eth2
ip -n "$c" link add vx type vxlan id 4242 dstport 4789 remote 10.1.0.2 local 10.1.0.1 dev eth0
ip -n "$s" link add vx type vxlan id 4242 dstport 4789 remote 10.1.0.1 local 10.1.0.2 dev eth0
ip -n "$c" address add 10.4.0.1/24 dev vx; ip -n "$s" address add 10.4.0.2/24 dev vx
for n in "$c" "$s"; do ip -n "$n" link set vx up; done
background nginx -p "$work/web" -c nginx.conf -e "$work/web/error.log"
until_ok C curl -s -o /dev/null http://10.1.0.2/page
requests() { C curl -s "$1/page" "$1/nothing" "$1/gone" "$1/error"; C curl -s -I "$1/page"; C curl -s -d a=b "$1/page"; }

capture http 65535 'tcp port 80' requests http://10.1.0.2
capture ipv6 65535 'ip6' bash -c "$(declare -f C requests); c=$c; requests 'http://[fd00:1::2]'; C ping -6 -c 3 -i 0.2 fd00:1::2; C ping -6 -c 2 -i 0.2 -s 3000 fd00:1::2"
device=eth1 capture vlan 65535 '' bash -c "$(declare -f C requests); c=$c; requests http://10.3.0.2"
device=eth2 capture qinq 65535 '' bash -c "$(declare -f C requests); c=$c; C ping -c 3 -i 0.2 10.5.0.2; requests http://10.5.0.2"
capture vxlan 65535 'udp port 4789' bash -c "$(declare -f C requests); c=$c; requests http://10.4.0.2; C ping -c 3 -i 0.2 10.4.0.2"
capture gso 65535 'tcp port 80' C curl -s -o /dev/null http://10.1.0.2/bulk

# one data frame in 15 lost behind the capture point: retransmissions that the capture shows
"$lab" lose --netns "$c" --dev eth0 --one-in 15
for n in "$c" "$s"; do ip netns exec "$n" ethtool -K eth0 tso off gso off; done
capture loss 65535 'tcp port 80' C curl -s -o /dev/null http://10.1.0.2/bulk
tc -n "$c" filter del dev eth0 ingress

fragments() {
    C ping -c 3 -i 0.2 -s 4000 10.1.0.2; C ping -c 2 -i 0.2 -s 9000 10.1.0.2
    C ping -c 1 -p 00 10.1.0.2; C dig +tries=1 +time=1 -p 5399 @10.1.0.2 closed.example || true
}
capture fragments 65535 'icmp or arp or (ip[6:2] & 0x3fff != 0) or port 5399' fragments

background dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --listen-address=10.1.0.2 --bind-interfaces \
    --user=root --address=/shop.example/192.0.2.10 --address=/shop.example/2001:db8::10 --txt-record=shop.example,"a text" \
    --mx-host=shop.example,mail.shop.example,10 --local=/example/ --edns-packet-max=1232
until_ok C dig +time=1 +tries=1 @10.1.0.2 shop.example
names() {
    local q; for q in 'shop.example A' 'shop.example AAAA' 'www.shop.example A' 'shop.example TXT' 'shop.example MX' 'nowhere.example A' 'elsewhere.test A'; do
        C dig +time=1 +tries=1 @10.1.0.2 $q; done
    C dig +tcp +time=1 +tries=1 @10.1.0.2 shop.example A
}
capture dns 65535 'port 53' names

pg=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
install -d -o postgres -m 700 "$work/pg"
setpriv --reuid postgres --regid postgres --init-groups "$pg/initdb" -D "$work/pg/data" --no-sync -A trust -E UTF8 --locale C.UTF-8 > /dev/null
echo 'host all all 10.1.0.0/24 trust' >> "$work/pg/data/pg_hba.conf"
background setpriv --reuid postgres --regid postgres --init-groups "$pg/postgres" -D "$work/pg/data" -h 10.1.0.2 -k "$work/pg" -c fsync=off
sql() { C psql "host=10.1.0.2 user=postgres dbname=postgres sslmode=disable" -q "$@"; }
until_ok sql -c 'SELECT 1'
queries() {
    sql -c 'CREATE TABLE goods (id int PRIMARY KEY, name text)' -c "INSERT INTO goods SELECT i, 'thing ' || i FROM generate_series(1, 200) i" \
        -c 'SELECT * FROM goods ORDER BY id' -c 'SELECT nothing FROM goods' -c 'SELECT pg_sleep(0.2)' -c "UPDATE goods SET name = 'x' WHERE id = 7"
    printf '%s\n' 'PREPARE p AS SELECT count(*) FROM goods WHERE id > $1;' 'EXECUTE p(10);' \
        'BEGIN;' 'DELETE FROM goods;' 'ROLLBACK;' '\copy goods to /dev/null' | sql
    printf '\\set n random(1, 200)\nSELECT name FROM goods WHERE id = :n;\n' > "$work/extended.sql"
    C "$pg/pgbench" -h 10.1.0.2 -U postgres -n -M extended -t 3 -f "$work/extended.sql" postgres
}
capture postgres 65535 'tcp port 5432' queries

background redis-server --bind 10.1.0.2 --port 6379 --save '' --appendonly no --protected-mode no --dir "$work"
R() { C redis-cli -h 10.1.0.2 "$@"; }
until_ok R ping
cache() {
    R set k v; R get k; R get none; R incr k; R lpush l a b c; R lrange l 0 -1; R hset h a 1 b 2; R hgetall h; R nosuch; R -3 ping
    seq 50 | sed 's/.*/SET key:& value&/' | C redis-cli -h 10.1.0.2 --pipe
}
capture redis 65535 'tcp port 6379' cache
ls -la "$out"
