// The kinds of things that a segment can be asked for. Numbers are part of the filter's hash, so of the format.
namespace Tapline.Record.Index;

/// <summary>What an <see cref="IndexKey"/> names.</summary>
public enum IndexKeyKind : byte
{
    /// <summary>An IP address: either end, inside or outside of a tunnel.</summary>
    Address = 1,

    /// <summary>A port of TCP, UDP, SCTP, UDP-Lite or DCCP, either end.</summary>
    Port = 2,

    /// <summary>A MAC address, either end.</summary>
    Mac = 3,

    /// <summary>A VLAN ID anywhere in the stack.</summary>
    Vlan = 4,

    /// <summary>A tunnel's network identifier.</summary>
    Vni = 5,

    /// <summary>A VM's name, either end, to the letter.</summary>
    Vm = 6,

    /// <summary>An application (<c>AppName</c>).</summary>
    App = 7,

    /// <summary>An observation point's name.</summary>
    Point = 8,

    /// <summary>A protocol (<c>FlowProtocol</c>).</summary>
    Protocol = 9,

    /// <summary>Reserved: a server's name.</summary>
    ServerName = 10,
}
