// Times as every output of Tapline writes them: RFC 3339, UTC, nine fractional digits. Into a caller's span, without
// allocation, so that the live snapshot can use it each second.
using System.Diagnostics;

namespace Tapline.Base;

/// <summary>RFC 3339 text of a nanosecond time, e.g. <c>2024-01-02T03:04:05.000000006Z</c>.</summary>
public static class TimeText
{
    /// <summary>Bytes that <see cref="Write"/> fills.</summary>
    public const int Length = 30;

    private const long TickNs = 100;

    /// <summary>Years before 1 and after 9999 have no RFC 3339 form; such times (hostile files) are clamped.</summary>
    private static readonly long s_ticksMax = DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks;

    /// <summary>Writes <see cref="Length"/> ASCII bytes.</summary>
    /// <param name="timeNs">Nanoseconds since 1970-01-01 UTC; negative = before.</param>
    /// <param name="destination">At least <see cref="Length"/> bytes.</param>
    public static void Write(long timeNs, Span<byte> destination)
    {
        var ticks = Math.Min(Math.DivRem(timeNs, TickNs, out var rest), s_ticksMax);
        if (rest < 0)
        {
            rest += TickNs;
            ticks--;
        }

        var time = DateTime.UnixEpoch.AddTicks(ticks);
        Digits(destination, 0, 4, time.Year);
        destination[4] = (byte)'-';
        Digits(destination, 5, 2, time.Month);
        destination[7] = (byte)'-';
        Digits(destination, 8, 2, time.Day);
        destination[10] = (byte)'T';
        Digits(destination, 11, 2, time.Hour);
        destination[13] = (byte)':';
        Digits(destination, 14, 2, time.Minute);
        destination[16] = (byte)':';
        Digits(destination, 17, 2, time.Second);
        destination[19] = (byte)'.';
        Digits(destination, 20, 9, (int)((time.Ticks % TimeSpan.TicksPerSecond * TickNs) + rest));
        destination[29] = (byte)'Z';
    }

    /// <summary>The same as a string; for output that is not on a hot path.</summary>
    public static string Text(long timeNs)
    {
        Span<byte> bytes = stackalloc byte[Length];
        Write(timeNs, bytes);
        return System.Text.Encoding.ASCII.GetString(bytes);
    }

    private static void Digits(Span<byte> destination, int at, int count, int value)
    {
        Debug.Assert(value >= 0);
        for (var i = at + count - 1; i >= at; i--)
        {
            destination[i] = (byte)('0' + (value % 10));
            value /= 10;
        }
    }
}
