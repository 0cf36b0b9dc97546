// What one offline worker counts of the frames that it decodes. Added up over the workers at the end; sums do not depend
// on who decoded what.
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Store;

namespace Tapline.Workers.Offline;

/// <summary>Counts of decoded frames. One thread until it is merged.</summary>
public sealed class OfflineTally : IDisposable
{
    private const int ProtocolsMax = 512;
    private const int EtherTypeArp = 0x0806;
    private readonly long[] _protocols = new long[ProtocolsMax];
    private readonly long[] _tunnels = new long[byte.MaxValue + 1];
    private readonly SecondLedger? _seconds;

    public OfflineTally(bool keepLedger)
    {
        Counts = new WorkerCounts(ushort.MaxValue + 1);
        _seconds = keepLedger ? new SecondLedger() : null;
    }

    /// <summary>Counts by point and by verdict.</summary>
    public WorkerCounts Counts { get; }

    /// <summary>Frames analysed, their original bytes.</summary>
    public long Frames { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>Frames that the filter did not select.</summary>
    public long Filtered { get; set; }

    /// <summary>Time of the earliest and latest frame; no frames: both 0.</summary>
    public long FirstNs { get; private set; } = long.MaxValue;

    public long LastNs { get; private set; } = long.MinValue;

    /// <summary>Frames by <see cref="FlowProtocol"/> number.</summary>
    public ReadOnlySpan<long> Protocols => _protocols;

    /// <summary>Frames by <see cref="TunnelKind"/>.</summary>
    public ReadOnlySpan<long> Tunnels => _tunnels;

    /// <summary>The ledger by second, when it was asked for.</summary>
    internal SecondLedger? Seconds => _seconds;

    /// <summary>Counts one frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Count(in FrameMeta meta, in FrameLayout layout)
    {
        Frames++;
        Bytes += meta.OriginalLength;
        FirstNs = Math.Min(FirstNs, meta.TimestampNs);
        LastNs = Math.Max(LastNs, meta.TimestampNs);
        _protocols[Protocol(layout)]++;
        _tunnels[(int)layout.Tunnel]++;
        Counts.Count(meta, layout);
        _seconds?.Count(meta, layout);
    }

    /// <summary>The frame's kind in the words of flows; 0 with an unknown link = not counted as a protocol.</summary>
    public static int Protocol(in FrameLayout layout)
    {
        if (layout.IpVersion != 0)
        {
            return layout.IpProtocol;
        }

        if ((layout.Flags & LayoutFlags.Llc) != 0)
        {
            return FlowProtocol.Llc;
        }

        return layout.EtherType == EtherTypeArp ? FlowProtocol.Arp
            : layout.Verdict == DecodeVerdict.UndecodableLink ? UnknownLink : FlowProtocol.EtherTypeFlow;
    }

    /// <summary>Place of frames whose link type has no decoder.</summary>
    public const int UnknownLink = ProtocolsMax - 1;

    /// <summary>Adds another worker's counts; points are added by who prints them.</summary>
    internal void Add(OfflineTally other, int pointsEnd)
    {
        Frames += other.Frames;
        Bytes += other.Bytes;
        Filtered += other.Filtered;
        FirstNs = Math.Min(FirstNs, other.FirstNs);
        LastNs = Math.Max(LastNs, other.LastNs);
        for (var p = 0; p < _protocols.Length; p++)
        {
            _protocols[p] += other._protocols[p];
        }

        for (var t = 0; t < _tunnels.Length; t++)
        {
            _tunnels[t] += other._tunnels[t];
        }

        Counts.Add(other.Counts, pointsEnd);
        if (other._seconds is not null)
        {
            _seconds?.Add(other._seconds);
        }
    }

    public void Dispose() => Counts.Dispose();
}
