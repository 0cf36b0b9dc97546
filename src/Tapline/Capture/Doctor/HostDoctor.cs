// Is this host fit for Tapline? Asks the kernel by trying (a small ring, a small program), not by version numbers, and
// leaves nothing behind. In: the data folder, the ring budget. Out: one line per check with the mend. Control thread.
// Without privileges it says what it could not see.
using Tapline.Base;

namespace Tapline.Capture.Doctor;

/// <summary>All checks, in the order in which they are shown.</summary>
public static class HostDoctor
{
    /// <summary>Runs the checks. <paramref name="dataFolder"/> may be null: then the disk is not looked at.</summary>
    public static IReadOnlyList<CheckResult> Examine(string? dataFolder, long ringBudgetBytes = Limits.RingBudgetBytesDefault)
    {
        var results = new List<CheckResult>
        {
            KernelChecks.Version(),
            KernelChecks.Privileges(),
            KernelChecks.Capture(),
            KernelChecks.BpfCompiler(),
            KernelChecks.Tcx(),
            KernelChecks.Xdp(),
            HostChecks.LockedMemory(),
            HostChecks.RingMemory(ringBudgetBytes),
            HostChecks.ClockSource(),
            HostChecks.ClockSynchronised(),
            HostChecks.ReversePath(),
        };
        results.AddRange(PortChecks.Examine());
        results.AddRange(IdentityChecks.Examine());
        if (dataFolder is not null)
        {
            results.AddRange(DiskChecks.Examine(dataFolder));
        }

        return results;
    }
}
