// What an index rules out has no wanted frame: over random expressions of every kind of word, names and flows' facts among them, the
// answer with indexes is the answer without. The corpus is recorded as live frames are: two workers with flow tables, several
// segments, machines known by port, by MAC address and by tag. A real-world mixture of tunnels, tags, fragments and cut frames. And so
// once more where flows have frames in two classes, and a recorder keeps less of frames than flows were made of.
using System.Globalization;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Record.Index;
using Tapline.Store;
using Tapline.Tests.Filter.Witness;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record;

public sealed class IndexedQueryTests : IClassFixture<FrameCorpus>
{
    private const int Expressions = 240;
    private const int Points = 5;
    private const int FrameStep = 3;
    private const long StepNs = 200_000;
    private const long SegmentNs = 1_500_000_000;
    private const long PartNs = 1_000_000_000;
    private const long Start = 1_700_000_000_000_000_000;
    private const string TroubledTerm = "retransmissions > 1";
    private readonly FrameCorpus _corpus;
    private readonly List<ulong> _macs = [];
    private readonly List<string> _words = [];

    public IndexedQueryTests(FrameCorpus corpus) => _corpus = corpus;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WhatIndexesRuleOutHasNoWantedFrame(bool isKeptInPart)
    {
        _corpus.NeedsAll();
        using var folder = new TemporaryFolder();
        Record(folder.Path, isKeptInPart);
        Assert.True(Directory.GetFiles(folder.Path, "*.tlx").Length > 4, "the test wants several segments of both workers");
        var random = new Random(6);
        var asked = 0;
        var decided = 0;
        var refused = 0;
        var found = 0;
        var expressions = isKeptInPart ? Expressions / 4 : Expressions;
        for (var i = 0; i < expressions; i++)
        {
            var expression = Make(random, 3);
            var plain = Ask(folder.Path, expression, useIndex: false, out _);
            if (plain is null)
            {
                continue; // nothing can satisfy it, which is a mistake in an expression
            }

            asked++;
            var indexed = Ask(folder.Path, expression, useIndex: true, out _)!;
            Assert.True(
                plain.Value.Times.SequenceEqual(indexed.Value.Times),
                $"{expression}: {plain.Value.Times.Count} without index, {indexed.Value.Times.Count} with; missing "
                + string.Join(' ', plain.Value.Times.Except(indexed.Value.Times).Take(5)));
            decided += indexed.Value.Report.SegmentsByIndex;
            refused += indexed.Value.Report.SegmentsRefused;
            found += plain.Value.Times.Count > 0 ? 1 : 0;
            Assert.Equal(Account(plain.Value.Report), Account(indexed.Value.Report));
        }

        Assert.True(
            asked > expressions * 2 / 3 && decided > asked && refused > asked / 2 && found > asked / 4,
            $"{asked} {decided} {refused} {found}");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void FactsOfFlowsThatSpanSegmentsHoldInAllOfThem(bool isKeptInPart, bool isLong)
    {
        _corpus.NeedsAll();
        using var folder = new TemporaryFolder();
        Record(folder.Path, isKeptInPart, isLong ? PartNs : null);
        var troubled = Troubled(folder.Path, out var spanning, out var parted);
        Assert.True(troubled.Count > 20 && spanning > 0, $"{troubled.Count} packets of {spanning} flows in several segments");
        Assert.True(parted > 0 == isLong, $"{parted} troubled flows in parts");
        Assert.Equal(troubled.Order(), Ask(folder.Path, TroubledTerm, true, out _)!.Value.Times.Order());
        var all = Ask(folder.Path, "", true, out _)!.Value.Times;
        Assert.Equal(all.Except(troubled).Order(), Ask(folder.Path, "not " + TroubledTerm, true, out _)!.Value.Times.Order());
        var random = new Random(7);
        for (var i = 0; i < 40; i++)
        {
            var other = Make(random, 1);
            var others = Ask(folder.Path, other, false, out _) is { } answer ? answer.Times.ToHashSet() : [];
            if (others.Count == 0)
            {
                continue;
            }

            Assert.Equal(
                troubled.Where(others.Contains).Order(),
                Ask(folder.Path, $"{TroubledTerm} and ({other})", true, out _)!.Value.Times.Order());
            Assert.Equal(
                troubled.Union(others).Order(), Ask(folder.Path, $"({other}) or {TroubledTerm}", true, out _)!.Value.Times.Order());
        }
    }

    [Fact]
    public void AStoppedQueryEndsWithWhatItHas()
    {
        _corpus.NeedsAll();
        using var folder = new TemporaryFolder();
        Record(folder.Path);
        foreach (var expression in new[] { "", "tcp", TroubledTerm, "vm web" })
        {
            using var stop = new CancellationTokenSource();
            var options = new ExtractOptions { Folder = folder.Path, Filter = ExtractFilter.Compile(expression, out _)! };
            var sink = new TimeSink { Stop = stop };
            var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, _ => stop.Cancel(), stop.Token);
            Assert.True(report.IsStopped);
            Assert.Equal(report.Selected, sink.Times.Count);
            stop.Dispose();
        }
    }

