// cls_bpf filters on the clsact qdisc, over rtnetlink: how a program gets onto an interface before Linux 6.6 (TCX).
// In: interfaces, loaded programs, names. Out: filters added, found, removed; errnos. Never touches a filter or a qdisc
// that is not named by its caller. Owner of one netlink socket, bound to the namespace of the thread that opened it.
// One thread at a time; allocates.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Traffic control requests.</summary>
internal sealed class TrafficControl : IDisposable
{
    private const int MessageBytesMax = 200;
    private readonly NetlinkSocket _socket;

    private TrafficControl(NetlinkSocket socket) => _socket = socket;

    /// <summary>A filter of kind bpf as found.</summary>
    /// <param name="InterfaceIndex">Where it hangs.</param>
    /// <param name="IsEgress">On the outgoing side.</param>
    /// <param name="Handle">Its handle within the priority.</param>
    /// <param name="Info">Priority (upper half) and protocol, as the kernel wants them back.</param>
    /// <param name="Name">Text that its maker gave it; hostile.</param>
    public readonly record struct Filter(int InterfaceIndex, bool IsEgress, uint Handle, uint Info, string Name);

    public static TrafficControl? Open(out string error) =>
        NetlinkSocket.Open(0, out error) is { } socket ? new TrafficControl(socket) : null;

    /// <summary>Adds the clsact qdisc. 0, EEXIST when there is one (or an ingress qdisc) already, or another errno.</summary>
    public int AddClsact(int interfaceIndex)
    {
        Span<byte> body = stackalloc byte[MessageBytesMax];
        var length = Begin(body, interfaceIndex, PktSched.ClsactHandle, PktSched.TC_H_CLSACT, 0);
        length += Text(body[length..], PktSched.TCA_KIND, "clsact");
        return _socket.Request(
            PktSched.RTM_NEWQDISC, Netlink.NLM_F_ACK | Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL, body[..length], static (_, _) => { });
    }

    /// <summary>Removes the clsact qdisc with all that hangs on it: only when the caller made it and it is empty.</summary>
    public int RemoveClsact(int interfaceIndex)
    {
        Span<byte> body = stackalloc byte[MessageBytesMax];
        var length = Begin(body, interfaceIndex, PktSched.ClsactHandle, PktSched.TC_H_CLSACT, 0);
        length += Text(body[length..], PktSched.TCA_KIND, "clsact");
        return _socket.Request(PktSched.RTM_DELQDISC, Netlink.NLM_F_ACK, body[..length], static (_, _) => { });
    }

    /// <summary>Adds a direct-action filter for all protocols; 0 or an errno (EEXIST: the handle is taken).</summary>
    public int AddFilter(int interfaceIndex, bool isEgress, ushort priority, uint handle, FileDescriptor program, string name)
    {
        Invariant.Check(name.Length is > 0 and < 100);
        Span<byte> body = stackalloc byte[MessageBytesMax];
        var length = Begin(body, interfaceIndex, handle, Parent(isEgress), Info(priority));
        length += Text(body[length..], PktSched.TCA_KIND, "bpf");
        var options = body[length..];
        var optionsLength = Netlink.AttributeHeaderBytes;
        optionsLength += Number(options[optionsLength..], PktSched.TCA_BPF_FD, (uint)program.Number);
        optionsLength += Text(options[optionsLength..], PktSched.TCA_BPF_NAME, name);
        optionsLength += Number(options[optionsLength..], PktSched.TCA_BPF_FLAGS, PktSched.TCA_BPF_FLAG_ACT_DIRECT);
        optionsLength += Number(options[optionsLength..], PktSched.TCA_BPF_FLAGS_GEN, PktSched.TCA_CLS_FLAGS_SKIP_HW);
        BinaryPrimitives.WriteUInt16LittleEndian(options, (ushort)optionsLength);
        BinaryPrimitives.WriteUInt16LittleEndian(options[2..], PktSched.TCA_OPTIONS | Netlink.NLA_F_NESTED);
        return _socket.Request(
            PktSched.RTM_NEWTFILTER, Netlink.NLM_F_ACK | Netlink.NLM_F_CREATE | Netlink.NLM_F_EXCL, body[..(length + optionsLength)],
            static (_, _) => { });
    }

