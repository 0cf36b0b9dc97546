// Long work shows where it stands: frames, bytes, percent, time left, on one line of a terminal that is rewritten a few
// times a second. When standard error is not a terminal nothing is printed, so logs and pipes stay clean.
using System.Diagnostics;
using System.Globalization;

namespace Tapline.Server.Commands;

/// <summary>A single rewritten line on standard error. Thread-safe only by its owner's discipline: one writer.</summary>
internal sealed class ProgressLine : IDisposable
{
    private const int IntervalMs = 200;
    private readonly bool _isShown = !Console.IsErrorRedirected;
    private readonly long _started = Stopwatch.GetTimestamp();
    private long _last;
    private bool _isDirty;

    /// <summary>Shows how far the work is. <paramref name="totalBytes"/> 0 = unknown (standard input).</summary>
    public void Show(long frames, long bytes, long totalBytes) => Show(frames, bytes, totalBytes, "frames");

    /// <summary>The same for other things than frames.</summary>
    public void Show(long frames, long bytes, long totalBytes, string what)
    {
        if (IsDue())
        {
            Write(Text(frames, bytes, totalBytes, Stopwatch.GetElapsedTime(_started), what));
        }
    }

    /// <summary>Shows how many of so many things are done.</summary>
    public void Show(int done, int of, string what)
    {
        if (IsDue())
        {
            Write(string.Create(CultureInfo.InvariantCulture, $"{done:N0} of {of:N0} {what}"));
        }
    }

    /// <summary>Removes the line, so that what is printed next starts on a clean one.</summary>
    public void Dispose()
    {
        if (_isDirty)
        {
            Console.Error.Write("\r\x1b[K");
            _isDirty = false;
        }
    }

    private bool IsDue() => _isShown && Stopwatch.GetElapsedTime(_last).TotalMilliseconds >= IntervalMs;

    private void Write(string text)
    {
        _last = Stopwatch.GetTimestamp();
        _isDirty = true;
        Console.Error.Write("\r\x1b[K" + text);
    }

    internal static string Text(long frames, long bytes, long totalBytes, TimeSpan elapsed, string what = "frames")
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{frames:N0} {what}  {Quantity.Bytes(bytes)}");
        if (totalBytes <= 0 || bytes <= 0)
        {
            return text;
        }

        var share = Math.Min(1.0, (double)bytes / totalBytes);
        var left = TimeSpan.FromSeconds(elapsed.TotalSeconds * (1 - share) / share);
        return text + string.Create(CultureInfo.InvariantCulture, $"  {share * 100:F0} %  {Quantity.Duration(left)} left");
    }
}
