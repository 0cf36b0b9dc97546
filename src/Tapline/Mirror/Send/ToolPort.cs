// The tool port as the kernel sees it now: present, up, its index and MTU. Interfaces come and go under a running
// engine, and one that returns under its name has a new index. In: a name. Out: the facts, by ioctl, without allocation
// or blocking (these requests run under RCU, not under the kernel's configuration lock).
using System.Text;
using static Tapline.Mirror.Send.SendNative;

namespace Tapline.Mirror.Send;

/// <summary>Asks the kernel about one interface by name.</summary>
internal sealed unsafe class ToolPort
{
    private readonly int _fd;
    private readonly ifreq _request;

    /// <summary>Uses <paramref name="fd"/> for its questions; the caller owns it.</summary>
    public ToolPort(int fd, string name)
    {
        _fd = fd;
        Name = name;
        var request = default(ifreq);
        Encoding.UTF8.GetBytes(name, new Span<byte>(request.ifr_name, ifreq.IFNAMSIZ - 1));
        _request = request;
    }

    public string Name { get; }

    /// <summary>Kernel index; 0 = there is no such interface.</summary>
    public int Index { get; private set; }

    /// <summary>L3 bytes.</summary>
    public int MtuBytes { get; private set; }

    /// <summary>Administratively up.</summary>
    public bool IsUp { get; private set; }

    /// <summary>Up and with a carrier, as far as the kernel has noticed (it takes up to a second).</summary>
    public bool IsRunning { get; private set; }

    /// <summary>True when it carries Ethernet frames.</summary>
    public bool IsEthernet { get; private set; }

    /// <summary>Asks again. False when there is no such interface.</summary>
    public bool Refresh()
    {
        if (!Ask(SIOCGIFINDEX, out var answer))
        {
            Index = 0;
            IsUp = IsRunning = false;
            return false;
        }

        Index = answer.ifr_value;
        IsUp = Ask(SIOCGIFFLAGS, out answer) && (answer.ifr_flags & IFF_UP) != 0;
        IsRunning = IsUp && (answer.ifr_flags & IFF_RUNNING) != 0;
        MtuBytes = Ask(SIOCGIFMTU, out answer) ? answer.ifr_value : MtuBytes;
        IsEthernet = Ask(SIOCGIFHWADDR, out answer) && answer.ifr_hwaddr_family == Base.Kernel.Socket.ARPHRD_ETHER;
        return true;
    }

    /// <summary>
    /// True when the port takes super-frames or unfinished checksums from the kernel as they are (`ethtool -k`: checksum or
    /// TCP segmentation on transmission). Asked each time.
    /// </summary>
    public bool HasTransmitOffloads() => Offload(ethtool_value.ETHTOOL_GTXCSUM) || Offload(ethtool_value.ETHTOOL_GTSO);

    /// <summary>The same for an interface that nobody has opened yet, in the calling thread's namespace.</summary>
    public static bool AskTransmitOffloads(string name)
    {
        using var socket = new Base.Native.FileDescriptor(Base.Native.SystemCalls.SocketOpen(
            Base.Kernel.Socket.AF_NETLINK, Base.Kernel.Socket.SOCK_RAW | Base.Kernel.Socket.SOCK_CLOEXEC, 0));
        return !socket.IsInvalid && new ToolPort(socket.Number, name).HasTransmitOffloads();
    }

    private bool Offload(uint command)
    {
        var value = new ethtool_value { cmd = command };
        var request = _request;
        request.ifr_data = &value;
        return ioctl(_fd, SIOCETHTOOL, &request) == 0 && value.data != 0;
    }

    private bool Ask(nuint request, out ifreq answer)
    {
        answer = _request;
        fixed (ifreq* pointer = &answer)
        {
            return ioctl(_fd, request, pointer) == 0;
        }
    }
}
