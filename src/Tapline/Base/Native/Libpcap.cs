// libpcap, used for one thing: its compiler from pcap-filter(7) text to classic BPF. In: text. Out: a managed copy of the
// program, so that no libpcap memory outlives the call. Loaded at first use; a host without it gets a sentence, not a crash.
// Any thread (libpcap's compiler is re-entrant since 1.8). May block on name lookups when the text has host names.
using System.Runtime.InteropServices;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Compiles filter text with the system's libpcap.</summary>
internal static unsafe partial class Libpcap
{
    private const string Library = "libpcap.so.0.8";
    private const uint PCAP_NETMASK_UNKNOWN = 0xffff_ffff;

    /// <summary>What a matching program returns; any value above 0 selects the frame.</summary>
    private const int SnapLength = 0x40000;

    /// <summary>Longest text taken; more than any real filter, less than what could exhaust the compiler's stack.</summary>
    private const int ExpressionCharactersMax = 64 * 1024;

    private static readonly Lazy<bool> s_available = new(() => NativeLibrary.TryLoad(Library, out _));

    /// <summary>True when libpcap can be loaded.</summary>
    public static bool IsAvailable => s_available.Value;

    /// <summary>
    /// Compiles <paramref name="expression"/> for frames of libpcap's data link type <paramref name="dlt"/>.
    /// Returns null and one sentence in <paramref name="error"/> when the text is wrong or libpcap is missing.
    /// </summary>
    public static sock_filter[]? Compile(string expression, int dlt, out string? error)
    {
        if (!IsAvailable)
        {
            error = $"Filter expressions need {Library}, which is not installed; install the package libpcap0.8.";
            return null;
        }

        if (expression.Length > ExpressionCharactersMax || expression.Contains('\0'))
        {
            error = $"The filter expression is longer than {ExpressionCharactersMax} characters or has a NUL in it.";
            return null;
        }

        // A dead handle stands for no interface, so VLAN tags are looked for in the frame's bytes, where capture put them.
        var handle = pcap_open_dead(dlt, SnapLength);
        if (handle == 0)
        {
            error = "libpcap had no memory to compile the filter expression.";
            return null;
        }

        try
        {
            return Compile(handle, expression, out error);
        }
        finally
        {
            pcap_close(handle);
        }
    }

    private static sock_filter[]? Compile(nint handle, string expression, out string? error)
    {
        bpf_program program = default;
        if (pcap_compile(handle, &program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0)
        {
            var reason = Marshal.PtrToStringUTF8(pcap_geterr(handle)) ?? "no reason given";
            error = $"The filter expression \"{expression}\" is not valid: {reason.Trim()}.";
            return null;
        }

        var instructions = new ReadOnlySpan<sock_filter>(program.bf_insns, checked((int)program.bf_len)).ToArray();
        pcap_freecode(&program);
        error = null;
        return instructions;
    }

    // <pcap/bpf.h>
    [StructLayout(LayoutKind.Sequential)]
    private struct bpf_program
    {
        public uint bf_len;
        public sock_filter* bf_insns;
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
}
