// Walks netlink messages and attributes in a received buffer (<linux/netlink.h>). Borrows the span; never reads outside
// it, whatever lengths it claims: a message or attribute that does not fit ends the walk and IsCut says so.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Iterates over the messages of one datagram.</summary>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> buffer)
{
    private ReadOnlySpan<byte> _rest = buffer;

    /// <summary>Message type (RTM_*, NLMSG_*).</summary>
    public ushort Type { get; private set; }

    public ushort Flags { get; private set; }

    public uint Sequence { get; private set; }

    /// <summary>The message without its header.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>True when the walk ended at a message that does not fit.</summary>
    public bool IsCut { get; private set; }

    /// <summary>Advances to the next message; false at the end.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < Netlink.HeaderBytes)
        {
            IsCut |= _rest.Length > 0;
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(_rest);
        if (length < Netlink.HeaderBytes || length > (uint)_rest.Length)
        {
            IsCut = true;
            return false;
        }

        Type = BinaryPrimitives.ReadUInt16LittleEndian(_rest[4..]);
        Flags = BinaryPrimitives.ReadUInt16LittleEndian(_rest[6..]);
        Sequence = BinaryPrimitives.ReadUInt32LittleEndian(_rest[8..]);
        Payload = _rest[Netlink.HeaderBytes..(int)length];
        // NLMSG_ALIGN: messages start at multiples of four.
        _rest = _rest[Math.Min(((int)length + 3) & ~3, _rest.Length)..];
        return true;
    }
}

/// <summary>Iterates over attributes (struct nlattr).</summary>
internal ref struct NetlinkAttributes(ReadOnlySpan<byte> attributes)
{
    private ReadOnlySpan<byte> _rest = attributes;

    /// <summary>Attribute type without its flags.</summary>
    public ushort Type { get; private set; }

    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Advances to the next attribute; false at the end or at one that does not fit.</summary>
    public bool MoveNext()
    {
        if (_rest.Length < Netlink.AttributeHeaderBytes)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(_rest);
        if (length < Netlink.AttributeHeaderBytes || length > _rest.Length)
        {
            return false;
        }

        Type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(_rest[2..]) & Netlink.NLA_TYPE_MASK);
        Value = _rest[Netlink.AttributeHeaderBytes..length];
        _rest = _rest[Math.Min((length + 3) & ~3, _rest.Length)..];
        return true;
    }

    /// <summary>The value as a 32-bit number; false when it is too short.</summary>
    public readonly bool TryUInt32(out uint value) => BinaryPrimitives.TryReadUInt32LittleEndian(Value, out value);

    /// <summary>The value as text up to its closing zero. Hostile text is bounded by the caller.</summary>
    public readonly string Text()
    {
        var end = Value.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? Value : Value[..end]);
    }
}
