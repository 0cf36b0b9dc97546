// The engine's answer to {"verb":"snapshot"} (docs/formats/engine-socket.md), as the console, the API and `top` read it.
// All counters are cumulative since the engine started. Names of interfaces and VMs are hostile text: whoever shows
// them encodes them for the place where they are shown.
namespace Tapline.Server.Telemetry;

/// <summary>One reading of everything the engine counts. Immutable.</summary>
internal sealed record EngineSnapshot
{
    // The generated reader sets what an answer leaves out to null, whatever the initial value: lists are empty then.
    private static readonly Dictionary<string, long> s_nothing = [];

    public string Time { get; init; } = "";

    public string Node { get; init; } = "";

    public string Version { get; init; } = "";

    public long UptimeNs { get; init; }

    public int Pid { get; init; }

    public IReadOnlyList<Point> Points { get => field ?? []; init; }

    public IReadOnlyList<Mirror> Mirrors { get => field ?? []; init; }

    /// <summary>Null when nothing is recorded.</summary>
    public RecorderState? Recorder { get; init; }

    public FlowTable Flows { get; init; } = new();

    /// <summary>Frames by decode verdict.</summary>
    public IReadOnlyDictionary<string, long> Verdicts { get => field ?? s_nothing; init; }

    public IReadOnlyList<WorkerState> Workers { get => field ?? []; init; }

    public long AllocatedBytes { get; init; }

    public long GcCollections { get; init; }

    /// <summary>One observation point. arrived = captured + dropped_ring + what still waits in the ring.</summary>
    internal sealed record Point
    {
        public int Id { get; init; }

        [System.Text.Json.Serialization.JsonPropertyName("point")]
        public string Name { get; init; } = "";

        public string Kind { get; init; } = "port";

        public string? Switch { get; init; }

        public string? Vm { get; init; }

        public string State { get; init; } = "up";

        public long Arrived { get; init; }

        public long DroppedRing { get; init; }

        public long Captured { get; init; }

        public long CapturedBytes { get; init; }

        public long Segments { get; init; }

        public long Analysed { get; init; }

        public long Undecodable { get; init; }

        public long Recorded { get; init; }

        public long DroppedRecorder { get; init; }
    }

    /// <summary>One mirror session. offered = sent + filtered + sampled_out + dropped.</summary>
    internal sealed record Mirror
    {
        public string Session { get; init; } = "";

        public string To { get; init; } = "";

        /// <summary>Source words; empty = all points.</summary>
        public IReadOnlyList<string> From { get => field ?? []; init; }

        public string? Filter { get; init; }

        /// <summary><c>kernel</c> or <c>user</c>: the path that the copies take.</summary>
        public string Mode { get; init; } = "user";

        /// <summary>What is done to each copy, as ordered; null = nothing.</summary>
        public string? Shape { get; init; }

        public string State { get; init; } = "up";

        /// <summary>Why it is down, where that is known.</summary>
        public string? Reason { get; init; }

        /// <summary>Who reads a stream; null for other targets.</summary>
        public IReadOnlyList<StreamClient>? Clients { get; init; }

        public long Offered { get; init; }

        public long Sent { get; init; }

        public long SentWireFrames { get; init; }

        public long SentBytes { get; init; }

        public long Filtered { get; init; }

        public long SampledOut { get; init; }

        /// <summary>Of the filtered: second copies of a frame.</summary>
        public long Deduplicated { get; init; }

        /// <summary>Of the filtered: frames of a flow of which as much had left as was wanted.</summary>
        public long FlowEnded { get; init; }

        /// <summary>Of the sent: frames in whose payload something was masked.</summary>
        public long Masked { get; init; }

        /// <summary>Frames and flows forgotten before their time because a table was full.</summary>
        public long Forgotten { get; init; }

        /// <summary>Frames wanted and lost, by reason.</summary>
        public IReadOnlyDictionary<string, long> Dropped { get => field ?? s_nothing; init; }

        /// <summary>What its canaries have shown; null = none was due yet, or they are off.</summary>
        public Canary? Canary { get; init; }

        /// <summary>The targets of a group; null when there is one target.</summary>
        public IReadOnlyList<MirrorMember>? Members { get; init; }
    }

    /// <summary>Canaries of one session.</summary>
    internal sealed record Canary
    {
        /// <summary><c>ok</c>, <c>failed</c>: the last one was lost, <c>off</c>: none could be sent.</summary>
        public string State { get; init; } = "ok";

        public long Sent { get; init; }

        public long Delivered { get; init; }

        public string? Point { get; init; }

        public string? Time { get; init; }

        public long DelayNs { get; init; }

        /// <summary><c>far_side</c> or <c>sender</c>: who says that it came out.</summary>
        public string? Witness { get; init; }

        public string? Problem { get; init; }
    }

    /// <summary>One target of a group, in frames as captured.</summary>
    internal sealed record MirrorMember
    {
        public string To { get; init; } = "";

        public string State { get; init; } = "up";

        public long Sent { get; init; }

        public long SentWireFrames { get; init; }

        public long SentBytes { get; init; }

        public long Dropped { get; init; }
    }

    /// <summary>A reader of a stream, in packets.</summary>
    internal sealed record StreamClient
    {
        public string Peer { get; init; } = "";

        public long Sent { get; init; }

        public long Dropped { get; init; }
    }

    internal sealed record RecorderState
    {
        public string Folder { get; init; } = "";

        public long Segments { get; init; }

        public long Bytes { get; init; }

        public long BudgetBytes { get; init; }

        public long Recorded { get; init; }

        public long Dropped { get; init; }

        public string? Oldest { get; init; }

        public long RemovedByBudget { get; init; }

        public long RemovedByAge { get; init; }

        public long RemovedForFreeDisk { get; init; }

        public long Holds { get; init; }

        public long HeldSegments { get; init; }

        public long HeldBytes { get; init; }

        /// <summary>Which rule of retention can't be kept; null = all are.</summary>
        public string? Notice { get; init; }
    }

    internal sealed record FlowTable
    {
        public long Active { get; init; }

        public long Created { get; init; }

        public long Evicted { get; init; }

        public long Capacity { get; init; }

        public long RecordsWritten { get; init; }

        public long RecordsDropped { get; init; }
    }

    internal sealed record WorkerState
    {
        public int Worker { get; init; }

        public int Cpu { get; init; }

        public long Frames { get; init; }

        public long Batches { get; init; }

        public long RingBytes { get; init; }
    }
}
