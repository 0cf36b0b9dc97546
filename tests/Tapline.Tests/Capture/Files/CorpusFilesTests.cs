// Every capture of the corpus against what tshark and capinfos say of it: packets, bytes, cut packets, times, by link
// type. The differences that remain are listed with their reasons; a listed one that no longer differs fails too.
using System.Globalization;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Files;

public class CorpusFilesTests
{
    /// <summary>file:column → our value and why it is not tshark's.</summary>
    private static readonly Dictionary<string, (string Ours, string Reason)> s_expected = new()
    {
        ["formats/cut-short.pcap:link_types"] = ("1:14",
            "the last record is cut short: it is the fault, not a frame (the table's link types come from the headers)"),
        ["formats/le-test017.pcapng:packets"] = ("0",
            "four custom blocks: tshark lists them as frames, they hold no packets"),
        ["formats/le-test017.pcapng:wire_bytes"] = ("0",
            "as above"),
        ["formats/le-test017.pcapng:captured_bytes"] = ("0",
            "as above"),
        ["formats/pcap-invalid-version.pcap:link_types"] = ("",
            "refused, as by tshark, which gives no frame either"),
        ["formats/solaris.snoop:packets"] = ("0",
            "snoop, which is refused with a sentence that says how to convert it"),
        ["formats/solaris.snoop:wire_bytes"] = ("0",
            "as above"),
        ["formats/solaris.snoop:captured_bytes"] = ("0",
            "as above"),
        ["formats/solaris.snoop:link_types"] = ("",
            "as above"),
        ["formats/solaris.snoop:first_epoch"] = ("",
            "as above"),
        ["formats/solaris.snoop:last_epoch"] = ("",
            "as above"),
        ["formats/solaris.snoop:min_epoch"] = ("",
            "as above"),
        ["formats/solaris.snoop:max_epoch"] = ("",
            "as above"),
        ["formats/solaris.snoop:tshark_rc"] = ("2",
            "as above"),
        ["formats/two-link-types.pcapng:last_epoch"] = ("-505.274165000",
            "times of 2^63 units and more are taken as before 1970, not as half a million years hence"),
        ["formats/two-link-types.pcapng:min_epoch"] = ("-505.425287000",
            "as above"),
        ["formats/two-link-types.pcapng:max_epoch"] = ("2894531997.938836488",
            "as above"),
        ["formats/two-link-types.pcapng:time_goes_back"] = ("2",
            "as above"),
        ["malformed/tcp_header_heapoverflow.pcap:link_types"] = ("1:1",
            "the upper bits of the field are not part of the link type (tshark decodes it as Ethernet too)"),
        ["malformed/udp-length-heapoverflow.pcap:link_types"] = ("1:1",
            "as above"),
        ["voip/sip-tls-rtp-rtcp.pcap:wire_bytes"] = ("1056698",
            "records that claim more captured than original bytes: a frame is never shorter than what was captured of it"),
    };

    [Fact]
    public void EveryCaptureGivesTheFramesThatTsharkCounts()
    {
        var root = Corpus.Root();
        var differences = new List<string>();
        var used = new HashSet<string>();
        var files = 0;
        foreach (var row in Corpus.Truth("files.tsv"))
        {
            files++;
            var file = row["file"];
            foreach (var (column, ours) in Measure(Path.Combine(root, file)))
            {
                var theirs = row[column];
                if (ours == theirs)
                {
                    continue;
                }

                var key = $"{file}:{column}";
                if (s_expected.TryGetValue(key, out var expected) && expected.Ours == ours)
                {
                    used.Add(key);
                    continue;
                }

                differences.Add($"{key}: ours {ours}, tshark {theirs}");
            }
        }

        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.Equal(s_expected.Keys.Order(), used.Order());
        Assert.True(files > 100);
    }

    private static IEnumerable<(string Column, string Value)> Measure(string path)
    {
        using var source = CaptureFileSource.Open(path, 0, out var error);
        var batch = new FrameBatch();
        long packets = 0, wire = 0, captured = 0, cut = 0, back = 0;
        long first = 0, last = 0, min = long.MaxValue, max = long.MinValue;
        var links = new SortedDictionary<int, long>();
        while (source is not null && source.Lease(batch, -1) == LeaseResult.Frames)
        {
            for (var i = 0; i < batch.Count; i++)
            {
                ref var meta = ref batch.Meta(i);
                Assert.Equal(packets + 1, meta.FrameNumber);
                Assert.Equal(meta.CapturedLength, batch.Bytes(i).Length);
                back += packets > 0 && meta.TimestampNs < last ? 1 : 0;
                first = packets++ == 0 ? meta.TimestampNs : first;
                last = meta.TimestampNs;
                min = Math.Min(min, last);
                max = Math.Max(max, last);
                wire += meta.OriginalLength;
                captured += meta.CapturedLength;
                cut += meta.CapturedLength < meta.OriginalLength ? 1 : 0;
                links[(int)meta.LinkType] = links.GetValueOrDefault((int)meta.LinkType) + 1;
            }

            source.Release(batch);
        }

        Assert.Equal(source is null, error.Length > 0);
        yield return ("packets", Text(packets));
        yield return ("wire_bytes", Text(wire));
        yield return ("captured_bytes", Text(captured));
        yield return ("cut_packets", Text(cut));
        yield return ("link_types", string.Join('|', links.Select(pair => $"{pair.Key}:{pair.Value}")));
        yield return ("first_epoch", packets == 0 ? "" : Epoch(first));
        yield return ("last_epoch", packets == 0 ? "" : Epoch(last));
        yield return ("min_epoch", packets == 0 ? "" : Epoch(min));
        yield return ("max_epoch", packets == 0 ? "" : Epoch(max));
        yield return ("time_goes_back", Text(back));
        yield return ("tshark_rc", source is null || source.Fault is not null ? "2" : "0");
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Epoch(long ns) =>
        ((decimal)ns / 1_000_000_000m).ToString("0.000000000", CultureInfo.InvariantCulture);
}
