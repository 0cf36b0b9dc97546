// What the running kernel can do for Tapline, found out by trying.
using System.Globalization;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Ring;

namespace Tapline.Capture.Doctor;

/// <summary>Checks of kernel features and privileges.</summary>
internal static unsafe class KernelChecks
{
    private const int AF_XDP = 44;
    private const int BPF_PROG_QUERY = 16;
    private const uint BPF_TCX_INGRESS = 46;
    private const int LoopbackIndex = 1;
    private static readonly Version s_versionMin = new(5, 8);

    public static CheckResult Version()
    {
        var version = Environment.OSVersion.Version;
        var text = $"Linux {version.ToString(3)}";
        return version >= s_versionMin
            ? CheckResult.Ok("kernel", $"{text}.")
            : CheckResult.Bad("kernel", $"{text} is too old.", "Use Linux 5.8 or later (Debian 12 has 6.1).");
    }

    public static CheckResult Privileges()
    {
        if (Base.Native.Privileges.MissingForCapture() is { } missing)
        {
            return CheckResult.Bad(
                "privileges", $"This process lacks {missing}, so it cannot capture.",
                "Run as root, or grant the capabilities CAP_NET_RAW, CAP_BPF and CAP_NET_ADMIN to the service.");
        }

        if (!Base.Native.Privileges.HasNetAdmin)
        {
            return CheckResult.Warn(
                "privileges", "CAP_NET_ADMIN is missing: mirror sessions in the kernel and MAC addresses inside VMs are out of reach.",
                "Grant CAP_NET_ADMIN too.");
        }

        return Base.Native.Privileges.HasPtrace
            ? CheckResult.Ok("privileges", "All capabilities that capturing and naming VMs need are there.")
            : CheckResult.Warn(
                "privileges", "CAP_SYS_PTRACE is missing: containers without a named network namespace stay unnamed.",
                "Grant CAP_SYS_PTRACE if VM and container names matter.");
    }

    /// <summary>Opens a real capture with a small ring on nothing but the loopback, and closes it.</summary>
    public static CheckResult Capture()
    {
        const string Name = "capture";
        if (Base.Native.Privileges.MissingForCapture() is not null)
        {
            return CheckResult.Warn(
                Name, "TPACKET_V3, PACKET_VNET_HDR, BPF socket filters and fan-out cannot be tried without privileges.",
                "Run `tapline doctor` as root to try them.");
        }

        var options = new LiveCaptureOptions { Points = ["lo"], Workers = 2, RingBudgetBytes = 4 << 20 };
        using var capture = LiveCapture.Open(options, out var error);
        return capture is null
            ? CheckResult.Bad(Name, error, "Mend what the sentence names; a kernel from 5.8 on has all that is needed.")
            : CheckResult.Ok(Name, "TPACKET_V3 ring with PACKET_VNET_HDR, BPF socket filter, BPF fan-out over workers: tried, work.");
    }

    public static CheckResult BpfCompiler()
    {
        const string File = "/proc/sys/net/core/bpf_jit_enable";
        return ReadNumber(File) switch
        {
            0 => CheckResult.Warn(
                "bpf_jit", "The kernel interprets BPF programs, which costs several times their compiled time per frame.",
                "Set net.core.bpf_jit_enable=1 with sysctl."),
            null => CheckResult.Warn("bpf_jit", $"{File} cannot be read.", "Run `tapline doctor` as root to see it."),
            _ => CheckResult.Ok("bpf_jit", "BPF programs are compiled to machine code."),
        };
    }

    public static CheckResult Tcx()
    {
        var query = stackalloc byte[64];
        new Span<byte>(query, 64).Clear();
        *(uint*)query = LoopbackIndex;
        *(uint*)(query + 4) = BPF_TCX_INGRESS;
        if (SystemCalls.Bpf(BPF_PROG_QUERY, query, 64) == 0)
        {
            return CheckResult.Ok("tcx", "TCX attach points are there: mirror sessions can run in the kernel.");
        }

        return SystemCalls.LastError is SystemCalls.EPERM
            ? CheckResult.Warn("tcx", "TCX cannot be tried without privileges.", "Run `tapline doctor` as root to try it.")
            : CheckResult.Warn(
                "tcx", "This kernel has no TCX attach points: mirror sessions run in user space.",
                "Use Linux 6.6 or later if mirroring in the kernel matters.");
    }

    public static CheckResult Xdp()
    {
        using var socket = new FileDescriptor(SystemCalls.SocketOpen(AF_XDP, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        if (!socket.IsInvalid)
        {
            return CheckResult.Ok("af_xdp", "AF_XDP sockets are there, for dedicated monitoring NICs.");
        }

        return SystemCalls.LastError is SystemCalls.EPERM
            ? CheckResult.Warn("af_xdp", "AF_XDP cannot be tried without privileges.", "Run `tapline doctor` as root to try it.")
            : CheckResult.Warn(
                "af_xdp", "This kernel has no AF_XDP sockets; dedicated monitoring NICs use the packet ring.",
                "Use a kernel with CONFIG_XDP_SOCKETS if such a NIC is to be read at full speed.");
    }

    /// <summary>A number from a file of /proc or /sys; null when unreadable.</summary>
    internal static long? ReadNumber(string path)
    {
        try
        {
            return long.TryParse(File.ReadAllText(path).AsSpan().Trim(), CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
