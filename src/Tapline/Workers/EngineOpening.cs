// From orders to opened parts, in the order in which they need each other: tool ports first (the capture must never see
// them), then folders, the capture, and per worker its stages. Whatever fails gives back all that was opened before,
// and one sentence: the host is as it was.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Ring;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Mirror;
using Tapline.Mirror.Send;
using Tapline.Record;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Opens an engine's parts. One use.</summary>
internal sealed class EngineOpening(EngineOptions options)
{
    private readonly List<IDisposable> _opened = [];
    private string? _fault;
    private bool _isUsage;
    private Func<string, ToolPortPlace> _placeOf = _ => default;

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

    private int WorkerCount { get; } =
        options.Workers > 0 ? Math.Min(options.Workers, Limits.WorkersMax) : Math.Clamp(Environment.ProcessorCount, 1, Limits.WorkersMax);

    private EngineParts? Open()
    {
        if (options.Mirrors.Count > Limits.MirrorSessionsMax)
        {
            return Usage($"At most {Limits.MirrorSessionsMax} mirror sessions run in one engine.");
        }

        var recordFilter = Filter(options.Record?.Filter);
        var sessions = recordFilter is null ? null : OpenSessions();
        if (sessions is null || recordFilter is null || Excluded(sessions) is not { } excluded)
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
        if (options.Record is { } record
            && (recordFolder = SegmentFolder.TryOpen(record.Folder, record.BudgetBytes, out _fault)) is null)
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
        return Build(capture, sessions, spoolFolder, recordFolder, recordFilter);
    }

    private EngineParts Build(
        LiveCapture capture, MirrorSession[][] sessions, SpoolFolder? spoolFolder, SegmentFolder? recordFolder, CompiledFilter filter)
    {
        var spools = spoolFolder is null ? [] : Each(w => new SpoolWriter(spoolFolder, w, options.Node));
        var recorders = recordFolder is null ? [] : Each(w => new SegmentRecorder(
            recordFolder, new RecorderOptions { Worker = w, Node = options.Node, Filter = options.Record?.Filter }));
        var parts = new EngineParts
        {
            Options = options,
            Capture = capture,
            Losses = new RingLosses(Limits.PointsMax),
            SpoolFolder = spoolFolder,
            SupervisorSpool = spoolFolder is null ? null : new SpoolWriter(spoolFolder, WorkerCount, options.Node),
            RecordFolder = recordFolder,
            Spools = spools,
            Recorders = recorders,
            Mirrors = sessions,
            Pipelines = Each(w => new Pipeline<SpoolSink>
            {
                Counts = new WorkerCounts(Limits.PointsMax),
                Flows = options.Analyse ? NewTable(w, spools.Length == 0 ? null : spools[w]) : null,
                Mirrors = sessions[w],
                Recorder = recorders.Length == 0 ? null : recorders[w],
                RecordFilter = filter,
            }),
        };
        foreach (var session in sessions[0])
        {
            parts.SupervisorSpool?.AddSession(new SessionInfo(
                session.Options.Id, session.Options.Name, session.Options.Target.ToString(), session.Options.Filter.Expression));
        }

        return parts;
    }

    private FlowTable<SpoolSink> NewTable(int worker, SpoolWriter? spool) => new(
        FlowTableOptions.Live with
        {
            Capacity = Math.Max(1024, options.FlowCapacity / WorkerCount),
            FlowIdPrefix = (ushort)worker,
            HashSeed = BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(sizeof(ulong))),
        },
        new SpoolSink(spool));

    // Before any socket is opened: a loop must not exist for a moment.
    private string? FindLoop()
    {
        var ends = new List<MirrorEnds>();
        foreach (var plan in options.Mirrors)
        {
            if (TargetParser.Parse(plan.To, out _) is { } target)
            {
                ends.Add(new MirrorEnds(plan.Session, plan.From, target.Interface));
            }
        }

        if (ends.Count == 0)
        {
            return null;
        }

        _placeOf = ToolPortPlaces.Read();
        return MirrorValidation.Check(options.Points, ends, _placeOf);
    }

    private MirrorSession[][]? OpenSessions()
    {
        if (FindLoop() is { } loop)
        {
            Usage(loop);
            return null;
        }

        var sessions = Each(_ => new MirrorSession[options.Mirrors.Count]);
        for (var i = 0; i < options.Mirrors.Count; i++)
        {
            var plan = options.Mirrors[i];
            var filter = Filter(plan.Filter);
            var target = filter is null ? null : TargetParser.Parse(plan.To, out _fault);
            if (filter is null || target is null)
            {
                _isUsage = true;
                return null;
            }

            var session = new MirrorSessionOptions
            {
                Id = (ushort)i,
                Name = plan.Session,
                Target = target,
                Filter = filter,
                SliceBytes = plan.SliceBytes,
                AllPoints = plan.From.Count == 0,
            };
            foreach (var worker in sessions)
            {
                var sender = PacketSender.Open(target.Interface, out _fault);
                if (sender is null)
                {
                    return null;
                }

                Keep(worker[i] = new MirrorSession(session, sender));
            }
        }

        return sessions;
    }

    /// <summary>
    /// Interfaces that are never captured: what the operator excluded, all tool ports, and the other end of a tool port
    /// that is a veth here, where the copies arrive. By name, because one that is made anew has another index.
    /// </summary>
    private List<string>? Excluded(MirrorSession[][] sessions)
    {
        var names = new List<string>(options.Exclude);
        foreach (var name in names)
        {
            if (InterfaceIndex.Of(name) == 0)
            {
                Usage($"There is no interface {name} to exclude; see `ip link`.");
                return null;
            }
        }

        foreach (var session in sessions[0])
        {
            var target = session.Options.Target.Interface;
            names.Add(target);
            if (_placeOf(target).PeerName is { } peer)
            {
                names.Add(peer);
            }
        }

        return names;
    }

    private LiveCaptureOptions CaptureOptions(List<string> excluded) => new()
    {
        Points = options.Points,
        ExcludeNames = excluded,
        Workers = WorkerCount,
        RingBudgetBytes = options.RingBudgetBytes,
        OvsDatabase = options.OvsDatabase,
        OvsMirror = options.OvsMirror,
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
