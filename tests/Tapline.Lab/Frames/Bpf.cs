// bpf(2) as the lab needs it: make an array map, load a program, run it. linux/bpf.h is the reference for every offset.
// In: managed arrays, pinned for the call. Out: file descriptors, owned by the caller (SafeFileHandle). Any thread.
// The lab has its own so that what it says about the product does not rest on the product's own loader.
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Tapline.Lab.Frames;

/// <summary>The system call bpf(2).</summary>
internal static unsafe partial class Bpf
{
    private const long SysBpf = 321; // x86-64
    private const int BpfMapCreate = 0;
    private const int BpfMapLookupElem = 1;
    private const int BpfProgLoad = 5;
    private const int BpfObjPin = 6;
    private const int BpfProgTestRun = 10;
    private const int BpfMapTypeArray = 2;
    private const int AttributeBytes = 152;
    private const int LogBytes = 256 * 1024;

    /// <summary>BPF_PROG_TYPE_SCHED_CLS.</summary>
    public const int ProgTypeSchedCls = 3;

    /// <summary>BPF_PROG_TYPE_XDP.</summary>
    public const int ProgTypeXdp = 6;

    /// <summary>BPF_F_TEST_XDP_LIVE_FRAMES: frames really travel where the program sends them.</summary>
    private const uint TestXdpLiveFrames = 1 << 1;

    /// <summary>An array map whose one entry holds so many 64-bit counters; a program addresses them directly.</summary>
    public static SafeFileHandle CreateCounters(int count)
    {
        Span<byte> attribute = stackalloc byte[AttributeBytes];
        attribute.Clear();
        Put(attribute, 0, BpfMapTypeArray);
        Put(attribute, 4, sizeof(int));
        Put(attribute, 8, sizeof(long) * count);
        Put(attribute, 12, 1);
        return Descriptor(Call(BpfMapCreate, attribute), "BPF_MAP_CREATE");
    }

    /// <summary>Reads all counters of such a map.</summary>
    public static long[] ReadCounters(SafeFileHandle map, int count)
    {
        var values = new long[count];
        var key = 0;
        Span<byte> attribute = stackalloc byte[AttributeBytes];
        attribute.Clear();
        fixed (long* start = values)
        {
            Put(attribute, 0, (int)map.DangerousGetHandle());
            PutPointer(attribute, 8, &key);
            PutPointer(attribute, 16, start);
            var result = Call(BpfMapLookupElem, attribute);
            return result == 0 ? values : throw new InvalidOperationException($"BPF_MAP_LOOKUP_ELEM: errno {-result}");
        }
    }

    /// <summary>Gives a program a path in a BPF file system, where `tc` can pick it up.</summary>
    public static void Pin(SafeFileHandle program, string path)
    {
        Span<byte> attribute = stackalloc byte[AttributeBytes];
        attribute.Clear();
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            PutPointer(attribute, 0, name);
            Put(attribute, 8, (int)program.DangerousGetHandle());
            var result = Call(BpfObjPin, attribute);
            if (result != 0)
            {
                throw new InvalidOperationException($"BPF_OBJ_PIN {path}: errno {-result}");
            }
        }
    }

    /// <summary>Loads a program; the verifier's log is in the exception when it refuses.</summary>
    public static SafeFileHandle Load(int programType, ReadOnlySpan<ulong> instructions, string name)
    {
        Span<byte> attribute = stackalloc byte[AttributeBytes];
        attribute.Clear();
        var log = new byte[LogBytes];
        fixed (ulong* code = instructions)
        fixed (byte* logStart = log, license = "GPL\0"u8)
        {
            Put(attribute, 0, programType);
            Put(attribute, 4, instructions.Length);
            PutPointer(attribute, 8, code);
            PutPointer(attribute, 16, license);
            Encoding.ASCII.GetBytes(name.AsSpan(0, Math.Min(15, name.Length)), attribute[48..]);
            var result = Call(BpfProgLoad, attribute);
            if (result < 0)
            {
                Put(attribute, 24, 1); // log_level: ask again with the verifier's words
                Put(attribute, 28, LogBytes);
                PutPointer(attribute, 32, logStart);
                result = Call(BpfProgLoad, attribute);
            }

            return result >= 0
                ? Descriptor(result, "BPF_PROG_LOAD")
                : throw new InvalidOperationException(
                    $"BPF_PROG_LOAD {name}: errno {-result}\n{Encoding.ASCII.GetString(log).TrimEnd('\0')}");
        }
    }

    /// <summary>
    /// Runs an XDP program <paramref name="count"/> times on frames that are live: the verdict is carried out. Returns 0
    /// or the negative errno (EINTR = a signal came; some frames went out all the same).
    /// </summary>
    public static int RunLive(SafeFileHandle program, ReadOnlySpan<byte> frame, int count, int batch)
    {
        Span<byte> attribute = stackalloc byte[AttributeBytes];
        attribute.Clear();
        fixed (byte* data = frame)
        {
            Put(attribute, 0, (int)program.DangerousGetHandle());
            Put(attribute, 8, frame.Length);
            PutPointer(attribute, 16, data);
            Put(attribute, 32, count);
            Put(attribute, 64, unchecked((int)TestXdpLiveFrames));
            Put(attribute, 72, batch);
            return Call(BpfProgTestRun, attribute);
        }
    }

    private static int Call(int command, Span<byte> attribute)
    {
        fixed (byte* start = attribute)
        {
            var result = syscall(SysBpf, command, start, (uint)attribute.Length);
            return result >= 0 ? (int)result : -Marshal.GetLastPInvokeError();
        }
    }

    private static SafeFileHandle Descriptor(int result, string step) =>
        result >= 0
            ? new SafeFileHandle(result, ownsHandle: true)
            : throw new InvalidOperationException($"{step}: errno {-result}");

    private static void Put(Span<byte> at, int offset, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(at[offset..], value);

    private static void PutPointer(Span<byte> at, int offset, void* value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(at[offset..], (ulong)value);

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, int command, byte* attribute, uint size);
}
