// A program on the TCX hook of an interface (Linux 6.6), held by a BPF link: no qdisc, no netlink, and when the
// descriptor's owner dies, however it dies, the kernel takes the program away. In: a loaded program. Out: the link.
// Ours goes before the programs of others and always hands on (TCX_NEXT): it sees what entered, like a packet socket
// does, and theirs decide as if it were not there. Control threads.
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Owns one attachment; Dispose detaches and waits until no processor runs the program any more.</summary>
internal sealed unsafe class TcxLink : IDisposable
{
    // An interface index that no host has: a kernel that knows TCX says ENODEV, one that does not EINVAL.
    private const int NoSuchInterface = int.MaxValue;

    private readonly FileDescriptor _link;

    private TcxLink(FileDescriptor link) => _link = link;

    /// <summary>True when the kernel knows TCX. Changes nothing.</summary>
    public static bool IsKnown(FileDescriptor program)
    {
        using var link = Create(program, NoSuchInterface, isEgress: false, out var errno);
        return errno == SystemCalls.ENODEV;
    }

    /// <summary>Attaches; null and the errno when the kernel refuses.</summary>
    public static TcxLink? Attach(FileDescriptor program, int interfaceIndex, bool isEgress, out int errno) =>
        Create(program, interfaceIndex, isEgress, out errno) is { } link ? new TcxLink(link) : null;

    public void Dispose()
    {
        if (!_link.IsClosed)
        {
            // Closing alone frees the link some time later. Detaching waits for the running programs (tcx_entry_sync in
            // kernel/bpf/tcx.c), so that counters read afterwards are final. The interface may be gone already.
            var attributes = new bpf_attr_link_detach { link_fd = (uint)_link.Number };
            _ = SystemCalls.Bpf(Bpf.BPF_LINK_DETACH, &attributes, (uint)sizeof(bpf_attr_link_detach));
            _link.Dispose();
        }
    }

    private static FileDescriptor? Create(FileDescriptor program, int interfaceIndex, bool isEgress, out int errno)
    {
        var attributes = new bpf_attr_link_create
        {
            prog_fd = (uint)program.Number,
            target_ifindex = (uint)interfaceIndex,
            attach_type = isEgress ? Bpf.BPF_TCX_EGRESS : Bpf.BPF_TCX_INGRESS,
            flags = Bpf.BPF_F_BEFORE,
        };
        var descriptor = SystemCalls.Bpf(Bpf.BPF_LINK_CREATE, &attributes, (uint)sizeof(bpf_attr_link_create));
        errno = descriptor >= 0 ? 0 : SystemCalls.LastError;
        return descriptor >= 0 ? new FileDescriptor(descriptor) : null;
    }
}
