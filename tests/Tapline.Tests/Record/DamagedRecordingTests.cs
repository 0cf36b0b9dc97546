// Hundreds of recordings with a damaged place: bits flipped, bytes overwritten, pages zeroed, files cut, in segments and their indexes, in
// what a crash left, in holds. A query gives no packet that was not recorded, and all that is undamaged; opening repairs or
// refuses with a sentence; nothing is thrown.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Extract;
using Tapline.Record.Holds;
using Tapline.Record.Index;
using Tapline.Tests.Record.Index;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Xunit;

namespace Tapline.Tests.Record;

public sealed class DamagedRecordingTests
{
    private const int Frames = 900;
    private static readonly string[] s_questions = ["", "udp", "port 53", "vlan", "frames > 1"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AQueryGivesAllThatIsUndamagedAndNothingElse(int seed)
    {
        using var recording = new Recording();
        var random = new Random(seed);
        var whole = s_questions.ToDictionary(q => q, q => recording.Ask(q).Blocks);
        Assert.All(whole.Values, blocks => Assert.NotEmpty(blocks));
        var resumed = 0;
        for (var round = 0; round < 120; round++)
        {
            var (bytes, from, to) = Damage(recording.Segment, random, recording.PacketOffsets);
            var question = s_questions[round % s_questions.Length];
            var isIndexSound = round % 4 != 0;
            recording.Write(bytes, isIndexSound ? recording.Index : Damage(recording.Index, random, []).Bytes);
            var (blocks, faults) = recording.Ask(question);
            var there = blocks.ToHashSet();
            Assert.Equal(there.Count, blocks.Count);
            Assert.True(there.IsSubsetOf(recording.BlocksIn(bytes)), $"round {round}: a packet that nobody recorded");
            var undamaged = whole[question].Where(b => recording.IsOutside(b, from, to)).ToList();
            var missing = undamaged.Count(b => !there.Contains(b));
            resumed += missing == 0 && undamaged.Exists(b => recording.OffsetOf(b) > to) ? 1 : 0;
            if (recording.IsReadable(from, to) && isIndexSound && bytes.Length == recording.Segment.Length)
            {
                Assert.True(missing == 0, $"round {round}: {missing} undamaged packets are missing; {string.Join(' ', faults)}");
            }

            var before = undamaged.Count(b => recording.OffsetOf(b) < from && !there.Contains(b));
            Assert.True(before == 0 || !isIndexSound || faults.Count > 0, $"round {round}: {before} packets before the damage are missing");
            Assert.True(missing == 0 || faults.Count > 0, $"round {round}: {missing} packets are missing and nobody says so");
        }

        Assert.True(resumed > 20, $"reading went on behind the damage {resumed} times");
    }

    [Fact]
    public void WhatACrashLeftIsPublishedUpToItsFirstDamage()
    {
        using var recording = new Recording();
        var random = new Random(3);
        for (var round = 0; round < 100; round++)
        {
            var (bytes, from, to) = Damage(recording.Segment, random, recording.PacketOffsets);
            var isTail = round % 2 == 0 || to == recording.Segment.Length;
            if (isTail && from < bytes.Length)
            {
                // What was under way holds nothing yet, or what the disk had there before.
                bytes = bytes[..random.Next(from, bytes.Length + 1)];
                var tail = bytes.AsSpan(from);
                tail.Clear();
                random.NextBytes(tail[..(round % 4 == 0 ? tail.Length : 0)]);
            }

            using var folder = new TemporaryFolder();
            File.WriteAllBytes(folder[".20260101T000000.000000000Z-0.pcapng"], bytes);
            using var opened = SegmentFolder.TryOpen(folder.Path, 1 << 30, out var error);
            Assert.Null(error);
            var whole = recording.PacketOffsets.Count(o => o + recording.LengthAt(o) <= from);
            var segment = Directory.GetFiles(folder.Path, "*.pcapng");
            if (segment.Length == 0)
            {
                Assert.Equal(0, whole);
                continue;
            }

            // Its blocks are whole to its end, and what stood before the damage is there; where the damage is the tail, as a crash
            // leaves it, the product's reader finds no fault and the ledger counts each frame.
            Assert.NotNull(opened!.Repairs);
            var packets = SegmentFile.Blocks(Assert.Single(segment)).Count(b => b.Type == 6);
            Assert.InRange(packets, Math.Max(1, whole), recording.PacketOffsets.Length);
            if (isTail)
            {
                Assert.Equal(packets, SegmentFile.Frames(segment[0]).Count);
                Assert.Equal(packets, SegmentFile.Ledger(segment[0], out _).Sum(r => r.Recorded));
            }
        }
    }

    [Fact]
    public void DamagedHoldsAreASentence()
    {
        using var folder = new TemporaryFolder();
        var holds = folder["holds.json"];
        Assert.NotNull(HoldFile.TryAdd(
            folder.Path, new Hold { Id = 0, SinceNs = 1, UntilNs = 2, By = "me", Why = "a test", AddedNs = 3 }, out _));
        var sound = File.ReadAllBytes(holds);
        var random = new Random(4);
        for (var round = 0; round < 60; round++)
        {
            File.WriteAllBytes(holds, Damage(sound, random, []).Bytes);
            using var opened = SegmentFolder.TryOpen(folder.Path, 1 << 30, out var error);
            Assert.True(opened is not null ^ error is not null, $"round {round}");
            Assert.True(error is null || error.Contains("holds.json", StringComparison.Ordinal), error);
        }
    }

    // The bytes with one damaged place, and where it is.
    private static (byte[] Bytes, int From, int To) Damage(byte[] sound, Random random, long[] headers)
    {
        var bytes = (byte[])sound.Clone();
        var from = random.Next(bytes.Length);
        var to = from + 1;
        switch (random.Next(headers.Length > 0 ? 5 : 4))
        {
            case 0:
                bytes[from] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                to = Math.Min(bytes.Length, from + random.Next(1, 300));
                random.NextBytes(bytes.AsSpan(from, to - from));
                break;
            case 2:
                from &= ~4095;
                to = Math.Min(bytes.Length, from + 4096);
                bytes.AsSpan(from, to - from).Clear();
                break;
            case 3:
                return (bytes[..from], from, sound.Length);
            default:
                // A length that is wrong: where walks go astray.
                from = (int)headers[random.Next(headers.Length)] + 4;
                to = from + 4;
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(from), (uint)random.Next(1, 100) * 4);
                break;
        }

        return (bytes, from, to);
    }

