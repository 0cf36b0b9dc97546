// Where a thread runs: one processor, and a name that top, perf and gdb show. Both are advice to the kernel; a host
// that refuses (a container with fewer processors) still works.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Pins the calling thread and names it for the kernel's tools.</summary>
public static unsafe partial class ThreadPlace
{
    // <sched.h> cpu_set_t: 1024 processors.
    private const int CpuSetBytes = 128;

    // <linux/resource.h>; on Linux a process of this call is a thread, and 0 the calling one.
    private const int PRIO_PROCESS = 0;
    private const int LowPriority = 10;

    /// <summary>Binds the calling thread to the n-th processor that the process may use.</summary>
    /// <returns>The processor's number, or -1 when the kernel refused and the thread stays unbound.</returns>
    public static int Pin(int index)
    {
        byte* allowed = stackalloc byte[CpuSetBytes];
        var bytes = SchedGetAffinity(0, CpuSetBytes, allowed);
        if (bytes < 0)
        {
            return -1;
        }

        var cpu = NthSet(new ReadOnlySpan<byte>(allowed, CpuSetBytes), index);
        if (cpu < 0)
        {
            return -1;
        }

        byte* wanted = stackalloc byte[CpuSetBytes];
        new Span<byte>(wanted, CpuSetBytes).Clear();
        wanted[cpu / 8] = (byte)(1 << (cpu % 8));
        return SchedSetAffinity(0, CpuSetBytes, wanted) == 0 ? cpu : -1;
    }

    /// <summary>Gives the calling thread a low priority (nice 10): a tenth of what others get that want the same processor.</summary>
    public static void GiveWay() => _ = SetPriority(PRIO_PROCESS, 0, LowPriority);

    /// <summary>The index-th set bit, counted around when there are fewer; -1 for an empty set.</summary>
    internal static int NthSet(ReadOnlySpan<byte> set, int index)
    {
        var count = 0;
        foreach (var part in set)
        {
            count += System.Numerics.BitOperations.PopCount(part);
        }

        if (count == 0)
        {
            return -1;
        }

        var left = index % count;
        for (var cpu = 0; cpu < set.Length * 8; cpu++)
        {
            if ((set[cpu / 8] & (1 << (cpu % 8))) != 0 && left-- == 0)
            {
                return cpu;
            }
        }

        return -1;
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int SchedGetAffinity(int thread, nuint bytes, byte* set);

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SchedSetAffinity(int thread, nuint bytes, byte* set);
}
