// The spool as the console meets it: what was written is read back row by row, whatever the disk does meanwhile.
using CsCheck;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Store;

public class SpoolWriterTests
{
    private const long Second = 1_000_000_000;

    [Fact]
    public void WhatIsWrittenIsReadBack() =>
        Gen.Select(Gen.ULong.Array[0, 40], Gen.Long[0, long.MaxValue].Array[0, 40], Gen.Long[0, long.MaxValue].Array[0, 10])
            .Sample(
                t =>
                {
                    using var folder = new TemporaryFolder();
                    Write(folder, t.Item1, t.Item2, t.Item3);
                    var batches = ReadAll(folder);
                    Assert.Equal(t.Item1, batches.SelectMany(b => b.Flows).Select(f => f.FlowId));
                    Assert.Equal(t.Item2, batches.SelectMany(b => b.Ledger).Select(l => l.FilteredRecorder));
                    Assert.Equal(t.Item3, batches.SelectMany(b => b.MirrorLedger).Select(m => m.DroppedError));
                    Assert.Equal(t.Item1.Length + t.Item2.Length + t.Item3.Length == 0 ? 0 : 1, batches.Count);
                },
                iter: 50);

    [Fact]
    public void NamesAndTimesTravelWithTheRows()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        using (var writer = new SpoolWriter(spool, 3, "node-ü"))
        {
            var point = new PointInfo(7, "vnet7", "vm_port", "br0", "web01", "uuid-7") { SpeedBitsPerSecond = 10_000_000_000 };
            writer.AddPoint(point);
            writer.AddPoint(new PointInfo(9, new string('é', 4000), "uplink"));
            writer.AddSession(new SessionInfo(1, "m1", "nic:eth2", "tcp port 80"));
            writer.Write(new FlowRecord { FlowId = 1, StartNs = 50, EndNs = 900 });
            writer.Write(new LedgerRecord { TimeNs = 20, Point = 7, Arrived = 4 });
            writer.Close();

            var batch = Assert.Single(ReadAll(folder));
            Assert.Equal("node-ü", batch.Node);
            Assert.Equal(3, batch.Worker);
            Assert.Equal((20L, 900L), (batch.FirstNs, batch.LastNs));
            Assert.Equal(point, batch.Points[0]);
            Assert.Equal(new string('é', 512), batch.Points[1].Name);
            Assert.Null(batch.Points[1].Vm);
            Assert.Equal(new SessionInfo(1, "m1", "nic:eth2", "tcp port 80"), Assert.Single(batch.Sessions));
        }
    }

    [Fact]
    public void MachinesWithoutAPointAreNamedByWhatWasKnownAtTheEnd()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        using var writer = new SpoolWriter(spool, 0, "n", new Known());
        writer.AddPoint(new PointInfo(1, "vnet0", "vm_port", "br0", "web01"));
        var (near, far, unknown) = (IpAddress16.FromIpv4(1), IpAddress16.FromIpv4(2), IpAddress16.FromIpv4(3));
        for (var i = 0; i < 3; i++)
        {
            writer.Write(new FlowRecord { InitiatorPoint = 1, InitiatorMac = 7, ResponderPoint = 9, ResponderMac = 7 });
            writer.Write(new FlowRecord { InitiatorPoint = 9, InitiatorIp = near, ResponderPoint = 9, ResponderIp = far });
            writer.Write(new FlowRecord { InitiatorPoint = 9, InitiatorIp = unknown, ResponderPoint = 9, ResponderMac = 8 });
        }

        writer.Close();
        var batch = Assert.Single(ReadAll(folder));
        Assert.Equal(
            [new EndpointName(7, default, "ma\u00e4c 7"), new(0, near, "ip 1"), new(0, far, "ma\u00e4c 7")], batch.Endpoints);
        Assert.Equal("web01", batch.Points[0].Vm);
    }

    [Fact]
    public void LookingMachinesUpAllocatesNothingOnceItHasGrown()
    {
        var endpoints = new SpoolEndpoints(new Known());
        var flows = Enumerable.Range(0, Limits.BatchFlowRowsMax)
            .Select(i => new FlowRecord { InitiatorPoint = 9, InitiatorIp = IpAddress16.FromIpv4((uint)i), ResponderMac = (ulong)i })
            .ToArray();
        endpoints.Collect(flows, [1, 2, 3]);
        Assert.Equal(0, Allocations.LeastOf(() =>
        {
            for (var i = 0; i <= 100_000 / flows.Length; i++)
            {
                endpoints.Collect(flows, [1, 2, 3]);
            }
        }));
        Assert.Equal(3 * 32, endpoints.Rows.Length);
    }

    [Fact]
    public void ABatchIsPublishedEachSecondAndHiddenUntilThen()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        using var writer = new SpoolWriter(spool, 0, "n");
        writer.EndBatch(100 * Second);
        writer.Write(new FlowRecord { FlowId = 1 });
        writer.EndBatch((100 * Second) + (Second / 2));
        Assert.Equal(0, writer.Batches);
        writer.EndBatch(101 * Second);
        Assert.True(Await.Until(() => writer.Batches == 1));
        Assert.Matches(@"^\d{12}-0\.batch$", folder.Names.Single(n => n[0] != '.'));
        writer.Write(new FlowRecord { FlowId = 2 });
        writer.EndBatch(50 * Second); // a clock set back does not hold the rest
        Assert.True(Await.Until(() => writer.Batches == 2));
        writer.Close();
        Assert.Equal([1UL, 2UL], ReadAll(folder).SelectMany(b => b.Flows).Select(f => f.FlowId));
        Assert.Equal([".lock"], folder.Names.Where(n => n[0] == '.'));
    }

    [Fact]
    public void AFullDiskLosesNothingThatMemoryCanHoldAndCountsTheRest()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        var disk = new FaultyDisk { WriteError = NativeFile.ENOSPC };
        using var writer = new SpoolWriter(spool, 0, "n", disk);
        var written = 0UL;
        while (writer.RecordsDropped == 0)
        {
            writer.Write(new FlowRecord { FlowId = ++written });
        }

        Assert.True(Await.Until(() => writer.StallReason is not null));
        Assert.Contains("no space left", writer.StallReason);
        Assert.Equal((long)written - 1, writer.RecordsWritten);
        disk.WriteError = 0;
        Assert.True(Await.Until(() => writer.StallReason is null));
        writer.Close();
        Assert.Equal(1, writer.RecordsDropped);
        var batches = ReadAll(folder);
        Assert.Equal(Enumerable.Range(1, (int)written - 1), batches.SelectMany(b => b.Flows).Select(f => (int)f.FlowId));
        Assert.Equal(1, batches[^1].RecordsDropped);
    }

    [Fact]
    public void ClosingOnADeadDiskEndsAndCountsEveryRecord()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        var writer = new SpoolWriter(spool, 0, "n", new FaultyDisk { OpenError = NativeFile.EIO });
        var written = 0;
        while (writer.RecordsDropped == 0)
        {
            writer.Write(new FlowRecord { FlowId = (ulong)++written });
        }

        writer.Close();
        Assert.Equal(written, writer.RecordsDropped);
        Assert.Equal(0, writer.RecordsWritten);
        Assert.Empty(ReadAll(folder));
        writer.Dispose();
    }

    [Fact]
    public void ShortWritesAndAFailedRenameAreMended()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        var disk = new FaultyDisk { ShortWriteBytes = 100, PublishError = NativeFile.EIO };
        using var writer = new SpoolWriter(spool, 0, "n", disk);
        writer.Write(new FlowRecord { FlowId = 5 });
        writer.EndBatch(9 * Second);
        Assert.True(Await.Until(() => writer.StallReason is not null));
        disk.PublishError = 0;
        Assert.True(Await.Until(() => writer.Batches == 1));
        writer.Close();
        Assert.Equal(5UL, ReadAll(folder).Single().Flows.Single().FlowId);
        Assert.Null(writer.StallReason);
    }

    [Fact]
    public void ASpoolThatNobodyIngestsKeepsItsBudgetAndGoesOnWhenItIsEmptied()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder, 1);
        using var writer = new SpoolWriter(spool, 0, "n");
        while (writer.StallReason is null)
        {
            writer.Write(new FlowRecord { FlowId = 1 });
        }

        Assert.Contains("holds its budget", writer.StallReason);
        Assert.InRange(folder.Names.Sum(n => new FileInfo(folder[n]).Length), 1, Limits.SpoolBudgetBytesMin);
        foreach (var name in new SpoolReader(folder.Path).List())
        {
            Assert.True(new SpoolReader(folder.Path).Remove(name));
        }

        Assert.True(Await.Until(() => writer.StallReason is null));
    }

    [Fact]
    public void TwoEnginesOnOneSpoolAreToldSo()
    {
        using var folder = new TemporaryFolder();
        using var first = Open(folder);
        Assert.Null(SpoolFolder.TryOpen(folder.Path, 1 << 20, out var error));
        Assert.Contains("Another Tapline process", error);
    }

    [Fact]
    public void ACrashCostsOnlyTornBatches()
    {
        using var folder = new TemporaryFolder();
        Write(folder, [1, 2, 3], [], []);
        Write(folder, [4], [], []);
        var names = new SpoolReader(folder.Path).List();
        File.Move(folder[names[0]], folder["." + names[0]]);
        var torn = File.ReadAllBytes(folder[names[1]])[..700];
        File.WriteAllBytes(folder["." + names[1]], torn);
        File.Delete(folder[names[1]]);

        using var spool = Open(folder);
        Assert.Equal((1, 1), (spool.Recovered, spool.Discarded));
        Assert.Equal([1UL, 2UL, 3UL], ReadAll(folder).SelectMany(b => b.Flows).Select(f => f.FlowId));
        Assert.Equal([".lock", names[0]], folder.Names);
    }

    [Fact]
    public void SteadyWritingAllocatesNothing()
    {
        using var folder = new TemporaryFolder();
        using var spool = Open(folder);
        using var writer = new SpoolWriter(spool, 0, "n");
        writer.AddPoint(new PointInfo(1, "p", "port"));
        var now = Run(writer, 0, 2000);
        Assert.Equal(0, Allocations.LeastOf(() => { now = Run(writer, now, 100_000); }));

        static long Run(SpoolWriter writer, long now, int rows)
        {
            var flow = new FlowRecord { FlowId = 1 };
            var ledger = new LedgerRecord { Point = 1 };
            for (var row = 0; row < rows; row++)
            {
                writer.Write(flow);
                writer.Write(ledger);
                writer.EndBatch(now += Second / 1000);
            }

            return now;
        }
    }

    private static SpoolFolder Open(TemporaryFolder folder, long budget = Limits.SpoolBudgetBytesDefault)
    {
        var spool = SpoolFolder.TryOpen(folder.Path, budget, out var error);
        Assert.Null(error);
        return spool!;
    }

    private static void Write(TemporaryFolder folder, ulong[] flows, long[] ledger, long[] mirrors)
    {
        using var spool = Open(folder);
        using var writer = new SpoolWriter(spool, 0, "n");
        Array.ForEach(flows, f => writer.Write(new FlowRecord { FlowId = f }));
        Array.ForEach(ledger, l => writer.Write(new LedgerRecord { FilteredRecorder = l }));
        Array.ForEach(mirrors, m => writer.Write(new MirrorLedgerRecord { DroppedError = m }));
        writer.Close();
    }

    private static List<SpoolBatch> ReadAll(TemporaryFolder folder)
    {
        var reader = new SpoolReader(folder.Path);
        var batches = new List<SpoolBatch>();
        foreach (var name in reader.List())
        {
            var result = reader.Read(name, out var batch, out var fault);
            Assert.True(result == SpoolReadResult.Batch, fault);
            batches.Add(batch!);
        }

        return batches;
    }

    /// <summary>A host that knows one point, one NIC and two addresses.</summary>
    private sealed class Known : IEndpointNames
    {
        public bool IsNamed(ushort pointId) => pointId == 1;

        public string? OfMac(ulong mac) => mac == 7 ? "ma\u00e4c 7" : null;

        public string? OfAddress(IpAddress16 ip) =>
            ip == IpAddress16.FromIpv4(1) ? "ip 1" : ip == IpAddress16.FromIpv4(2) ? "ma\u00e4c 7" : null;
    }
}
