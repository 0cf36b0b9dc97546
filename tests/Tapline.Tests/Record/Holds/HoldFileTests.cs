// The file of holds: what is written is read back, hostile text included, and nothing else is believed.
using System.Text;
using CsCheck;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Holds;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Record.Holds;

public class HoldFileTests
{
    [Fact]
    public void AnyTextComesBackAsItWas() =>
        Gen.String[1, Limits.HoldTextCharactersMax].Where(s => !string.IsNullOrWhiteSpace(s) && IsUnicode(s)).Sample(
            text =>
            {
                using var folder = new TemporaryFolder();
                var added = HoldFile.TryAdd(folder.Path, Wanted with { By = text, Why = text }, out var error);
                Assert.Null(error);
                var read = Assert.Single(HoldFile.TryRead(folder.Path, out error)!.Holds);
                Assert.Null(error);
                Assert.Equal(added, read);
                Assert.Equal((text, text), (read.By, read.Why));
            },
            iter: 200);

    [Fact]
    public void ASegmentIsKeptByAnyOfItsWindows() =>
        Gen.Select(Gen.Select(Gen.Long[0, 1000], Gen.Long[0, 100]).Array[0, 12], Gen.Long[0, 1200]).Sample(
            random =>
            {
                var (windows, start) = random;
                const long Unit = Limits.SegmentSpanNs / 10;
                var list = new HoldList(
                    [
                        .. windows.Select((w, i) => Wanted with
                        {
                            Id = i + 1, SinceNs = w.Item1 * Unit, UntilNs = (w.Item1 + w.Item2) * Unit,
                        }),
                    ],
                    100);
                var isKept = windows.Any(w => start <= w.Item1 + w.Item2 && start + 10 >= w.Item1);
                Assert.Equal(isKept, list.Keeps(start * Unit));
            },
            iter: 20_000);

