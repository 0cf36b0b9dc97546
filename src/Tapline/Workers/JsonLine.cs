// One answer of the control socket, built in memory that is kept for the next one: after the first few answers the
// buffer has its size and nothing is allocated any more. Owned by the control thread.
using System.Buffers;

namespace Tapline.Workers;

/// <summary>A growing byte buffer that a JSON writer fills; reused, never shrunk, bounded.</summary>
internal sealed class JsonLine : IBufferWriter<byte>
{
    private const int InitialBytes = 16 * 1024;

    // 4096 points at about 400 bytes each are under 2 MB; anything near this bound is a defect.
    private const int BytesMax = 64 << 20;

    private byte[] _bytes = new byte[InitialBytes];

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Append(byte value)
    {
        GetSpan(1)[0] = value;
        Length++;
    }

    public void Advance(int count) => Length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    private void Reserve(int sizeHint)
    {
        var needed = Length + Math.Max(sizeHint, 1);
        if (needed > _bytes.Length)
        {
            Base.Invariant.Check(needed <= BytesMax);
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        }
    }
}