    /// <summary>Removes one filter; 0 or an errno.</summary>
    public int RemoveFilter(Filter filter)
    {
        Span<byte> body = stackalloc byte[MessageBytesMax];
        var length = Begin(body, filter.InterfaceIndex, filter.Handle, Parent(filter.IsEgress), filter.Info);
        length += Text(body[length..], PktSched.TCA_KIND, "bpf");
        return _socket.Request(PktSched.RTM_DELTFILTER, Netlink.NLM_F_ACK, body[..length], static (_, _) => { });
    }

    /// <summary>All filters of one side; those of other kinds have an empty name. Empty when there is no qdisc for them.</summary>
    public List<Filter> Filters(int interfaceIndex, bool isEgress)
    {
        var found = new List<Filter>();
        Span<byte> body = stackalloc byte[PktSched.TcMsgBytes];
        Begin(body, interfaceIndex, 0, Parent(isEgress), 0);
        _ = _socket.Request(PktSched.RTM_GETTFILTER, Netlink.NLM_F_DUMP, body, (type, payload) =>
        {
            if (type == PktSched.RTM_NEWTFILTER && payload.Length >= PktSched.TcMsgBytes)
            {
                found.Add(new Filter(
                    BinaryPrimitives.ReadInt32LittleEndian(payload[4..]),
                    isEgress,
                    BinaryPrimitives.ReadUInt32LittleEndian(payload[8..]),
                    BinaryPrimitives.ReadUInt32LittleEndian(payload[16..]),
                    NameOf(payload[PktSched.TcMsgBytes..])));
            }
        });
        return found;
    }

    /// <summary>Interfaces that have a clsact qdisc, or an ingress qdisc in its place (which has no outgoing side).</summary>
    public Dictionary<int, bool> WithClsact()
    {
        var found = new Dictionary<int, bool>();
        Span<byte> body = stackalloc byte[PktSched.TcMsgBytes];
        Begin(body, 0, 0, 0, 0);
        _ = _socket.Request(PktSched.RTM_GETQDISC, Netlink.NLM_F_DUMP, body, (type, payload) =>
        {
            if (type == PktSched.RTM_NEWQDISC && payload.Length >= PktSched.TcMsgBytes
                && BinaryPrimitives.ReadUInt32LittleEndian(payload[12..]) == PktSched.TC_H_CLSACT)
            {
                found[BinaryPrimitives.ReadInt32LittleEndian(payload[4..])] = IsClsact(payload[PktSched.TcMsgBytes..]);
            }
        });
        return found;
    }

    public void Dispose() => _socket.Dispose();

    private static uint Parent(bool isEgress) => isEgress ? PktSched.ClsactEgress : PktSched.ClsactIngress;

    // The protocol stands in network order in the lower half: ETH_P_ALL.
    private static uint Info(ushort priority) =>
        ((uint)priority << 16) | BinaryPrimitives.ReverseEndianness(Socket.ETH_P_ALL);

    private static bool IsClsact(ReadOnlySpan<byte> payload)
    {
        var attributes = new NetlinkAttributes(payload);
        while (attributes.MoveNext())
        {
            if (attributes.Type == PktSched.TCA_KIND)
            {
                return attributes.Text() == "clsact";
            }
        }

        return false;
    }

    private static string NameOf(ReadOnlySpan<byte> attributes)
    {
        var outer = new NetlinkAttributes(attributes);
        while (outer.MoveNext())
        {
            if (outer.Type != PktSched.TCA_OPTIONS)
            {
                continue;
            }

            var options = new NetlinkAttributes(outer.Value);
            while (options.MoveNext())
            {
                // TCA_BPF_NAME means something else in other kinds; names are compared whole, so that does no harm.
                if (options.Type == PktSched.TCA_BPF_NAME)
                {
                    return options.Text();
                }
            }
        }

        return "";
    }

    private static int Begin(Span<byte> body, int interfaceIndex, uint handle, uint parent, uint info)
    {
        body.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(body[4..], interfaceIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(body[8..], handle);
        BinaryPrimitives.WriteUInt32LittleEndian(body[12..], parent);
        BinaryPrimitives.WriteUInt32LittleEndian(body[16..], info);
        return PktSched.TcMsgBytes;
    }

    private static int Number(Span<byte> to, ushort type, uint value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(to, 8);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], type);
        BinaryPrimitives.WriteUInt32LittleEndian(to[4..], value);
        return 8;
    }

    private static int Text(Span<byte> to, ushort type, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text, to[Netlink.AttributeHeaderBytes..]) + 1;
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)(bytes + Netlink.AttributeHeaderBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], type);
        return (bytes + Netlink.AttributeHeaderBytes + 3) & ~3;
    }
}
