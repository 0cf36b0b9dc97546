// A frame source fast enough to overrun a capture: BPF_PROG_TEST_RUN with live XDP frames into a veth.
// In: a veth end, frame size, number of flows. Out: UDP frames that arrive on the peer, each with its own sequence number.
// The kernel keeps and recycles the pages, the program only rewrites ports, addresses and number, so one system call sends
// thousands of frames. The peer needs NAPI (GRO on), otherwise the veth driver refuses XDP frames; the constructor's caller
// sees to it. One thread; call inside the veth's namespace (NetNamespace.Enter). Limit: 3400 bytes a frame (one page).
using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Tapline.Lab.Frames;

/// <summary>Sends numbered UDP frames into a veth as fast as asked.</summary>
internal sealed unsafe partial class FrameSource : IDisposable
{
    /// <summary>Smallest frame: Ethernet, IPv4, UDP and the eight-byte number.</summary>
    public const int FrameBytesMin = 50;

    /// <summary>Largest frame: what fits a page beside the kernel's head and tail room.</summary>
    public const int FrameBytesMax = 3400;

    private const int BatchFrames = 64; // a veth's XDP ring holds 256; more at once would be dropped there
    private const int CallFramesMax = 1 << 16;
    private const int HelperRedirect = 23; // bpf_redirect
    private const int XdpDrop = 1;
    private const int PortBitsMax = 14;
    private const int QueueFrames = 192; // below the 256 that a veth's queue holds (VETH_RING_SIZE in drivers/net/veth.c)
    private const int StillMs = 200;
    private const int NothingTakenMs = 1000;
    private const int TransmitPackets = 9; // its place among the numbers of a row of /proc/net/dev

    private readonly SafeFileHandle _counter;
    private readonly SafeFileHandle _program;
    private readonly byte[] _frame;
    private readonly int _portBits;

    /// <param name="interfaceIndex">The veth end to send from, in the calling thread's namespace.</param>
    /// <param name="frameBytes">Frame length without FCS.</param>
    /// <param name="flows">Number of distinct five-tuples, a power of two up to 2^24.</param>
    /// <param name="portBits">Flows between two addresses, as a power of two: 2^14 differ by their port alone. With fewer there are
    /// more senders, which a capture may spread over its workers.</param>
    public FrameSource(int interfaceIndex, int frameBytes, int flows, int portBits = PortBitsMax)
    {
        if (portBits is < 0 or > PortBitsMax)
        {
            throw new ArgumentOutOfRangeException(nameof(portBits), $"0 to {PortBitsMax}");
        }

        _portBits = portBits;
        if (frameBytes is < FrameBytesMin or > FrameBytesMax)
        {
            throw new ArgumentOutOfRangeException(nameof(frameBytes), $"{FrameBytesMin} to {FrameBytesMax}");
        }

        if (flows < 1 || flows > 1 << 24 || (flows & (flows - 1)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(flows), "a power of two up to 2^24");
        }

        _frame = Template(frameBytes);
        _counter = Bpf.CreateCounters(1);
        _program = Bpf.Load(Bpf.ProgTypeXdp, Program(interfaceIndex, flows), "tapline_source");
    }

    /// <summary>Frames that the program has handed to the veth so far.</summary>
    public long Sent => Bpf.ReadCounters(_counter, 1)[0];

    /// <summary>Sends as many frames at once as asked, without pause.</summary>
    public void Send(long count)
    {
        while (count > 0)
        {
            var part = (int)Math.Min(count, CallFramesMax);
            var result = Bpf.RunLive(_program, _frame, part, BatchFrames);
            if (result != 0)
            {
                throw new InvalidOperationException($"BPF_PROG_TEST_RUN: errno {-result} (kernel 5.18 or newer needed)");
            }

            count -= part;
        }
    }

    /// <summary>
    /// Sends until the peer has taken as many frames as asked. What its queue lost, because its processor was busy elsewhere,
    /// is made up for in smaller portions. Ends early where the peer takes nothing for a second (a port that is down).
    /// Returns what the peer took.
    /// </summary>
    /// <param name="count">Frames that shall be taken.</param>
    /// <param name="device">The interface that the source sends from, in the calling thread's namespace.</param>
    public long SendUntilTaken(long count, string device)
    {
        var before = Taken(device);
        var taken = 0L;
        long portion = CallFramesMax;
        for (var since = Environment.TickCount64; taken < count && Environment.TickCount64 - since < NothingTakenMs;)
        {
            var part = Math.Min(count - taken, portion);
            Send(part);
            var now = SettledAt(device, before, taken, taken + part);
            since = now > taken ? Environment.TickCount64 : since;
            portion = now < taken + part ? Math.Max(QueueFrames, portion / 4) : portion;
            taken = now;
        }

        return taken;
    }