    /// <summary>One segment with its index, whose bytes a test may change.</summary>
    private sealed class Recording : IDisposable
    {
        private readonly WorkerFixture _fixture = LiveIndexTests.Record(TraceMaker.Frames(7, Frames), Frames, 1L << 30);
        private readonly string _path;
        private readonly Dictionary<long, int> _lengths = [];
        private readonly Dictionary<string, long> _offsets = [];
        private readonly long _described;
        private readonly long _packetsEnd;

        public Recording()
        {
            _path = Assert.Single(LiveIndexTests.Segments(_fixture));
            Segment = File.ReadAllBytes(_path);
            Index = File.ReadAllBytes(SegmentIndex.PathOf(_path));
            PacketOffsets = [.. IndexedSegment.PacketOffsets(_path)];
            foreach (var offset in PacketOffsets)
            {
                _lengths[offset] = BinaryPrimitives.ReadInt32LittleEndian(Segment.AsSpan((int)offset + 4));
                _offsets[Text(Segment, offset, _lengths[offset])] = offset;
            }

            // What comes between packets describes points: reading can go on behind a damaged packet, not behind those.
            _described = PacketOffsets.Zip(PacketOffsets.Skip(1)).Where(p => p.First + _lengths[p.First] != p.Second).Max(p => p.Second);
            _packetsEnd = PacketOffsets[^1] + _lengths[PacketOffsets[^1]];
        }

        public byte[] Segment { get; }

        public byte[] Index { get; }

        public long[] PacketOffsets { get; }

        public int LengthAt(long offset) => _lengths[offset];

        public long OffsetOf(string block) => _offsets[block];

        public bool IsOutside(string block, int from, int to) =>
            _offsets[block] >= to || _offsets[block] + _lengths[_offsets[block]] <= from;

        /// <summary>The damage lies in packets alone, behind all descriptions.</summary>
        public bool IsReadable(int from, int to) => from >= _described && to <= _packetsEnd;

        /// <summary>What stands now where packets were recorded.</summary>
        public HashSet<string> BlocksIn(byte[] bytes) =>
            [.. PacketOffsets.Where(o => o + _lengths[o] <= bytes.Length).Select(o => Text(bytes, o, _lengths[o]))];

        public void Write(byte[] segment, byte[] index)
        {
            File.WriteAllBytes(_path, segment);
            File.WriteAllBytes(SegmentIndex.PathOf(_path), index);
        }

        public (List<string> Blocks, List<string> Faults) Ask(string question)
        {
            var sink = new BlockSink();
            var options = new ExtractOptions
            {
                Folder = _fixture.RecordingPath, Filter = ExtractFilter.Compile(question, out _)!, DisorderNs = 20_000_000_000,
            };
            var plan = ExtractPlan.Make(options, out _)!;
            var report = Extraction.Run(plan, options, sink, null, CancellationToken.None);
            return (sink.Blocks, [.. plan.Holes, .. report.Faults]);
        }

        public void Dispose() => _fixture.Dispose();

        private static string Text(byte[] bytes, long offset, int length) => Convert.ToHexString(bytes.AsSpan((int)offset, length));
    }

    private sealed class BlockSink : IExtractSink
    {
        public List<string> Blocks { get; } = [];

        public void Begin(ExtractPlan plan)
        {
        }

        public void AddPoint(ExtractPoint point)
        {
        }

        public void Take(in FrameMeta meta, ReadOnlySpan<byte> block, ReadOnlySpan<byte> frame) => Blocks.Add(Convert.ToHexString(block));

        public void Rest()
        {
        }
    }
}
