// Hashes from disk what was not hashed as it was written. Reading gives way: it rests while a writer is behind, and ends soon when it is
// told to; what was hashed by then stays. Owns its buffer. One thread, but for HoldOff and StopAt; no allocation.
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>Reads files to hash them.</summary>
internal sealed class HashReader : IDisposable
{
    private const int ReadBytes = 256 * 1024;
    private const int RestMs = 50;
    private const int LookMs = 5;
    private readonly byte[] _buffer = new byte[ReadBytes];
    private readonly IncrementalHash _whole = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _restUntilMs;
    private long _stopAtMs = long.MaxValue;

    /// <summary>Reading rests for a moment. Any thread.</summary>
    public void HoldOff() => Volatile.Write(ref _restUntilMs, Environment.TickCount64 + RestMs);

    /// <summary>Reading ends at a time of <see cref="Environment.TickCount64"/>, with -EINTR. Any thread.</summary>
    public void StopAt(long tickMs) => Volatile.Write(ref _stopAtMs, tickMs);

    /// <summary>Adds what is still missing of a file; 0, or a negated errno, after which it can go on.</summary>
    /// <param name="hashes">Its hashes so far.</param>
    /// <param name="path">The file.</param>
    /// <param name="fileBytes">Its length.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // rare: it would be compiled for good, which allocates, long after the start
    public int TryComplete(BlockHashes hashes, ReadOnlySpan<byte> path, long fileBytes)
    {
        if (hashes.Bytes == fileBytes)
        {
            return 0;
        }

        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        var result = Math.Min(fd, 0);
        while (result == 0 && hashes.Bytes < fileBytes)
        {
            var read = Read(fd, hashes.Bytes, fileBytes - hashes.Bytes);
            hashes.Add(_buffer.AsSpan(0, Math.Max(0, read)), hashes.Bytes);
            result = read == 0 ? -NativeFile.EIO : Math.Min(read, 0); // shorter than it was
        }

        Close(fd);
        return result;
    }

    /// <summary>Hashes a small file as a whole; 0, or a negated errno.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int TryHash(ReadOnlySpan<byte> path, out Hash256 hash)
    {
        var fd = NativeFile.Open(path, NativeFile.O_RDONLY, 0);
        var result = Math.Min(fd, 0);
        var read = 1;
        for (long offset = 0; result == 0 && read > 0; offset += read)
        {
            read = Read(fd, offset, ReadBytes);
            result = Math.Min(read, 0);
            _whole.AppendData(_buffer.AsSpan(0, Math.Max(0, read)));
        }

        Close(fd);
        Span<byte> bytes = stackalloc byte[Hash256.Bytes];
        Invariant.Check(_whole.TryGetHashAndReset(bytes, out _));
        hash = Hash256.Read(bytes);
        return result;
    }

    public void Dispose() => _whole.Dispose();

    // Into the buffer, after any rest: bytes read, 0 at the end, or a negated errno.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Read(int fd, long offset, long bytes)
    {
        long now;
        while ((now = Environment.TickCount64) < Volatile.Read(ref _stopAtMs))
        {
            if (now >= Volatile.Read(ref _restUntilMs))
            {
                return (int)NativeFile.Read(fd, _buffer.AsSpan(0, (int)Math.Min(ReadBytes, bytes)), offset);
            }

            Thread.Sleep(LookMs);
        }

        return -NativeFile.EINTR;
    }

    private static void Close(int fd)
    {
        if (fd >= 0)
        {
            _ = NativeFile.Close(fd);
        }
    }
}
