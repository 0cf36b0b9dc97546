// Smart keep: of TLS, SSH and QUIC the packets of the handshake whole, of what is encrypted afterwards the headers. Bytes on disk
// that nobody can ever read are worth nothing; the handshake says who talked to whom, how, and with which certificate.
// In: a frame's layout and bytes, the flow's state, which changes. Out: how much of the payload is kept. Records are followed
// by their lengths over TCP's sequence numbers; a lost segment is bridged where a segment begins with a record again.
// What can't be followed is kept as handshake, up to Limits.HandshakeLostBytesMax of each direction.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Record.Keep;

/// <summary>Decides how much of a frame's payload belongs to a handshake. Pure; the flow's state is the caller's.</summary>
public static class HandshakeKeep
{
    /// <summary>The flow is none of the protocols, or has not shown itself: somebody else decides.</summary>
    public const int NotEncrypted = -1;

    private const byte TcpSyn = 0x02;
    private const int TriesMax = 16;
    private const int Unit = 16; // of what a direction has been taken for handshake, counted in two bytes

    /// <summary>Payload bytes of the frame to keep, at most what it has; <see cref="NotEncrypted"/> where the flow is not
    /// encrypted.</summary>
    /// <param name="flow">State of the flow; each frame of it once, in order.</param>
    /// <param name="layout">The frame's layout.</param>
    /// <param name="frame">Its bytes as captured.</param>
    /// <param name="segmentBytes">Payload of each wire segment where the frame is a super-frame; 0 = it is none.</param>
    public static int PayloadOf(ref HandshakeFlow flow, in FrameLayout layout, ReadOnlySpan<byte> frame, int segmentBytes)
    {
        if (layout.IpProtocol is not (IpProtocols.Tcp or IpProtocols.Udp) || (layout.Flags & LayoutFlags.HasTransport) == 0
            || layout.PayloadLength <= 0 || layout.PayloadOffset >= frame.Length)
        {
            return flow.Protocol > HandshakeProtocol.Other ? 0 : NotEncrypted;
        }

        var payload = frame.Slice(layout.PayloadOffset, Math.Min(layout.PayloadLength, frame.Length - layout.PayloadOffset));
        if (flow.Protocol == HandshakeProtocol.Undecided)
        {
            Recognise(ref flow, layout.IpProtocol, payload);
        }

        if (flow.Protocol <= HandshakeProtocol.Other)
        {
            return NotEncrypted;
        }

        ref var side = ref IsLower(layout, frame) ? ref flow.Lower : ref flow.Upper;
        var kept = flow.Protocol == HandshakeProtocol.Quic ? Quic(payload, segmentBytes)
            : Tcp(ref side, flow.Protocol == HandshakeProtocol.Tls, layout, frame, payload);
        kept = WholeSegments(kept, payload.Length, segmentBytes);
        return Limited(ref side, kept);
    }

    private static void Recognise(ref HandshakeFlow flow, byte protocol, ReadOnlySpan<byte> payload)
    {
        flow.Protocol = protocol == IpProtocols.Udp
            ? QuicHeaders.ShowsItself(payload) ? HandshakeProtocol.Quic : HandshakeProtocol.Undecided
            : TlsRecords.ShowsItself(payload) ? HandshakeProtocol.Tls
            : SshPackets.ShowsItself(payload) ? HandshakeProtocol.Ssh : HandshakeProtocol.Undecided;
        if (flow.Protocol == HandshakeProtocol.Undecided && ++flow.Tries >= TriesMax)
        {
            flow.Protocol = HandshakeProtocol.Other;
        }
    }

    // The same end of a flow is the lower one in both directions.
    private static bool IsLower(in FrameLayout layout, ReadOnlySpan<byte> frame)
    {
        if (layout.SourcePort != layout.DestinationPort)
        {
            return layout.SourcePort < layout.DestinationPort;
        }

        var (first, bytes) = layout.IpVersion == 4 ? (12, 4) : (8, 16);
        var addresses = frame.Slice(layout.NetworkOffset + first, 2 * bytes);
        return addresses[..bytes].SequenceCompareTo(addresses[bytes..]) < 0;
    }

    private static int Quic(ReadOnlySpan<byte> payload, int segmentBytes)
    {
        if (segmentBytes <= 0)
        {
            return QuicHeaders.IsLong(payload) ? payload.Length : 0;
        }

        var kept = 0;
        while (kept < payload.Length && QuicHeaders.IsLong(payload[kept..]))
        {
            kept = Math.Min(payload.Length, kept + segmentBytes);
        }

        return kept;
    }

