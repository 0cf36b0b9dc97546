// What the flow terms of an expression need to know of one flow, or of one part of it.
namespace Tapline.Record.Extract;

/// <summary>Facts of a flow. One thread.</summary>
internal sealed class FlowFacts
{
    public long StartNs { get; set; }

    public long EndNs { get; set; }

    /// <summary>The part of a long flow that was taken in last.</summary>
    public byte Part { get; set; }

    /// <summary>By term; not a number = not known.</summary>
    public required double[] Numbers { get; init; }

    /// <summary>Terms over texts that hold, a bit each.</summary>
    public ulong Texts { get; set; }
}
