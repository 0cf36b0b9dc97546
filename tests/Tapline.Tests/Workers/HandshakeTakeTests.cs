// Smart keep on real captures of TLS, SSH and QUIC: what is kept is a prefix of each frame, tshark finds the same handshakes in the
// recording as in the original (down to server names and certificates), and what it calls encrypted data is cut to headers.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Tapline.Workers;
using Xunit;

namespace Tapline.Tests.Workers;

public class HandshakeTakeTests
{
    private static readonly string[] s_tls =
    [
        "frame.number", "tls.record.version", "tls.handshake.type", "tls.handshake.extensions_server_name", "tls.handshake.ciphersuite",
        "x509sat.printableString", "x509ce.dNSName", "tls.alert_message.level",
    ];

    public static TheoryData<string, string> Captures => new()
    {
        { "tls/chrome-x25519-kyber.pcap", "tls" }, { "tls/client-certificate.pcap", "tls" }, { "tls/ssl-v3.pcap", "tls" },
        { "tls/tls-fragmented-handshake.pcap", "tls" }, { "tls/tls-handshake.pcapng", "tls" }, { "tls/tls13-ech.pcap", "tls" },
        { "remote/ssh.pcapng", "ssh" }, { "tcp/ssh-dups.pcap", "ssh" },
        { "quic/chrome-cloudflare-quic-with-secrets.pcapng", "quic" }, { "quic/quicv2.pcap", "quic" },
    };

    [Theory]
    [MemberData(nameof(Captures))]
    public void HandshakesAreWholeAndWhatIsEncryptedIsHeaders(string capture, string protocol)
    {
        var path = Path.Combine(Corpus.Root(), capture);
        using var whole = new Recording(path, default); // as the capture, but without keys that it may carry
        using var recording = new Recording(path, new RecordTake(RecordTakeKind.Whole, 0, true));
        var (before, after) = (SegmentFile.Frames(whole.Segment), SegmentFile.Frames(recording.Segment));
        Assert.Equal(before.Count, after.Count);
        Assert.All(before.Zip(after), pair =>
        {
            Assert.Equal(pair.First.Bytes[..pair.Second.Bytes.Length], pair.Second.Bytes);
            Assert.Equal((pair.First.TimestampNs, pair.First.OriginalLength), (pair.Second.TimestampNs, pair.Second.OriginalLength));
        });

        var ledger = SegmentFile.Ledger(recording.Segment, out _);
        Assert.Equal(before.Zip(after).Count(p => p.Second.Bytes.Length < p.First.Bytes.Length), ledger.Sum(r => r.Sliced));
        Assert.All(ledger, r => Assert.Equal(r.Captured, r.Recorded + r.Filtered + r.OtherClass + r.DroppedRecorder));
        Assert.Equal(before.Count, ledger.Sum(r => r.Recorded));
        Assert.Equal(Handshakes(whole.Segment, protocol), Handshakes(recording.Segment, protocol));
        foreach (var (frame, headers) in Encrypted(whole.Segment, protocol))
        {
            Assert.True(after[frame - 1].Bytes.Length == headers, $"frame {frame}: {after[frame - 1].Bytes.Length} bytes, not {headers}");
        }
    }

    [Fact]
    public void ASegmentSaysWhatItKeeps()
    {
        using var recording = new Recording(
            Path.Combine(Corpus.Root(), "tls/tls13-hrr.pcap"), new RecordTake(RecordTakeKind.Whole, 0, true));
        var section = SegmentFile.Blocks(recording.Segment)[0].Body;
        Assert.Contains(
            "worker 0; keeps the handshakes of TLS, SSH and QUIC, then headers; all else whole",
            System.Text.Encoding.UTF8.GetString(section));
    }

    // What tshark reads of handshakes, with segments put together as it does for a user.
    private static List<string> Handshakes(string path, string protocol)
    {
        var fields = protocol == "ssh" ? ["frame.number", "ssh.message_code", "ssh.protocol", "ssh.kex_algorithms"] : s_tls;
        var wanted = protocol == "ssh" ? 1 : 2;
        return [.. Tshark.Fields(path, fields, null, "-o", "tcp.desegment_tcp_streams:TRUE")
            .Where(row => row[wanted].Length > 0 || (protocol == "ssh" && row[2].Length > 0)).Select(row => string.Join(' ', row))];
    }

    // Frames that tshark calls nothing but encrypted data, each record looked at where it lies, with the length of their headers.
    private static List<(int Frame, int Headers)> Encrypted(string path, string protocol)
    {
        string[] fields = protocol switch
        {
            "tls" => ["tcp.len", "tls.record.content_type", "tls.record.opaque_type"],
            "ssh" => ["tcp.len", "ssh.message_code", "ssh.encrypted_packet"],
            _ => ["udp.length", "quic.header_form", "quic.short"],
        };
        fields = ["frame.number", "frame.len", .. fields, "frame.cap_len", "eth.trailer", "eth.fcs"];
        return [.. Tshark.Fields(path, fields).Where(row => row[1] == row[5] && row[6].Length + row[7].Length == 0 && protocol switch
        {
            "tls" => $"{row[3]}|{row[4]}".Split('|', StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } types
                && types.All(t => t == "23"),
            "ssh" => row[3].Length == 0 && row[4].Length > 0,
            _ => row[3] == "0",
        })
            .Select(row => (int.Parse(row[0]), int.Parse(row[1]) - int.Parse(row[2]) + (protocol == "quic" ? 8 : 0)))];
    }

    /// <summary>A capture recorded by one worker's pipeline with smart keep.</summary>
    private sealed class Recording : IDisposable
    {
        private const int Slots = 4096;
        private readonly TemporaryFolder _folder = new();

        public Recording(string capture, RecordTake take)
        {
            var plan = new RecordPlan { Folder = _folder["rec"], Take = take };
            var opening = new RecordOpening(plan, "n", 1, Slots);
            Assert.Null(opening.Check());
            Assert.Null(opening.OpenFolders());
            var recorder = Assert.Single(opening.OpenRecorders(null));
            using var flows = new FlowTable<SpoolSink>(FlowTableOptions.Live with { Capacity = Slots }, new SpoolSink(null));
            using var counts = new WorkerCounts(Limits.PointsMax);
            using var pipeline = new Pipeline<SpoolSink>
            {
                Counts = counts, Recorder = recorder, RecordTake = opening.NewTake(), Flows = flows,
            };
            pipeline.IndexFlows();
            using var source = CaptureFileSource.Open(capture, 0, out var error);
            Assert.True(source is not null, error);
            var batch = new FrameBatch();
            long lastNs = 0;
            while (source.Lease(batch, 1000) == LeaseResult.Frames)
            {
                lastNs = pipeline.Process(batch);
                source.Release(batch);
            }

            flows.Flush(FlowEndReason.EndOfInput);
            recorder.Close(lastNs);
            recorder.Dispose();
            opening.Folders.ForEach(f => f.Dispose());
            Segment = Assert.Single(Directory.GetFiles(plan.Folder, "*.pcapng"));
        }

        public string Segment { get; }

        public void Dispose() => _folder.Dispose();
    }
}
