// The lists of machines of one segment, by the places that its end tells: a few small reads. A segment without such an end (under
// way, cut short) is walked to its first packet, before which its first list stands. One thread.
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>Reads lists of machines.</summary>
internal static class SegmentMachines
{
    private const int ReadBytes = 4 << 10;

    /// <summary>Gives the segment's lists to the collector; a segment that can't be read has none.</summary>
    public static void Read(string path, ExtractMachines machines)
    {
        try
        {
            var places = SegmentEnd.TryRead(path)?.Places;
            using var cursor = SegmentCursor.Open(path);
            if (places is not null)
            {
                foreach (var place in places)
                {
                    cursor.Seek(place, place + ReadBytes);
                    Take(cursor.TryNext(), cursor, machines);
                }

                return;
            }

            while (cursor.TryNext() && cursor.Type != PcapngWriter.EnhancedPacket)
            {
                Take(isRead: true, cursor, machines);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Reading its packets says what is wrong.
        }
    }

    private static void Take(bool isRead, SegmentCursor cursor, ExtractMachines machines)
    {
        if (isRead && cursor.Type == MachinesBlock.Type)
        {
            _ = machines.Take(cursor.Block[8..^4]);
        }
    }
}
