// BPF programs, maps and links that a process holds (/proc/PID/fdinfo), and whether the kernel still knows them
// (BPF_*_GET_FD_BY_ID). So a test can tell that a killed process left nothing, whatever others do on the machine.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tapline.Lab.Kernel;

/// <summary>Identifiers of BPF objects.</summary>
internal static unsafe partial class BpfObjects
{
    private const long SysBpf = 321; // x86-64
    private const int ProgGetFdById = 13;
    private const int MapGetFdById = 14;
    private const int LinkGetFdById = 30;

    /// <summary>What a process holds now: "prog_id", "map_id" or "link_id" and the number.</summary>
    public static List<(string Kind, int Id)> HeldBy(int processId)
    {
        var held = new List<(string, int)>();
        foreach (var file in Directory.EnumerateFiles($"/proc/{processId}/fdinfo"))
        {
            foreach (var line in Lines(file))
            {
                var parts = line.Split(':', 2);
                if (parts[0] is "prog_id" or "map_id" or "link_id")
                {
                    held.Add((parts[0], int.Parse(parts[1].Trim(), CultureInfo.InvariantCulture)));
                }
            }
        }

        return held;
    }

    /// <summary>True while the kernel has the object.</summary>
    public static bool Exists((string Kind, int Id) item)
    {
        var command = item.Kind switch { "prog_id" => ProgGetFdById, "map_id" => MapGetFdById, _ => LinkGetFdById };
        var attribute = stackalloc int[8];
        new Span<int>(attribute, 8).Clear();
        attribute[0] = item.Id;
        var descriptor = (int)syscall(SysBpf, command, attribute, 12);
        if (descriptor >= 0)
        {
            _ = close(descriptor);
        }

        return descriptor >= 0;
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (IOException)
        {
            return []; // closed meanwhile
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial long syscall(long number, int command, int* attribute, uint size);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
