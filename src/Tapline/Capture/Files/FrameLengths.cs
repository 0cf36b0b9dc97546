// The two lengths of a frame, made sound: files may claim anything.
using System.Runtime.CompilerServices;
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>Turns a record's lengths into a frame's.</summary>
internal static class FrameLengths
{
    /// <summary>
    /// Takes the FCS off, bounds the original length (it may say four billion), keeps it at or above the captured one.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set(ref FrameMeta meta, int captured, uint original, int fcsBytes)
    {
        var frame = (int)Math.Min(original, int.MaxValue / 2);
        if (fcsBytes != 0)
        {
            frame = Math.Max(frame, captured);
            frame = Math.Max(0, frame - fcsBytes);
            captured = Math.Min(captured, frame);
        }

        meta.CapturedLength = captured;
        meta.OriginalLength = Math.Max(frame, captured);
    }
}
