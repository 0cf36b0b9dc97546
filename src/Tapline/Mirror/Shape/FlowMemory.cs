// What a session remembers of each flow: how much of it has left, and in which state the masks' machines were at the
// end of each direction's stream. Sessions run without the analyser's flow table, so they have their own, of fixed
// size, in native memory, pages touched as used. A full bucket forgets its longest silent flow and counts it. One
// worker's, one thread.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>States of all machines of a mask at one place of a stream.</summary>
[InlineArray(MaskPlan.FieldsMax)]
internal struct MachineStates
{
    private ulong _first;
}

/// <summary>One direction of a flow as the masks know it.</summary>
internal struct MaskStream
{
    /// <summary>TCP sequence number behind the last byte seen, and the states there.</summary>
    public uint NextSequence;
    public MachineStates Next;

    /// <summary>Where that last segment began: it may come again.</summary>
    public uint LastSequence;
    public MachineStates Last;
    public bool IsKnown;

    /// <summary>Something was masked in it: what cannot be placed is masked up to the end of its line.</summary>
    public bool HadSecret;
}

/// <summary>One flow.</summary>
internal struct FlowMemoryEntry
{
    public ulong Key;
    public long LastNs;
    public long Frames;
    public long PayloadBytes;
    public MaskStream Forward;
    public MaskStream Reverse;
}

/// <summary>The flows of one session on one worker. Owns its table.</summary>
internal sealed class FlowMemory(ulong seed) : IDisposable
{
    private const int Ways = 8;
    private const long IdleNs = 300_000_000_000;
    private const byte TcpSyn = 0x02;
    private const byte TcpAck = 0x10;

    private readonly NativeArray<FlowMemoryEntry> _entries = new(Limits.MirrorFlows);

    /// <summary>Flows that were forgotten while they lived.</summary>
    public long Forgotten { get; private set; }

    /// <summary>The entry of that index, valid until the next Find.</summary>
    public ref FlowMemoryEntry this[int index] => ref _entries[index];

    /// <summary>
    /// Index of the flow's entry, made when there is none. A new connection of the same addresses and ports begins at zero.
    /// </summary>
    public int Find(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, out bool isReverse)
    {
        var key = KeyOf(layout, frame, seed, out isReverse);
        var first = ((int)(key >> 40) & ((_entries.Length / Ways) - 1)) * Ways;
        var entries = _entries.Span.Slice(first, Ways);
        var oldest = 0;
        for (var i = 0; i < Ways; i++)
        {
            ref var entry = ref entries[i];
            if (entry.Key == key)
            {
                if (IsNew(layout) || meta.TimestampNs - entry.LastNs > IdleNs)
                {
                    Restart(ref entry);
                }

                entry.LastNs = meta.TimestampNs;
                return first + i;
            }

            oldest = entry.LastNs < entries[oldest].LastNs ? i : oldest;
        }

        ref var place = ref entries[oldest];
        Forgotten += place.Key != 0 && meta.TimestampNs - place.LastNs <= IdleNs ? 1 : 0;
        place = default;
        place.Key = key;
        place.LastNs = meta.TimestampNs;
        return first + oldest;
    }

    /// <summary>
    /// A keyed hash of the flow, the same for both directions, never 0. Fragments count by their addresses alone, so that
    /// a packet stays in one piece; frames without IP by their MAC addresses.
    /// </summary>
    public static ulong KeyOf(in FrameLayout layout, ReadOnlySpan<byte> frame, ulong seed, out bool isReverse)
    {
        var hash = new FrameHash(seed);
        var hasPorts = (layout.Flags & (LayoutFlags.HasTransport | LayoutFlags.IsFragment)) == LayoutFlags.HasTransport
            && layout.IpProtocol is IpProtocols.Tcp or IpProtocols.Udp or IpProtocols.Sctp or IpProtocols.UdpLite
                or IpProtocols.Dccp;
        ReadOnlySpan<byte> a = default, b = default;
        if (layout.IpVersion == 4)
        {
            a = frame.Slice(layout.NetworkOffset + 12, 4);
            b = frame.Slice(layout.NetworkOffset + 16, 4);
        }
        else if (layout.IpVersion == 6)
        {
            a = frame.Slice(layout.NetworkOffset + 8, 16);
            b = frame.Slice(layout.NetworkOffset + 24, 16);
        }
        else if ((layout.Flags & LayoutFlags.HasMac) != 0)
        {
            a = frame.Slice(layout.LinkOffset, 6);
            b = frame.Slice(layout.LinkOffset + 6, 6);
        }

        var order = a.SequenceCompareTo(b);
        order = order == 0 && hasPorts ? layout.SourcePort.CompareTo(layout.DestinationPort) : order;
        isReverse = order > 0;
        hash.Add(isReverse ? b : a);
        hash.Add(isReverse ? a : b);
        var ports = !hasPorts ? 0u : isReverse
            ? ((uint)layout.DestinationPort << 16) | layout.SourcePort
            : ((uint)layout.SourcePort << 16) | layout.DestinationPort;
        var isVirtualNetwork = layout.Tunnel is TunnelKind.Vxlan or TunnelKind.Geneve or TunnelKind.Nvgre;
        hash.Add(((ulong)ports << 16) | layout.IpProtocol);
        hash.Add(((ulong)layout.EtherType << 32) | (isVirtualNetwork ? layout.Vni : 0));
        return hash.First;
    }

    public void Dispose() => _entries.Dispose();

    private static bool IsNew(in FrameLayout layout) => layout.IpProtocol == IpProtocols.Tcp
        && (layout.Flags & LayoutFlags.HasTransport) != 0 && (layout.TcpFlags & (TcpSyn | TcpAck)) == TcpSyn;

    private static void Restart(ref FlowMemoryEntry entry)
    {
        entry.Frames = 0;
        entry.PayloadBytes = 0;
        entry.Forward.IsKnown = false;
        entry.Reverse.IsKnown = false;
    }
}
