// tshark's opinion of a capture: is every checksum right, is a packet malformed, what does its analysis say of each TCP
// connection. In: a capture file. Out: counts, and the findings in a form that two captures can be compared by.
using Tapline.Lab.Net;

namespace Tapline.Lab.Proofs;

/// <summary>What tshark finds in a capture.</summary>
/// <param name="RightChecksums">TCP and UDP checksums that it verified and found right.</param>
/// <param name="Wrong">Frames with a wrong checksum or malformed, one line each.</param>
/// <param name="Findings">TCP analysis: each flagged segment with what is said of it, sorted.</param>
internal sealed record TsharkVerdict(int RightChecksums, IReadOnlyList<string> Wrong, IReadOnlyList<string> Findings)
{
    private const string Bad = "0";
    private const string Good = "1";
    private static readonly string[] s_segment =
    [
        "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "ip.id",
    ];
    private static readonly string[] s_sums =
    [
        "tcp.checksum.status", "udp.checksum.status", "ip.checksum.status", "icmp.checksum.status",
    ];

    // What a tap could have done wrong. Which of the first it is tshark tells by times, and whether a window was full by
    // whether data or the other side's acknowledgement came first, which is chance when they met; so neither is compared.
    private static readonly (string Name, string[] Fields)[] s_findings =
    [
        ("again or out of order",
        [
            "tcp.analysis.retransmission", "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission",
            "tcp.analysis.out_of_order",
        ]),
        ("something is missing before it", ["tcp.analysis.lost_segment"]),
        ("acknowledges what was not seen", ["tcp.analysis.ack_lost_segment"]),
    ];

    public static TsharkVerdict Of(string capture)
    {
        LabNeeds.Tools("tshark");
        string[] fields =
        [
            "frame.number", "_ws.malformed", "tcp.checksum", .. s_sums, .. s_segment, .. s_findings.SelectMany(f => f.Fields),
        ];
        var lines = LabCommand.Run(
            [
                "tshark", "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                "-r", capture, "-T", "fields", "-E", "occurrence=f", .. fields.SelectMany(f => (string[])["-e", f]),
            ]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var right = 0;
        List<string> wrong = [];
        List<string> findings = [];
        foreach (var line in lines)
        {
            var of = line.Split('\t').Select((value, i) => (fields[i], value)).ToDictionary();
            right += of[s_sums[0]] == Good || of[s_sums[1]] == Good ? 1 : 0;

            // The kernel writes a TCP sum of zero as all ones (csum_fold, CSUM_MANGLED_0 of net/checksum.h): every receiver
            // takes both forms of zero, tshark the one of the letter only.
            var isOtherZero = of[s_sums[0]] == Bad && of["tcp.checksum"] == "0xffff";
            if (of["_ws.malformed"] != "" || s_sums.Skip(isOtherZero ? 1 : 0).Any(s => of[s] == Bad))
            {
                wrong.Add(line);
            }

            findings.AddRange(s_findings.Where(f => f.Fields.Any(field => of[field] != ""))
                .Select(f => $"{f.Name}: {string.Join(' ', s_segment.Select(s => of[s]))}"));
        }

        findings.Sort(StringComparer.Ordinal);
        return new TsharkVerdict(right, wrong, findings);
    }
}
