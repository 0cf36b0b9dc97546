// The kernel-side tables of a live capture. Which interface is which point:
//   port_slots: ifindex → point id, for frames that enter by a port       (hash)
//   host_slots: ifindex → point id, for frames that the host sends into a bridge (hash; a bridge's ifindex must not
//               be found by the port program, or frames passed up to the host would be counted a second time)
//   vlans:      (ifindex, VLAN id) whose frames the VLAN device above, itself a point, will bring again   (hash)
//   senders:    (ifindex, MAC) of macvlan devices on that interface that are points themselves             (hash)
//   arrived:    point id → { frames u64, bytes u64 } per CPU              (per-CPU array)
// Owner: LiveCapture. Written by the control threads, read by the socket filters in the kernel.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture.Points;

namespace Tapline.Capture.Ring;

/// <summary>The BPF maps shared by all rings of a capture.</summary>
internal sealed unsafe class CaptureMaps : IDisposable
{
    /// <summary>sizeof of one per-CPU counter pair.</summary>
    public const int ArrivedBytes = 16;

    /// <summary>The part of a slot's value that is the point.</summary>
    public const int PointMask = 0xFFFF;

    /// <summary>Set in the slot of an interface whose frames are looked up in <see cref="Senders"/>.</summary>
    public const int ChecksSender = 1 << 16;

    private const int SenderKeyBytes = 12;

    private readonly ulong* _values;
    private readonly int _cpus;

    private CaptureMaps(
        FileDescriptor portSlots, FileDescriptor hostSlots, FileDescriptor vlans, FileDescriptor senders, FileDescriptor arrived)
    {
        Senders = senders;
        Vlans = vlans;
        PortSlots = portSlots;
        HostSlots = hostSlots;
        Arrived = arrived;
        _cpus = BpfSystem.PossibleCpus();
        _values = (ulong*)NativePages.Allocate((nuint)(_cpus * ArrivedBytes));
    }

    public FileDescriptor PortSlots { get; }

    public FileDescriptor HostSlots { get; }

    public FileDescriptor Vlans { get; }

    public FileDescriptor Senders { get; }

    public FileDescriptor Arrived { get; }

    public static CaptureMaps? Create(out string error)
    {
        var portSlots = BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_HASH, 4, 4, Limits.PointsMax, "tap_ports", out error);
        var hostSlots = portSlots is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_HASH, 4, 4, Limits.PointsMax, "tap_hosts", out error);
        var vlans = hostSlots is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_HASH, 8, 4, Limits.PointsMax, "tap_vlans", out error);
        var senders = vlans is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_HASH, SenderKeyBytes, 4, Limits.PointsMax, "tap_senders", out error);
        var arrived = senders is null
            ? null
            : BpfSystem.CreateMap(
                Bpf.BPF_MAP_TYPE_PERCPU_ARRAY, 4, ArrivedBytes, Limits.PointsMax, "tap_arrived", out error);
        if (arrived is null)
        {
            senders?.Dispose();
            vlans?.Dispose();
            hostSlots?.Dispose();
            portSlots?.Dispose();
            return null;
        }

        return new CaptureMaps(portSlots!, hostSlots!, vlans!, senders!, arrived);
    }

    /// <summary>From now on frames of this interface belong to the point; false when the map is full.</summary>
    public static bool Assign(FileDescriptor slots, int interfaceIndex, ushort pointId, bool checksSender = false)
    {
        var value = pointId | (checksSender ? (uint)ChecksSender : 0);
        return BpfSystem.Update(slots, &interfaceIndex, &value);
    }

    /// <summary>From now on frames of this interface are not ours.</summary>
    public static void Remove(FileDescriptor slots, int interfaceIndex) => _ = BpfSystem.Delete(slots, &interfaceIndex);

    /// <summary>Tagged frames of the interface come again from the VLAN device above it, or do so no more.</summary>
    public void SetVlan(int interfaceIndex, int vlanId, bool comesAgain)
    {
        var key = stackalloc int[2] { interfaceIndex, vlanId };
        uint value = 1;
        _ = comesAgain ? BpfSystem.Update(Vlans, key, &value) : BpfSystem.Delete(Vlans, key);
    }

    /// <summary>Frames that this address sends by the interface have entered by a point of their own, or do so no more.</summary>
    public void SetSender(int interfaceIndex, ulong mac, bool isPoint)
    {
        var key = stackalloc byte[SenderKeyBytes];
        *(int*)key = interfaceIndex;
        for (var i = 0; i < 6; i++)
        {
            key[4 + i] = (byte)(mac >> (40 - (8 * i)));
        }

        (key[10], key[11]) = (0, 0);
        uint value = 1;
        _ = isPoint ? BpfSystem.Update(Senders, key, &value) : BpfSystem.Delete(Senders, key);
    }

    /// <summary>The sum over CPUs for one point. Allocation-free. One thread at a time.</summary>
    public bool TryRead(ushort pointId, out PointArrived arrived)
    {
        uint key = pointId;
        arrived = new PointArrived { PointId = pointId };
        if (!BpfSystem.Lookup(Arrived, &key, _values))
        {
            return false;
        }

        for (var cpu = 0; cpu < _cpus; cpu++)
        {
            arrived.Frames += (long)_values[2 * cpu];
            arrived.Bytes += (long)_values[(2 * cpu) + 1];
        }

        return true;
    }

    public void Dispose()
    {
        PortSlots.Dispose();
        HostSlots.Dispose();
        Vlans.Dispose();
        Senders.Dispose();
        if (!Arrived.IsClosed)
        {
            Arrived.Dispose();
            NativePages.Free(_values, (nuint)(_cpus * ArrivedBytes));
        }
    }
}
