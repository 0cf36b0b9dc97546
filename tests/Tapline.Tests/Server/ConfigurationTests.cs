// A configuration is right, or all its mistakes are told at once with their lines.
using CsCheck;
using System.Net;
using Tapline.Mirror.Kernel;
using Tapline.Base;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Server.Config;
using Tapline.Tests.Support;
using Tapline.Workers;
using Tapline.Workers.Triggers;
using Xunit;

namespace Tapline.Tests.Server;

public class ConfigurationTests
{
    private const string Whole = """
        node: kvm7
        data: /srv/tapline
        points: [bridge:br0, "vnet*"]
        exclude: vnet9
        workers: 2
        ring_budget: 512MiB
        timestamps: hardware
        inventory: /etc/tapline/vms.csv
        flow_capacity: 100000
        mirrors:
          - session: ids
            to: nic:eth2
            from: [vnet0]
            filter: tcp port 80
            slice: 128
            mode: kernel
            sample: 5
          - to: nic:eth3
        record:
          budget: 50GB
          filter: not port 22
          compress: lz4
          encrypt: /etc/tapline/k
        console:
          listen: "[::1]:7778"
          retention_days: 7
        """;

    [Fact]
    public void ReadsEveryKey()
    {
        var c = ConfigurationReader.Read(Whole, out var mistakes);
        Assert.Empty(mistakes);
        Assert.NotNull(c);
        Assert.Equal(
            ("kvm7", "/srv/tapline", 2, 512L << 20, 100_000),
            (c.Node, c.Data, c.Workers, c.RingBudgetBytes, c.FlowCapacity));
        Assert.True(c.HardwareTimestamps && c.ToEngineOptions(new DataFolder("/d")).HardwareTimestamps);
        Assert.Equal(["bridge:br0", "vnet*"], c.Points);
        Assert.Equal(["vnet9"], c.Exclude);
        Assert.Equal(new AtRest(SegmentCompression.Lz4, "/etc/tapline/k"), c.ToEngineOptions(new DataFolder("/d")).Record!.AtRest);
        Assert.Equal("/etc/tapline/vms.csv", c.ToEngineOptions(new DataFolder("/d")).InventoryFile);
        var ids = c.Mirrors[0];
        Assert.Equal(("ids", "nic:eth2", "tcp port 80", "sample=5;slice=128"), (ids.Session, ids.To, ids.Filter, ids.Shape));
        Assert.Equal(MirrorMode.Kernel, ids.Mode);
        Assert.Equal("m2", c.Mirrors[1].Session);
        Assert.Equal((MirrorMode.Auto, null), (c.Mirrors[1].Mode, c.Mirrors[1].Shape));
        Assert.Equal("not port 22", c.Record!.Filter);
        Assert.Equal(IPEndPoint.Parse("[::1]:7778"), c.Console.Listen);
        var options = c.ToEngineOptions(new DataFolder("/srv/tapline"));
        Assert.Equal("/srv/tapline/recording", options.Record!.Folder);
    }

    [Fact]
    public void TellsAllMistakesAtOnceWithTheirLines()
    {
        const string Wrong = """
            point: [br0]
            workers: many
            ring_budget: 3 apples
            mirrors:
              - filter: tcp
              - to: nic:eth2
                session: a
                slize: 64
              - to: nic:eth3
                session: a
            record: yes
            console:
              listen: everywhere
            """;
        Assert.Null(ConfigurationReader.Read(Wrong, out var mistakes));
        Assert.Equal([1L, 2, 3, 5, 8, 10, 11, 13], mistakes.Select(m => m.Line));
        Assert.Contains("did you mean points?", mistakes[0].Sentence, StringComparison.Ordinal);
        Assert.Contains("did you mean mirrors[].slice?", mistakes[4].Sentence, StringComparison.Ordinal);
        Assert.All(mistakes, m => Assert.Contains(m.Sentence[^1], ".?"));
    }

