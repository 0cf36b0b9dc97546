// The unchanging part of a mirror session in a snapshot, and its counts in the words of the contract.
using System.Text.Json;
using Tapline.Store;

namespace Tapline.Workers;

/// <summary>The encoded orders of a mirror session; the keys are those of <see cref="MirrorPlanJson"/>.</summary>
internal sealed class MirrorTexts(MirrorPlan plan)
{
    private readonly JsonEncodedText _session = JsonEncodedText.Encode(plan.Session);
    private readonly JsonEncodedText _to = JsonEncodedText.Encode(plan.To);
    private readonly JsonEncodedText[] _from = [.. plan.From.Select(f => JsonEncodedText.Encode(f))];
    private readonly JsonEncodedText? _filter = plan.Filter is { } filter ? JsonEncodedText.Encode(filter) : null;
    private readonly JsonEncodedText? _shape = plan.Shape is { } shape ? JsonEncodedText.Encode(shape) : null;

    public void Write(Utf8JsonWriter json)
    {
        json.WriteString("session"u8, _session);
        json.WriteString("to"u8, _to);
        if (_from.Length > 0)
        {
            json.WriteStartArray("from"u8);
            foreach (var source in _from)
            {
                json.WriteStringValue(source);
            }

            json.WriteEndArray();
        }

        if (_filter is { } filter)
        {
            json.WriteString("filter"u8, filter);
        }

        if (_shape is { } shape)
        {
            json.WriteString("shape"u8, shape);
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
        json.WriteNumber("deduplicated"u8, row.Deduplicated);
        json.WriteNumber("flow_ended"u8, row.FlowEnded);
        json.WriteNumber("masked"u8, row.Masked);
        json.WriteNumber("forgotten"u8, row.Forgotten);
        json.WriteStartObject("dropped"u8);
        json.WriteNumber("busy"u8, row.DroppedBusy);
        json.WriteNumber("too_long"u8, row.DroppedTooLong);
        json.WriteNumber("target_down"u8, row.DroppedTargetDown);
        json.WriteNumber("error"u8, row.DroppedError);
        json.WriteNumber("rate_capped"u8, row.DroppedRateCapped);
        json.WriteNumber("shed"u8, row.DroppedShed);
        json.WriteEndObject();
    }
}