    /// <summary>
    /// Sends at a steady rate for a time (0 = as fast as it goes): every tick what is due by then. Returns the seconds it took.
    /// </summary>
    public double SendPaced(double framesPerSecond, double seconds, int tickMicroseconds, CancellationToken stop = default)
    {
        var watch = Stopwatch.StartNew();
        var sent = 0L;
        while (!stop.IsCancellationRequested)
        {
            var elapsed = watch.Elapsed.TotalSeconds;
            if (elapsed >= seconds)
            {
                break;
            }

            var due = framesPerSecond > 0 ? (long)(elapsed * framesPerSecond) - sent : CallFramesMax;
            if (due > 0)
            {
                Send(due);
                sent += due;
            }

            if (framesPerSecond > 0)
            {
                _ = usleep((uint)tickMicroseconds);
            }
        }

        // What the last tick left over, so that rate times seconds is the exact count.
        if (framesPerSecond > 0 && !stop.IsCancellationRequested && (long)(seconds * framesPerSecond) - sent is > 0 and var rest)
        {
            Send(rest);
        }

        return watch.Elapsed.TotalSeconds;
    }

    public void Dispose()
    {
        _program.Dispose();
        _counter.Dispose();
    }

    /// <summary>Pins the calling thread to one CPU, so that the receiving softirq runs there too.</summary>
    public static void PinTo(int cpu)
    {
        var mask = stackalloc ulong[16];
        mask[cpu / 64] = 1UL << (cpu % 64);
        _ = sched_setaffinity(0, 128, mask);
    }

    // A veth end's transmit counter is its peer's receive counter where frames come by XDP (veth_get_stats64).
    private static long Taken(string device)
    {
        var row = File.ReadLines("/proc/thread-self/net/dev")
            .Single(l => l.AsSpan().TrimStart().StartsWith($"{device}:", StringComparison.Ordinal));
        var fields = row[(row.IndexOf(':') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(fields[TransmitPackets], System.Globalization.CultureInfo.InvariantCulture);
    }

    // What the peer took, when that is all or no more comes.
    private static long SettledAt(string device, long before, long taken, long all)
    {
        for (var since = Environment.TickCount64; taken < all && Environment.TickCount64 - since < StillMs;)
        {
            Thread.Yield();
            var now = Taken(device) - before;
            since = now > taken ? Environment.TickCount64 : since;
            taken = now;
        }

        return taken;
    }

    private static byte[] Template(int frameBytes)
    {
        var frame = new byte[frameBytes];
        var at = frame.AsSpan();
        // Locally administered addresses of nobody: the receiving stack sees a frame for another host and drops it cheaply.
        Convert.FromHexString("0200000000020200000000010800").CopyTo(at);
        var ip = at[14..];
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(frameBytes - 14));
        ip[4] = ip[5] = 0xff;
        ip[8] = 64;
        ip[9] = 17;
        Convert.FromHexString("0a0000000a63ffff").CopyTo(ip[12..]);
        var sum = 0u;
        for (var i = 0; i < 20; i += 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(ip[i..]);
        }

        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~((sum & 0xffff) + (sum >> 16)));
        var udp = at[34..];
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], 9); // discard
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)(frameBytes - 34));
        return frame;
    }

    // Register use: r2 frame, r3 its end, r5 counter's address, r6 number, r7 r8 scratch. Low bits of the number become the
    // source port, high bits the low half of the source address and their complement the identification: the one's
    // complement sum of both is constant, so the header checksum stays right; UDP's is 0 (none).
    private ulong[] Program(int interfaceIndex, int flows)
    {
        var code = new BpfAssembler();
        code.Load(4, 2, 1, 0);
        code.Load(4, 3, 1, 4);
        code.Move(4, 2);
        code.Add(4, FrameBytesMin);
        code.JumpIfGreater(4, 3, "drop");
        code.LoadMapValue(5, (int)_counter.DangerousGetHandle());
        code.Load(8, 6, 5, 0);
        code.Store(8, 2, 42, 6);
        code.Move(7, 6);
        code.Add(7, 1);
        code.Store(8, 5, 0, 7);
        code.And(6, flows - 1);
        code.Move(7, 6);
        code.And(7, (1 << _portBits) - 1);
        code.Add(7, 1 << PortBitsMax);
        code.ToBigEndian16(7);
        code.Store(2, 2, 34, 7);
        code.ShiftRight(6, _portBits);
        code.Move(8, 6);
        code.Xor(8, 0xffff);
        code.ToBigEndian16(6);
        code.ToBigEndian16(8);
        code.Store(2, 2, 28, 6);
        code.Store(2, 2, 18, 8);
        code.MoveImmediate(1, interfaceIndex);
        code.MoveImmediate(2, 0);
        code.Call(HelperRedirect);
        code.Exit();
        code.Label("drop");
        code.MoveImmediate(0, XdpDrop);
        code.Exit();
        return code.Build();
    }

    [LibraryImport("libc")]
    private static partial int usleep(uint microseconds);

    [LibraryImport("libc")]
    private static partial int sched_setaffinity(int thread, nint size, ulong* mask);
}
