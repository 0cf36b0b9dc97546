// The files of triggers: made when they are due, at the engine's end what is left, at the next start what a crash has left; and never
// more than their folder may hold.
using Tapline.Base;
using Tapline.Tests.Support;
using Tapline.Workers.Triggers;
using Xunit;

namespace Tapline.Tests.Workers.Triggers;

public sealed class TriggerFilesTests : IDisposable
{
    private const long Now = 1_700_000_000_000_000_000;
    private const long Second = Clock.SecondNs;
    private static readonly TriggerPlan s_plan = new() { Name = "slow", When = "icmp" };
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _said = [];

    [Fact]
    public void WhatIsDueIsMadeAndWhatIsLeftAtTheEndIsCutThere()
    {
        var extract = new FileExtract(_folder.Path);
        using (var files = New(extract))
        {
            files.Start();
            Assert.True(files.TryAdd(Firing(0) with { DueNs = Now - 1, UntilNs = Now - 1 }));
            Assert.True(files.TryAdd(Firing(1)));
            Assert.True(SpinWait.SpinUntil(() => extract.Made.Count == 1, 30_000));
            Assert.True(TriggerJournal.Exists(_folder.Path));
        }

        Assert.Equal(2, extract.Made.Count);
        Assert.Null(extract.Made[0].Cut);
        Assert.Contains("The engine ended", extract.Made[1].Note);
        Assert.False(TriggerJournal.Exists(_folder.Path));
        Assert.Empty(_said);
    }

    [Fact]
    public void WhatACrashHasLeftIsMadeByTheNextStart()
    {
        var window = Firing(0) with { UntilNs = Now + (5 * Second) };
        var flow = Firing(-1) with
        {
            Plan = s_plan with { IsOfFlow = true }, CommunityId = "1:a+b/c=", IsOpen = true,
            UntilNs = Now + (3600 * Second),
        };
        var crashed = New(new FileExtract(_folder.Path));
        crashed.TryAdd(window);
        crashed.TryAdd(flow); // and no end
        var extract = new FileExtract(_folder.Path);
        using (var files = New(extract))
        {
            files.Resume([s_plan]);
            files.Start();
        }

        Assert.Equal(2, extract.Made.Count);
        var made = extract.Made.Single(f => f.CommunityId is null);
        Assert.Equal((window.SinceNs, window.UntilNs, window.TimeNs, s_plan), (made.SinceNs, made.UntilNs, made.TimeNs, made.Plan));
        made = extract.Made.Single(f => f.CommunityId is not null);
        Assert.Equal(("community_id \"1:a+b/c=\"", Now), (made.Expression, made.UntilNs));
        Assert.Contains("ended before the flow did", made.Note);
        Assert.Contains("due when the engine ended", Assert.Single(_said));
    }

    [Fact]
    public void WhatCanNotBeMadeInTimeWaitsForTheNextStartAndAFailureIsSaid()
    {
        var extract = new FileExtract(_folder.Path) { Mistake = "the disk is full." };
        using (var files = New(extract))
        {
            files.TryAdd(Firing(0));
            files.Start();
        }

        Assert.Contains("the disk is full", Assert.Single(_said));
        Assert.False(TriggerJournal.Exists(_folder.Path));
        _said.Clear();
        using (var files = New(extract))
        {
            files.TryAdd(Firing(0)); // never started: there was no time
        }

        Assert.Contains("the next start makes them", Assert.Single(_said));
        Assert.Equal(Firing(0), Assert.Single(TriggerJournal.Read(_folder.Path, [s_plan], out _)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"due\":[{}]}")]
    [InlineData("{\"due\":[{\"trigger\":\"../../etc/x\",\"when\":\"tcp\",\"of_flow\":true,\"flow\":null}]}")]
    [InlineData("{\"due\":7}")]
    [InlineData("[[[[[[[[")]
    public void AnAlteredJournalIsASentence(string text)
    {
        File.WriteAllText(_folder[TriggerJournal.Name], text);
        Assert.Empty(TriggerJournal.Read(_folder.Path, [s_plan], out var mistake));
        Assert.Contains("can't be understood", mistake);
    }

    [Fact]
    public void TheOldestFilesGoWithTheirManifestsAndNobodyElses()
    {
        string[] others =
            ["notes.pcapng", "slow-20231114T221320.000Z.txt", "-20231114T221320.000Z.pcapng", "a-20231344T221320.000Z.pcapng"];
        foreach (var name in others)
        {
            File.WriteAllBytes(_folder[name], new byte[1000]);
        }

        for (var i = 0; i < 5; i++)
        {
            File.WriteAllBytes(_folder[Firing(i).FileName], new byte[100]);
            File.WriteAllBytes(_folder[Firing(i).FileName + ".manifest.json"], []);
        }

        Assert.Equal([Firing(2).FileName, Firing(1).FileName, Firing(0).FileName], TriggerShelf.Trim(_folder.Path, 250));
        Assert.Equal(8, _folder.Names.Length);
        Assert.Equal([Firing(3).FileName], TriggerShelf.Trim(_folder.Path, 1));
        Assert.True(File.Exists(_folder[Firing(4).FileName]));
    }

    public void Dispose() => _folder.Dispose();

    private static TriggerFiring Firing(int minute)
    {
        var time = Now + (minute * 60 * Second);
        return new TriggerFiring(s_plan, time, time - Second, time + Second, time + (100 * Second), null);
    }

    private TriggerFiles New(FileExtract extract) => new(extract, (_, _) => { }, _said.Add, () => Now);

    /// <summary>Makes nothing but the name.</summary>
    private sealed class FileExtract(string folder) : ITriggerExtract
    {
        public string Folder => folder;

        public string? Mistake { get; init; }

        public List<TriggerFiring> Made { get; } = [];

        public string? Run(TriggerFiring firing, bool isHurried, CancellationToken stop)
        {
            Made.Add(firing);
            if (Mistake is null)
            {
                File.WriteAllText(Path.Combine(folder, firing.FileName), "");
            }

            return Mistake;
        }
    }
}