    private static int Tcp(
        ref HandshakeSide side, bool isTls, in FrameLayout layout, ReadOnlySpan<byte> frame, ReadOnlySpan<byte> payload)
    {
        var sequence = BinaryPrimitives.ReadUInt32BigEndian(frame[(layout.TransportOffset + 4)..])
            + ((layout.TcpFlags & TcpSyn) != 0 ? 1u : 0);
        if (side.Step == HandshakeStep.Over)
        {
            // A packet of the handshake once more.
            return sequence - side.Start < side.Next - side.Start ? payload.Length : 0;
        }

        if (side.Step == HandshakeStep.New)
        {
            side.Start = side.Next = sequence;
            side.Step = !isTls && SshPackets.ShowsItself(payload) ? HandshakeStep.Banner
                : isTls && TlsRecords.IsHeader(payload) ? HandshakeStep.InStep : HandshakeStep.Lost;
        }

        var seenBefore = (int)(side.Next - sequence);
        if (seenBefore >= layout.PayloadLength)
        {
            return payload.Length;
        }

        var isNext = seenBefore >= 0 && side.Step != HandshakeStep.Lost;
        if (!isNext && !TryFindStep(ref side, isTls, payload))
        {
            side.Next = sequence + (uint)layout.PayloadLength;
            return payload.Length;
        }

        var from = isNext ? seenBefore : 0;
        var end = Follow(ref side, isTls, payload[Math.Min(from, payload.Length)..], layout.PayloadLength - from);
        if (side.Step == HandshakeStep.Over)
        {
            side.Next = sequence + (uint)Math.Max(0, from + end);
            return Math.Clamp(from + end, 0, payload.Length);
        }

        side.Next = sequence + (uint)layout.PayloadLength;
        return payload.Length;
    }

    // After a gap: a segment that begins with a record puts the direction into step again.
    private static bool TryFindStep(ref HandshakeSide side, bool isTls, ReadOnlySpan<byte> payload)
    {
        var isFound = isTls ? TlsRecords.IsHeader(payload) : SshPackets.IsHeader(payload);
        side.Step = isFound ? HandshakeStep.InStep : HandshakeStep.Lost;
        (side.Remaining, side.HeaderBytes, side.Header) = (0, 0, 0);
        return isFound;
    }

    // Walks records through the payload, of which only a part may have been captured. Returns where the handshake ends, when it
    // does; below zero where a header that ends it began in the segment before.
    private static int Follow(ref HandshakeSide side, bool isTls, ReadOnlySpan<byte> captured, int length)
    {
        var at = 0;
        while (at < length)
        {
            if (side.Step == HandshakeStep.Banner)
            {
                var line = captured[Math.Min(at, captured.Length)..].IndexOf((byte)'\n');
                if (line < 0)
                {
                    return 0;
                }

                (side.Step, at) = (HandshakeStep.InStep, at + line + 1);
                continue;
            }

            if (side.Remaining > 0)
            {
                var part = Math.Min(side.Remaining, length - at);
                side.Remaining -= part;
                at += part;
                if (side.Remaining == 0 && side.Step == HandshakeStep.LastRecord)
                {
                    side.Step = HandshakeStep.Over;
                    return at;
                }

                continue;
            }

            if (at >= captured.Length)
            {
                side.Step = HandshakeStep.Lost;
                return 0;
            }

            at++;
            side.Header |= (ulong)captured[at - 1] << (8 * side.HeaderBytes);
            side.HeaderBytes++;
            if (side.HeaderBytes == (isTls ? TlsRecords.HeaderBytes : SshPackets.HeaderBytes) && !TryBegin(ref side, isTls))
            {
                return at - (isTls ? TlsRecords.HeaderBytes : SshPackets.HeaderBytes);
            }
        }

        return 0;
    }

    // A header is complete: false when the handshake has ended before it, or the step is lost.
    private static bool TryBegin(ref HandshakeSide side, bool isTls)
    {
        Span<byte> header = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(header, side.Header);
        header = header[..side.HeaderBytes];
        (side.Header, side.HeaderBytes) = (0, 0);
        if (isTls)
        {
            side.Step = !TlsRecords.IsHeader(header) ? HandshakeStep.Lost
                : TlsRecords.IsBulk(header) ? HandshakeStep.Over : HandshakeStep.InStep;
            side.Remaining = TlsRecords.Length(header);
        }
        else
        {
            side.Step = !SshPackets.IsHeader(header) ? HandshakeStep.Lost
                : SshPackets.IsLast(header) ? HandshakeStep.LastRecord : HandshakeStep.InStep;
            side.Remaining = Math.Max(0, SshPackets.Length(header));
        }

        return side.Step is HandshakeStep.InStep or HandshakeStep.LastRecord;
    }

    // Packets are kept whole: of a super-frame all wire segments in which there is any handshake.
    private static int WholeSegments(int kept, int length, int segmentBytes) =>
        kept == 0 || segmentBytes <= 0 ? kept == 0 ? 0 : length
        : (int)Math.Min(length, ((long)kept + segmentBytes - 1) / segmentBytes * segmentBytes);

    // A flow whose records can't be followed, or that is never done with its handshake, must not fill the disk with it.
    private static int Limited(ref HandshakeSide side, int kept)
    {
        var limit = side.Step == HandshakeStep.Lost ? Limits.HandshakeLostBytesMax : Limits.HandshakeBytesMax;
        if (kept > 0 && side.TakenUnits * Unit >= limit)
        {
            return 0;
        }

        side.TakenUnits = (ushort)Math.Min(ushort.MaxValue, side.TakenUnits + ((kept + Unit - 1) / Unit));
        return kept;
    }
}
