// libpcap's compiler, classic BPF machine and checker, as witnesses for ours. Tests only.
using System.Runtime.InteropServices;
using Tapline.Base;
using Tapline.Base.Kernel;

namespace Tapline.Tests.Filter.Witness;

/// <summary>pcap_compile(3PCAP), bpf_filter(3PCAP) and bpf_validate of the system's libpcap.</summary>
internal static unsafe partial class PcapWitness
{
    private const string Library = "libpcap.so.0.8";
    private const int SnapLength = 0x40000;
    private const uint NetmaskUnknown = 0xffff_ffff;

    public static bool IsAvailable { get; } = NativeLibrary.TryLoad(Library, out _);

    /// <summary>What libpcap makes of a text; null and its reason when it refuses.</summary>
    public static sock_filter[]? Compile(string expression, LinkType linkType, bool optimise, out string? error)
    {
        // A dead handle stands for no interface: VLAN tags are looked for in the frame's bytes. DLT_RAW is 12 on Linux.
        var handle = pcap_open_dead(linkType == LinkType.Raw ? 12 : (int)linkType, SnapLength);
        try
        {
            bpf_program program = default;
            if (pcap_compile(handle, &program, expression, optimise ? 1 : 0, NetmaskUnknown) != 0)
            {
                error = Marshal.PtrToStringUTF8(pcap_geterr(handle));
                return null;
            }

            var instructions = new ReadOnlySpan<sock_filter>(program.bf_insns, checked((int)program.bf_len)).ToArray();
            pcap_freecode(&program);
            error = null;
            return instructions;
        }
        finally
        {
            pcap_close(handle);
        }
    }

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

    // <pcap/bpf.h>
    [StructLayout(LayoutKind.Sequential)]
    private struct bpf_program
    {
        public uint bf_len;
        public sock_filter* bf_insns;
    }

    /// <summary>The same for a program that libpcap's own compiler made.</summary>
    public static uint RunUnchecked(sock_filter[] program, ReadOnlySpan<byte> frame, uint lengthBytes)
    {
        fixed (sock_filter* instructions = program)
        fixed (byte* bytes = frame)
        {
            return bpf_filter(instructions, bytes, lengthBytes, (uint)frame.Length);
        }
    }

    [LibraryImport(Library)]
    private static partial nint pcap_open_dead(int linktype, int snaplen);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int pcap_compile(nint handle, bpf_program* program, string text, int optimize, uint netmask);

    [LibraryImport(Library)]
    private static partial nint pcap_geterr(nint handle);

    [LibraryImport(Library)]
    private static partial void pcap_freecode(bpf_program* program);

    [LibraryImport(Library)]
    private static partial void pcap_close(nint handle);

    [LibraryImport(Library)]
    private static partial uint bpf_filter(sock_filter* program, byte* frame, uint length, uint captured);

    [LibraryImport(Library)]
    private static partial int bpf_validate(sock_filter* program, int length);
}
