// The hashes of a file's bytes in blocks of one mebibyte, as the bytes are written or, where that was not done, from disk. One hash
// for each block and not one chain through all: a reader then hashes many blocks at once, names the one that was altered, and can
// check any of them with `dd` and `sha256sum`. What the bytes mean does not matter here. Memory: 32 bytes a block. One thread.
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Hashes one file after the other.</summary>
internal sealed class BlockHashes : IDisposable
{
    /// <summary>Bytes of a block; the last one of a file may be shorter.</summary>
    public const int BlockBytes = 1 << 20;

    private const int ReadBytes = 256 * 1024;
    private const int RestMs = 50;
    private const int LookMs = 5;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly byte[] _buffer = new byte[ReadBytes];
    private Hash256[] _blocks;
    private int _count;
    private long _restUntilMs;
    private volatile bool _isStopped;

    /// <param name="fileBytes">How long files usually are at most; longer ones cost an allocation.</param>
    public BlockHashes(long fileBytes) => _blocks = new Hash256[(fileBytes / BlockBytes) + 2];

    /// <summary>Bytes hashed so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Hashes of the blocks so far; complete after <see cref="Finish"/>.</summary>
    public ReadOnlySpan<Hash256> Blocks => _blocks.AsSpan(0, _count);

    /// <summary>Set: <see cref="TryAddFrom"/> ends soon, with -EINTR. Any thread.</summary>
    public bool IsStopped
    {
        get => _isStopped;
        set => _isStopped = value;
    }

    /// <summary><see cref="TryAddFrom"/> rests for a moment. Any thread.</summary>
    public void HoldOff() => Volatile.Write(ref _restUntilMs, Environment.TickCount64 + RestMs);

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
    /// for <see cref="TryAddFrom"/>.</summary>
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

    /// <summary>Takes what is still missing of a file from disk; 0, or a negated errno.</summary>
    /// <param name="path">The file.</param>
    /// <param name="fileBytes">Its length.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // rare: it would be compiled for good, which allocates, long after the start
    public int TryAddFrom(ReadOnlySpan<byte> path, long fileBytes)
    {
        if (Bytes == fileBytes)
        {
            return 0;
        }

        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        var result = Math.Min(fd, 0);
        while (result == 0 && Bytes < fileBytes)
        {
            while (!_isStopped && Environment.TickCount64 < Volatile.Read(ref _restUntilMs))
            {
                Thread.Sleep(LookMs);
            }

            if (_isStopped)
            {
                result = -NativeFile.EINTR;
                break;
            }

            var read = NativeFile.Read(fd, _buffer.AsSpan(0, (int)Math.Min(ReadBytes, fileBytes - Bytes)), Bytes);
            if (read <= 0)
            {
                result = read < 0 ? (int)read : -NativeFile.EIO;
                break;
            }

            Add(_buffer.AsSpan(0, (int)read), Bytes);
        }

        if (fd >= 0)
        {
            _ = NativeFile.Close(fd);
        }

        return result;
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
