// A program on an interface by clsact and cls_bpf, for kernels without TCX. A filter outlives the process that made it,
// so its name says who that was, and whether it also made the qdisc:
//
//   tapline:NS:PID:START:q  NS = inode of the process's PID namespace (a process of another one cannot be judged),
//                           START = its start time in clock ticks since boot (proc(5), stat field 22), q = qdisc too
//
// What a killed engine left is found by that name at the next start and removed. Filters of others are never touched;
// the qdisc goes only when one of ours says that we made it, and nothing hangs on it any more.
// Control threads, under the owner's lock.
using System.Globalization;

namespace Tapline.Base.Native;

/// <summary>Owns one attachment; Dispose removes it.</summary>
internal sealed class ClsactFilter : IDisposable
{
    private const int EEXIST = 17;

    // First in line, so that no filter of others ends the walk before ours. At an occupied priority of the same kind
    // ours comes behind; of another kind, the kernel says no and the next priority is tried.
    private const ushort PriorityFirst = 1;
    private const ushort PriorityLast = 8;
    private const uint HandleFirst = 0x7A90;
    private const uint HandleLast = HandleFirst + 255;
    private static readonly string s_prefix = $"tapline:{PidNamespace()}:";
    private static readonly string s_owner = s_prefix + OwnerMark(Environment.ProcessId);

    private readonly TrafficControl _control;
    private readonly TrafficControl.Filter _filter;
    private bool _isRemoved;

    private ClsactFilter(TrafficControl control, TrafficControl.Filter filter)
    {
        _control = control;
        _filter = filter;
    }

    /// <summary>Attaches; null and the errno when the kernel refuses, and then nothing has changed.</summary>
    public static ClsactFilter? Attach(
        TrafficControl control, FileDescriptor program, int interfaceIndex, bool isEgress, out int errno)
    {
        // Asked first: whoever is killed between qdisc and filter leaves a qdisc that nobody knows to be ours, so nothing is done between.
        // A second session on the same port: the first one's filter already says whose the qdisc is.
        var isKnownAsOurs = Sides(control, interfaceIndex).Any(f => f.Name == s_owner + ":q");
        errno = control.AddClsact(interfaceIndex);
        var isQdiscOurs = errno == 0;
        if (errno is not (0 or EEXIST))
        {
            return null;
        }

        if (!isQdiscOurs && isEgress && !control.WithClsact().GetValueOrDefault(interfaceIndex))
        {
            // The kernel would hang the filter on the incoming side of an ingress qdisc and say nothing.
            errno = SystemCalls.EINVAL;
            return null;
        }

        isQdiscOurs |= isKnownAsOurs;
        var name = isQdiscOurs ? s_owner + ":q" : s_owner;
        for (var priority = PriorityFirst; priority <= PriorityLast; priority++)
        {
            for (var handle = HandleFirst; handle <= HandleLast; handle++)
            {
                errno = control.AddFilter(interfaceIndex, isEgress, priority, handle, program, name);
                if (errno == 0)
                {
                    var added = control.Filters(interfaceIndex, isEgress)
                        .First(f => f.Handle == handle && f.Name == name && f.Info >> 16 == priority);
                    return new ClsactFilter(control, added);
                }

                if (errno != EEXIST)
                {
                    break;
                }
            }
        }

        if (isQdiscOurs)
        {
            RemoveQdiscIfEmpty(control, interfaceIndex);
        }

        return null;
    }

    /// <summary>Removes what engines that no longer run have left behind. Returns the number of filters removed.</summary>
    public static int RemoveLeftovers(TrafficControl control)
    {
        var removed = 0;
        foreach (var index in control.WithClsact().Keys)
        {
            var hasQdisc = false;
            foreach (var filter in Sides(control, index).Where(IsLeftover))
            {
                removed += control.RemoveFilter(filter) == 0 ? 1 : 0;
                hasQdisc |= filter.Name.EndsWith(":q", StringComparison.Ordinal);
            }

            if (hasQdisc)
            {
                RemoveQdiscIfEmpty(control, index);
            }
        }

        return removed;
    }

    public void Dispose()
    {
        if (_isRemoved)
        {
            return;
        }

        _isRemoved = true;
        _ = _control.RemoveFilter(_filter);
        if (_filter.Name.EndsWith(":q", StringComparison.Ordinal))
        {
            RemoveQdiscIfEmpty(_control, _filter.InterfaceIndex);
        }
    }

    private static bool IsLeftover(TrafficControl.Filter filter)
    {
        if (!filter.Name.StartsWith(s_prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var parts = filter.Name[s_prefix.Length..].Split(':');
        return parts.Length is 2 or 3
            && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var processId)
            && OwnerMark(processId) != $"{parts[0]}:{parts[1]}";
    }

    private static IEnumerable<TrafficControl.Filter> Sides(TrafficControl control, int interfaceIndex) =>
        [.. control.Filters(interfaceIndex, isEgress: false), .. control.Filters(interfaceIndex, isEgress: true)];

    private static void RemoveQdiscIfEmpty(TrafficControl control, int interfaceIndex)
    {
        if (!Sides(control, interfaceIndex).Any())
        {
            _ = control.RemoveClsact(interfaceIndex);
        }
    }

    // "pid:[4026531836]"
    private static string PidNamespace() =>
        new([.. (File.ResolveLinkTarget("/proc/self/ns/pid", returnFinalTarget: false)?.Name ?? "").Where(char.IsAsciiDigit)]);

    // The same process has the same start time; a process of another engine under a reused number has another.
    private static string OwnerMark(int processId)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{processId}/stat");
            var start = text[(text.LastIndexOf(')') + 2)..].Split(' ')[22 - 3];
            return string.Create(CultureInfo.InvariantCulture, $"{processId}:{start}");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