    private static string Account(ExtractReport report) => string.Join('\n', report.Points
        .Select(p => $"{p.Point.Name} {p.Point.Description} {p.Counts.Arrived} {p.Counts.Recorded} {p.Counts.Selected}").Order());

    private static (List<long> Times, ExtractReport Report)? Ask(string folder, string expression, bool useIndex, out string? error)
    {
        if (ExtractFilter.Compile(expression, out error) is not { } filter)
        {
            return null;
        }

        var sink = new TimeSink();
        var options = new ExtractOptions { Folder = folder, Filter = filter, UseIndex = useIndex };
        var report = Extraction.Run(ExtractPlan.Make(options, out _)!, options, sink, null, CancellationToken.None);
        Assert.Empty(report.Faults);
        return (sink.Times, report);
    }

    // By the indexes' own records: the last segment that has a flow knows its whole; ids are unique over both workers.
    // Of a flow in parts it knows its own; then they add up.
    private static List<long> Troubled(string folder, out int spanning, out int parted)
    {
        var latest = new Dictionary<(ulong Flow, byte Part), (FlowRecord Record, int Segments)>();
        var packets = new List<(ulong Flow, long TimeNs)>();
        foreach (var segment in Directory.GetFiles(folder, "*.pcapng", SearchOption.AllDirectories)
            .OrderBy(s => SegmentEnd.TryRead(s)!.EndNs).ThenBy(s => s, StringComparer.Ordinal))
        {
            using var index = SegmentIndex.Open(SegmentIndex.PathOf(segment), -1, out _)!;
            var bytes = File.ReadAllBytes(segment);
            var offsets = new List<long>();
            for (var flow = 1; flow < index.Flows; flow++)
            {
                index.CopyFlow(flow, out var record);
                if (record.Protocol == FlowProtocol.Tcp)
                {
                    var key = (record.FlowId, record.Part);
                    latest[key] = (record, latest.GetValueOrDefault(key).Segments + 1);
                    offsets.Clear();
                    index.AddPackets(flow, offsets);
                    packets.AddRange(offsets.Select(o => (record.FlowId, Index.IndexedSegment.TimeAt(bytes, o))));
                }
            }
        }

        var troubled = latest.GroupBy(f => f.Key.Flow).Where(parts => parts.Sum(p =>
            p.Value.Record.Initiator.Retransmissions + (long)p.Value.Record.Responder.Retransmissions) > 1).ToList();
        spanning = troubled.Count(parts => parts.Sum(p => p.Value.Segments) > 1);
        parted = troubled.Count(parts => parts.Count() > 1);
        var flows = troubled.Select(parts => parts.Key).ToHashSet();
        return [.. packets.Where(p => flows.Contains(p.Flow)).Select(p => p.TimeNs)];
    }

    private string Make(Random random, int depth)
    {
        if (depth == 0 || random.Next(3) == 0)
        {
            return _words[random.Next(_words.Count)];
        }

        var left = Make(random, depth - 1);
        return random.Next(7) switch
        {
            0 => $"not ({left})",
            1 or 2 => $"({left}) or ({Make(random, depth - 1)})",
            _ => $"({left}) and ({Make(random, depth - 1)})",
        };
    }

