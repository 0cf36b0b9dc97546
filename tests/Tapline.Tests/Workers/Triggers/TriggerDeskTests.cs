// From hits to incidents: what is held, noted and given out, how much of it, and what the next run takes up.
using Tapline.Base;
using Tapline.Record.Holds;
using Tapline.Store;
using Tapline.Tests.Support;
using Tapline.Workers.Triggers;
using Xunit;

namespace Tapline.Tests.Workers.Triggers;

public sealed class TriggerDeskTests : IDisposable
{
    private static readonly TriggerPlan s_plan = new()
    {
        Name = "resets", When = "tcp port 80", BeforeNs = Clock.SecondNs, AfterNs = 1_000_000,
    };
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _told = [];
    private readonly List<Incident> _extracted = [];

    public TriggerDeskTests() => Directory.CreateDirectory(Recording);

    private string Recording => _folder["recording"];

    private string Incidents => _folder["incidents"];

    [Fact]
    public void AnIncidentIsHeldNotedAndGivenOut()
    {
        var now = Clock.NowNs();
        Run(s_plan, Hit(now - 10 * Clock.SecondNs));
        var incident = Assert.Single(IncidentFiles.List(Incidents));
        Assert.Equal(IncidentState.Extracted, incident.State);
        Assert.Equal((now - 11 * Clock.SecondNs, now - 10 * Clock.SecondNs + 1_000_000), (incident.SinceNs, incident.UntilNs));
        Assert.Equal("", incident.Query);
        Assert.Equal("tcp 10.0.0.1 port 40000 to 10.0.0.2 port 80", incident.Flow);
        Assert.True(File.Exists(IncidentFiles.ExtractOf(Incidents, incident)));
        var hold = Assert.Single(HoldFile.TryRead(Recording, out _)!.Holds);
        Assert.Equal((incident.Hold, "trigger resets", incident.SinceNs, incident.UntilNs), (hold.Id, hold.By, hold.SinceNs, hold.UntilNs));
    }

    [Fact]
    public void OfAFlowItsPacketsFromItsBeginningAreAskedFor()
    {
        var hit = Hit(Clock.NowNs() - 10 * Clock.SecondNs);
        hit.Flow.StartNs = hit.TimeNs - 60 * Clock.SecondNs;
        Run(s_plan with { Scope = TriggerScope.Flow, HoldNs = 0 }, hit);
        var incident = Assert.Single(_extracted);
        Assert.Equal("ip host 10.0.0.1 and ip host 10.0.0.2 and tcp port 40000 and tcp port 80", incident.Query);
        Assert.Equal(hit.Flow.StartNs - Clock.SecondNs, incident.SinceNs);
        Assert.Empty(HoldFile.TryRead(Recording, out _)!.Holds);
        hit.Flow.TunnelDepth = 1;
        Assert.StartsWith("community_id = \"1:", FlowExpression.Of(hit.Flow), StringComparison.Ordinal);
    }

    [Fact]
    public void AnHourHasSoManyIncidentsAndATriggerSoManyHolds()
    {
        var first = Clock.NowNs() - 1000 * Clock.SecondNs;
        Run(s_plan, [.. Enumerable.Range(0, 50).Select(i => Hit(first + i * Clock.SecondNs))]);
        Assert.Equal(Limits.TriggerIncidentsPerHour, IncidentFiles.List(Incidents).Count);
        Assert.Equal(Limits.TriggerIncidentsPerHour, HoldFile.TryRead(Recording, out _)!.Holds.Count);
    }

    [Fact]
    public void AWindowThatHadNotPassedIsTakenUpByTheNextRunAndOldHoldsAreLetGo()
    {
        var hit = Hit(Clock.NowNs());
        Run(s_plan with { AfterNs = Clock.SecondNs / 2 }, waitForExtracts: 0, hit);
        Assert.Equal(IncidentState.Open, Assert.Single(IncidentFiles.List(Incidents)).State);
        Assert.Empty(_extracted);
        Assert.Single(HoldFile.TryRead(Recording, out _)!.Holds);
        Run(s_plan with { HoldNs = 1 }, waitForExtracts: 1);
        Assert.Equal(IncidentState.Extracted, Assert.Single(IncidentFiles.List(Incidents)).State);
        Assert.Empty(HoldFile.TryRead(Recording, out _)!.Holds);
    }

    [Fact]
    public void WhatCannotBeGivenOutSaysWhyAndTheFolderKeepsItsBudget()
    {
        Run(s_plan, waitForExtracts: 1, extract: (_, _, _) => "The disk is full.", Hit(Clock.NowNs() - 10 * Clock.SecondNs));
        var incident = Assert.Single(IncidentFiles.List(Incidents));
        Assert.Equal((IncidentState.Failed, "The disk is full."), (incident.State, incident.Problem));
        File.WriteAllText(Path.Combine(Incidents, "other.json"), "{ no incident");
        File.WriteAllBytes(IncidentFiles.ExtractOf(Incidents, incident), new byte[1000]);
        IncidentFiles.KeepBudget(Incidents, 1 << 20);
        Assert.Single(IncidentFiles.List(Incidents));
        IncidentFiles.KeepBudget(Incidents, 1000);
        Assert.Equal(["other.json"], Directory.GetFiles(Incidents).Select(Path.GetFileName));
    }

    public void Dispose() => _folder.Dispose();

    private static TriggerHit Hit(long timeNs) => new()
    {
        HasFlow = 1,
        TimeNs = timeNs,
        Flow = new FlowRecord
        {
            StartNs = timeNs, Protocol = FlowProtocol.Tcp, InitiatorPort = 40000, ResponderPort = 80,
            InitiatorIp = IpAddress16.FromIpv4(0x0a000001), ResponderIp = IpAddress16.FromIpv4(0x0a000002),
        },
    };

    private void Run(TriggerPlan plan, params TriggerHit[] hits) => Run(plan, waitForExtracts: 1, hits);

    private void Run(TriggerPlan plan, int waitForExtracts, params TriggerHit[] hits) => Run(
        plan, waitForExtracts,
        (incident, file, _) =>
        {
            _extracted.Add(incident);
            File.WriteAllText(file, "packets");
            return null;
        },
        hits);

    private void Run(TriggerPlan plan, int waitForExtracts, IncidentExtract extract, params TriggerHit[] hits)
    {
        var eyes = new TriggerEyes([plan], 16);
        foreach (var hit in hits)
        {
            Assert.True(eyes.Hits.TryPlace(out var place));
            eyes.Hits.At(place) = hit;
            eyes.Hits.Publish();
        }

        using var desk = new TriggerDesk(
            new TriggerDeskOptions
            {
                Plans = [plan], Recording = Recording, Folder = Incidents, Extract = extract, Tell = _told.Add,
            },
            [eyes]);
        desk.Start();
        Assert.True(
            SpinWait.SpinUntil(() => IncidentFiles.List(Incidents).Count(i => i.State != IncidentState.Open) >= waitForExtracts, 20_000),
            string.Join('\n', _told));
        // The desk's end looks for hits once more, so that what rang last is on disk.
    }
}
