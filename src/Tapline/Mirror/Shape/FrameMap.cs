// Where a frame's addresses, checksums and tunnels lie, at every depth: what an operation that changes bytes has to
// know beyond FrameLayout, which tells of the innermost packet and its carrier only. Filled by FrameMapper, at most a
// fixed number of each; one that does not fit sets IsFull, and the session then drops the frame rather than let it
// leave half changed. Owned by a session's shaper, one thread, used again for every frame.
namespace Tapline.Mirror.Shape;

/// <summary>How a checksum field is kept right.</summary>
internal enum ChecksumKind : byte
{
    /// <summary>The complement of the sum (RFC 1071): follows every change (RFC 1624).</summary>
    Whole,

    /// <summary>The same, where 0 means "none" (RFC 768).</summary>
    WholeOrNone,

    /// <summary>The sender left it to its NIC: holds the pseudo header's sum, so only addresses matter.</summary>
    Partial,

    /// <summary>CRC-32C of SCTP (RFC 9260): computed anew.</summary>
    Crc32c,
}

/// <summary>A checksum, what it covers, and how far the changes so far have moved it.</summary>
internal struct ChecksumSpot
{
    public int Field;
    public int Start;
    public int End;

    /// <summary>Where the pseudo header's two addresses lie; -1 = it has none.</summary>
    public int PseudoSource;
    public int PseudoDestination;
    public int PseudoBytes;
    public ChecksumKind Kind;
    public bool IsFragment;
    public uint Delta;
}

/// <summary>One IP address in the frame: 4 or 16 bytes; 8 = the first half of an IPv6 address, the rest zero.</summary>
internal readonly record struct AddressSpot(int Offset, int Bytes);

/// <summary>A tunnel or label stack: what it carries, from where to where.</summary>
/// <param name="Kind">The word that strips it.</param>
/// <param name="Carrier">Where the Ethernet header lies that carries it.</param>
/// <param name="Header">Bytes from there that stay in front of an inside without Ethernet header.</param>
/// <param name="Inside">First byte inside.</param>
/// <param name="End">First byte behind the inside.</param>
/// <param name="InsideType">EtherType of the inside; transparent Ethernet for a frame.</param>
/// <param name="IsFragment">The carrier is a fragment: the inside goes on elsewhere.</param>
internal readonly record struct TunnelSpot(
    StripHeaders Kind, int Carrier, int Header, int Inside, int End, ushort InsideType, bool IsFragment);

/// <summary>The map of one frame.</summary>
internal sealed class FrameMap
{
    private const int AddressesMax = 256;
    private const int ChecksumsMax = 40;
    private const int TunnelsMax = 16;

    private readonly AddressSpot[] _addresses = new AddressSpot[AddressesMax];
    private readonly ChecksumSpot[] _checksums = new ChecksumSpot[ChecksumsMax];
    private readonly TunnelSpot[] _tunnels = new TunnelSpot[TunnelsMax];
    private int _addressCount;
    private int _checksumCount;
    private int _tunnelCount;

    /// <summary>True when the frame had more of something than is kept.</summary>
    public bool IsFull { get; set; }

    /// <summary>True when an address may stand in bytes that could not be read: cut, broken.</summary>
    public bool HidesAddress { get; set; }

    /// <summary>Where the innermost IP header lies that was found; -1 = none.</summary>
    public int Innermost { get; set; }

    public ReadOnlySpan<AddressSpot> Addresses => _addresses.AsSpan(0, _addressCount);

    /// <summary>Outermost first.</summary>
    public Span<ChecksumSpot> Checksums => _checksums.AsSpan(0, _checksumCount);

    /// <summary>Outermost first.</summary>
    public ReadOnlySpan<TunnelSpot> Tunnels => _tunnels.AsSpan(0, _tunnelCount);

    public void Clear()
    {
        _addressCount = 0;
        _checksumCount = 0;
        _tunnelCount = 0;
        IsFull = false;
        HidesAddress = false;
        Innermost = -1;
    }

    public void AddAddress(int offset, int bytes)
    {
        if (_addressCount == AddressesMax)
        {
            IsFull = true;
            return;
        }

        _addresses[_addressCount++] = new AddressSpot(offset, bytes);
    }

    public void AddChecksum(in ChecksumSpot spot)
    {
        if (_checksumCount == ChecksumsMax)
        {
            IsFull = true;
            return;
        }

        _checksums[_checksumCount++] = spot;
    }

    public void AddTunnel(in TunnelSpot spot)
    {
        if (_tunnelCount == TunnelsMax)
        {
            IsFull = true;
            return;
        }

        _tunnels[_tunnelCount++] = spot;
    }
}
