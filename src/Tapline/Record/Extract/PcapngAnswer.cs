// The answer to a query as one pcapng section that any tool opens: what it is and what it lacks in the section's comments,
// each point as an interface with the description that the recording has, packets as recorded (facts of super-frames,
// comments and flags included), and at the end each point's account. Blocks are collected and written in large pieces; what
// has come goes out whenever the query rests. Ends valid whenever it is ended. One thread; the stream is the caller's.
using System.Globalization;
using System.Text;
using Tapline.Base;

namespace Tapline.Record.Extract;

/// <summary>Writes a query's frames.</summary>
public sealed class PcapngAnswer(Stream stream, string question) : IExtractSink
{
    private const int FlushBytes = 1 << 20;
    private const int CommentBytesMax = 4096;
    private const int HolesMax = 20;
    private const ushort Comment = 1;
    private byte[] _buffer = new byte[2 * FlushBytes];
    private int _length;

    /// <summary>What is done to packets on their way out; null = they leave as recorded.</summary>
    public string? Change { get; set; }

    /// <summary>What the asker wants said in the section; null = nothing.</summary>
    public string? Note { get; set; }

    /// <summary>Bytes of the answer.</summary>
    public long Bytes { get; private set; }

    /// <summary>The sentences on completeness that section and terminal carry.</summary>
    public static IEnumerable<string> Account(ExtractPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        yield return string.Create(CultureInfo.InvariantCulture,
            $"{plan.SegmentsWanted} of {plan.SegmentsKept} segments lie in the window; over them arrived {plan.Arrived}, ")
            + string.Create(CultureInfo.InvariantCulture,
            $"dropped in the ring {plan.DroppedRing}, filtered {plan.Filtered}, dropped by the recorder {plan.DroppedRecorder}, ")
            + string.Create(CultureInfo.InvariantCulture, $"recorded {plan.Recorded} frames.");
        if (plan.Segments.Count(s => s.IsHidden) is > 0 and var underWay)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{underWay} of these are under way, and not in these figures: what arrived there is told when they end.");
        }

        if (plan.Sliced > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{plan.Sliced} of these were cut on purpose, by what their class keeps ({string.Join(", ", plan.SlicedBy)}).");
        }

        foreach (var hole in plan.Holes.Take(HolesMax))
        {
            yield return hole;
        }

        if (plan.Holes.Count > HolesMax)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{plan.Holes.Count - HolesMax} more holes.");
        }

        if (plan.Holes.Count == 0)
        {
            yield return "No hole is known.";
        }
    }

    public void Begin(ExtractPlan plan)
    {
        byte[] options =
        [
            .. Text(Comment, $"tapline query: {question}"),
            .. Note is null ? [] : Text(Comment, Note),
            .. Change is null ? [] : Text(Comment, $"Packets were changed on the way out: {Change}. Original lengths are those recorded."),
            .. Account(plan).SelectMany(sentence => Text(Comment, sentence)),
            .. Text(4, $"Tapline {typeof(PcapngAnswer).Assembly.GetName().Version?.ToString(3)}"), // shb_userappl
        ];
        _length += PcapngWriter.WriteSectionHeader(Room(PcapngWriter.SectionHeaderBytes + options.Length), options);
        Rest();
    }

    public void AddPoint(ExtractPoint point)
    {
        ArgumentNullException.ThrowIfNull(point);
        _length += PcapngWriter.WriteInterface(
            Room(PcapngWriter.InterfaceBytes + point.Options.Length), point.LinkType, point.Options.Span);
    }

    public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame)
    {
        var target = Room(block.Length);
        block.CopyTo(target);
        PcapngWriter.SetInterface(target, meta.PointId);
        _length += block.Length;
    }

    public void Rest()
    {
        if (_length > 0)
        {
            stream.Write(_buffer, 0, _length);
            stream.Flush();
            Bytes += _length;
            _length = 0;
        }
    }

    /// <summary>Writes the account of each point and what turned out while the query ran.</summary>
    public void End(ExtractReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        foreach (var (point, counts) in report.Points)
        {
            var options = new byte[5 * 12];
            var length = PcapngWriter.WriteOption(options, 4, counts.Arrived); // isb_ifrecv
            length += PcapngWriter.WriteOption(options.AsSpan(length), 5, counts.DroppedRing + counts.DroppedRecorder); // isb_ifdrop
            length += PcapngWriter.WriteOption(options.AsSpan(length), 6, counts.Selected); // isb_filteraccept
            length += PcapngWriter.WriteOption(options.AsSpan(length), 7, counts.DroppedRing); // isb_osdrop
            length += PcapngWriter.WriteOption(options.AsSpan(length), 8, counts.Selected); // isb_usrdeliv
            byte[] all =
            [
                .. point.Id == 0 ? report.Faults.Take(HolesMax).SelectMany(fault => Text(Comment, fault)) : [],
                .. options.AsSpan(0, length),
            ];
            _length += PcapngWriter.WriteStatistics(Room(all.Length + 28), point.Id, report.LatestNs / point.UnitNs, all);
        }

        Rest();
    }

    private Span<byte> Room(int bytes)
    {
        if (_length + bytes > _buffer.Length)
        {
            Rest();
        }

        if (bytes > _buffer.Length)
        {
            _buffer = new byte[bytes];
        }

        return _buffer.AsSpan(_length);
    }

    private static byte[] Text(ushort code, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = Math.Min(bytes.Length, CommentBytesMax);
        while (length > 0 && length < bytes.Length && (bytes[length] & 0xc0) == 0x80)
        {
            length--; // between two characters
        }

        var option = new byte[4 + PcapngWriter.Pad(length)];
        PcapngWriter.WriteOption(option, code, bytes.AsSpan(0, length));
        return option;
    }
}
