// Anonymous pages straight from the kernel: zeroed on first touch, huge where the kernel offers it, given back at once.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Page-aligned zeroed memory from mmap(2). The caller frees it with the same size.</summary>
internal static unsafe partial class NativePages
{
    private const int PROT_READ = 1;
    private const int PROT_WRITE = 2;
    private const int MAP_PRIVATE = 0x02;
    private const int MAP_ANONYMOUS = 0x20;
    private const int MAP_NORESERVE = 0x4000;
    private const int MADV_HUGEPAGE = 14;
    private const nuint HugePageBytes = 2 << 20;

    /// <summary>Maps <paramref name="bytes"/> of zeroed memory, or throws <see cref="OutOfMemoryException"/>.</summary>
    public static void* Allocate(nuint bytes)
    {
        var address = Mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if ((nint)address == -1)
        {
            throw new OutOfMemoryException($"The system refused {bytes} bytes of memory.");
        }

        if (bytes >= HugePageBytes)
        {
            // Advice only: tables that are hit at random spend much of their time in TLB misses on small pages.
            _ = Madvise(address, bytes, MADV_HUGEPAGE);
        }

        return address;
    }

    /// <summary>Unmaps what <see cref="Allocate"/> gave.</summary>
    public static void Free(void* address, nuint bytes) => _ = Munmap(address, bytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial void* Mmap(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Madvise(void* address, nuint length, int advice);
}
