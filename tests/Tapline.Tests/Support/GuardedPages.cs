// Memory whose next byte must not be touched: bytes placed so that they end exactly where an unmapped page begins.
using System.Runtime.InteropServices;

namespace Tapline.Tests.Support;

/// <summary>Readable pages with an unreadable one behind them.</summary>
internal sealed unsafe partial class GuardedPages : IDisposable
{
    private readonly byte* _start;
    private readonly nuint _readable;

    public GuardedPages(int lengthMax)
    {
        var page = (nuint)Environment.SystemPageSize;
        _readable = (((nuint)lengthMax + page) / page) * page;
        _start = Mmap(null, _readable + page, 3, 0x22, -1, 0);
        if ((nint)_start == -1 || Mprotect(_start + _readable, page, 0) != 0)
        {
            throw new InvalidOperationException("mmap or mprotect failed");
        }
    }

    /// <summary>Copies the bytes to the end of the readable part.</summary>
    public ReadOnlySpan<byte> Place(ReadOnlySpan<byte> bytes)
    {
        var place = new Span<byte>(_start + _readable - bytes.Length, bytes.Length);
        bytes.CopyTo(place);
        return place;
    }

    public void Dispose() => _ = Munmap(_start, _readable + (nuint)Environment.SystemPageSize);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial byte* Mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Mprotect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(void* address, nuint length);
}
