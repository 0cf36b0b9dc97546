// What records say about an observation point and a mirror session. Strings live here, once per batch or file; rows
// carry only the ids. Made when a point appears, never per frame.
namespace Tapline.Store;

/// <summary>An observation point as records and recordings describe it. Names are hostile text: a guest may choose them.</summary>
/// <param name="Id">What frames carry (<c>FrameMeta.PointId</c>).</param>
/// <param name="Name">Interface or file name.</param>
/// <param name="Kind">`vm_port`, `uplink`, `host`, `monitor`, `file` or `port`.</param>
/// <param name="Switch">The switch it belongs to, or null.</param>
/// <param name="Vm">The VM behind it, or null.</param>
/// <param name="VmId">The VM's own identifier, or null.</param>
public sealed record PointInfo(
    ushort Id,
    string Name,
    string Kind,
    string? Switch = null,
    string? Vm = null,
    string? VmId = null)
{
    /// <summary>Machine, kind and switch in words, for people who open a recording.</summary>
    public string Description
    {
        get
        {
            var where = Switch is null ? "" : $" on {Switch}";
            return Vm is null ? $"{Kind}{where}" : $"VM {Label(Vm, VmId)}, {Kind}{where}";
        }
    }

    /// <summary>A machine as descriptions call it.</summary>
    public static string Label(string vm, string? id) => id is null ? vm : $"{vm} ({id})";

    /// <summary>The label of the machine in a description; null where there is none. The name is its owner's choice, so the
    /// last words that can be ours end it.</summary>
    public static string? MachineOf(string description)
    {
        ArgumentNullException.ThrowIfNull(description);
        const string Start = "VM ";
        var end = -1;
        foreach (var kind in (ReadOnlySpan<string>)["vm_port", "uplink", "host", "monitor", "file", "tunnel", "port"])
        {
            var last = description.LastIndexOf($", {kind}", StringComparison.Ordinal);
            var after = last < 0 ? "" : description[(last + 2 + kind.Length)..];
            end = last > 0 && (after.Length == 0 || after.StartsWith(" on ", StringComparison.Ordinal)) ? Math.Max(end, last) : end;
        }

        return end > Start.Length && description.StartsWith(Start, StringComparison.Ordinal) ? description[Start.Length..end] : null;
    }

    /// <summary>
    /// The point that a <see cref="Description"/> was made of, as far as it can be told: names are free text, so one that is
    /// built like a description may be taken apart at the wrong place.
    /// </summary>
    public static PointInfo Parse(ushort id, string name, string description)
    {
        string? vm = null;
        string? vmId = null;
        var rest = description;
        if (description.StartsWith("VM ", StringComparison.Ordinal)
            && description.LastIndexOf(", ", StringComparison.Ordinal) is > 3 and var comma)
        {
            vm = description[3..comma];
            rest = description[(comma + 2)..];
            if (vm.EndsWith(')') && vm.LastIndexOf(" (", StringComparison.Ordinal) is > 0 and var bracket)
            {
                vmId = vm[(bracket + 2)..^1];
                vm = vm[..bracket];
            }
        }

        var on = rest.IndexOf(" on ", StringComparison.Ordinal);
        return on < 0
            ? new PointInfo(id, name, rest, null, vm, vmId)
            : new PointInfo(id, name, rest[..on], rest[(on + 4)..], vm, vmId);
    }

    /// <summary>Link speed in bit/s where known; 0 = unknown. Goes into recordings only.</summary>
    public long SpeedBitsPerSecond { get; init; }
}

/// <summary>A mirror session as records describe it.</summary>
public sealed record SessionInfo(ushort Id, string Name, string To, string? Filter = null);
