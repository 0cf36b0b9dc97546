// The manifest beside an extract: what was asked, by whom, out of which sealed segments, how complete it is, and the SHA-256 of the
// answer; signed by the node's key where that can be read. JSON in the form of SignedText (docs/formats/evidence.md). Allocates;
// once per query.
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Extract;

namespace Tapline.Record.Evidence;

/// <summary>What a manifest states beyond the report of the query.</summary>
public sealed record ExtractManifest
{
    /// <summary>What is added to an extract's name.</summary>
    public const string Ending = ".manifest.json";

    private static readonly JsonWriterOptions s_form = new()
    {
        Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The extract's file, without its folder.</summary>
    public required string File { get; init; }

    /// <summary>Its length.</summary>
    public required long Bytes { get; init; }

    /// <summary>Its SHA-256 as hexadecimal.</summary>
    public required string Sha256 { get; init; }

    /// <summary>The expression.</summary>
    public required string Expression { get; init; }

    public required ExtractOptions Options { get; init; }

    /// <summary>Packets were re-segmented as a wire carries them.</summary>
    public bool IsWire { get; init; }

    /// <summary>What a shape changed of the packets, for people; null = nothing.</summary>
    public string? Change { get; init; }

    /// <summary>The recording's folder, its whole path.</summary>
    public required string Recording { get; init; }

    /// <summary>Who asked: names and numbers, as far as the system tells them.</summary>
    public required IReadOnlyDictionary<string, string> By { get; init; }

    /// <summary>When, ns since the epoch.</summary>
    public required long MadeNs { get; init; }

    public required IReadOnlyList<ExtractSource> Sources { get; init; }

    /// <summary>Composes the manifest.</summary>
    /// <param name="report">What came of the query.</param>
    /// <param name="key">Signs it; null = nobody does.</param>
    /// <param name="whyUnsigned">Why there is no key.</param>
    public byte[] Write(ExtractReport report, NodeKey? key, string? whyUnsigned)
    {
        ArgumentNullException.ThrowIfNull(report);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_form))
        {
            json.WriteStartObject();
            WriteWhat(json, report);
            WriteCompleteness(json, report);
            WriteSources(json);
            if (key is not null)
            {
                json.WriteString("key", key.KeyId);
                json.WriteString("public_key", key.PublicPem);
            }

            json.WriteEndObject();
        }

        // The last line takes the place of the closing brace.
        var body = buffer.ToArray().AsSpan()[..^"\n}".Length];
        var text = new SignedText().Clear().Add(body).Add(",\n"u8);
        if (key is not null)
        {
            _ = text.Sign(key);
        }
        else
        {
            var why = JsonEncodedText.Encode(whyUnsigned ?? "", JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
            text.Add("\"unsigned\":\""u8).Add(why.EncodedUtf8Bytes).Add("\"}\n"u8);
        }

        return text.Written.ToArray();
    }

    private void WriteWhat(Utf8JsonWriter json, ExtractReport report)
    {
        json.WriteString("tapline", "extract");
        json.WriteNumber("version", 1);
        json.WriteString("file", File);
        json.WriteNumber("bytes", Bytes);
        json.WriteString("sha256", Sha256);
        json.WriteNumber("frames", report.Selected);
        json.WriteStartObject("query");
        json.WriteString("expression", Expression);
        WriteTime(json, "since", Options.SinceNs, long.MinValue);
        WriteTime(json, "until", Options.UntilNs, long.MaxValue);
        json.WriteBoolean("wire", IsWire);
        if (Change is not null)
        {
            json.WriteString("change", Change);
        }

        if (Options.Limit != long.MaxValue)
        {
            json.WriteNumber("limit", Options.Limit);
        }

        json.WriteEndObject();
        json.WriteString("recording", Recording);
        json.WriteString("made", TimeText.Text(MadeNs));
        json.WriteStartObject("by");
        foreach (var (name, value) in By)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteString("program", $"Tapline {typeof(ExtractManifest).Assembly.GetName().Version?.ToString(3)}");
    }

    private static void WriteCompleteness(Utf8JsonWriter json, ExtractReport report)
    {
        var plan = report.Plan;
        json.WriteBoolean("complete", !report.IsStopped && !report.IsLimited && plan.Holes.Count + report.Faults.Count == 0);
        json.WriteBoolean("stopped", report.IsStopped);
        json.WriteBoolean("limited", report.IsLimited);
        json.WriteStartObject("ledger");
        json.WriteNumber("arrived", plan.Arrived);
        json.WriteNumber("dropped_ring", plan.DroppedRing);
        json.WriteNumber("filtered_recorder", plan.Filtered);
        json.WriteNumber("dropped_recorder", plan.DroppedRecorder);
        json.WriteNumber("recorded", plan.Recorded);
        json.WriteEndObject();
        json.WriteStartArray("holes");
        foreach (var hole in plan.Holes.Concat(report.Faults))
        {
            json.WriteStringValue(hole);
        }

        json.WriteEndArray();
    }

    private void WriteSources(Utf8JsonWriter json)
    {
        json.WriteStartArray("segments");
        foreach (var source in Sources)
        {
            json.WriteStartObject();
            json.WriteString("segment", source.File);
            if (source.Seal is not null)
            {
                json.WriteString("seal", source.Seal);
                json.WriteString("chain", source.Chain);
                json.WriteNumber("sequence", source.Sequence);
            }

            if (source.Remark is not null)
            {
                json.WriteString("remark", source.Remark);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTime(Utf8JsonWriter json, string name, long timeNs, long none)
    {
        if (timeNs != none)
        {
            json.WriteString(name, TimeText.Text(timeNs));
        }
    }
}
