// Who can be asked for the names of machines. Says nothing where no libvirt runs: then there is nobody to ask, and nothing amiss.
using Tapline.Capture.Identity;

namespace Tapline.Capture.Doctor;

/// <summary>Checks of what names the machines behind ports.</summary>
internal static class IdentityChecks
{
    private static readonly TimeSpan s_timeMax = TimeSpan.FromSeconds(3);

    public static IEnumerable<CheckResult> Examine()
    {
        if (!LibvirtFollower.IsDaemonHere)
        {
            return [];
        }

        if (!LibvirtCalls.IsAvailable)
        {
            return
            [
                CheckResult.Warn(
                    "libvirt", "libvirt runs here, but its client library libvirt.so.0 is not installed: titles and tags stay unknown.",
                    "Install it (Debian: libvirt0, Fedora: libvirt-libs, SUSE: libvirt-libs)."),
            ];
        }

        using var follower = LibvirtFollower.Start(null, () => { }, out _);
        if (follower is null || !follower.WaitForFirstLook(s_timeMax))
        {
            return
            [
                CheckResult.Warn(
                    "libvirt", "libvirt runs here and does not answer.", "Look at its log; names come from QEMU itself meanwhile."),
            ];
        }

        return follower.Notices is [var fault, ..]
            ? [CheckResult.Warn("libvirt", fault, "Run as root, or join the group that may connect (usually libvirt).")]
            : [CheckResult.Ok("libvirt", $"libvirt tells of {follower.Domains.Count} machines.")];
    }
}
