// Writes the body of a netlink request: a fixed header, then attributes, nested ones too (<linux/netlink.h>). Borrows the
// caller's buffer, which must have room: requests are built from our own bounded values only.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>A request body under construction.</summary>
internal ref struct NetlinkBody
{
    private readonly Span<byte> _buffer;
    private int _length;

    /// <summary>Clears the buffer and leaves room for a header of so many bytes.</summary>
    public NetlinkBody(Span<byte> buffer, int headerBytes)
    {
        _buffer = buffer;
        _length = headerBytes;
        buffer.Clear();
    }

    /// <summary>The fixed header, to be filled.</summary>
    public readonly Span<byte> Header => _buffer;

    /// <summary>What has been written.</summary>
    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void Bytes(ushort type, scoped ReadOnlySpan<byte> value)
    {
        var length = Netlink.AttributeHeaderBytes + value.Length;
        var to = _buffer[_length..];
        BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)length);
        BinaryPrimitives.WriteUInt16LittleEndian(to[2..], type);
        value.CopyTo(to[Netlink.AttributeHeaderBytes..]);
        _length += (length + 3) & ~3;
    }

    public void Byte(ushort type, byte value) => Bytes(type, [value]);

    public void UInt16BigEndian(ushort type, ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        Bytes(type, bytes);
    }

    public void UInt32(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        Bytes(type, bytes);
    }

    /// <summary>Text with its closing zero.</summary>
    public void Text(ushort type, string text) => Bytes(type, Encoding.UTF8.GetBytes(text + '\0'));

    /// <summary>Opens a nested attribute; give the result to <see cref="End"/>.</summary>
    public int Begin(ushort type)
    {
        var at = _length;
        Bytes((ushort)(type | Netlink.NLA_F_NESTED), []);
        return at;
    }

    public readonly void End(int at) => BinaryPrimitives.WriteUInt16LittleEndian(_buffer[at..], (ushort)(_length - at));
}
