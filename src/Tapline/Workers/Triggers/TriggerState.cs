// How a trigger has fared, for reports and the snapshot.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Workers.Triggers;

/// <summary>Counts of one trigger. Written by the triggers' threads, read by any.</summary>
public sealed class TriggerState(TriggerPlan plan)
{
    private long _fired;
    private long _refused;
    private long _suppressed;
    private long _files;
    private long _lastNs;
    private string? _notice;

    /// <summary>The orders.</summary>
    public TriggerPlan Plan => plan;

    /// <summary>Times that it was set off and made a hold.</summary>
    public long Fired => Volatile.Read(ref _fired);

    /// <summary>Times that no hold was made: it had too many, or the file of holds could not be changed.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Matches beyond those that an hour may have: nothing is held.</summary>
    public long Suppressed => Volatile.Read(ref _suppressed);

    /// <summary>Files made.</summary>
    public long Files => Volatile.Read(ref _files);

    /// <summary>When it was set off last, ns; 0 = never.</summary>
    public long LastNs => Volatile.Read(ref _lastNs);

    /// <summary>What went wrong last, one sentence; null = nothing.</summary>
    public string? Notice => Volatile.Read(ref _notice);

    /// <summary>Writes it as a JSON object (docs/formats/engine-socket.md). Allocates nothing.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("trigger"u8, plan.Name);
        json.WriteNumber("fired"u8, Fired);
        json.WriteNumber("refused"u8, Refused);
        json.WriteNumber("suppressed"u8, Suppressed);
        json.WriteNumber("files"u8, Files);
        if (LastNs != 0)
        {
            Span<byte> time = stackalloc byte[TimeText.Length];
            TimeText.Write(LastNs, time);
            json.WriteString("last"u8, time);
        }

        if (Notice is { } notice)
        {
            json.WriteString("notice"u8, notice);
        }

        json.WriteEndObject();
    }

    internal void CountFired(long timeNs)
    {
        Volatile.Write(ref _fired, _fired + 1);
        Volatile.Write(ref _lastNs, timeNs);
        Volatile.Write(ref _notice, null);
    }

    internal void CountRefused(string why)
    {
        Volatile.Write(ref _refused, _refused + 1);
        Volatile.Write(ref _notice, why);
    }

    internal void CountSuppressed(string why)
    {
        Volatile.Write(ref _suppressed, _suppressed + 1);
        Volatile.Write(ref _notice, why);
    }

    internal void CountFile(string? mistake)
    {
        if (mistake is null)
        {
            Volatile.Write(ref _files, _files + 1);
        }
        else
        {
            Volatile.Write(ref _notice, mistake);
        }
    }
}
