// The hashes of a file's bytes in blocks of one mebibyte, as the bytes are written or, where that was not done, as HashReader has
// them from disk. One hash for each block and not one chain through all: a reader then hashes many blocks at once, names the one
// that was altered, and can check any of them with `dd` and `sha256sum`. What the bytes mean does not matter here. Memory: 32 bytes
// a block. One thread at a time.
using System.Security.Cryptography;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Hashes one file after the other.</summary>
internal sealed class BlockHashes : IDisposable
{
    /// <summary>Bytes of a block; the last one of a file may be shorter.</summary>
    public const int BlockBytes = 1 << 20;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private Hash256[] _blocks;
    private int _count;

    /// <param name="fileBytes">How long files usually are at most; longer ones cost an allocation.</param>
    public BlockHashes(long fileBytes) => _blocks = new Hash256[(fileBytes / BlockBytes) + 2];

    /// <summary>Bytes hashed so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Hashes of the blocks so far; complete after <see cref="Finish"/>.</summary>
    public ReadOnlySpan<Hash256> Blocks => _blocks.AsSpan(0, _count);

    /// <summary>A new file begins.</summary>
    public void Begin()
    {
        if (Bytes % BlockBytes != 0)
        {
            Close();
        }

        _count = 0;
        Bytes = 0;
    }

    /// <summary>Takes bytes that stand at an offset of the file. What was taken before is skipped; what lies beyond a gap is left
    /// for <see cref="HashReader"/>.</summary>
    public void Add(ReadOnlySpan<byte> bytes, long offset)
    {
        if (offset > Bytes || offset + bytes.Length <= Bytes)
        {
            return;
        }

        bytes = bytes[(int)(Bytes - offset)..];
        while (bytes.Length > 0)
        {
            var part = bytes[..(int)Math.Min(bytes.Length, BlockBytes - (Bytes % BlockBytes))];
            _hash.AppendData(part);
            Bytes += part.Length;
            bytes = bytes[part.Length..];
            if (Bytes % BlockBytes == 0)
            {
                Close();
            }
        }
    }

    /// <summary>Ends the file: its last block may be short.</summary>
    public void Finish()
    {
        if (Bytes > 0 && Bytes % BlockBytes != 0 && _count == Bytes / BlockBytes)
        {
            Close();
        }
    }

    public void Dispose() => _hash.Dispose();

    private void Close()
    {
        if (_count == _blocks.Length)
        {
            Array.Resize(ref _blocks, 2 * _blocks.Length);
        }

        Span<byte> hash = stackalloc byte[Hash256.Bytes];
        Invariant.Check(_hash.TryGetHashAndReset(hash, out _));
        _blocks[_count++] = Hash256.Read(hash);
    }
}
