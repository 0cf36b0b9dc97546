// A small file on its way into a container: an index, or what a repair adds to a segment. Collects bytes to whole blocks and
// hands each out when it is full. No direct writes: where the bytes go is the caller's. One thread; no allocation after the
// first file but for a cipher each.
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>Writes one container after the other through a call. One thread.</summary>
/// <param name="encoder">Composes them; owned by the sink.</param>
internal sealed class ContainerSink(ContainerEncoder encoder) : IDisposable
{
    /// <summary>Takes bytes for an offset of the file; 0, or a negated errno, which ends it.</summary>
    public delegate int Taker(ReadOnlySpan<byte> bytes, long offset);

    private readonly byte[] _plain = new byte[BlockHeader.PlainBytesMax];
    private readonly byte[] _packed = new byte[ContainerEncoder.BlockRoom];
    private int _filled;

    /// <summary>Bytes of the file so far.</summary>
    public long FileBytes => encoder.FileBytes;

    /// <summary>Begins a container.</summary>
    public int Begin(Taker taker)
    {
        _filled = 0;
        var bytes = encoder.Begin(_packed);
        return taker(_packed.AsSpan(0, bytes), 0);
    }

    /// <summary>Goes on with one that was left, from a place in its content on.</summary>
    public void Resume(ReadOnlySpan<byte> header, ReadOnlySpan<ContainerRow> rows, long logicalEnd, long fileEnd)
    {
        _filled = 0;
        encoder.Resume(header, rows, logicalEnd, fileEnd);
    }

    /// <summary>Adds content.</summary>
    public int Add(ReadOnlySpan<byte> bytes, Taker taker)
    {
        var result = 0;
        while (!bytes.IsEmpty && result == 0)
        {
            var part = bytes[..Math.Min(bytes.Length, _plain.Length - _filled)];
            part.CopyTo(_plain.AsSpan(_filled));
            _filled += part.Length;
            bytes = bytes[part.Length..];
            result = _filled == _plain.Length ? Flush(taker) : 0;
        }

        return result;
    }

    /// <summary>Ends the container.</summary>
    public int End(Taker taker)
    {
        var result = Flush(taker);
        while (result == 0 && !encoder.IsFinished)
        {
            var offset = encoder.FileBytes;
            var bytes = encoder.Finish(_packed);
            Invariant.Check(bytes > 0);
            result = taker(_packed.AsSpan(0, bytes), offset);
        }

        return result;
    }

    public void Dispose() => encoder.Dispose();

    private int Flush(Taker taker)
    {
        if (_filled == 0)
        {
            return 0;
        }

        var offset = encoder.FileBytes;
        var bytes = encoder.AddBlock(_plain.AsSpan(0, _filled), _packed);
        _filled = 0;
        return taker(_packed.AsSpan(0, bytes), offset);
    }
}
