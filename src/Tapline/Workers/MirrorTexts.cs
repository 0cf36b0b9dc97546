// The unchanging part of each mirror session in a snapshot, and its counts in the words of the contract.
using System.Text.Json;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>Encoded names of mirror sessions.</summary>
internal sealed class MirrorTexts
{
    private readonly (JsonEncodedText Session, JsonEncodedText To, JsonEncodedText? Filter)[] _entries;

    public MirrorTexts(IReadOnlyList<MirrorPlan> plans)
    {
        _entries = new (JsonEncodedText, JsonEncodedText, JsonEncodedText?)[plans.Count];
        for (var i = 0; i < plans.Count; i++)
        {
            _entries[i] = (JsonEncodedText.Encode(plans[i].Session), JsonEncodedText.Encode(plans[i].To),
                plans[i].Filter is { } filter ? JsonEncodedText.Encode(filter) : null);
        }
    }

    public void Write(Utf8JsonWriter json, int index)
    {
        ref readonly var entry = ref _entries[index];
        json.WriteString("session"u8, entry.Session);
        json.WriteString("to"u8, entry.To);
        if (entry.Filter is { } filter)
        {
            json.WriteString("filter"u8, filter);
        }
    }

    /// <summary>Writes a session's ledger; snapshots and reports use the same words.</summary>
    public static void WriteCounts(Utf8JsonWriter json, in MirrorLedgerRecord row)
    {
        json.WriteNumber("offered"u8, row.Offered);
        json.WriteNumber("sent"u8, row.Sent);
        json.WriteNumber("sent_wire_frames"u8, row.SentWireFrames);
        json.WriteNumber("sent_bytes"u8, row.SentBytes);
        json.WriteNumber("filtered"u8, row.Filtered);
        json.WriteNumber("sampled_out"u8, row.SampledOut);
        json.WriteStartObject("dropped"u8);
        json.WriteNumber("busy"u8, row.DroppedBusy);
        json.WriteNumber("too_long"u8, row.DroppedTooLong);
        json.WriteNumber("target_down"u8, row.DroppedTargetDown);
        json.WriteNumber("error"u8, row.DroppedError);
        json.WriteEndObject();
    }
}
