// Makes parts of a frame's payload unreadable: lengths stay, checksums follow, equal values stay equal where the filler
// has a key. It sees a super-frame before it is cut, so a value across its segments is found; protocol fields are
// followed from segment to segment besides. A segment that cannot be placed (out of order, after a gap) in a stream
// that had something masked is masked up to the end of its first line: it may be the rest of a value.
// One worker's, one thread; owns its scratch memory; allocates in the constructor only.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>Applies a mask.</summary>
internal sealed class PayloadMask(MaskPlan plan) : IDisposable
{
    private const byte Marked = 1;

    // Every field's machine begins with the end of a line, which is its first place.
    private const ulong LineStart = 1;

    private readonly NativeArray<byte> _marks = new(Limits.FrameBytesMax);
    private readonly NativeArray<ulong>? _states = plan.Patterns.Count == 0 ? null : new(Limits.FrameBytesMax);
    private readonly ByteMachine[] _fields = [.. plan.Fields];
    private readonly ByteMachine[] _patterns = [.. plan.Patterns];
    private readonly (int Offset, int Bytes)[] _ranges = [.. plan.Ranges];

    /// <summary>Masks the frame's payload; true when something was masked.</summary>
    public bool Apply(in FramePatch patch, in FrameLayout layout, ref FlowMemoryEntry flow, bool isReverse)
    {
        if (!TryPayload(patch.Frame, layout, out var start, out var bytes))
        {
            return false;
        }

        var data = patch.Frame.Slice(start, bytes);
        var marks = _marks.Span[..bytes];
        marks.Clear();
        var isMarked = false;
        foreach (var (offset, length) in _ranges)
        {
            if (offset < bytes)
            {
                marks.Slice(offset, Math.Min(length, bytes - offset)).Fill(Marked);
                isMarked = true;
            }
        }

        if (_fields.Length > 0 && layout.IpProtocol == IpProtocols.Tcp && (layout.Flags & LayoutFlags.HasTransport) != 0)
        {
            MarkFields(patch.Frame, layout, data, marks, ref isReverse ? ref flow.Reverse : ref flow.Forward, ref isMarked);
        }

        foreach (var pattern in _patterns)
        {
            pattern.Search(data, _states!.Span, marks, ref isMarked);
        }

        if (plan.Cards)
        {
            CardNumbers.Mark(data, marks, ref isMarked);
        }

        if (isMarked)
        {
            Fill(patch, start, marks);
        }

        return isMarked;
    }

    public void Dispose()
    {
        _marks.Dispose();
        _states?.Dispose();
    }

    // The payload of TCP, UDP and their kin, of an echo, of what an ICMP error quotes, of a later fragment. Other ICMP
    // messages and other protocols carry fields, which stay.
    private static bool TryPayload(ReadOnlySpan<byte> frame, in FrameLayout layout, out int start, out int bytes)
    {
        start = layout.PayloadOffset;
        bytes = Math.Min(layout.PayloadLength, frame.Length - start);
        if (layout.IpVersion == 0 || bytes <= 0)
        {
            return false;
        }

        if ((layout.Flags & LayoutFlags.QuotesPacket) != 0)
        {
            // Its IP header and the first eight bytes of what follows stay: they tell which flow is meant.
            var header = (frame[start] >> 4 == 6 ? 40 : (frame[start] & 15) * 4) + 8;
            start += header;
            bytes -= header;
            return bytes > 0;
        }

        if (layout.Verdict == DecodeVerdict.Fragment)
        {
            return true;
        }

        if ((layout.Flags & LayoutFlags.HasTransport) == 0)
        {
            // A transport header that contradicts itself: what every header of its kind has stays, the checksum in it too.
            var header = layout.TransportOffset + TransportBytes(layout.IpProtocol) - start;
            start += Math.Max(0, header);
            bytes -= Math.Max(0, header);
            return bytes > 0 && TransportBytes(layout.IpProtocol) != 0;
        }

        var type = layout.SourcePort >> 8;
        return layout.IpProtocol switch
        {
            IpProtocols.Tcp or IpProtocols.Udp or IpProtocols.UdpLite or IpProtocols.Dccp or IpProtocols.Sctp => true,
            IpProtocols.Icmp => type is 0 or 8,
            IpProtocols.Icmpv6 => type is 128 or 129,
            _ => false,
        };
    }

