// What a session's canaries have shown so far. Immutable: one for each canary, published as a whole.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Workers;

/// <summary>Canaries of one session.</summary>
public sealed record CanaryReport
{
    /// <summary>Canaries that entered.</summary>
    public long Sent { get; init; }

    /// <summary>Those that came out.</summary>
    public long Delivered { get; init; }

    /// <summary>Time at which the last one entered, ns since the epoch.</summary>
    public long TimeNs { get; init; }

    /// <summary>From the entry of the last one to its coming out; 0 = it did not.</summary>
    public long DelayNs { get; init; }

    /// <summary>The point by which the last one entered.</summary>
    public string? Point { get; init; }

    /// <summary>True when the far side of the target was watched, false when the sender's count is all there is.</summary>
    public bool IsFarSide { get; init; }

    /// <summary>What is wrong, without a full stop; null = the last one came out.</summary>
    public string? Problem { get; init; }

    /// <summary>True when the last one was lost; a canary that could not even be sent proves nothing.</summary>
    public bool HasFailed { get; init; }

    /// <summary>Writes the object's fields.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("state"u8, HasFailed ? "failed"u8 : Problem is null ? "ok"u8 : "off"u8);
        json.WriteNumber("sent"u8, Sent);
        json.WriteNumber("delivered"u8, Delivered);
        if (Point is not null)
        {
            json.WriteString("point"u8, Point);
            json.WriteString("time"u8, TimeText.Text(TimeNs));
            json.WriteNumber("delay_ns"u8, DelayNs);
            json.WriteString("witness"u8, IsFarSide ? "far_side"u8 : "sender"u8);
        }

        if (Problem is not null)
        {
            json.WriteString("problem"u8, Problem);
        }
    }
}
