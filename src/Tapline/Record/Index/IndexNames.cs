// Texts and observation points of one index. In: the section's bytes, hostile; names are what a guest may have chosen.
// texts: varint count, each varint length and UTF-8. points: varint count, each varint id and references to name, kind,
// switch, vm, vm_id. A reference is the text's number from 1; 0 = none.
using System.Text;
using Tapline.Base;
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>Names that flows refer to.</summary>
internal sealed class IndexNames
{
    /// <summary>Longest text that is written, in bytes.</summary>
    public const int TextBytesMax = 1024;

    private IndexNames(string[] texts, PointInfo[] points)
    {
        Texts = texts;
        Points = points;
    }

    public string[] Texts { get; }

    public PointInfo[] Points { get; }

    /// <summary>The text of a reference; null = none.</summary>
    public string? Text(long reference) => reference > 0 && reference <= Texts.Length ? Texts[reference - 1] : null;

    /// <summary>Reads the section; null when it is not whole.</summary>
    public static IndexNames? TryRead(ReadOnlySpan<byte> source)
    {
        if (!Varint.TryRead(ref source, source.Length, out int count))
        {
            return null;
        }

        var texts = new List<string>();
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, TextBytesMax, out int length) || length > source.Length)
            {
                return null;
            }

            texts.Add(Encoding.UTF8.GetString(source[..length]));
            source = source[length..];
        }

        var names = new IndexNames([.. texts], []);
        if (!Varint.TryRead(ref source, Limits.SegmentInterfacesMax, out count))
        {
            return null;
        }

        var points = new List<PointInfo>();
        Span<int> references = stackalloc int[5];
        for (var i = 0; i < count; i++)
        {
            if (!Varint.TryRead(ref source, ushort.MaxValue, out int id))
            {
                return null;
            }

            foreach (ref var reference in references)
            {
                if (!Varint.TryRead(ref source, texts.Count, out reference))
                {
                    return null;
                }
            }

            points.Add(new PointInfo(
                (ushort)id, names.Text(references[0]) ?? "", names.Text(references[1]) ?? "", names.Text(references[2]),
                names.Text(references[3]), names.Text(references[4])));
        }

        return source.IsEmpty ? new IndexNames(names.Texts, [.. points]) : null;
    }
}
