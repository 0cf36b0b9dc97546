// A capture read once before it is imported: how many frames, from when to when, in order or not, how much room, what is broken,
// and the hash by which it is known again. Nothing is written before all of this is known. One thread.
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter;

namespace Tapline.Workers.Imports;

/// <summary>Looks captures through.</summary>
internal static class CaptureSurvey
{
    // Options of a packet are not known beforehand; few have any.
    private const int OptionsBytes = 12;
    private const int StopEvery = 1 << 14;

    /// <summary>Reads a capture to its end; null with one sentence when it can't be read at all, no hash likewise.</summary>
    /// <param name="file">A file that can be read twice; for standard input nothing is read.</param>
    /// <param name="filter">Which frames are wanted.</param>
    /// <param name="points">Gets its interfaces.</param>
    /// <param name="progress">Gets frames and bytes of this capture.</param>
    /// <param name="stop">Ends it early; the result is of no use then.</param>
    /// <param name="error">The sentence.</param>
    public static ImportedCapture? Look(
        string file, CompiledFilter filter, ImportPoints points, Action<long, long>? progress, CancellationToken stop, out string error)
    {
        error = "";
        var capture = new ImportedCapture { File = file };
        if (capture.IsPipe)
        {
            return capture;
        }

        using var lane = ImportLane.Open(file, points, out error);
        if (lane is null)
        {
            return null;
        }

        if (lane.LengthBytes == 0)
        {
            error = $"{file} is a pipe, which can be read only once; import it as standard input: `tapline import - < {file}`.";
            return null;
        }

        capture = Walk(lane, capture, filter, points, progress, stop);
        return capture with { Bytes = lane.LengthBytes, Fault = lane.Fault, Sha256 = Hash(file, out error) };
    }

    /// <summary>SHA-256 of a file; null with a sentence when reading fails.</summary>
    private static string? Hash(string file, out string error)
    {
        error = "";
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"{file} cannot be read: {e.Message}";
            return null;
        }
    }

    private static ImportedCapture Walk(
        ImportLane lane, ImportedCapture capture, CompiledFilter filter, ImportPoints points, Action<long, long>? progress,
        CancellationToken stop)
    {
        var (firstNs, lastNs) = (long.MaxValue, long.MinValue);
        long frames = 0, wanted = 0, behind = 0, bytes = 0;
        var pointsBound = 0;
        while (lane.TryNext(stop))
        {
            if ((++frames % StopEvery) == 0)
            {
                progress?.Invoke(frames, lane.PositionBytes);
                if (stop.IsCancellationRequested)
                {
                    break;
                }
            }

            ref readonly var meta = ref lane.Meta;
            behind += meta.TimestampNs < lastNs ? 1 : 0;
            firstNs = Math.Min(firstNs, meta.TimestampNs);
            lastNs = Math.Max(lastNs, meta.TimestampNs);
            if (!filter.IsEverything)
            {
                if (pointsBound != points.All.Count)
                {
                    filter.Bind(points.Directory());
                    pointsBound = points.All.Count;
                }

                FrameDecoder.Decode(lane.Frame, meta, out var layout);
                if (!filter.Matches(meta, layout, lane.Frame))
                {
                    continue;
                }
            }

            wanted++;
            bytes += PcapngWriter.PacketBytes(meta.CapturedLength, OptionsBytes);
        }

        return capture with
        {
            Frames = frames, Wanted = wanted, OutOfOrder = behind, FirstNs = firstNs, LastNs = lastNs, SegmentBytes = bytes,
        };
    }
}
