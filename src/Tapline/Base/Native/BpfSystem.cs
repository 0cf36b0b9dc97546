// bpf(2): loads programs and makes maps. In: instructions of a BpfAssembler. Out: descriptors with one owner. When the
// owner dies, however it dies, the kernel frees program and maps: nothing is pinned. Control thread; allocates.
using System.Text;
using Tapline.Base.Kernel;

namespace Tapline.Base.Native;

/// <summary>Loads BPF programs and creates maps.</summary>
internal static unsafe class BpfSystem
{
    private const int LogBytes = 256 * 1024;

    /// <summary>Loads a program. Null with one sentence when the kernel refuses it.</summary>
    public static FileDescriptor? Load(uint programType, bpf_insn[] instructions, string name, out string error) =>
        Load(programType, instructions, name, expectedAttachType: 0, out error);

    /// <summary>Loads a program for an attach point that the type alone does not tell.</summary>
    public static FileDescriptor? Load(
        uint programType, bpf_insn[] instructions, string name, uint expectedAttachType, out string error)
    {
        Invariant.Check(instructions.Length > 0);
        var license = "GPL\0"u8;
        fixed (bpf_insn* code = instructions)
        fixed (byte* licensePointer = license)
        {
            var attributes = new bpf_attr_prog_load
            {
                prog_type = programType,
                insn_cnt = (uint)instructions.Length,
                insns = (ulong)code,
                license = (ulong)licensePointer,
                expected_attach_type = expectedAttachType,
            };
            CopyName(name, attributes.prog_name);
            var descriptor = SystemCalls.Bpf(Bpf.BPF_PROG_LOAD, &attributes, (uint)sizeof(bpf_attr_prog_load));
            if (descriptor >= 0)
            {
                error = "";
                return new FileDescriptor(descriptor);
            }

            error = Refusal($"the BPF program `{name}`", SystemCalls.LastError, attributes);
            return null;
        }
    }

    /// <summary>Makes a map. Null with one sentence when the kernel refuses.</summary>
    public static FileDescriptor? CreateMap(
        uint mapType, int keyBytes, int valueBytes, int entries, string name, out string error)
    {
        var attributes = new bpf_attr_map_create
        {
            map_type = mapType,
            key_size = (uint)keyBytes,
            value_size = (uint)valueBytes,
            max_entries = (uint)entries,
        };
        CopyName(name, attributes.map_name);
        var descriptor = SystemCalls.Bpf(Bpf.BPF_MAP_CREATE, &attributes, (uint)sizeof(bpf_attr_map_create));
        error = descriptor >= 0 ? "" : Refusal($"the BPF map `{name}`", SystemCalls.LastError, default);
        return descriptor >= 0 ? new FileDescriptor(descriptor) : null;
    }

    /// <summary>Sets an element; false with errno in <see cref="SystemCalls.LastError"/>.</summary>
    public static bool Update(FileDescriptor map, void* key, void* value) =>
        Element(Bpf.BPF_MAP_UPDATE_ELEM, map, key, value);

    /// <summary>Reads an element; a per-CPU map fills one value (rounded to 8 bytes) for each possible CPU.</summary>
    public static bool Lookup(FileDescriptor map, void* key, void* value) =>
        Element(Bpf.BPF_MAP_LOOKUP_ELEM, map, key, value);

    /// <summary>Removes an element; false when there was none.</summary>
    public static bool Delete(FileDescriptor map, void* key) => Element(Bpf.BPF_MAP_DELETE_ELEM, map, key, null);

    /// <summary>CPUs for which per-CPU maps hold a value: those that could ever come online.</summary>
    public static int PossibleCpus()
    {
        // "0-3,8-11" is eight CPUs; per-CPU values lie side by side without gaps (bpf_percpu_array_copy).
        var count = 0;
        foreach (var range in File.ReadAllText("/sys/devices/system/cpu/possible").Trim().Split(','))
        {
            var ends = range.Split('-');
            count += Number(ends[^1]) - Number(ends[0]) + 1;
        }

        return count;

        static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }

    private static bool Element(int command, FileDescriptor map, void* key, void* value)
    {
        var attributes = new bpf_attr_map_elem { map_fd = (uint)map.Number, key = (ulong)key, value = (ulong)value };
        return SystemCalls.Bpf(command, &attributes, (uint)sizeof(bpf_attr_map_elem)) == 0;
    }

    private static string Refusal(string what, int errno, bpf_attr_prog_load attributes)
    {
        if (errno is SystemCalls.EPERM or SystemCalls.EACCES && !HasVerifierLog(attributes, out _))
        {
            return $"The kernel does not let this process load {what}: it needs root, or the capabilities CAP_BPF and "
                + "CAP_NET_ADMIN (and a locked-memory limit of at least 64 MiB before Linux 5.11).";
        }

        var log = HasVerifierLog(attributes, out var reason) ? $" The verifier says: {reason}" : "";
        return $"The kernel refuses {what} ({SystemError.Describe(errno)}); Tapline needs Linux 5.8 or later.{log}";
    }

    // Loads again with the verifier's log on: its last line says why. Only after a refusal, so the log costs nothing else.
    private static bool HasVerifierLog(bpf_attr_prog_load attributes, out string reason)
    {
        reason = "";
        if (attributes.insn_cnt == 0)
        {
            return false;
        }

        var log = new byte[LogBytes];
        fixed (byte* pointer = log)
        {
            attributes.log_level = 1;
            attributes.log_size = LogBytes;
            attributes.log_buf = (ulong)pointer;
            var descriptor = SystemCalls.Bpf(Bpf.BPF_PROG_LOAD, &attributes, (uint)sizeof(bpf_attr_prog_load));
            if (descriptor >= 0)
            {
                _ = SystemCalls.Close(descriptor);
                return false;
            }
        }

        var end = Array.IndexOf(log, (byte)0);
        var lines = Encoding.UTF8.GetString(log, 0, Math.Max(end, 0)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        reason = string.Join(" | ", lines.TakeLast(4));
        return lines.Length > 0;
    }

    private static void CopyName(string name, byte* to)
    {
        // BPF_OBJ_NAME_LEN is 16 with the closing zero; letters, digits, '_' and '.' only.
        for (var i = 0; i < Math.Min(name.Length, 15); i++)
        {
            to[i] = (byte)(char.IsAsciiLetterOrDigit(name[i]) ? name[i] : '_');
        }
    }
}
