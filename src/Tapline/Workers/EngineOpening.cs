// From orders to opened parts, in the order in which they need each other: tool ports first (the capture must never see
// them), then folders, the capture, and per worker its stages. Whatever fails gives back all that was opened before,
// and one sentence: the host is as it was.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Opens an engine's parts. One use.</summary>
internal sealed class EngineOpening(EngineOptions options)
{
    private readonly List<IDisposable> _opened = [];
    private string? _fault;
    private SegmentKey? _recordKey;
    private bool _isUsage;
    private bool _areMirrorsInKernel;

    /// <summary>The parts, or null and a report of what is wrong.</summary>
    public static EngineParts? Open(EngineOptions options, out EngineReport? fault)
    {
        var opening = new EngineOpening(options);
        var parts = opening.Open();
        fault = null;
        if (parts is null)
        {
            opening._opened.Reverse();
            opening._opened.ForEach(o => o.Dispose());
            fault = new EngineReport { Fault = opening._fault, IsUsageError = opening._isUsage };
        }

        return parts;
    }

    // Sessions in the kernel need no worker; when nobody else wants frames, none is read.
    private int WorkerCount =>
        !options.Analyse && options.Record is null && _areMirrorsInKernel ? 0
        : options.Workers > 0 ? Math.Min(options.Workers, Limits.WorkersMax) : Math.Clamp(Environment.ProcessorCount, 1, Limits.WorkersMax);

    private EngineParts? Open()
    {
        if (Filter(options.Record?.Filter) is not { } recordFilter)
        {
            return null;
        }

        if (KernelPlanning.Decide(options, out var refusal) is not { } paths)
        {
            return Usage(refusal!);
        }

        _areMirrorsInKernel = paths.Count > 0 && paths.All(p => p.IsKernel);
        var mirrors = MirrorDesk.Open(options, WorkerCount, out _fault, out _isUsage);
        Keep(mirrors);
        if (mirrors is null || Excluded(mirrors) is not { } excluded)
        {
            return null;
        }

        SpoolFolder? spoolFolder = null;
        SegmentFolder? recordFolder = null;
        if (options.DataFolder is { } data
            && (spoolFolder = SpoolFolder.TryOpen(Path.Combine(data, "spool"), Limits.SpoolBudgetBytesDefault, out _fault)) is null)
        {
            return null;
        }

        Keep(spoolFolder);
        if (options.Record is { } kept && !kept.AtRest.TryOpenKey(out _recordKey, out _fault))
        {
            return null;
        }

        if (options.Record is { } record
            && (recordFolder = SegmentFolder.TryOpen(record.Folder, record.Rules, out _fault)) is null)
        {
            return null;
        }

        Keep(recordFolder);
        var capture = LiveCapture.Open(CaptureOptions(excluded), out var error);
        if (capture is null)
        {
            _fault = error;
            return null;
        }

        Keep(capture);
        KernelHooks.RemoveLeftovers();
        if (mirrors.Attach(capture) is { } refused)
        {
            _fault = refused;
            return null;
        }

        capture.DirectoryChanged = Bind;
        Bind();
        mirrors.OnToolPorts = names => capture.ExcludeNames([.. options.Exclude, .. names]);
        return Build(capture, mirrors, spoolFolder, recordFolder, recordFilter);

        void Bind()
        {
            var names = FilterNames.Of(capture.Directory, capture.Points);
            mirrors.SetNames(names);
            recordFilter.Bind(names);
            recordFolder?.SetMachines(FilterNames.Recorded(capture.Directory));
        }
    }

    private EngineParts Build(
        LiveCapture capture, MirrorDesk mirrors, SpoolFolder? spoolFolder, SegmentFolder? recordFolder, CompiledFilter filter)
    {
        var losses = new RingLosses(Limits.PointsMax);
        mirrors.Points.Losses = losses;
        var spools = spoolFolder is null ? [] : Each(w => new SpoolWriter(spoolFolder, w, options.Node, new EndpointNames(capture)));
        var recorders = recordFolder is null ? [] : Each(w => new SegmentRecorder(
            recordFolder,
            new RecorderOptions
            {
                Worker = w,
                Node = options.Node,
                Filter = options.Record?.Filter,
                Compression = options.Record!.AtRest.Compression,
                Key = _recordKey,
                FlowSlots = options.Analyse ? FlowsPerWorker : 0,
                Names = new EndpointNames(capture),
            }));
        var parts = new EngineParts
        {
            Options = options,
            Capture = capture,
            Losses = losses,
            SpoolFolder = spoolFolder,
            SupervisorSpool = spoolFolder is null ? null : new SpoolWriter(spoolFolder, WorkerCount, options.Node),
            RecordFolder = recordFolder,
            Keeper = recordFolder is null ? null : new RetentionKeeper([recordFolder], n => Console.Error.WriteLine($"tapline: {n}")),
            Spools = spools,
            Recorders = recorders,
            Mirrors = mirrors,
            Pipelines = Each(w => new Pipeline<SpoolSink>
            {
                Counts = new WorkerCounts(Limits.PointsMax),
                Flows = options.Analyse ? NewTable(w, spools.Length == 0 ? null : spools[w]) : null,
                Recorder = recorders.Length == 0 ? null : recorders[w],
                RecordFilter = filter,
                CanarySecret = mirrors.CanarySecret,
            }),
        };
        Array.ForEach(parts.Pipelines, p => p.IndexFlows());
        return parts;
    }

    private int FlowsPerWorker => Math.Max(1024, options.FlowCapacity / WorkerCount);

    private FlowTable<SpoolSink> NewTable(int worker, SpoolWriter? spool) => new(
        FlowTableOptions.Live with
        {
            Capacity = FlowsPerWorker,
            FlowIdPrefix = (ushort)worker,
            HashSeed = BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(ulong))),
        },
        new SpoolSink(spool));

    /// <summary>
    /// Interfaces that are never captured: what the operator excluded, all tool ports, and the other end of a tool port
    /// that is a veth here, where the copies arrive. By name, because one that is made anew has another index.
    /// </summary>
    private List<string>? Excluded(MirrorDesk mirrors)
    {
        if (options.Exclude.FirstOrDefault(name => InterfaceIndex.Of(name) == 0) is { } unknown)
        {
            Usage($"There is no interface {unknown} to exclude; see `ip link`.");
            return null;
        }

        return [.. options.Exclude, .. mirrors.ToolPorts];
    }

    private LiveCaptureOptions CaptureOptions(List<string> excluded) => new()
    {
        Points = options.Points,
        ExcludeNames = excluded,
        Workers = WorkerCount,
        RingBudgetBytes = options.RingBudgetBytes,
        HardwareTimestamps = options.HardwareTimestamps,
        OvsDatabase = options.OvsDatabase,
        OvsMirror = options.OvsMirror,
        Inventory = options.Inventory,
        Libvirt = options.Libvirt,
        Node = options.Node,
    };

    private CompiledFilter? Filter(string? expression)
    {
        var filter = CompiledFilter.Compile(expression, LinkType.Ethernet, out var error);
        if (filter is null)
        {
            Usage(error!);
        }

        return filter;
    }

    private EngineParts? Usage(string sentence)
    {
        _fault = sentence;
        _isUsage = true;
        return null;
    }

    private void Keep(IDisposable? opened)
    {
        if (opened is not null)
        {
            _opened.Add(opened);
        }
    }

    private T[] Each<T>(Func<int, T> make)
    {
        var all = new T[WorkerCount];
        for (var w = 0; w < all.Length; w++)
        {
            all[w] = make(w);
        }

        return all;
    }
}