    [Fact]
    public void NumbersAreNeverUsedAgain()
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(1, HoldFile.TryAdd(folder.Path, Wanted, out _)!.Id);
        Assert.Equal(2, HoldFile.TryAdd(folder.Path, Wanted, out _)!.Id);
        Assert.Null(HoldFile.TryRemove(folder.Path, 2));
        Assert.Equal(3, HoldFile.TryAdd(folder.Path, Wanted, out _)!.Id);
        Assert.Contains("no hold 2", HoldFile.TryRemove(folder.Path, 2));
        Assert.Equal([1L, 3L], HoldFile.TryRead(folder.Path, out _)!.Holds.Select(h => h.Id));
    }

    [Fact]
    public void MistakesAreSentencesAndChangeNothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(HoldFile.TryAdd(folder.Path, Wanted with { By = " " }, out var error));
        Assert.Contains("--by", error);
        Assert.Null(HoldFile.TryAdd(folder.Path, Wanted with { Why = new string('x', 401) }, out error));
        Assert.Contains("401", error);
        Assert.Null(HoldFile.TryAdd(folder.Path, Wanted with { UntilNs = 0 }, out error));
        Assert.Contains("ends before", error);
        Assert.Null(HoldFile.TryAdd(folder["none"], Wanted, out error));
        Assert.Contains("no recording", error);
        Assert.Empty(HoldFile.TryRead(folder.Path, out _)!.Holds);
    }

    [Fact]
    public void ADamagedFileIsRefusedOrAnotherListNeverACrash()
    {
        using var folder = new TemporaryFolder();
        HoldFile.TryAdd(folder.Path, Wanted, out _);
        HoldFile.TryAdd(folder.Path, Wanted, out _);
        var whole = File.ReadAllBytes(folder[HoldFile.Name]);
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Bool).Sample(
            damage =>
            {
                var (at, value, isCut) = damage;
                var bytes = isCut ? whole[..at] : [.. whole];
                if (!isCut)
                {
                    bytes[at] = value;
                }

                var list = HoldText.TryRead(bytes, out var mistake);
                Assert.True(list is null != mistake is null);
                Assert.False(isCut && at < whole.Length - 2 && list is not null);
            },
            iter: 2000);
    }

    [Fact]
    public void AnEngineDoesNotStartOnHoldsThatItCannotReadAndKeepsThoseThatItHas()
    {
        using var folder = new TemporaryFolder();
        HoldFile.TryAdd(folder.Path, Wanted, out _);
        var watch = new HoldWatch(folder.Path);
        Assert.True(watch.Look(Now));
        Assert.False(watch.Look(Now));
        foreach (var damaged in new[] { "", "{", "[]", "{\"next_id\":1,\"holds\":[{}]}", new string('[', 100_000) })
        {
            File.WriteAllText(folder[HoldFile.Name], damaged);
            Assert.False(watch.Look(Now));
            Assert.False(watch.Look(Now));
            Assert.Contains("stays held", watch.Problem);
            Assert.Single(watch.Holds.Holds);
        }

        Assert.Null(SegmentFolder.TryOpen(folder.Path, 1 << 30, out var error));
        Assert.Contains(HoldFile.Name, error);
        File.Delete(folder[HoldFile.Name]);
        Assert.True(watch.Look(Now));
        Assert.Null(watch.Problem);
        Assert.Empty(watch.Holds.Holds);
    }

    [Fact]
    public void WhatExpiresHoldsUntilThenAndLeavesTheFileWithTheNextThatComes()
    {
        using var folder = new TemporaryFolder();
        var added = HoldFile.TryAdd(folder.Path, Wanted with { AddedNs = Now, ExpiresNs = Now + 10 }, out _);
        HoldFile.TryAdd(folder.Path, Wanted with { AddedNs = Now }, out _);
        Assert.Equal(added, HoldFile.TryRead(folder.Path, out _)!.Holds[0]);
        var watch = new HoldWatch(folder.Path);
        Assert.True(watch.Look(Now + 9));
        Assert.False(watch.Look(Now + 9));
        Assert.Equal(2, watch.Holds.Holds.Count);
        Assert.Equal(0, Allocations.LeastOf(() => watch.Look(Now + 9)));
        Assert.True(watch.Look(Now + 10));
        Assert.False(watch.Look(Now + 10));
        Assert.Equal([2L], watch.Holds.Holds.Select(h => h.Id));
        Assert.True(watch.Look(Now + 5)); // the clock was put back
        HoldFile.TryAdd(folder.Path, Wanted with { AddedNs = Now + 20 }, out _);
        Assert.Equal([2L, 3L], HoldFile.TryRead(folder.Path, out _)!.Holds.Select(h => h.Id));
    }

    [Fact]
    public void AHoldGetsAnotherEnd()
    {
        using var folder = new TemporaryFolder();
        HoldFile.TryAdd(folder.Path, Wanted, out _);
        Assert.Null(HoldFile.TryEnd(folder.Path, 1, Wanted.UntilNs + 5));
        Assert.Equal(Wanted.UntilNs + 5, Assert.Single(HoldFile.TryRead(folder.Path, out _)!.Holds).UntilNs);
        Assert.NotNull(HoldFile.TryEnd(folder.Path, 1, Wanted.SinceNs - 1));
        Assert.NotNull(HoldFile.TryEnd(folder.Path, 2, Wanted.UntilNs));
    }

    [Fact]
    public void ManyWritersAtOnceLoseNoHold()
    {
        using var folder = new TemporaryFolder();
        Parallel.For(0, 40, _ => Assert.NotNull(HoldFile.TryAdd(folder.Path, Wanted, out var _)));
        Assert.Equal(Enumerable.Range(1, 40).Select(i => (long)i), HoldFile.TryRead(folder.Path, out _)!.Holds.Select(h => h.Id));
    }

    private const long Now = RecorderFixture.Start;

    private static Hold Wanted => new()
    {
        Id = 0, SinceNs = RecorderFixture.Start, UntilNs = RecorderFixture.Start, By = "me", Why = "why", AddedNs = 0,
    };

    private static bool IsUnicode(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text;
}