    // Each frame has a time of its own, by which answers are compared. A conversation stays on one worker.
    private void Record(string folder, bool isKeptInPart = false, long? activeTimeoutNs = null)
    {
        _words.Clear();
        _macs.Clear();
        var seen = new Dictionary<string, int>();
        using var recordings = SegmentFolder.TryOpen(folder, 1 << 30, out _)!;
        using var ofClass = isKeptInPart ? SegmentFolder.TryOpen(Path.Combine(folder, "part"), 1 << 30, out _) : null;
        var kept = new Random(11);
        var workers = new[] { 0, 1 }.Select(worker => new Stage(recordings, ofClass, worker, activeTimeoutNs)).ToArray();
        for (var number = 0; number < _corpus.Count; number += FrameStep)
        {
            var frame = _corpus.Frame(number, out var originalLength);
            var meta = FrameCorpus.Meta(frame, originalLength);
            meta.TimestampNs = Start + (number * StepNs);
            meta.PointId = (ushort)(number % Points);
            FrameDecoder.Decode(frame, meta, out var layout);
            Learn(seen, frame, layout);
            if (number == (FrameStep * 50))
            {
                recordings.SetMachines(Machines());
                ofClass?.SetMachines(Machines());
            }

            var bytes = isKeptInPart && kept.Next(2) == 0 ? Math.Min(frame.Length, kept.Next(10, 130)) : frame.Length;
            workers[layout.AddressHash % 2].Take(meta, layout, frame, bytes);
        }

        foreach (var worker in workers)
        {
            worker.Dispose();
        }

        // Words that some frames satisfy, and some that none does.
        _words.AddRange(seen.OrderBy(w => w.Key, StringComparer.Ordinal).Where((_, i) => i % 7 == 0).Select(w => w.Key).Take(400));
        _words.AddRange([
            "vm web", "src vm web", "dst vm w*", "vm db", "vm uuid-2", "vm nobody", "tag pci", "src tag pci", "tag none", "point p1",
            "point p*", "point q",
            "vlan", "tunnel", "tunnel vxlan", "tunnel gre", "tunnel mpls", "vni 77777", "tcp", "udp", "sctp", "icmp", "icmp6",
            "arp", "ip", "ip6", "ip proto 47", "port 80", "tcp port 443", "udp port 53", "port 4789", "portrange 1-100", "host 10.11.12.13",
            "host ::", "net 10.0.0.0/8", "net 0.0.0.0/0", "ip6 net fe80::/10", "arp host 10.0.0.1", "src host 0.0.0.0",
            "ether host 00:00:00:00:00:00", "ether broadcast", "ether multicast", "inner tcp port 80", "inner net 10.0.0.0/8", "inner udp",
            "inner arp", "mpls", "geneve", "ip[6:2] & 0x1fff != 0", "len > 1000", "rarp", "stp", "vlan 0", "ip host 10.0.0.1",
            "tcp[tcpflags] & tcp-rst != 0",
        ]);
    }

    private RecordedMachine[] Machines() =>
    [
        new RecordedMachine("web", "", ["World Wide"], ["pci"], [_macs[0], _macs[_macs.Count / 2]]),
        new RecordedMachine("db", "uuid-2", [], [], [_macs[^1]]),
        new RecordedMachine("by-port", "", [], ["pci"], []),
    ];

