#!/usr/bin/env bash
# mirror-rate.sh [--sizes "64 512 1514"] [--rounds 5] [--seconds 2] [--parts "kernel user"] [--rates "50000 ..."]
# Frames mirrored per second without loss. Part kernel: as fast as the source goes, through no mirror, a hand-written C
# clone program (bench/clone.c, loaded by tc) and Tapline's kernel path, to a port and into VXLAN, in turns. Part user: the
# highest rate at which nothing is lost, Tapline's user path beside daemonlogger and an Open vSwitch mirror on its userspace
# datapath, and, with --tools "tapline vxlan gre erspan", Tapline's tunnels over the same veth, with --tools "tapline slice
# dedup anonymise cards tag", its shapes. Truth is the receive counters of the port and of the tool's end. Needs root; makes
# and removes one namespace.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
sizes="64 512 1514"; seconds=2; rounds=5; parts="kernel user"; tools="tapline daemonlogger ovs"
rates="25000 50000 75000 100000 150000 200000 250000 300000 350000 400000 500000 600000 700000 800000 1000000"
while [ $# -gt 0 ]; do
    case $1 in
        --sizes) sizes=$2 ;; --rates) rates=$2 ;; --seconds) seconds=$2 ;; --rounds) rounds=$2 ;; --parts) parts=$2 ;;
        --tools) tools=$2 ;;
        *) sed -n '2,10s/^# //p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
[ "$(id -u)" = 0 ] || fail "The mirror bench needs root: it makes a network namespace and attaches programs."
ready_tapline
space=tlmirror$$; work=$(mktemp -d /tmp/tapline-bench.XXXXXX); mirror=; switch=(); cpu=$(($(nproc) - 1))
cleanup() {
    stop_mirror
    ip netns del "$space" 2>/dev/null || true; rm -rf "$work"
}
in_space() { ip netns exec "$space" "$@"; }

# v1 is the tapped port, t0 the tool port, t1 the tool.
make_ports() {
    ip netns add "$space"
    in_space sh -c 'for f in all default; do echo 1 > /proc/sys/net/ipv6/conf/$f/disable_ipv6; done' || true
    ip -n "$space" link add v0 type veth peer name v1
    ip -n "$space" link add t0 type veth peer name t1
    for port in lo v0 v1 t0 t1; do ip -n "$space" link set "$port" up; done
    # For tunnels: room for their headers, and a tool whose MAC address is known although it forgets all that it gets.
    for port in t0 t1; do ip -n "$space" link set "$port" mtu 1600; done
    ip -n "$space" address add 10.66.0.1/24 dev t0
    ip -n "$space" neigh add 10.66.0.2 lladdr "$(in_space cat /sys/class/net/t1/address)" dev t0 nud permanent
    in_space ethtool -K v1 gro on
    in_space ethtool -K t0 tx off > /dev/null
    clone_object "$work/clone.o" "$(in_space cat /sys/class/net/t0/ifindex)"
    in_space tc qdisc add dev t1 clsact
    in_space tc filter add dev t1 ingress bpf da obj "$work/clone.o" sec sink
}

start_ovs() {
    export OVS_RUNDIR=$work/ovs OVS_LOGDIR=$work/ovs OVS_DBDIR=$work/ovs
    rm -rf "$work/ovs"; mkdir -p "$work/ovs"
    ovsdb-tool create "$work/ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema
    ip netns exec "$space" ovsdb-server --remote="punix:$work/ovs/db.sock" "$work/ovs/conf.db" > /dev/null 2>> "$work/err" & switch=($!)
    until_ok test -S "$work/ovs/db.sock"
    ip netns exec "$space" ovs-vswitchd "unix:$work/ovs/db.sock" > /dev/null 2>> "$work/err" & switch+=($!)
    ovs-vsctl --db="unix:$work/ovs/db.sock" --timeout=20 \
        add-br s0 -- set bridge s0 datapath_type=netdev -- add-port s0 v1 -- add-port s0 t0 \
        -- --id=@in get port v1 -- --id=@out get port t0 \
        -- --id=@m create mirror name=m select-src-port=@in output-port=@out -- set bridge s0 mirrors=@m > /dev/null
}

start_mirror() {
    : > "$work/err"; : > "$work/out"
    case $1 in
        none) ;;
        clone)
            ip netns exec "$space" tc qdisc add dev v1 clsact
            ip netns exec "$space" tc filter add dev v1 ingress bpf da obj "$work/clone.o" sec tc ;;
        ovs) start_ovs ;;
        daemonlogger)
            ip netns exec "$space" daemonlogger -i v1 -o t0 > "$work/out" 2> "$work/err" & mirror=$!
            until_ok grep -qi 'log\|sniff' "$work/err" "$work/out"; sleep 0.5 ;;
        *)
            local mode=user hook='' to=nic:t0 shape=()
            case $1 in kernel*) mode=kernel ;; vxlan | gre | erspan) to=$1://10.66.0.2 ;; esac
            case $1 in
                kernel-clsact) hook=clsact ;; kernel-vxlan) to='vxlan://10.66.0.2?refusal=ignore' ;;
                slice) shape=(--slice l4+64) ;; dedup) shape=(--dedup 50ms) ;; tag) shape=(--vlan 7) ;; cards) shape=(--mask cards) ;;
                anonymise) head -c 32 /dev/urandom > "$work/key"; chmod 600 "$work/key"; shape=(--anonymise "$work/key") ;;
                kernel | tapline | vxlan | gre | erspan) ;;
                *) fail "No tool is called $1." ;;
            esac
            TAPLINE_KERNEL_HOOK=$hook ip netns exec "$space" "$tapline" mirror --from v1 --to "$to" --mode "$mode" --workers 1 --json "${shape[@]}" \
                > "$work/out" 2> "$work/err" & mirror=$!
            until_ok grep -q ready "$work/err" ;;
    esac
}