    private static int TransportBytes(byte protocol) => protocol switch
    {
        IpProtocols.Tcp => 20,
        IpProtocols.Udp or IpProtocols.UdpLite => 8,
        IpProtocols.Dccp or IpProtocols.Sctp => 12,
        _ => 0,
    };

    private void MarkFields(
        ReadOnlySpan<byte> frame, in FrameLayout layout, ReadOnlySpan<byte> data, Span<byte> marks, ref MaskStream stream,
        ref bool isMarked)
    {
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(frame[(layout.TransportOffset + 4)..]);
        var isNext = stream.IsKnown && sequence == stream.NextSequence;
        var isAgain = stream.IsKnown && sequence == stream.LastSequence;
        MachineStates before = default;
        MachineStates after = default;
        var hasSecret = false;
        for (var i = 0; i < _fields.Length; i++)
        {
            before[i] = isNext ? stream.Next[i] : isAgain ? stream.Last[i]
                : LineStart | (stream.HadSecret ? _fields[i].Secret : 0);
            after[i] = _fields[i].Stream(data, before[i], marks, ref hasSecret);
        }

        // What was seen before does not take the stream back; of a cut payload the end is not known.
        var end = sequence + (uint)layout.PayloadLength;
        if (!stream.IsKnown || (int)(end - stream.NextSequence) > 0)
        {
            stream.LastSequence = sequence;
            stream.Last = before;
            stream.NextSequence = end;
            stream.Next = after;
            stream.IsKnown = data.Length == layout.PayloadLength && (layout.Flags & LayoutFlags.IsFragment) == 0;
        }

        stream.HadSecret |= hasSecret;
        isMarked |= hasSecret;
    }

    private void Fill(in FramePatch patch, int start, ReadOnlySpan<byte> marks)
    {
        var at = 0;
        while (true)
        {
            var skip = marks[at..].IndexOfAnyExcept((byte)0);
            if (skip < 0)
            {
                return;
            }

            at += skip;
            var end = marks[at] == Marked ? MarkedEnd(marks, at) : CardEnd(patch.Frame[start..], marks, at);
            patch.Leave(start + at, end - at);
            FillValue(patch.Frame[(start + at)..(start + end)], marks[at..end]);
            patch.Enter(start + at, end - at);
            at = end;
        }
    }

    private static int MarkedEnd(ReadOnlySpan<byte> marks, int at)
    {
        var bytes = marks[at..].IndexOfAnyExcept(Marked);
        return bytes < 0 ? marks.Length : at + bytes;
    }

    // A number's digits are one value, whatever separates them.
    private static int CardEnd(ReadOnlySpan<byte> data, ReadOnlySpan<byte> marks, int at)
    {
        var mark = marks[at];
        while (at < marks.Length && (marks[at] == mark || (marks[at] == 0 && at + 1 < marks.Length
            && marks[at + 1] == mark && data[at] is (byte)' ' or (byte)'-')))
        {
            at++;
        }

        return at;
    }

    private void FillValue(Span<byte> value, ReadOnlySpan<byte> marks)
    {
        if (plan.FillKey is null)
        {
            for (var i = 0; i < value.Length; i++)
            {
                value[i] = marks[i] == 0 ? value[i] : plan.Fill;
            }

            return;
        }

        // The same digits with and without separators are the same number.
        Span<byte> digits = stackalloc byte[CardNumbers.DigitsMax];
        var count = 0;
        for (var i = 0; i < value.Length && marks[0] != Marked; i++)
        {
            if (marks[i] != 0 && count < digits.Length)
            {
                digits[count++] = value[i];
            }
        }

        var state = SipHash.Of(plan.FillKey, count == 0 ? value : digits[..count]);
        for (var i = 0; i < value.Length; i++)
        {
            if (marks[i] != 0)
            {
                value[i] = Keyed(value[i], Next(ref state));
            }
        }
    }

    private static byte Keyed(byte value, uint random) => (byte)(value switch
    {
        >= (byte)'0' and <= (byte)'9' => '0' + (random % 10),
        >= (byte)'A' and <= (byte)'Z' => 'A' + (random % 26),
        _ => 'a' + (random % 26),
    });

    // SplitMix64 spreads the keyed value over as many bytes as there are.
    private static uint Next(ref ulong state)
    {
        state += 0x9E37_79B9_7F4A_7C15;
        var x = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9;
        x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB;
        return (uint)((x ^ (x >> 31)) >> 32);
    }
}