    [Theory]
    [InlineData("points: [br0\nworkers: 2")]
    [InlineData("a: b: c")]
    [InlineData("points: [br0]\npoints: [br1]")]
    [InlineData("- br0")]
    [InlineData("--- \na: 1\n---\nb: 2")]
    public void WhatIsNoConfigurationIsOneMistakeWithALine(string text)
    {
        Assert.Null(ConfigurationReader.Read(text, out var mistakes));
        Assert.True(Assert.Single(mistakes).Line >= 1);
    }

    [Fact]
    public void BracketsWithoutEndAreAMistakeNotAnOverflow()
    {
        Assert.Null(ConfigurationReader.Read("a: " + new string('[', 500_000), out var mistakes));
        Assert.Contains("nested", Assert.Single(mistakes).Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    public void AnEmptyFileIsAllDefaults(string text) => Assert.NotNull(ConfigurationReader.Read(text, out _));

    [Fact]
    public void NoTextMakesTheReaderThrow() =>
        Gen.String[Gen.Char["abrecodmisptln:-[]{}\"'#&*!|>%@ \n\t0123456789"], 0, 200].Sample(text =>
        {
            var configuration = ConfigurationReader.Read(text, out var mistakes);
            Assert.Equal(configuration is null, mistakes.Count > 0);
        }, iter: 2000);

    [Fact]
    public void WhatIsWrittenForTheEngineIsReadBackTheSame()
    {
        using var folder = new TemporaryFolder();
        var name = Gen.String[Gen.Char["abc:*[]\"'\\ {}#-=<>\u00e9\u202e"], 1, 20];
        var configurations =
            from points in name.List[1, 3]
            from to in name
            from filter in name
            from workers in Gen.Int[0, 64]
            from hardware in Gen.Bool
            from budget in Gen.Long[16L << 20, 1L << 50]
            select new NodeConfiguration
            {
                Node = to, Data = "/d", Points = points, Exclude = points, Workers = workers, RingBudgetBytes = budget,
                HardwareTimestamps = hardware,
                Mirrors = [new MirrorPlan { Session = "s", To = to, Filter = filter, From = points,
                    Shape = $"dedup={workers}ms,mac;slice={workers}" }],
                Record = new RecordConfiguration
                {
                    BudgetBytes = budget, Filter = filter, KeepNs = (60 + workers) * Clock.SecondNs,
                    Take = hardware ? new RecordTake(RecordTakeKind.Frame, 14 + workers) : new RecordTake(RecordTakeKind.Whole, 0, true),
                    TriggerBudgetBytes = budget + workers,
                    Triggers = hardware ? [] :
                    [
                        new TriggerPlan
                        {
                            Name = $"t{workers}", When = "tcp and retransmissions > 3", BeforeNs = workers * 1_000_000_000L,
                            AfterNs = 500_000_000, PauseNs = 3_600_000_000_000, IsOfFlow = workers % 2 == 0, HoldsMax = workers + 1,
                            HourlyMax = workers + 2, HoldForNs = workers % 3 * 86_400_000_000_000,
                        },
                    ],
                    MinFree = new FreeDisk(hardware ? budget : 0, hardware ? 0 : workers),
                    Classes =
                    [
                        new RecordClassPlan
                        {
                            Name = $"c{workers}", Filter = filter, BudgetBytes = budget * 2, KeepNs = hardware ? 60 * Clock.SecondNs : 0,
                            Take = hardware ? new RecordTake(RecordTakeKind.Flow, budget, true) : new RecordTake(RecordTakeKind.Headers, 0),
                        },
                    ],
                    AtRest = new AtRest(hardware ? SegmentCompression.Lz4 : SegmentCompression.None, hardware ? null : "/k"),
                },
                Console = new ConsoleConfiguration
                {
                    Listen = new IPEndPoint(IPAddress.IPv6Loopback, 1 + workers), RetentionDays = workers,
                },
            };
        configurations.Sample(c =>
        {
            ConfigurationWriter.WriteFile(c, folder["node.json"]);
            var back = ConfigurationReader.ReadFile(folder["node.json"], out var mistakes);
            Assert.Empty(mistakes);
            Assert.Equivalent(c, back, strict: true);
        }, iter: 100, threads: 1);
    }
}