stop_mirror() {
    if [ -n "$mirror" ]; then kill -TERM "$mirror" 2>/dev/null; wait "$mirror" 2>/dev/null || true; mirror=; fi
    if [ ${#switch[@]} -gt 0 ]; then kill "${switch[@]}" 2>/dev/null; wait "${switch[@]}" 2>/dev/null || true; switch=(); fi
    ip netns exec "$space" tc qdisc del dev v1 clsact 2>/dev/null || true
}

# measure KIND SIZE RATE: sets $reached (frames per second that entered) and $lost (of them, not at the tool).
measure() {
    start_mirror "$1"
    local in_before out_before sent entered copied last still=0
    in_before=$(received v1); out_before=$(received t1)
    sent=$("$lab" frames --netns "$space" --dev v0 --size "$2" --rate "$3" --seconds "$seconds" --cpu "$cpu")
    entered=$(($(received v1) - in_before)); copied=$(($(received t1) - out_before))
    for _ in $(seq 100); do # what waits in rings and buffers; some hand it out once a second only
        if [ "$copied" -ge "$entered" ] || [ $still -gt 8 ] || [ "$1" = none ]; then break; fi
        last=$copied; sleep 0.2; copied=$(($(received t1) - out_before))
        if [ "$copied" = "$last" ]; then still=$((still + 1)); else still=0; fi
    done
    stop_mirror
    reached=$(awk -v e="$entered" -v s="$(echo "$sent" | sed -E 's/.*"seconds":([0-9.]+).*/\1/')" 'BEGIN {printf "%d", e / s}')
    lost=$((entered - copied))
}

part_kernel() {
    echo "Kernel path, as fast as the source goes: frames per second that entered and were copied (lost), $rounds rounds of $seconds s in turns"
    for size in $sizes; do
        printf '%-6s %20s %20s %20s %20s %20s\n' size "no mirror" "clone.c" "kernel (TCX)" "kernel (clsact)" "kernel (vxlan)"
        rm -f "$work"/rate.*
        for _ in $(seq "$rounds"); do
            printf '%-6d' "$size"
            for kind in none clone kernel kernel-clsact kernel-vxlan; do
                measure "$kind" "$size" 0
                echo "$reached" >> "$work/rate.$kind"
                if [ "$kind" = none ]; then printf ' %20d' "$reached"; else printf ' %12d (%5d)' "$reached" "$lost"; fi
            done
            echo
        done
        for kind in none clone kernel kernel-clsact kernel-vxlan; do declare "m_${kind//-/_}=$(median < "$work/rate.$kind")"; done
        # Each round's ratio, then their median: what disturbs the machine disturbs neighbours alike.
        printf 'medians at %d bytes: none %.0f clone %.0f kernel %.0f clsact %.0f vxlan %.0f; of the rounds: kernel/clone %.3f clsact/clone %.3f vxlan/kernel %.3f\n\n' \
            "$size" "$m_none" "$m_clone" "$m_kernel" "$m_kernel_clsact" "$m_kernel_vxlan" \
            "$(paste "$work/rate.kernel" "$work/rate.clone" | awk '{print $1 / $2}' | median)" \
            "$(paste "$work/rate.kernel-clsact" "$work/rate.clone" | awk '{print $1 / $2}' | median)" \
            "$(paste "$work/rate.kernel-vxlan" "$work/rate.kernel" | awk '{print $1 / $2}' | median)"
    done
}

part_user() {
    echo "User path: the highest rate without loss, $seconds s at each step"
    for size in $sizes; do
        printf '%-6s %9s' size asked; for tool in $tools; do printf ' | %26s' "$tool: reached, lost"; done; echo
        declare -A best=() over=()
        for tool in $tools; do best[$tool]=0; over[$tool]=; done
        for rate in $rates; do
            line=; alive=; most=0
            for tool in $tools; do
                # Two steps above its first loss a tool has said what there is to say.
                if [ "${over[$tool]:-0}" -ge 2 ]; then line+=$(printf ' | %26s' ''); continue; fi
                measure "$tool" "$size" "$rate"; alive=1
                line+=$(printf ' | %9d %9d %5.1f%%' "$reached" "$lost" \
                    "$(awk -v l=$lost -v t=$((reached * seconds)) 'BEGIN {print t ? 100 * l / t : 0}')")
                if [ "$reached" -gt "$most" ]; then most=$reached; fi
                if [ "$lost" -gt 0 ]; then over[$tool]=$((${over[$tool]:-0} + 1))
                elif [ -z "${over[$tool]}" ] && [ "$reached" -gt "${best[$tool]}" ]; then best[$tool]=$reached; fi
            done
            if [ -z "$alive" ]; then break; fi
            printf '%-6d %9d%s\n' "$size" "$rate" "$line"
            if [ $((most * 100)) -lt $((rate * 70)) ]; then break; fi # past the source's own limit
        done
        printf 'highest lossless rate at %d bytes, frames per second:' "$size"
        for tool in $tools; do printf ' %s %d' "$tool" "${best[$tool]}"; done; echo; echo
    done
}

trap cleanup EXIT
make_ports
result=$root/bench/results/mirror-rate-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Frames mirrored without loss on a veth" clang daemonlogger openvswitch-switch
    echo "# source    Tapline.Lab frames: UDP, 4096 five-tuples, pinned to processor $cpu with the veth's receive softirq"
    echo "# workers   one: the source is one pair of addresses, which is one worker's; it has the other processor"
    echo "# tool      a veth whose transmit offloads are off; its far end counts and forgets"
    echo
    for part in $parts; do "part_$part"; done
} | tee "$result"
echo "kept in ${result#"$root"/}" >&2
