// A VXLAN device of our own that carries the kernel path's copies to a tool. In: clones of frames, from programs on ports.
// Out: packets with DF by whatever route there is. Control threads; no frame passes through here.
//
//   port's program ──bpf_clone_redirect──► tapline-vN ──route──► uplink ──► tool     (mark kept: nobody copies it again)
//                                              │ stands on
//                                          tapline-hN, a tap device that lives as long as our descriptor of it
//
// When the engine dies the kernel closes the descriptor, unregisters the tap device, and with it the VXLAN device that
// names it as its lower one (vxlan_handle_lowerdev_unregister). The tool is an entry of the device's forwarding table without an
// interface, so that routes decide, and with its own UDP port, so that ours is any free one. docs/adr/0041-kernel-vxlan.md.
using System.Net;
using System.Net.Sockets;
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Encapsulate;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Owns a session's VXLAN device and what it takes to follow the way to the tool.</summary>
internal sealed class KernelTunnel : KernelTool
{
    private const int EthernetHeaderBytes = 14;
    private const int TunnelHeaderBytes = UdpHeader.Bytes + VxlanHeader.Bytes;
    private const int LeastMtuBytes = 68; // ETH_MIN_MTU of linux/if_ether.h
    private const int MakeTriesMax = 8;

    /// <summary>Longest MTU of a tap device (drivers/net/tun.c); the VXLAN device takes its largest from it.</summary>
    private const int HolderMtuBytes = 65521;

    /// <summary>A tool that refused is tried again after this time.</summary>
    private const long RetryNs = 2 * Clock.SecondNs;

    private readonly TunnelTarget _target;
    private readonly string _alias;
    private readonly KernelHooks _hooks;
    private readonly IPAddress _address;
    private readonly ToolPath _path;
    private readonly VxlanDevices _devices;
    private readonly RouteLookup _route;
    private readonly LinkCounters _link;
    private readonly IDisposable?[] _guards = new IDisposable?[2];
    private TapDevice? _holder;
    private int _index;
    private int _mtuBytes;
    private int _frameBytesMax;
    private bool _isUp;
    private long _silentUntilNs;
    private long _errorsBefore;
    private long _droppedBefore;
    private long _lostWithoutWay;
    private long _lostOtherwise;

    private KernelTunnel(
        TunnelTarget target, string session, KernelHooks hooks, IPAddress address, ToolPath path, VxlanDevices devices,
        RouteLookup route, LinkCounters link)
    {
        _target = target;
        _hooks = hooks;
        _address = address;
        _path = path;
        _devices = devices;
        _route = route;
        _link = link;
        var alias = $"tapline {Environment.ProcessId}: copies of {session} to {target}, gone with the process";
        _alias = string.Concat(alias.Take(VxlanDevices.AliasBytesMax).Select(c => char.IsBetween(c, ' ', '~') ? c : '?'));
    }

    public override uint Index => _isUp ? (uint)_index : 0;

    public override int FrameBytesMax => _frameBytesMax;

    public override bool TagCounts => true;

    public override long TxDropped => LostWithoutWay + LostOtherwise;

    /// <inheritdoc/>
    /// <remarks>tx_errors: vxlan_xmit_one found no route.</remarks>
    public override long LostWithoutWay => _lostWithoutWay;

    /// <inheritdoc/>
    /// <remarks>tx_dropped: ip_local_out refused (a queueing discipline, a firewall, a path that became narrower).</remarks>
    public override long LostOtherwise => _lostOtherwise;

    /// <summary>
    /// Why no tunnel of this kind can be made here; null when one can as far as is known without making it. Also the interface by
    /// which copies would leave (0 = no route) and the longest frame that fits on the way.
    /// </summary>
    public static string? FindProblem(TunnelTarget target, out int uplinkIndex, out int frameBytesMax)
    {
        uplinkIndex = frameBytesMax = 0;
        if (TapDevice.FindProblem() is { } noTap)
        {
            return noTap;
        }

        using var devices = VxlanDevices.Open(out var error);
        if (devices?.IsKnown() != true)
        {
            return devices is null ? error.TrimEnd('.') : "this kernel makes no VXLAN devices (`modprobe vxlan`)";
        }

        if (ToolAddress.Resolve(target, out var mistake) is not { } address)
        {
            return mistake!.TrimEnd('.');
        }

        using var path = ToolPath.Open(target, address, workers: 1, out mistake);
        using var route = RouteLookup.Open(address, CopyMark.Value, out error);
        uplinkIndex = path?.Refresh() == true ? route?.FindInterface() ?? 0 : 0;
        if (uplinkIndex == 0)
        {
            return mistake?.TrimEnd('.') ?? $"there is no route to {address}";
        }

        frameBytesMax = FrameBytesOf(target, path!);
        return null;
    }

    /// <summary>Makes the device; null and one sentence when the host refuses, and then nothing is left.</summary>
    public static KernelTunnel? Open(TunnelTarget target, string session, KernelHooks hooks, out string error)
    {
        if (ToolAddress.Resolve(target, out var mistake) is not { } address
            || ToolPath.Open(target, address, workers: 1, out mistake) is not { } path)
        {
            error = mistake!;
            return null;
        }

        var devices = VxlanDevices.Open(out error);
        var route = devices is null ? null : RouteLookup.Open(address, CopyMark.Value, out error);
        var link = route is null ? null : LinkCounters.Open(out error);
        if (link is null)
        {
            route?.Dispose();
            devices?.Dispose();
            path.Dispose();
            return null;
        }

        var tunnel = new KernelTunnel(target, session, hooks, address, path, devices!, route!, link);
        if (tunnel.Make() is { } problem)
        {
            error = $"The kernel makes no VXLAN device for {target}: {problem}.";
            tunnel.Dispose();
            return null;
        }

        if (!path.Refresh())
        {
            error = $"There is no route to {address} for {target}; `ip route get {address}` shows what the kernel knows.";
            tunnel.Dispose();
            return null;
        }

        tunnel.Refresh();
        return tunnel;
    }

