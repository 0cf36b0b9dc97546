// Names of segments: YYYYMMDDTHHMMSS.nnnnnnnnnZ-<worker>.pcapng, so that a listing sorts by time. Made from numbers
// into a PathBuffer, and read back from a name, so that no catalogue has to keep strings.
using System.Globalization;
using Tapline.Base;

namespace Tapline.Record;

/// <summary>A segment's identity, which is its name.</summary>
/// <param name="StartNs">Time of its first frame, ns since the epoch.</param>
/// <param name="Worker">The worker that wrote it.</param>
/// <param name="IsRecovered">True when its end was lost (crash, device error): its ledger is not complete.</param>
internal readonly record struct SegmentName(long StartNs, ushort Worker, bool IsRecovered)
{
    public const string Extension = ".pcapng";
    public const string IndexExtension = ".tlx";
    private const string Recovered = ".recovered";
    private const long NsPerSecond = 1_000_000_000;
    private const long TicksPerSecond = TimeSpan.TicksPerSecond;

    // 9999-12-31T23:59:59; later times than the name can say are clamped to it.
    private const long SecondsMax = 9_223_372_036;

    /// <summary>Adds the name to a path; a dot in front when it is still under way.</summary>
    public void AddTo(PathBuffer path, bool isHidden) => AddTo(path, isHidden, ".pcapng"u8);

    /// <summary>The same with another ending, for a file that belongs to the segment.</summary>
    public void AddTo(PathBuffer path, bool isHidden, ReadOnlySpan<byte> ending)
    {
        var ns = Math.Max(0, StartNs);
        var seconds = Math.Min(ns / NsPerSecond, SecondsMax);
        var time = new DateTime(DateTime.UnixEpoch.Ticks + (seconds * TicksPerSecond), DateTimeKind.Utc);
        if (isHidden)
        {
            path.Add("."u8);
        }

        path.Add(time.Year, 4).Add(time.Month, 2).Add(time.Day, 2).Add("T"u8)
            .Add(time.Hour, 2).Add(time.Minute, 2).Add(time.Second, 2).Add("."u8)
            .Add(ns % NsPerSecond, 9).Add("Z-"u8).Add(Worker, 1);
        if (IsRecovered)
        {
            path.Add(".recovered"u8);
        }

        path.Add(ending);
    }

    /// <summary>Reads a name back; false when it is not one of ours. A leading dot says that it is under way.</summary>
    public static bool TryParse(string fileName, out SegmentName name, out bool isHidden) =>
        TryParse(fileName, Extension, out name, out isHidden);

    /// <summary>Reads the name of a segment's index back.</summary>
    public static bool TryParseIndex(string fileName, out SegmentName name, out bool isHidden) =>
        TryParse(fileName, IndexExtension, out name, out isHidden);

    private static bool TryParse(string fileName, string extension, out SegmentName name, out bool isHidden)
    {
        name = default;
        isHidden = fileName.StartsWith('.');
        var text = fileName.AsSpan(isHidden ? 1 : 0);
        if (!text.EndsWith(extension, StringComparison.Ordinal))
        {
            return false;
        }

        text = text[..^extension.Length];
        var isRecovered = text.EndsWith(Recovered, StringComparison.Ordinal);
        text = isRecovered ? text[..^Recovered.Length] : text;
        const int TimeLength = 15;
        const int PrefixLength = 27; // YYYYMMDDTHHMMSS.nnnnnnnnnZ-
        if (text.Length <= PrefixLength || text[TimeLength] != '.' || text[(PrefixLength - 2)..PrefixLength] is not "Z-"
            || !DateTime.TryParseExact(
                text[..TimeLength], "yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            || !int.TryParse(text.Slice(16, 9), NumberStyles.None, CultureInfo.InvariantCulture, out var ns)
            || !ushort.TryParse(text[PrefixLength..], NumberStyles.None, CultureInfo.InvariantCulture, out var worker)
            || time < DateTime.UnixEpoch)
        {
            return false;
        }

        var seconds = (time.Ticks - DateTime.UnixEpoch.Ticks) / TicksPerSecond;
        if (seconds >= SecondsMax)
        {
            return false;
        }

        name = new SegmentName((seconds * NsPerSecond) + ns, worker, isRecovered);
        return true;
    }
}
