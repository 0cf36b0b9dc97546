// The tables that join rows to names: points and mirror sessions with one heap of strings. Encoded when something
// changed, then shared by every batch until the next change; immutable once made.
using System.Buffers.Binary;
using System.Text;

namespace Tapline.Store;

/// <summary>The encoded name tables of a batch. Immutable.</summary>
internal sealed class SpoolNames
{
    /// <summary>Tables without any name.</summary>
    public static readonly SpoolNames Empty = new([], []);

    public SpoolNames(IReadOnlyCollection<PointInfo> points, IReadOnlyCollection<SessionInfo> sessions)
    {
        var heap = new MemoryStream();
        Points = new byte[points.Count * SpoolLayout.PointRowBytes];
        Sessions = new byte[sessions.Count * SpoolLayout.SessionRowBytes];
        var row = Points.AsSpan();
        foreach (var point in points)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(row, point.Id);
            BinaryPrimitives.WriteInt64LittleEndian(row[8..], point.SpeedBitsPerSecond);
            WriteStrings(row[16..], heap, point.Name, point.Kind, point.Switch, point.Vm, point.VmId);
            row = row[SpoolLayout.PointRowBytes..];
        }

        row = Sessions.AsSpan();
        foreach (var session in sessions)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(row, session.Id);
            WriteStrings(row[8..], heap, session.Name, session.To, session.Filter);
            row = row[SpoolLayout.SessionRowBytes..];
        }

        Strings = heap.ToArray();
    }

    public byte[] Strings { get; }

    public byte[] Points { get; }

    public byte[] Sessions { get; }

    /// <summary>Longer texts are cut at a character's border: a guest may choose its names.</summary>
    public static byte[] EncodeText(string text, int bytesMax)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = Math.Min(bytes.Length, bytesMax);
        while (length > 0 && length < bytes.Length && (bytes[length] & 0xc0) == 0x80)
        {
            length--;
        }

        return bytes[..length];
    }

    private static void WriteStrings(Span<byte> row, MemoryStream heap, params ReadOnlySpan<string?> texts)
    {
        foreach (var text in texts)
        {
            if (text is not null)
            {
                var bytes = EncodeText(text, SpoolLayout.StringBytesMax);
                BinaryPrimitives.WriteUInt32LittleEndian(row, (uint)heap.Length);
                BinaryPrimitives.WriteUInt16LittleEndian(row[4..], (ushort)bytes.Length);
                row[6] = 1;
                heap.Write(bytes);
            }

            row = row[SpoolLayout.StringReferenceBytes..];
        }
    }
}
