// Memory, clock and routing settings of the host.
using System.Globalization;
using Tapline.Base.Native;

namespace Tapline.Capture.Doctor;

/// <summary>Checks of the host outside the kernel's features.</summary>
internal static unsafe class HostChecks
{
    private const int StaUnsync = 0x0040; // STA_UNSYNC of linux/timex.h
    private const int TimexStatusOffset = 40;
    private const int TimexMaxErrorOffset = 24;
    private const int TimexBytes = 208;
    private static readonly string[] s_slowClocks = ["hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"];

    public static CheckResult LockedMemory()
    {
        const long NeededBytes = 64 << 20;
        if (Environment.OSVersion.Version >= new Version(5, 11))
        {
            return CheckResult.Ok("memlock", "This kernel does not count BPF maps against the locked-memory limit.");
        }

        var limit = LimitOf("Max locked memory");
        return limit >= NeededBytes || Environment.IsPrivilegedProcess
            ? CheckResult.Ok("memlock", "The locked-memory limit has room for BPF maps.")
            : CheckResult.Bad(
                "memlock", $"The locked-memory limit is {limit >> 10} KiB; before Linux 5.11 BPF maps count against it.",
                "Raise it to 64 MiB (LimitMEMLOCK= of the service, or ulimit -l).");
    }

    public static CheckResult RingMemory(long budgetBytes)
    {
        var available = HostMemory.AvailableBytes;
        var finding = $"Ring budget {Mebibytes(budgetBytes)}, memory available {Mebibytes(available)}";
        return budgetBytes <= available / 4
            ? CheckResult.Ok("ring_budget", $"{finding}.")
            : CheckResult.Warn(
                "ring_budget", $"{finding}: the rings will be held to {Mebibytes(available / 4)}, a quarter of it.",
                "Give the host more memory or a smaller ring budget on purpose; short rings lose frames in bursts.");
    }

    public static CheckResult ClockSource()
    {
        const string File = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        string clock;
        try
        {
            clock = System.IO.File.ReadAllText(File).Trim();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return CheckResult.Warn("clock_source", "The kernel does not tell its clock source.", "Mount /sys to see it.");
        }

        return Array.IndexOf(s_slowClocks, clock) < 0
            ? CheckResult.Ok("clock_source", $"Clock source `{clock}`: reading the time costs nanoseconds.")
            : CheckResult.Warn(
                "clock_source", $"Clock source `{clock}`: each frame's timestamp costs about a microsecond.",
                "Find out why the kernel gave up the TSC (kernel log), or set clocksource=tsc on its command line.");
    }

    public static CheckResult ClockSynchronised()
    {
        // struct timex (linux/timex.h) on 64 bits: modes u32, …, maxerror at 24, status at 40. All zero = read only.
        var timex = stackalloc byte[TimexBytes];
        new Span<byte>(timex, TimexBytes).Clear();
        var state = SystemCalls.AdjustTime(timex);
        var status = *(int*)(timex + TimexStatusOffset);
        if (state < 0)
        {
            return CheckResult.Warn(
                "clock_sync", "The kernel does not tell whether its clock is synchronised.", "Check your time service.");
        }

        var maxErrorUs = *(long*)(timex + TimexMaxErrorOffset);
        return (status & StaUnsync) == 0
            ? CheckResult.Ok(
                "clock_sync",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The clock is synchronised, estimated error below {maxErrorUs / 1000.0:0.###} ms."))
            : CheckResult.Warn(
                "clock_sync", "The clock is not synchronised: times of several hosts cannot be compared.",
                "Run chrony or another NTP or PTP client.");
    }

    public static CheckResult ReversePath() =>
        KernelChecks.ReadNumber("/proc/sys/net/ipv4/conf/all/rp_filter") switch
        {
            1 => CheckResult.Warn(
                "rp_filter", "Strict reverse-path filtering is on: mirror streams that arrive by a tunnel may be thrown away by the host.",
                "Set net.ipv4.conf.all.rp_filter to 2 or 0 if this host receives mirror tunnels."),
            null => CheckResult.Ok("rp_filter", "The kernel has no reverse-path filter."),
            _ => CheckResult.Ok("rp_filter", "Reverse-path filtering does not stand in the way of mirror tunnels."),
        };

    private static long LimitOf(string name)
    {
        foreach (var line in File.ReadLines("/proc/self/limits"))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
            {
                var soft = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                return long.TryParse(soft, CultureInfo.InvariantCulture, out var bytes) ? bytes : long.MaxValue;
            }
        }

        return long.MaxValue;
    }

    private static string Mebibytes(long bytes) => $"{bytes >> 20} MiB";
}