    public override void Refresh()
    {
        var now = Clock.MonotonicNs();
        if (_path.ReadBadNews())
        {
            _silentUntilNs = now + RetryNs;
        }

        // Somebody may have removed the device.
        var isThere = (_index != 0 && _link.Read(_index)) || Make() is null;
        var uplink = isThere && _path.Refresh() ? _route.FindInterface() : 0;
        if (uplink != 0)
        {
            FollowMtu();
        }

        _isUp = uplink != 0 && now >= _silentUntilNs && _link.Read(uplink) && _link.IsRunning;
    }

    public override void ReadLosses()
    {
        if (_index == 0 || !_link.Read(_index))
        {
            return;
        }

        _lostWithoutWay += _link.TxErrors - _errorsBefore;
        _lostOtherwise += _link.TxDropped - _droppedBefore;
        _errorsBefore = _link.TxErrors;
        _droppedBefore = _link.TxDropped;
    }

    public override void Dispose()
    {
        Unmake();
        _link.Dispose();
        _route.Dispose();
        _devices.Dispose();
        _path.Dispose();
    }

    private static int FrameBytesOf(TunnelTarget target, ToolPath path)
    {
        var wanted = target.MtuBytes == 0 ? TunnelTarget.MtuBytesMax : target.MtuBytes;
        return Math.Max(0, Math.Min(path.MtuBytes, wanted) - path.IpHeaderBytes - TunnelHeaderBytes);
    }

    // A free port of this host, by asking for one and giving it back.
    private static ushort FreePort(bool isIpv6)
    {
        using var socket = new System.Net.Sockets.Socket(
            isIpv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(isIpv6 ? IPAddress.IPv6Any : IPAddress.Any, 0));
        return (ushort)((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    // The device's MTU tells bpf_check_mtu how long the segments of a super-frame may be.
    private void FollowMtu()
    {
        _frameBytesMax = FrameBytesOf(_target, _path);
        var mtu = Math.Max(LeastMtuBytes, _frameBytesMax - EthernetHeaderBytes);
        if (mtu != _mtuBytes && _devices.SetMtu(_index, mtu) == 0)
        {
            _mtuBytes = mtu;
        }
    }

    // Null, or why not; then nothing of it is left.
    private string? Make()
    {
        Unmake();
        var errno = TryMake(out var problem);
        var inVain = new List<TapDevice>();
        while (errno is SystemCalls.EADDRINUSE or SystemCalls.EEXIST && inVain.Count < MakeTriesMax)
        {
            // Held for the moment, so that the next one has another number.
            inVain.Add(_holder!);
            _holder = null;
            Unmake();
            errno = TryMake(out problem);
        }

        inVain.ForEach(h => h.Dispose());
        if (problem is not null)
        {
            Unmake();
        }

        return problem;
    }

    private int TryMake(out string? problem)
    {
        _holder = TapDevice.Make(OwnDevices.HolderPattern, out problem);
        if (_holder is null)
        {
            return 0;
        }

        var name = OwnDevices.TunnelOf(_holder.Name);
        var errno = _devices.SetMtu(_holder.Index, HolderMtuBytes);
        errno = errno != 0 ? errno : _devices.Make(name, _holder.Index, FreePort(_path.IsIpv6), _path.IsIpv6);
        _index = errno != 0 ? 0 : InterfaceIndex.Of(name);
        errno = errno != 0 ? errno
            : _devices.SetRemote(_index, _address.GetAddressBytes(), (ushort)_target.Port, (uint)_target.Id);
        _ = errno != 0 ? 0 : _devices.Describe(_index, _alias);
        problem = errno == 0 ? Guard() : SystemError.Describe(errno);
        if (problem is null)
        {
            errno = _devices.BringUp(_index);
            problem = errno == 0 ? null : SystemError.Describe(errno);
        }

        return errno;
    }

    private string? Guard()
    {
        for (var side = 0; side < _guards.Length; side++)
        {
            var isEgress = side == 0;
            using var program = BpfSystem.Load(
                Bpf.BPF_PROG_TYPE_SCHED_CLS, CopyGuardProgram.Emit(isEgress), "tap_guard", out var error);
            if (program is null)
            {
                return error.TrimEnd('.');
            }

            _guards[side] = _hooks.Attach(program, _index, isEgress, out var errno);
            if (_guards[side] is null)
            {
                return $"it takes no program ({SystemError.Describe(errno)})";
            }
        }

        return null;
    }

    private void Unmake()
    {
        // The device first goes, then what guarded it: nothing slips out in between.
        _holder?.Dispose();
        _holder = null;
        for (var side = 0; side < _guards.Length; side++)
        {
            _guards[side]?.Dispose();
            _guards[side] = null;
        }

        _index = _mtuBytes = 0;
        _errorsBefore = _droppedBefore = 0;
        _isUp = false;
    }
}
