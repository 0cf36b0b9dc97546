// Changes bytes of a frame and keeps every checksum over them right, at every depth: TCP inside VXLAN inside UDP, a
// packet that an ICMP error quotes. Incremental (RFC 1624), so it works on cut frames, on first fragments, and leaves a
// wrong checksum as wrong as it was. What is left to a NIC (partial) stays left to it. In: the frame and its map. Out:
// the frame, changed in place. Pure; lives for one call; allocates nothing.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Mirror.Shape;

/// <summary>One frame under change.</summary>
internal readonly ref struct FramePatch(Span<byte> frame, FrameMap map)
{
    private readonly Span<byte> _frame = frame;

    /// <summary>The frame's bytes. What is written here must be between <see cref="Leave"/> and <see cref="Enter"/>.
    /// </summary>
    public Span<byte> Frame => _frame;

    /// <summary>Writes bytes at an offset.</summary>
    public void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        Leave(offset, bytes.Length);
        bytes.CopyTo(_frame[offset..]);
        Enter(offset, bytes.Length);
    }

    /// <summary>Takes the range out of all sums: call before its bytes change.</summary>
    public void Leave(int offset, int bytes) => Count(offset, bytes, map.Checksums.Length, leaves: true);

    /// <summary>Puts the range back into all sums: call when its bytes have changed.</summary>
    public void Enter(int offset, int bytes) => Count(offset, bytes, map.Checksums.Length, leaves: false);

    /// <summary>Writes the checksums that have moved, innermost first, because an outer one covers the inner's field.
    /// </summary>
    public void Finish()
    {
        var spots = map.Checksums;
        for (var i = spots.Length - 1; i >= 0; i--)
        {
            ref var spot = ref spots[i];
            if (spot.Delta is 0 or 0xFFFF)
            {
                // A CRC is moved by any change, also by one that the sum does not see.
                if (spot.Kind != ChecksumKind.Crc32c || spot.Delta == 0)
                {
                    continue;
                }
            }

            if (spot.Kind == ChecksumKind.Crc32c)
            {
                WriteCrc(spot, i);
                continue;
            }

            var field = _frame.Slice(spot.Field, 2);
            uint before = BinaryPrimitives.ReadUInt16BigEndian(field);
            if (spot.Kind == ChecksumKind.Partial)
            {
                var moved = InternetSum.Add(before, spot.Delta);
                BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)moved);

                // What the NIC will make of the covered bytes sums up to the complement of this field.
                Move(spot.Field, i, ~spot.Delta & 0xFFFF);
                continue;
            }

            // RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
            var after = ~InternetSum.Add(~before & 0xFFFF, spot.Delta) & 0xFFFF;
            after = after == 0xFFFF ? 0 : after;
            after = after == 0 && spot.Kind == ChecksumKind.WholeOrNone ? 0xFFFF : after;
            Count(spot.Field, 2, i, leaves: true);
            BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)after);
            Count(spot.Field, 2, i, leaves: false);
        }
    }

    private void WriteCrc(in ChecksumSpot spot, int index)
    {
        // Of a cut frame or a fragment it cannot be told; the field is then as wrong as a receiver finds it.
        if (spot.End > _frame.Length || spot.IsFragment)
        {
            return;
        }

        var crc = PacketChecksum.SctpSum(_frame[spot.Start..spot.End]);
        Count(spot.Field, 4, index, leaves: true);
        BinaryPrimitives.WriteUInt32LittleEndian(_frame[spot.Field..], crc);
        Count(spot.Field, 4, index, leaves: false);
    }

    // Inside a range that the NIC will sum, changes reach no sum but those inside of it and its own.
    private static int First(ReadOnlySpan<ChecksumSpot> spots, int count, int offset)
    {
        for (var i = count - 1; i >= 0; i--)
        {
            if (spots[i].Kind == ChecksumKind.Partial && offset >= spots[i].Start && offset < spots[i].End)
            {
                return i;
            }
        }

        return 0;
    }

    private void Count(int offset, int bytes, int count, bool leaves)
    {
        var spots = map.Checksums;
        for (var i = First(spots, count, offset); i < count; i++)
        {
            ref var spot = ref spots[i];
            if (spot.Kind != ChecksumKind.Partial)
            {
                Count(ref spot, offset, bytes, spot.Start, spot.End, leaves);
            }

            if (spot.PseudoSource >= 0)
            {
                Count(ref spot, offset, bytes, spot.PseudoSource, spot.PseudoSource + spot.PseudoBytes, leaves);
                Count(ref spot, offset, bytes, spot.PseudoDestination, spot.PseudoDestination + spot.PseudoBytes, leaves);
            }
        }
    }

    private void Count(ref ChecksumSpot spot, int offset, int bytes, int start, int end, bool leaves)
    {
        var from = Math.Max(offset, start);
        var to = Math.Min(Math.Min(offset + bytes, end), _frame.Length);
        if (from >= to)
        {
            return;
        }

        if (spot.Kind == ChecksumKind.Crc32c)
        {
            spot.Delta = 1;
            return;
        }

        var sum = InternetSum.Of(_frame[from..to]);
        sum = ((from - start) & 1) != 0 ? ((sum & 0xFF) << 8) | (sum >> 8) : sum;
        spot.Delta = InternetSum.Add(spot.Delta, leaves ? ~sum & 0xFFFF : sum);
    }

    // The field lies on an even place of every sum that covers it, or else its bytes are swapped.
    private void Move(int field, int count, uint delta)
    {
        var spots = map.Checksums;
        for (var i = 0; i < count; i++)
        {
            ref var spot = ref spots[i];
            if (field >= spot.Start && field < spot.End && spot.Kind is ChecksumKind.Whole or ChecksumKind.WholeOrNone)
            {
                var isOdd = ((field - spot.Start) & 1) != 0;
                spot.Delta = InternetSum.Add(spot.Delta, isOdd ? ((delta & 0xFF) << 8) | (delta >> 8) : delta);
            }
        }
    }
}
