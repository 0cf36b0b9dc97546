// The least that mirrors a port in the kernel, written by hand: each frame that enters is cloned to the tool port, nothing
// is counted, nothing is checked. What bench/mirror-rate.sh measures Tapline's program against.
//   clang -O2 -target bpf -DTOOL=IFINDEX -c clone.c -o clone.o; tc filter add dev PORT ingress bpf da obj clone.o sec tc
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

static long (*bpf_clone_redirect)(struct __sk_buff *skb, __u32 ifindex, __u64 flags) = (void *)BPF_FUNC_clone_redirect;

__attribute__((section("tc"), used)) int clone(struct __sk_buff *skb)
{
    bpf_clone_redirect(skb, TOOL, 0);
    return TC_ACT_UNSPEC;
}

// The tool's end: takes each frame off the wire and forgets it, so that no stack works on it.
__attribute__((section("sink"), used)) int forget(struct __sk_buff *skb)
{
    return TC_ACT_SHOT;
}

__attribute__((section("license"), used)) char _license[] = "GPL";
