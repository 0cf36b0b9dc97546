// One mirror session that runs in the kernel: its maps, and a program on each of its ports. In: ports as they come and
// go, the target. Out: counters that balance at any moment and are final after Finish. No frame passes
// through here. Owner of maps, programs and attachments. Control threads, one at a time.
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>A session's half in the kernel.</summary>
internal sealed unsafe class KernelMirror : IDisposable
{
    private const long AliveNs = 10 * Clock.SecondNs;
    private readonly KernelHooks _hooks;
    private readonly FileDescriptor _counters;
    private readonly FileDescriptor _target;
    private readonly FileDescriptor _socket;
    private readonly FilterEmission? _filter;
    private readonly int _sampleOneIn;
    private readonly uint _canaryMark;
    private readonly KernelTool _tool;
    private readonly Dictionary<(int Index, bool IsEgress), (ushort Point, IDisposable Hook)> _attached = [];
    private readonly bool[] _used = new bool[Limits.PointsMax];
    private readonly int _cpus = BpfSystem.PossibleCpus();
    private readonly long* _values;
    private KernelTargetState _state;
    private int _usedEnd;
    private MirrorCounters _last;

    private KernelMirror(
        KernelHooks hooks, FileDescriptor counters, FileDescriptor target, FileDescriptor socket, KernelTool tool,
        FilterEmission? filter, int sampleOneIn, uint canaryMark)
    {
        _hooks = hooks;
        _counters = counters;
        _target = target;
        _socket = socket;
        _tool = tool;
        _filter = filter;
        _sampleOneIn = sampleOneIn;
        _canaryMark = canaryMark;
        _values = (long*)NativePages.Allocate((nuint)(_cpus * KernelCounter.ValueBytes));
    }

    /// <summary>True while copies can leave.</summary>
    public bool IsTargetUp => _state.InterfaceIndex != 0;

    /// <summary>Ports that have a program now.</summary>
    public int Ports => _attached.Count;