    private void Learn(Dictionary<string, int> seen, ReadOnlySpan<byte> frame, in FrameLayout layout)
    {
        if (frame.Length >= 34)
        {
            var mac = Convert.ToHexString(frame[6..12]);
            _macs.Add(ulong.Parse(mac, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            Add(seen, "ether host " + string.Join(':', mac.Chunk(2).Select(c => new string(c))));
            if (frame[12] == 8 && frame[13] == 0)
            {
                Add(seen, $"host {frame[26]}.{frame[27]}.{frame[28]}.{frame[29]}");
            }
        }

        if ((layout.Flags & LayoutFlags.HasTransport) != 0 && layout.IpProtocol is 6 or 17)
        {
            Add(seen, string.Create(CultureInfo.InvariantCulture, $"port {layout.SourcePort}"));
            Add(seen, string.Create(CultureInfo.InvariantCulture, $"inner port {layout.DestinationPort}"));
        }

        if (layout.IpVersion == 4 && layout.NetworkOffset + 20 <= frame.Length)
        {
            var ip = frame.Slice(layout.NetworkOffset + 12, 4);
            Add(seen, $"inner host {ip[0]}.{ip[1]}.{ip[2]}.{ip[3]}");
        }

        if (layout.VlanCount > 0)
        {
            Add(seen, string.Create(CultureInfo.InvariantCulture, $"vlan {layout.Vlan0 & 0xfff}"));
        }

        if (layout.Tunnel != TunnelKind.None)
        {
            Add(seen, string.Create(CultureInfo.InvariantCulture, $"vni {layout.Vni}"));
        }
    }

    private static void Add(Dictionary<string, int> seen, string word) => seen[word] = seen.GetValueOrDefault(word) + 1;

    /// <summary>One worker: flow table and recorder, as the pipeline connects them.</summary>
    private sealed class Stage : IFlowEndings, IDisposable
    {
        private const int Slots = 1 << 15;
        private readonly FlowTable<Nowhere> _flows;
        private readonly List<SegmentRecorder> _recorders = [];
        private long _lastNs;

        public Stage(SegmentFolder folder, SegmentFolder? ofClass, int worker, long? activeTimeoutNs)
        {
            var options = FlowTableOptions.Live with
            {
                Capacity = Slots,
                FlowIdPrefix = (ushort)worker,
                ActiveTimeoutNs = activeTimeoutNs ?? FlowTableOptions.Live.ActiveTimeoutNs,
            };
            _flows = new FlowTable<Nowhere>(options, new Nowhere()) { Endings = this };
            foreach (var recording in new[] { folder, ofClass }.OfType<SegmentFolder>())
            {
                var recorder = new SegmentRecorder(recording, new RecorderOptions
                {
                    Worker = worker, Node = "n", SegmentBytes = Limits.SegmentBytesMin, SegmentAgeNs = SegmentNs, FlowSlots = Slots,
                });
                _recorders.Add(recorder);
                recorder.Flows = _flows;
                for (ushort point = 0; point < Points; point++)
                {
                    var vm = point switch { 3 => "by-port", 4 => "web", _ => null };
                    recorder.AddPoint(new PointInfo(point, $"p{point}", vm is null ? "uplink" : "vm_port", "br0", vm));
                }
            }
        }

        public void Take(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, int bytes)
        {
            var slot = _flows.Observe(meta, layout, frame);
            var recorder = _recorders[(int)(meta.TimestampNs / StepNs / FrameStep % 3 % _recorders.Count)];
            while (!recorder.HasRoomForBurst)
            {
                Thread.Yield();
            }

            Assert.Equal(AppendResult.Recorded, recorder.Append(meta, frame[..bytes], slot, layout));

            _flows.Advance(meta.TimestampNs);
            _lastNs = meta.TimestampNs;
            _recorders.ForEach(r => r.EndBatch(_lastNs));
        }

        public void Ended(int slot, in FlowRecord record)
        {
            foreach (var recorder in _recorders)
            {
                recorder.EndFlow(slot, record);
            }
        }

        public void Dispose()
        {
            _flows.Flush(FlowEndReason.EndOfInput);
            foreach (var recorder in _recorders)
            {
                recorder.Close(_lastNs);
                Assert.Equal(0, recorder.WithoutIndex);
                recorder.Dispose();
            }

            _flows.Dispose();
        }
    }

    private readonly struct Nowhere : IRecordSink
    {
        public void Write(in FlowRecord record)
        {
        }
    }

    private sealed class TimeSink : IExtractSink
    {
        public List<long> Times { get; } = [];

        public CancellationTokenSource? Stop { get; init; }

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Times.Add(meta.TimestampNs);

        public void Rest()
        {
        }
    }
}
