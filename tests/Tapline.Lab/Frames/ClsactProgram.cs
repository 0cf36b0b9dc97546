// A BPF program on a clsact hook of an interface: ingress runs after every packet socket has seen the frame, egress
// before the frame leaves. In: instructions, a namespace, a device. The filter holds the program, so it stays when this
// process ends and goes with the interface. Pinned for a moment in a BPF file system of its own, because `tc` takes a path.
// One thread at a time.
using Microsoft.Win32.SafeHandles;
using Tapline.Lab.Net;

namespace Tapline.Lab.Frames;

/// <summary>Attaches programs to traffic control.</summary>
internal static class ClsactProgram
{
    /// <summary>TC_ACT_OK of linux/pkt_cls.h: the frame goes on.</summary>
    public const int Ok = 0;

    /// <summary>TC_ACT_SHOT: the frame is dropped.</summary>
    public const int Shot = 2;

    /// <summary>Loads the program and attaches it to <paramref name="hook"/>, `ingress` or `egress`.</summary>
    public static void Attach(string netns, string device, string hook, ReadOnlySpan<ulong> instructions, string name)
    {
        using var program = Bpf.Load(Bpf.ProgTypeSchedCls, instructions, name);
        var folder = Directory.CreateTempSubdirectory("tapline-bpf-").FullName;
        LabCommand.Run("mount", "-t", "bpf", "bpf", folder);
        try
        {
            var path = Path.Combine(folder, "program");
            Bpf.Pin(program, path);
            _ = LabCommand.TryRun("tc", "-n", netns, "qdisc", "add", "dev", device, "clsact");
            LabCommand.Run(
                "tc", "-n", netns, "filter", "add", "dev", device, hook, "bpf", "direct-action", "object-pinned", path);
        }
        finally
        {
            LabCommand.Run("umount", folder);
            Directory.Delete(folder);
        }
    }
}
