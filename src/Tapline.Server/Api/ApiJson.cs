// Source-generated JSON of the API: the contract's names, absent when unknown.
using System.Text.Json.Serialization;
using Tapline.Server.Telemetry;

namespace Tapline.Server.Api;

/// <summary>One observation point with its rates of the last second.</summary>
internal sealed record PointAnswer
{
    public required int Id { get; init; }

    public required string Point { get; init; }

    public required string Kind { get; init; }

    public string? Switch { get; init; }

    public string? Vm { get; init; }

    public required string State { get; init; }

    public required long Arrived { get; init; }

    public required long DroppedRing { get; init; }

    public required long Captured { get; init; }

    public required long CapturedBytes { get; init; }

    public required long Segments { get; init; }

    public required long Analysed { get; init; }

    public required long Undecodable { get; init; }

    public required long Recorded { get; init; }

    public required long DroppedRecorder { get; init; }

    public required double FramesPerSecond { get; init; }

    public required double BitsPerSecond { get; init; }

    public required double DropsPerSecond { get; init; }

    public static PointAnswer Of(EngineSnapshot.Point point, PointRate rate) => new()
    {
        Id = point.Id,
        Point = point.Name,
        Kind = point.Kind,
        Switch = point.Switch,
        Vm = point.Vm,
        State = point.State,
        Arrived = point.Arrived,
        DroppedRing = point.DroppedRing,
        Captured = point.Captured,
        CapturedBytes = point.CapturedBytes,
        Segments = point.Segments,
        Analysed = point.Analysed,
        Undecodable = point.Undecodable,
        Recorded = point.Recorded,
        DroppedRecorder = point.DroppedRecorder,
        FramesPerSecond = Math.Round(rate.FramesPerSecond, 3),
        BitsPerSecond = Math.Round(rate.BitsPerSecond, 3),
        DropsPerSecond = Math.Round(rate.DropsPerSecond, 3),
    };
}

internal sealed record PointsAnswer(IReadOnlyList<PointAnswer> Points);

/// <summary>Is the node well? <see cref="Status"/> is <c>ok</c>, <c>degraded</c> or <c>down</c>.</summary>
internal sealed record HealthAnswer
{
    public required string Status { get; init; }

    /// <summary>One sentence for each thing that is not as it should be.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    public required bool EngineAnswers { get; init; }

    public long? IngestLagNs { get; init; }

    public int? BatchesWaiting { get; init; }

    public long? BatchesBad { get; init; }
}

internal sealed record FlowsAnswer(IReadOnlyList<FlowRow> Flows, string? Next);

/// <summary>One second of one point's ledger.</summary>
internal sealed record LedgerRow
{
    public required string Time { get; init; }

    public required string Point { get; init; }

    public long Arrived { get; init; }

    public long DroppedRing { get; init; }

    public long Captured { get; init; }

    public long CapturedBytes { get; init; }

    public long Segments { get; init; }

    public long Analysed { get; init; }

    public long Undecodable { get; init; }

    public long Recorded { get; init; }

    public long DroppedRecorder { get; init; }

    public long FilteredRecorder { get; init; }
}

/// <summary>One second of one mirror session's ledger.</summary>
internal sealed record MirrorLedgerRow
{
    public required string Time { get; init; }

    public required string Session { get; init; }

    public long Offered { get; init; }

    public long Sent { get; init; }

    public long SentWireFrames { get; init; }

    public long SentBytes { get; init; }

    public long Filtered { get; init; }

    public long SampledOut { get; init; }

    public long DroppedBusy { get; init; }

    public long DroppedTooLong { get; init; }

    public long DroppedTargetDown { get; init; }

    public long DroppedError { get; init; }

    public long DroppedRateCapped { get; init; }

    public long DroppedShed { get; init; }

    public long Deduplicated { get; init; }

    public long FlowEnded { get; init; }

    public long Masked { get; init; }

    public long Forgotten { get; init; }
}

internal sealed record LedgerAnswer(IReadOnlyList<LedgerRow> Ledger, IReadOnlyList<MirrorLedgerRow> MirrorLedger);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EngineSnapshot))]
[JsonSerializable(typeof(PointsAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(FlowsAnswer))]
[JsonSerializable(typeof(LedgerAnswer))]
internal sealed partial class ApiJson : JsonSerializerContext;
