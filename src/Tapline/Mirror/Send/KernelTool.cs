// Where the kernel path's copies go: an interface of this host, as it is now. In: a look every second. Out: whether it takes
// frames, how long they may be, and what became of frames that it had taken. Control threads, one at a time; Refresh and the
// readings allocate nothing as long as nothing has changed.
using Tapline.Base.Native;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>The interface to which programs clone frames.</summary>
internal abstract class KernelTool : IDisposable
{
    /// <summary>Kernel index; 0 = it takes no frames at the moment.</summary>
    public abstract uint Index { get; }

    /// <summary>Longest frame, in bytes.</summary>
    public abstract int FrameBytesMax { get; }

    /// <summary>True where a VLAN tag beside a frame makes it longer; false where one may stand on top.</summary>
    public abstract bool TagCounts { get; }

    /// <summary>Opens the way to a target; null and one sentence when the host refuses, and then nothing is left.</summary>
    public static KernelTool? Open(MirrorTarget target, string session, KernelHooks hooks, out string error)
    {
        switch (target)
        {
            case NicTarget nic:
                return KernelToolPort.Open(nic.Name, out error);
            case TunnelTarget { Format: TunnelFormat.Vxlan } tunnel:
                return KernelTunnel.Open(tunnel, session, hooks, out error);
            default:
                error = $"The kernel copies to an interface or into VXLAN only, not to {target}.";
                return null;
        }
    }

    /// <summary>Asks the kernel anew.</summary>
    public abstract void Refresh();

    /// <summary>Reads the interface's counters of what it did not send.</summary>
    public abstract void ReadLosses();

    /// <summary>Frames since the start that it dropped, whoever sent them, as of the last <see cref="ReadLosses"/>.</summary>
    public abstract long TxDropped { get; }

    /// <summary>Of the session's copies that it had taken: those for which there was no way then.</summary>
    public abstract long LostWithoutWay { get; }

    /// <summary>Of the session's copies that it had taken: those that were refused further down.</summary>
    public abstract long LostOtherwise { get; }

    public abstract void Dispose();
}
