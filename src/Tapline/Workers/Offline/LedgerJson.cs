// `tapline read --what ledger --json`: one object a second and point. A file's frames have all arrived: what the capture
// program lost before is not in the file.
using System.Text.Json;
using Tapline.Base;
using Tapline.Decode;

namespace Tapline.Workers.Offline;

/// <summary>Writes rows of an offline ledger.</summary>
public static class LedgerJson
{
    /// <summary>The rows of a result, ordered by time and point.</summary>
    public static IReadOnlyList<(SecondKey Key, SecondCounts Counts)> Rows(OfflineResult result) =>
        result.Tally.Seconds?.Rows() ?? [];

    /// <summary>Writes one row.</summary>
    public static void Write(Utf8JsonWriter json, SecondKey key, SecondCounts counts, string point)
    {
        json.WriteStartObject();
        json.WriteString("time", TimeText.Text(key.SecondNs));
        json.WriteString("point", point);
        json.WriteNumber("arrived", counts.Captured);
        json.WriteNumber("dropped_ring", 0);
        json.WriteNumber("captured", counts.Captured);
        json.WriteNumber("captured_bytes", counts.CapturedBytes);
        json.WriteNumber("segments", counts.Segments);
        json.WriteNumber("analysed", counts.Captured - Undecodable(counts));
        json.WriteStartObject("undecodable");
        for (var v = (int)DecodeVerdict.UndecodableLink; v < VerdictNames.Count; v++)
        {
            if (counts.Verdicts[v] > 0)
            {
                json.WriteNumber(VerdictNames.Name((DecodeVerdict)v), counts.Verdicts[v]);
            }
        }

        json.WriteEndObject();
        json.WriteNumber("cut_frames", counts.Cut);
        json.WriteEndObject();
    }

    /// <summary>Frames of the row that could not be decoded to their end.</summary>
    public static long Undecodable(SecondCounts counts)
    {
        long sum = 0;
        for (var v = (int)DecodeVerdict.UndecodableLink; v < VerdictNames.Count; v++)
        {
            sum += counts.Verdicts[v];
        }

        return sum;
    }
}
