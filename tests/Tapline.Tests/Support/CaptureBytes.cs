// Capture files as bytes, for tests: classic and pcapng in either byte order, with every field settable.
using System.Buffers.Binary;

namespace Tapline.Tests.Support;

/// <summary>Writes the pieces of capture files.</summary>
public sealed class CaptureBytes(bool bigEndian = false)
{
    private readonly MemoryStream _out = new();

    /// <summary>What was written so far.</summary>
    public byte[] ToArray() => _out.ToArray();

    public int Length => (int)_out.Length;

    public CaptureBytes PcapHeader(uint magic = 0xA1B2C3D4, uint linkType = 1, uint snapLength = 65535, int minor = 4) =>
        Write(U32(magic), U16(2), U16(minor), U32(0), U32(0), U32(snapLength), U32(linkType));

    public CaptureBytes PcapRecord(
        byte[] frame, uint seconds = 1, uint fraction = 0, uint? captured = null, uint? original = null, int extra = 0) =>
        Write(U32(seconds), U32(fraction), U32(captured ?? (uint)frame.Length), U32(original ?? (uint)frame.Length),
            new byte[extra], frame);

    public CaptureBytes Section(long length = -1) =>
        Block(0x0A0D0D0A, U32(0x1A2B3C4D), U16(1), U16(0), U32((uint)length), U32((uint)length));

    public CaptureBytes Interface(int linkType = 1, uint snapLength = 0, params byte[][] options) =>
        Block(1, U16(linkType), U16(0), U32(snapLength), options.SelectMany(o => o).ToArray());

    public CaptureBytes Enhanced(byte[] frame, ulong time = 0, uint id = 0, uint? captured = null, uint? original = null) =>
        Block(6, U32(id), U32((uint)(time >> 32)), U32((uint)time), U32(captured ?? (uint)frame.Length),
            U32(original ?? (uint)frame.Length), Pad(frame));

    public CaptureBytes Obsolete(byte[] frame, ulong time = 0, int id = 0) =>
        Block(2, U16(id), U16(0xFFFF), U32((uint)(time >> 32)), U32((uint)time), U32((uint)frame.Length),
            U32((uint)frame.Length), Pad(frame));

    public CaptureBytes Simple(byte[] frame, uint? original = null) =>
        Block(3, U32(original ?? (uint)frame.Length), Pad(frame));

    public byte[] Option(int code, params byte[] value) => [.. U16(code), .. U16(value.Length), .. Pad(value)];

    public byte[] Option64(int code, long value) => Option(code, bigEndian ? [.. U64(value)] : U64(value));

    public CaptureBytes Block(uint type, params byte[][] body)
    {
        var total = (uint)(12 + body.Sum(part => part.Length));
        return Write(U32(type), U32(total)).Write(body).Write(U32(total));
    }

    public CaptureBytes Write(params byte[][] parts)
    {
        foreach (var part in parts)
        {
            _out.Write(part);
        }

        return this;
    }

    public byte[] U16(int value)
    {
        var bytes = new byte[2];
        if (bigEndian)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)value);
        }

        return bytes;
    }

    public byte[] U32(uint value) => bigEndian
        ? [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]
        : [(byte)value, (byte)(value >> 8), (byte)(value >> 16), (byte)(value >> 24)];

    private byte[] U64(long value) => bigEndian
        ? [.. U32((uint)(value >> 32)), .. U32((uint)value)]
        : [.. U32((uint)value), .. U32((uint)(value >> 32))];

    private static byte[] Pad(byte[] bytes)
    {
        var padded = bytes;
        Array.Resize(ref padded, (bytes.Length + 3) & ~3);
        return padded;
    }
}
