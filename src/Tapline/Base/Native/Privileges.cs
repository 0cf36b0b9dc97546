// What this process may do, from its effective capabilities (/proc/self/status, <linux/capability.h>).
using System.Globalization;

namespace Tapline.Base.Native;

/// <summary>Effective capabilities of the process.</summary>
public static class Privileges
{
    private const int CAP_NET_ADMIN = 12;
    private const int CAP_NET_RAW = 13;
    private const int CAP_SYS_PTRACE = 19;
    private const int CAP_SYS_ADMIN = 21;
    private const int CAP_BPF = 39;

    /// <summary>May open packet sockets.</summary>
    public static bool HasNetRaw => Has(CAP_NET_RAW);

    /// <summary>May load BPF programs (CAP_SYS_ADMIN stood for it before Linux 5.8).</summary>
    public static bool HasBpf => Has(CAP_BPF) || Has(CAP_SYS_ADMIN);

    /// <summary>May change interfaces and look into other network namespaces.</summary>
    public static bool HasNetAdmin => Has(CAP_NET_ADMIN);

    /// <summary>May see which namespaces and files other users' processes use.</summary>
    public static bool HasPtrace => Has(CAP_SYS_PTRACE);

    /// <summary>What live capture lacks, e.g. "CAP_NET_RAW and CAP_BPF"; null when it has all it needs.</summary>
    public static string? MissingForCapture()
    {
        var missing = new List<string>();
        if (!HasNetRaw)
        {
            missing.Add("CAP_NET_RAW");
        }

        if (!HasBpf)
        {
            missing.Add("CAP_BPF");
        }

        return missing.Count == 0 ? null : string.Join(" and ", missing);
    }

    private static bool Has(int capability)
    {
        foreach (var line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("CapEff:", StringComparison.Ordinal)
                && ulong.TryParse(line.AsSpan(7).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var set))
            {
                return (set & (1UL << capability)) != 0;
            }
        }

        return false;
    }
}
