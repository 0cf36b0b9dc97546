// The four BPF programs of a capture, loaded once and shared by all sockets. Owner of their descriptors.
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Capture.Ring;

/// <summary>Loaded programs.</summary>
internal sealed class CapturePrograms : IDisposable
{
    /// <summary>Socket filter for frames that enter by a port.</summary>
    public required FileDescriptor PortFilter { get; init; }

    /// <summary>Socket filter for what the host sends into a bridge.</summary>
    public required FileDescriptor HostFilter { get; init; }

    /// <summary>Fan-out over incoming frames.</summary>
    public required FileDescriptor PortFanout { get; init; }

    /// <summary>Fan-out over outgoing frames.</summary>
    public required FileDescriptor HostFanout { get; init; }

    public static CapturePrograms? Load(CaptureMaps maps, int snapLength, out string error)
    {
        var loaded = new List<FileDescriptor>();
        (bpf_insn[] Code, string Name)[] programs =
        [
            (ArrivalFilter.Build(maps, fromHost: false, snapLength), "tap_port"),
            (ArrivalFilter.Build(maps, fromHost: true, snapLength), "tap_host"),
            (FanoutProgram.Build(startsAtMac: false), "tap_fan_port"),
            (FanoutProgram.Build(startsAtMac: true), "tap_fan_host"),
        ];
        error = "";
        foreach (var (code, name) in programs)
        {
            if (BpfSystem.Load(Bpf.BPF_PROG_TYPE_SOCKET_FILTER, code, name, out error) is not { } program)
            {
                loaded.ForEach(p => p.Dispose());
                return null;
            }

            loaded.Add(program);
        }

        return new CapturePrograms
        {
            PortFilter = loaded[0],
            HostFilter = loaded[1],
            PortFanout = loaded[2],
            HostFanout = loaded[3],
        };
    }

    public void Dispose()
    {
        PortFilter.Dispose();
        HostFilter.Dispose();
        PortFanout.Dispose();
        HostFanout.Dispose();
    }
}
