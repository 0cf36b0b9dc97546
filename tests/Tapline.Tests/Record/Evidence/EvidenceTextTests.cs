// Seals and journals as text: what is written is read back, and hostile bytes are refused, never believed and never a crash.
using CsCheck;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Evidence;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class EvidenceTextTests
{
    private static readonly Gen<Hash256> s_hash = Gen.Select(
        Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong, (a, b, c, d) => new Hash256(a, b, c, d));

    [Fact]
    public void ASealIsReadBackAsWritten()
    {
        using var key = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(key.Path, out _)!;
        var numbers = Gen.Long[1, long.MaxValue - 1];
        Gen.Select(Gen.Long[1, 5 << 20], numbers, Gen.UShort, s_hash, s_hash, Gen.Bool, Gen.Int[0, 2], Gen.Long[0, long.MaxValue])
            .Sample((bytes, sequence, worker, previous, index, hasIndex, state, time) =>
            {
                var text = new SignedText();
                var blocks = new Hash256[SealText.BlocksOf(bytes)];
                Array.Fill(blocks, previous);
                var seal = new SegmentSeal
                {
                    Chain = (UInt128)sequence * 77, Worker = worker, Sequence = sequence, Previous = previous, Bytes = bytes,
                    State = (SealState)state, SealedNs = time, HasIndex = hasIndex, Index = hasIndex ? index : default, Key = key.Key.Id,
                };
                seal.Link = SealText.Write(text, seal, "20240101T000000.000000000Z-0.pcapng"u8, blocks, key.Key);
                var read = new List<Hash256>();
                Assert.True(SealText.TryRead(text.Written, out var again, read));
                Assert.True(SignedText.IsSigned(text.Written, again.Key, keys));
                Assert.Equal(blocks, read);
                Assert.Equal("20240101T000000.000000000Z-0.pcapng"u8, text.Written[again.Name]);
                (seal.Blocks, seal.Name) = (again.Blocks, again.Name);
                Assert.Equal(seal, again);
            }, iter: 200);
    }

    [Fact]
    public void TheJournalOfAnyRemovalsIsTheSetOfThem()
    {
        using var key = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(key.Path, out _)!;
        Gen.Select(Gen.Int[1, 200].Array[0, 150], Gen.Int[0, 1].Array[150]).Sample((sequences, chains) =>
        {
            var journal = new EvidenceJournal();
            for (var chain = 0; chain < 2; chain++)
            {
                Assert.True(journal.TryAdd(new SealChain { Id = (UInt128)chain + 5, Worker = (ushort)chain, BeganNs = 0, Next = 300 }));
            }

            var removed = new HashSet<(int, int)>();
            for (var i = 0; i < sequences.Length; i++)
            {
                removed.Add((chains[i], sequences[i]));
                var seal = new SegmentSeal
                {
                    Chain = (UInt128)chains[i] + 5, Sequence = sequences[i], Previous = Link(chains[i], sequences[i] - 1),
                    Link = Link(chains[i], sequences[i]),
                };
                journal.Remove(seal, sequences[i] * 1000L, (RemovalReason)(sequences[i] % 3), 1);
            }

            var text = new SignedText();
            journal.Write(text, key.Key, 7);
            var again = EvidenceJournal.TryRead(text.Written.ToArray(), keys, out var mistake);
            Assert.Null(mistake);
            Assert.Equal(journal.Removed.ToArray(), again!.Removed.ToArray());
            for (var chain = 0; chain < 2; chain++)
            {
                for (var sequence = 1; sequence < 202; sequence++)
                {
                    Assert.Equal(removed.Contains((chain, sequence)), again.IsRemoved((UInt128)chain + 5, sequence, out var range));
                    Assert.True(range.Last == 0 || range.Tip == Link(chain, (int)range.Last));
                    Assert.True(range.Last == 0 || range.Before == Link(chain, (int)range.First - 1));
                }
            }

            Assert.Equal(removed.Count, again.Removed.ToArray().Sum(r => r.Budget + r.Age + r.FreeDisk));
        }, iter: 100);
    }

    [Fact]
    public void RangesBeyondTheLimitBecomeOneWithTheirNeighbour()
    {
        var journal = new EvidenceJournal();
        journal.TryAdd(new SealChain { Id = 1, Worker = 0, BeganNs = 0, Next = 100_000 });
        for (var sequence = 1; sequence < 3 * Limits.RemovedRangesMax; sequence++)
        {
            journal.Remove(new SegmentSeal { Chain = 1, Sequence = sequence * 3 }, 0, RemovalReason.Age, 1);
            Assert.True(journal.Removed.Length <= Limits.RemovedRangesMax);
        }

        for (var sequence = 1; sequence < 3 * Limits.RemovedRangesMax; sequence++)
        {
            Assert.True(journal.IsRemoved(1, sequence * 3, out _));
        }
    }

    [Fact]
    public void HostileTextsAreRefusedAndNeverCrash()
    {
        using var key = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(key.Path, out _)!;
        var text = new SignedText();
        var seal = new SegmentSeal { Chain = 1, Sequence = 1, Bytes = 100, Key = key.Key.Id };
        SealText.Write(text, seal, "20240101T000000.000000000Z-0.pcapng"u8, new Hash256[1], key.Key);
        var good = text.Written.ToArray();
        var journal = new EvidenceJournal();
        journal.TryAdd(new SealChain { Id = 1, Worker = 0, BeganNs = 0, Next = 9 });
        journal.Remove(seal, 0, RemovalReason.Age, 1);
        journal.Write(text, key.Key, 7);
        var goodJournal = text.Written.ToArray();
        var places = Gen.Select(Gen.Int[0, good.Length], Gen.Int[0, goodJournal.Length]);
        foreach (var last in new[] { "\"signature\":\"}\n", "\"signature\":\"\"}\n", "\"}\n", "\n\"}\n", "\"signature\":\"====\"}\n" })
        {
            Assert.False(SignedText.IsSigned(System.Text.Encoding.ASCII.GetBytes("{\n" + last), key.Key.Id, keys));
        }

        Gen.Select(Gen.Byte.Array[0, 200], places, Gen.Byte).Sample((noise, place, value) =>
        {
            var (at, atJournal) = place;
            Assert.False(SealText.TryRead(noise, out _));
            Assert.Null(EvidenceJournal.TryRead(noise, keys, out _));
            Try(good[..at]);
            Try([.. good[..at], .. noise, .. good[at..]]);
            Try(Changed(good, at, value));
            foreach (var bytes in new[] { goodJournal[..atJournal], Changed(goodJournal, atJournal, value) })
            {
                Assert.Equal(bytes.AsSpan().SequenceEqual(goodJournal), EvidenceJournal.TryRead(bytes, keys, out _) is not null);
            }

            void Try(byte[] bytes)
            {
                var isRead = SealText.TryRead(bytes, out var read);
                Assert.True(bytes.AsSpan().SequenceEqual(good) || !isRead || !SignedText.IsSigned(bytes, read.Key, keys));
            }
        }, iter: 2000);
    }

    [Fact]
    public void SignedTextsThatContradictThemselvesAreRefused()
    {
        using var key = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(key.Path, out _)!;
        string[] journals =
        [
            "\"chains\":[],\"removed\":[],\"pauses\":[],",
            "\"generation\":\"x\",\"written\":\"1970-01-01T00:00:00.000000007Z\",\"chains\":[],\"removed\":[],\"pauses\":[],",
            "\"generation\":1,\"written\":\"1970-13-01T00:00:00.000000007Z\",\"chains\":[],\"removed\":[],\"pauses\":[],",
            "\"generation\":1,\"written\":\"1970-01-01T00:00:00.000000007Z\",\"chains\":[{}],\"removed\":[],\"pauses\":[],",
            "\"generation\":1,\"written\":\"1970-01-01T00:00:00.000000007Z\",\"chains\":{},\"removed\":[],\"pauses\":[],",
            "\"generation\":1,\"written\":\"1970-01-01T00:00:00.000000007Z\",\"chains\":[[[[[[1]]]]]],\"removed\":[],\"pauses\":[],",
        ];
        foreach (var body in journals)
        {
            var text = new SignedText();
            text.Clear().Add("{\"tapline\":\"journal\",\"version\":1,\"key\":\""u8).Add(key.Key.Id).Add("\","u8)
                .Add(System.Text.Encoding.UTF8.GetBytes(body)).Add("\n"u8).Sign(key.Key);
            Assert.Null(EvidenceJournal.TryRead(text.Written.ToArray(), keys, out var mistake));
            Assert.NotNull(mistake);
            Assert.DoesNotContain('\n', mistake);
        }
    }

    private static Hash256 Link(int chain, int sequence) => sequence == 0 ? default : new Hash256((ulong)chain, (ulong)sequence, 1, 2);

    private static byte[] Changed(byte[] bytes, int at, byte value)
    {
        var copy = bytes.ToArray();
        if (at < copy.Length)
        {
            copy[at] = value;
        }

        return copy;
    }
}
