// tshark's opinion of a capture: is every checksum right, is a packet malformed, what does its analysis say of each TCP
// connection. In: a capture file. Out: counts, and the findings in a form that two captures can be compared by.
using Tapline.Lab.Net;

namespace Tapline.Lab.Proofs;

/// <summary>What tshark finds in a capture.</summary>
/// <param name="RightChecksums">TCP checksums that it verified and found right.</param>
/// <param name="Wrong">Frames with a wrong checksum or malformed, one line each.</param>
/// <param name="Findings">TCP analysis: each flagged segment with what is said of it, sorted.</param>
/// <param name="Told">The further fields of each frame, in the capture's order.</param>
internal sealed record TsharkVerdict(
    int RightChecksums, IReadOnlyList<string> Wrong, IReadOnlyList<string> Findings, IReadOnlyList<string[]> Told)
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

    /// <summary>
    /// Reads a capture. In a tunnel's, what is judged is the innermost packet, which is the last that tshark tells of.
    /// </summary>
    /// <param name="capture">Its path.</param>
    /// <param name="more">Further fields, wanted for each frame.</param>
    public static TsharkVerdict Of(string capture, params string[] more)
    {
        LabNeeds.Tools("tshark");
        string[] fields =
        [
            .. more, "_ws.malformed", "tcp.checksum", .. s_sums, .. s_segment, .. s_findings.SelectMany(f => f.Fields),
        ];
        int Place(string field) => Array.IndexOf(fields, field, more.Length);
        var (malformed, checksum) = (Place("_ws.malformed"), Place("tcp.checksum"));
        var (sums, segment) = (s_sums.Select(Place).ToArray(), s_segment.Select(Place).ToArray());
        var findingPlaces = s_findings.Select(f => (f.Name, Places: f.Fields.Select(Place).ToArray())).ToArray();
        var lines = LabCommand.Run(
            [
                "tshark", "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
                "-r", capture, "-T", "fields", "-E", "occurrence=l", .. fields.SelectMany(f => (string[])["-e", f]),
            ]).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var right = 0;
        List<string> wrong = [];
        List<string> findings = [];
        List<string[]> told = [];
        foreach (var line in lines)
        {
            var of = line.Split('\t');
            told.Add(of[..more.Length]);
            right += of[sums[0]] == Good ? 1 : 0;

            // The kernel writes a TCP sum of zero as all ones (csum_fold, CSUM_MANGLED_0 of net/checksum.h): every receiver
            // takes both forms of zero, tshark the one of the letter only.
            var isOtherZero = of[sums[0]] == Bad && of[checksum] == "0xffff";
            if (of[malformed] != "" || sums.Skip(isOtherZero ? 1 : 0).Any(s => of[s] == Bad))
            {
                wrong.Add(line);
            }

            findings.AddRange(findingPlaces.Where(f => f.Places.Any(place => of[place] != ""))
                .Select(f => $"{f.Name}: {string.Join(' ', segment.Select(s => of[s]))}"));
        }

        findings.Sort(StringComparer.Ordinal);
        return new TsharkVerdict(right, wrong, findings, told);
    }
}
