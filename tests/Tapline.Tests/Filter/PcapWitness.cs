// libpcap's own classic BPF machine and checker, as witnesses for ours. Tests only.
using System.Runtime.InteropServices;
using Tapline.Base.Kernel;

namespace Tapline.Tests.Filter;

/// <summary>bpf_filter(3PCAP) and bpf_validate of the system's libpcap.</summary>
internal static unsafe partial class PcapWitness
{
    private const string Library = "libpcap.so.0.8";

    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>Whether libpcap would run the program.</summary>
    public static bool Accepts(sock_filter[] program)
    {
        fixed (sock_filter* instructions = program)
        {
            return bpf_validate(instructions, program.Length) != 0;
        }
    }

    /// <summary>What libpcap's machine answers; null when its checker refuses the program.</summary>
    public static uint? Run(sock_filter[] program, ReadOnlySpan<byte> frame, uint lengthBytes)
    {
        if (!Accepts(program))
        {
            return null;
        }

        fixed (sock_filter* instructions = program)
        fixed (byte* bytes = frame)
        {
            return bpf_filter(instructions, bytes, lengthBytes, (uint)frame.Length);
        }
    }

    [LibraryImport(Library)]
    private static partial uint bpf_filter(sock_filter* program, byte* frame, uint length, uint captured);

    [LibraryImport(Library)]
    private static partial int bpf_validate(sock_filter* program, int length);
}
