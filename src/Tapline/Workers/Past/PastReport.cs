// What a session's past has come to, for snapshots, reports and people.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Workers.Past;

/// <summary>The account of a session that began in the past. Frames unless the name says otherwise.</summary>
public sealed record PastReport
{
    /// <summary><c>past</c>, <c>delayed</c> (a speed of 1 stays behind), or <c>live</c>.</summary>
    public string State { get; init; } = "past";

    /// <summary>The moment from which it was ordered, ns since the epoch.</summary>
    public long SinceNs { get; init; }

    /// <summary>How far behind the present it is.</summary>
    public long BehindNs { get; init; }

    /// <summary>Read from the recording and offered.</summary>
    public long Frames { get; init; }

    /// <summary>Times that a worker's present was tried to be joined.</summary>
    public long Attempts { get; init; }

    /// <summary>Of the session's points, before it began: lost in the rings, as the segments read say.</summary>
    public long DroppedRing { get; init; }

    /// <summary>Lost by the recorder: before it began by point, since then those that the session wanted.</summary>
    public long DroppedRecorder { get; init; }

    /// <summary>Not wanted by the recorder, likewise.</summary>
    public long FilteredRecorder { get; init; }

    /// <summary>Removed or damaged before they were read, where their number is known.</summary>
    public long Removed { get; init; }

    public long RemovedSegments { get; init; }

    public long DamagedSegments { get; init; }

    /// <summary>Read, but of the frame only a part was kept.</summary>
    public long Cut { get; init; }

    /// <summary>Managed bytes that the reader has allocated.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>The last thing that could not be read; null = all could.</summary>
    public string? Fault { get; init; }

    /// <summary>Everything that the recording lacks.</summary>
    public long Lacking => DroppedRing + DroppedRecorder + FilteredRecorder + Removed;

    internal static PastReport Of(PastFeeder feeder, MirrorPlan plan) => new()
    {
        State = feeder.IsLive ? "live" : plan.Speed is > 0 and <= 1 ? "delayed" : "past",
        SinceNs = plan.SinceNs ?? 0,
        BehindNs = feeder.BehindNs,
        Frames = feeder.Frames,
        Attempts = feeder.Attempts,
        DroppedRing = feeder.Losses.DroppedRing,
        DroppedRecorder = feeder.Losses.DroppedRecorder + feeder.LostOnDisk + feeder.Gates.Sum(g => g.LacksDropped),
        FilteredRecorder = feeder.Losses.FilteredRecorder + feeder.Gates.Sum(g => g.LacksFiltered),
        Removed = feeder.Losses.Removed,
        RemovedSegments = feeder.Losses.RemovedSegments,
        DamagedSegments = feeder.Losses.DamagedSegments,
        Cut = feeder.Losses.Cut,
        AllocatedBytes = feeder.AllocatedBytes,
        Fault = feeder.Fault,
    };

    /// <summary>Writes an object's properties.</summary>
    public void Write(Utf8JsonWriter json)
    {
        ArgumentNullException.ThrowIfNull(json);
        json.WriteString("state"u8, State);
        json.WriteString("since"u8, TimeText.Text(SinceNs));
        json.WriteNumber("behind_ns"u8, BehindNs);
        json.WriteNumber("frames"u8, Frames);
        json.WriteNumber("attempts"u8, Attempts);
        json.WriteStartObject("lacking"u8);
        json.WriteNumber("dropped_ring"u8, DroppedRing);
        json.WriteNumber("dropped_recorder"u8, DroppedRecorder);
        json.WriteNumber("filtered_recorder"u8, FilteredRecorder);
        json.WriteNumber("removed"u8, Removed);
        json.WriteNumber("removed_segments"u8, RemovedSegments);
        json.WriteNumber("damaged_segments"u8, DamagedSegments);
        json.WriteNumber("cut"u8, Cut);
        json.WriteEndObject();
        json.WriteNumber("allocated_bytes"u8, AllocatedBytes);
        if (Fault is { } fault)
        {
            json.WriteString("reason"u8, fault);
        }
    }
}