    /// <summary>Opens the target and makes the maps; null and one sentence when the kernel refuses.</summary>
    public static KernelMirror? Open(
        KernelHooks hooks, MirrorTarget target, string session, FilterEmission? filter, int sampleOneIn, uint canaryMark,
        out string error)
    {
        if (KernelTool.Open(target, session, hooks, out error) is not { } tool)
        {
            return null;
        }

        var counters = BpfSystem.CreateMap(
            Bpf.BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint), KernelCounter.ValueBytes, Limits.PointsMax, "tap_mirror", out error);
        var state = counters is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_ARRAY, sizeof(uint), sizeof(KernelTargetState), 1, "tap_target", out error);
        var socket = state is null ? null : new FileDescriptor(
            SystemCalls.SocketOpen(Socket.AF_PACKET, Socket.SOCK_RAW | Socket.SOCK_CLOEXEC, 0));
        if (socket is null || socket.IsInvalid)
        {
            error = error.Length > 0 ? error
                : $"The kernel opens no packet socket: {SystemError.Describe(SystemCalls.LastError)}.";
            state?.Dispose();
            counters?.Dispose();
            tool.Dispose();
            return null;
        }

        var mirror = new KernelMirror(hooks, counters!, state!, socket, tool, filter, sampleOneIn, canaryMark);
        mirror.FollowTarget();
        return mirror;
    }

    /// <summary>True when the port has its program already.</summary>
    public bool IsAttached(int interfaceIndex, bool isEgress, ushort point) =>
        _attached.TryGetValue((interfaceIndex, isEgress), out var now) && now.Point == point;

    /// <summary>The ports that have a program.</summary>
    public IReadOnlyCollection<(int Index, bool IsEgress)> Attached => _attached.Keys;

    /// <summary>Hangs a program on a port; false and one sentence when the kernel refuses, and then nothing changed.</summary>
    public bool Attach(string name, int interfaceIndex, bool isEgress, ushort point, out string error)
    {
        Detach(interfaceIndex, isEgress);
        var port = new ToolPort(_socket.Number, name);
        var program = BpfSystem.Load(
            Bpf.BPF_PROG_TYPE_SCHED_CLS,
            KernelMirrorProgram.Emit(new KernelProgramPlan
            {
                CountersDescriptor = _counters.Number,
                TargetDescriptor = _target.Number,
                PointId = point,
                IsEthernet = !port.Refresh() || port.IsEthernet,
                LooksForEngine = _hooks.Kind == KernelHookKind.Clsact,
                TagCounts = _tool.TagCounts,
                SampleOneIn = _sampleOneIn,
                CanaryMark = _canaryMark,
                Filter = _filter,
            }),
            "tap_mirror",
            out error);
        using (program)
        {
            if (program is null)
            {
                return false;
            }

            if (_hooks.Attach(program, interfaceIndex, isEgress, out var errno) is not { } hook)
            {
                error = $"The kernel takes no mirror program on {name} ({SystemError.Describe(errno)}); nothing was changed "
                    + "there. Use --mode user, or look at what else hangs on it (`bpftool net`, `tc filter`).";
                return false;
            }

            _attached[(interfaceIndex, isEgress)] = (point, hook);
        }

        _used[point] = true;
        Volatile.Write(ref _usedEnd, Math.Max(_usedEnd, point + 1));
        return true;
    }

    /// <summary>Takes the program away; its counts stay.</summary>
    public void Detach(int interfaceIndex, bool isEgress)
    {
        if (_attached.Remove((interfaceIndex, isEgress), out var attached))
        {
            attached.Hook.Dispose();
        }
    }

    /// <summary>Why no session can run in this kernel, found by loading a program; null = it can. Attaches nothing.</summary>
    public static string? FindProblem(KernelHookKind wanted, FilterEmission? filter)
    {
        using var hooks = KernelHooks.Open(wanted, out var error);
        using var counters = hooks is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(uint), KernelCounter.ValueBytes, 1, "tap_probe", out error);
        using var target = counters is null
            ? null
            : BpfSystem.CreateMap(Bpf.BPF_MAP_TYPE_ARRAY, sizeof(uint), sizeof(KernelTargetState), 1, "tap_probe", out error);
        if (target is null)
        {
            return error;
        }

        var plan = new KernelProgramPlan
        {
            CountersDescriptor = counters!.Number,
            TargetDescriptor = target.Number,
            PointId = 0,
            LooksForEngine = hooks!.Kind == KernelHookKind.Clsact,
            SampleOneIn = 2,
            Filter = filter,
        };
        using var program = BpfSystem.Load(
            Bpf.BPF_PROG_TYPE_SCHED_CLS, KernelMirrorProgram.Emit(plan), "tap_probe", out error);
        return program is null ? error : null;
    }

    /// <summary>
    /// Looks at the target and tells the programs: gone, down, made anew under its name, another MTU. And that the engine
    /// lives: called once a second at least.
    /// </summary>
    public void FollowTarget()
    {
        if (_counters.IsClosed)
        {
            return;
        }

        _tool.Refresh();
        var state = new KernelTargetState
        {
            InterfaceIndex = _tool.Index,
            FrameBytesMax = (uint)_tool.FrameBytesMax,
            AliveUntilNs = Clock.MonotonicNs() + AliveNs,
        };
        uint key = 0;
        _ = BpfSystem.Update(_target, &key, &state);
        _state = state;
    }

    /// <summary>
    /// Frames that the tool port's driver dropped since the session began, whoever sent them: a witness beside the
    /// ledger, not a part of it. Allocation-free.
    /// </summary>
    public long ReadTargetTxDropped()
    {
        if (!_counters.IsClosed)
        {
            _tool.ReadLosses();
        }

        return _tool.TxDropped;
    }

    /// <summary>The session's counters over all ports and processors; after Dispose the last ones. Allocation-free.</summary>
    public MirrorCounters Read()
    {
        if (_counters.IsClosed)
        {
            return _last;
        }

        // First what the target lost, then what it took: a copy is taken before it is lost.
        _tool.ReadLosses();
        var sum = default(MirrorCounters);
        for (uint point = 0; point < _usedEnd; point++)
        {
            if (_used[point] && BpfSystem.Lookup(_counters, &point, _values))
            {
                Add(ref sum);
            }
        }

        var withoutWay = Math.Min(_tool.LostWithoutWay, sum.Sent);
        var otherwise = Math.Min(_tool.LostOtherwise, sum.Sent - withoutWay);
        sum.Sent -= withoutWay + otherwise;
        sum.DroppedTargetDown += withoutWay;
        sum.DroppedError += otherwise;
        sum.Offered = sum.Sent + sum.Filtered + sum.SampledOut + sum.Dropped;
        return sum;
    }

    /// <summary>Canaries that were handed to the tool port. Allocation-free.</summary>
    public long ReadCanaries()
    {
        var sum = 0L;
        for (uint point = 0; point < _usedEnd && !_counters.IsClosed; point++)
        {
            if (_used[point] && BpfSystem.Lookup(_counters, &point, _values))
            {
                for (var cpu = 0; cpu < _cpus; cpu++)
                {
                    sum += _values[(cpu * KernelCounter.Count) + KernelCounter.Canaries];
                }
            }
        }

        return sum;
    }

    /// <summary>Takes all programs away; afterwards no frame is copied any more and the counters are final.</summary>
    public void Finish()
    {
        foreach (var (_, hook) in _attached.Values)
        {
            hook.Dispose();
        }

        _attached.Clear();
        SystemCalls.WaitForKernelReaders();
    }

    public void Dispose()
    {
        if (_counters.IsClosed)
        {
            return;
        }

        Finish();
        _last = Read();
        _tool.Dispose();
        _socket.Dispose();
        _target.Dispose();
        _counters.Dispose();
        NativePages.Free(_values, (nuint)(_cpus * KernelCounter.ValueBytes));
    }

    private void Add(ref MirrorCounters sum)
    {
        for (var cpu = 0; cpu < _cpus; cpu++)
        {
            var value = _values + (cpu * KernelCounter.Count);
            sum.Sent += value[KernelCounter.Sent];
            sum.SentWireFrames += value[KernelCounter.SentWireFrames];
            sum.SentBytes += value[KernelCounter.SentBytes];
            sum.Filtered += value[KernelCounter.Filtered];
            sum.SampledOut += value[KernelCounter.SampledOut];
            sum.DroppedBusy += value[KernelCounter.DroppedBusy];
            sum.DroppedTooLong += value[KernelCounter.DroppedTooLong];
            sum.DroppedTargetDown += value[KernelCounter.DroppedTargetDown];
            sum.DroppedError += value[KernelCounter.DroppedError];
        }
    }
}
