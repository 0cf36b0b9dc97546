// Source-generated JSON for everything that crosses the engine's socket or the API: snake_case, absent when unknown.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Tapline.Server.Telemetry;

/// <summary>The engine's answer to {"verb":"flows"}.</summary>
internal sealed record FlowList
{
    public IReadOnlyList<FlowRow> Flows { get => field ?? []; init; }
}

/// <summary>The engine's answer to what concerns its mirror sessions: those in force now.</summary>
internal sealed record MirrorList
{
    public IReadOnlyList<EngineSnapshot.Mirror> Mirrors { get => field ?? []; init; }
}

/// <summary>An answer that is a refusal, or the confirmation of a stop.</summary>
internal sealed record EngineReply
{
    public string? Error { get; init; }

    public bool Stopping { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EngineSnapshot))]
[JsonSerializable(typeof(FlowList))]
[JsonSerializable(typeof(MirrorList))]
[JsonSerializable(typeof(EngineReply))]
internal sealed partial class TelemetryJson : JsonSerializerContext;
