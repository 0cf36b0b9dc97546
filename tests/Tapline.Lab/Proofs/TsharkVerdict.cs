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
    private static readonly string[] s_options =
    [
        "-n", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
    ];

    // What a tap could have done wrong. Which of the first it is tshark tells by times, and whether a window was full by
    // whether data or the other side's acknowledgement came first, which is chance when they met; so neither is compared.
    private static readonly (string Name, string Filter)[] s_findings =
    [
        ("again or out of order", "tcp.analysis.retransmission || tcp.analysis.fast_retransmission"
            + " || tcp.analysis.spurious_retransmission || tcp.analysis.out_of_order"),
        ("something is missing before it", "tcp.analysis.lost_segment"),
        ("acknowledges what was not seen", "tcp.analysis.ack_lost_segment"),
    ];

    public static TsharkVerdict Of(string capture)
    {
        LabNeeds.Tools("tshark");
        // Status 0 is bad, 1 good.
        var right = Lines(capture, "tcp.checksum.status == 1 || udp.checksum.status == 1", "frame.number").Length;
        var wrong = Lines(
            capture,
            "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0"
                + " || _ws.malformed",
            "frame.number", "frame.protocols", "_ws.expert.message");
        var findings = s_findings
            .SelectMany(f => Lines(
                capture, f.Filter,
                "ip.src", "tcp.srcport", "ip.dst", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "ip.id")
            .Select(line => $"{f.Name}: {line}"))
            .Order(StringComparer.Ordinal).ToList();
        return new TsharkVerdict(right, wrong, findings);
    }

    private static string[] Lines(string capture, string filter, params string[] fields) => LabCommand.Run(
        ["tshark", .. s_options, "-r", capture, "-Y", filter, "-T", "fields", .. fields.SelectMany(f => (string[])["-e", f])])
        .Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
