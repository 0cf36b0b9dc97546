// How much memory the host can spare (/proc/meminfo), so that a fixed budget does not harm a small host.
using System.Globalization;

namespace Tapline.Base.Native;

/// <summary>The host's memory in bytes.</summary>
public static class HostMemory
{
    /// <summary>Memory of the host.</summary>
    public static long TotalBytes => Read("MemTotal:");

    /// <summary>What can be had without swapping.</summary>
    public static long AvailableBytes => Read("MemAvailable:");

    private static long Read(string key)
    {
        foreach (var line in File.ReadLines("/proc/meminfo"))
        {
            if (line.StartsWith(key, StringComparison.Ordinal))
            {
                var number = line.AsSpan(key.Length).Trim();
                var end = number.IndexOf(' ');
                return long.Parse(end < 0 ? number : number[..end], CultureInfo.InvariantCulture) * 1024;
            }
        }

        return long.MaxValue;
    }
}
