// What the frame source sends, known to the byte: a witness (tcpdump) catches the first frames, and all others differ by their
// number, and by port and addresses, which the number gives. In: a capture of the witness. Out: whether a frame is the one of
// its number. Any thread.
using System.Buffers.Binary;
using Tapline.Lab.Proofs;

namespace Tapline.Lab.Record;

/// <summary>The frames of a <c>FrameSource</c>.</summary>
internal sealed class NumberedFrames
{
    private const int NumberOffset = 42;
    private const int SourcePortOffset = 34;
    private const int SourceLowOffset = 28;
    private const int IdentificationOffset = 18;
    private const int FirstPort = 1 << 14;
    private readonly byte[] _template;
    private readonly int _flows;
    private readonly int _portBits;

    /// <param name="witness">A capture of the source's frames, of which each must be as this class reckons it.</param>
    /// <param name="flows">Flows of the source.</param>
    /// <param name="portBits">Flows of one pair of addresses, as a power of two.</param>
    public NumberedFrames(string witness, int flows, int portBits)
    {
        _portBits = portBits;
        _flows = flows;
        var seen = PcapFile.Read(witness);
        _template = Blank(seen[0].Bytes);
        if (seen.Find(f => !IsGenuine(f.Bytes)).Bytes is { } strange)
        {
            throw new InvalidOperationException($"the witness saw a frame of another making: {Convert.ToHexString(strange)}");
        }
    }

    /// <summary>Which pair of addresses a frame has: by that it has its worker.</summary>
    public int PairOf(long number) => (int)(number & (_flows - 1)) >> _portBits;

    public static long NumberOf(ReadOnlySpan<byte> frame) =>
        frame.Length < NumberOffset + sizeof(long) ? -1 : BinaryPrimitives.ReadInt64LittleEndian(frame[NumberOffset..]);

    /// <summary>The frame is byte for byte what was sent under its number.</summary>
    public bool IsGenuine(ReadOnlySpan<byte> frame)
    {
        var number = NumberOf(frame);
        var pair = PairOf(number);
        return number >= 0 && frame.Length == _template.Length
            && BinaryPrimitives.ReadUInt16BigEndian(frame[SourceLowOffset..]) == pair
            && BinaryPrimitives.ReadUInt16BigEndian(frame[IdentificationOffset..]) == (pair ^ 0xffff)
            && BinaryPrimitives.ReadUInt16BigEndian(frame[SourcePortOffset..]) == FirstPort + (number & ((1 << _portBits) - 1))
            && Blank(frame).AsSpan().SequenceEqual(_template);
    }

    private static byte[] Blank(ReadOnlySpan<byte> frame)
    {
        var blank = frame.ToArray();
        blank.AsSpan(SourceLowOffset, 2).Clear();
        blank.AsSpan(IdentificationOffset, 2).Clear();
        blank.AsSpan(SourcePortOffset, 2).Clear();
        blank.AsSpan(NumberOffset, sizeof(long)).Clear();
        return blank;
    }
}
