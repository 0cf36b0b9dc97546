#!/usr/bin/env bash
# replay-timing.sh [--repeat 3] [--frames 20000] [--gap 200]: how exactly a capture's timing is kept, `tapline replay` beside tcpreplay,
# one after the other into the same veth in one namespace, by the kernel's time stamps at the far end. Gap errors: |gap played − gap
# recorded|. Lag: how much later than the first frame's the last frame's place in time is. Both must deliver the same frames in the same order.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
repeat=3; frames=20000; gap=200
while [ $# -gt 0 ]; do
    case $1 in
        --repeat) repeat=$2; shift ;;
        --frames) frames=$2; shift ;;
        --gap) gap=$2; shift ;;
        *) echo "usage: replay-timing.sh [--repeat N] [--frames N] [--gap MICROSECONDS]" >&2; exit 2 ;;
    esac
    shift
done
ready_tapline
work=$(mktemp -d /var/tmp/tapline-replay.XXXXXX); space=tlrt$$
trap 'ip netns del $space 2> /dev/null || true; rm -rf "$work"' EXIT

# UDP frames of four sizes with gaps as of independent arrivals.
perl -e '
    my ($n, $mean) = @ARGV; srand(1); my $t = 1_700_000_000 * 1e9;
    print pack("VvvVVVV", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1);
    for my $i (0 .. $n - 1) {
        my $length = (60, 128, 590, 1514)[int(rand(4))];
        my $ip = pack("CCnnnCCnC4C4", 0x45, 0, $length - 14, $i & 0xffff, 0, 64, 17, 0, 10, 0, 0, 1, 10, 0, 0, 2);
        my $frame = pack("H*", "0200000000020200000000010800") . $ip . pack("nnnnN", 1000, 2000, $length - 34, 0, $i);
        print pack("VVVV", int($t / 1e9), $t % 1e9, $length, $length), $frame, "\0" x ($length - length $frame);
        $t += int(-log(1 - rand()) * $mean) * 1000;
    }' "$frames" "$gap" > "$work/source.pcap"

ip netns add $space
ip -n $space link add send type veth peer name recv
for end in send recv; do
    ip netns exec $space sh -c "echo 1 > /proc/sys/net/ipv6/conf/$end/disable_ipv6"
    ip -n $space link set $end up
done

# play NAME COMMAND…: what arrives, into NAME.pcap.
play() {
    local name=$1; shift
    ip netns exec $space tcpdump -i recv -w "$work/$name.pcap" --time-stamp-precision=nano -B 65536 -U 2> "$work/$name.err" &
    local witness=$!
    until grep -q listening "$work/$name.err"; do sleep 0.1; done
    ip netns exec $space /usr/bin/time -o "$work/$name.time" -f '%U %S' "$@" > "$work/$name.out" 2>&1 || fail "$name failed: $(tail -1 "$work/$name.out")"
    until [ "$(tcpdump -r "$work/$name.pcap" 2> /dev/null | wc -l)" -ge "$frames" ]; do sleep 0.2; done
    kill -INT $witness; wait $witness || true
    cmp -s <(tcpdump -r "$work/source.pcap" -t -xx 2> /dev/null) <(tcpdump -r "$work/$name.pcap" -t -xx 2> /dev/null) \
        || fail "$name delivered other frames, or in another order."
    paste <(times "$work/source.pcap") <(times "$work/$name.pcap") | perl -e '
        my (@gap, $first, $last, $lag);
        while (<>) {
            my ($s, $p) = split; $first //= $p - $s;
            push @gap, abs(($p - $last->[1]) - ($s - $last->[0])) if $last;
            $last = [$s, $p]; $lag = $p - $s - $first;
        }
        @gap = sort { $a <=> $b } @gap;
        printf "%.1f %.1f %.1f %.1f %.1f\n", map { $_ / 1000 } (map { $gap[int($_ * $#gap)] } 0.5, 0.9, 0.99, 1), $lag' >> "$work/$name.figures"
    cat "$work/$name.time" >> "$work/$name.cpu"
}

times() { tcpdump -r "$1" --time-stamp-precision=nano -tt -n 2> /dev/null | perl -ne '/^(\d+)\.(\d{9})/ and print $1 - 1_690_000_000, $2, "\n"'; }

declare -A command
names=(tapline tcpreplay)
command[tapline]="$tapline replay $work/source.pcap --to nic:send"
command[tcpreplay]="tcpreplay -q -i send $work/source.pcap"
for ((i = 1; i <= repeat; i++)); do
    for name in "${names[@]}"; do play "$name" ${command[$name]}; done
done
result=$root/bench/results/replay-timing-$(date -u +%Y%m%d-%H%M).txt
{
    head_of "Timing of $frames frames, $gap us apart on average: medians of $repeat interleaved runs, microseconds" tcpreplay tcpdump
    for name in "${names[@]}"; do echo "# command   $name: ${command[$name]}" | sed "s|$root/||; s|$work/||g"; done
    echo
    printf '%-10s %8s %8s %8s %9s %10s %7s %7s\n' tool gap_p50 gap_p90 gap_p99 gap_max lag_end user_s sys_s
    for name in "${names[@]}"; do
        column() { cut -d' ' -f"$2" "$work/$name.$1" | median; }
        printf '%-10s %8.1f %8.1f %8.1f %9.1f %10.1f %7.2f %7.2f\n' "$name" "$(column figures 1)" "$(column figures 2)" \
            "$(column figures 3)" "$(column figures 4)" "$(column figures 5)" "$(column cpu 1)" "$(column cpu 2)"
    done
} | tee "$result"
