// One run of three guests for all guest proofs: booting them and letting them talk costs more than everything else, and no
// session takes from another. One engine mirrors to every kind of target at once; one guest is killed and started again
// meanwhile. In: nothing. Out: what entered, what a wire would have carried of it, and for each session its ledger, the
// capture at its far end and tshark's verdict on that. Made by the first test that asks; owner: xunit.
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>The run that the guest proofs share.</summary>
public sealed class GuestRun : IDisposable
{
    /// <summary>Of the guests and of the tool ports.</summary>
    internal const int MtuBytes = 1500;

    private readonly Lock _lock = new();
    private readonly LabFolder _folder = new();
    private readonly ConcurrentDictionary<string, TsharkVerdict> _verdicts = [];
    private Dictionary<string, ProgramLedger> _ledgers = [];
    private GuestTrio? _trio;
    private ExceptionDispatchInfo? _problem;
    private bool _isDone;

    /// <summary>What the guests handed to their ports, in order of time.</summary>
    internal List<TimedFrame> Sent { get; private set; } = [];

    /// <summary>What a wire would have carried of it.</summary>
    internal List<TimedFrame> Expected { get; private set; } = [];

    /// <summary>tshark's verdict on that.</summary>
    internal TsharkVerdict Original { get; private set; } = null!;

    /// <summary>Captures at the far ends, by session.</summary>
    internal Dictionary<string, string> Captures { get; } = [];

    /// <summary>Observation points, by the MAC address of the guest's NIC behind it.</summary>
    internal Dictionary<string, int> Points { get; private set; } = [];

    /// <summary>The run; the first call makes it, and all throw when that failed.</summary>
    internal GuestRun Need()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("ethtool", "tcpdump", "tshark", "editcap");
        lock (_lock)
        {
            try
            {
                if (!_isDone)
                {
                    _isDone = true;
                    Run();
                }
            }
            catch (Exception problem)
            {
                _problem = ExceptionDispatchInfo.Capture(problem);
            }

            _problem?.Throw();
            return this;
        }
    }

    /// <summary>A session's ledger, which balances and has lost nothing before the session.</summary>
    internal ProgramLedger Ledger(string session)
    {
        var ledger = _ledgers[session];
        Assert.Equal(0, ledger.DroppedRing);
        Assert.Equal(_trio!.Entered, ledger.Offered);
        Assert.Equal(_trio.Entered, Sent.Count);
        return ledger;
    }

    internal TsharkVerdict Verdict(string session) => _verdicts[session];

    /// <summary>tshark's verdict on frames.</summary>
    internal TsharkVerdict VerdictOf(IEnumerable<TimedFrame> frames)
    {
        var path = Path.Combine(_folder.Path, "frames.pcap");
        PcapFile.Write(path, frames);
        return TsharkVerdict.Of(path);
    }

    public void Dispose()
    {
        _trio?.Dispose();
        _folder.Dispose();
    }

    private void Run()
    {
        var trio = _trio = new GuestTrio();
        using var engine = LabEngine.Start(trio.Host, points: 3, ["--point", "bridge:br0", .. GuestTools.Orders]);
        trio.Tools.FollowStream();
        LabWait.Until(() => HasClient(engine), "the stream to have its client");
        trio.WaitUp();
        trio.Talk();
        trio.KillOneAndStartItAgain(engine);
        trio.Talk();
        trio.Freeze();
        engine.WaitForAnalysed(trio.Entered);
        var points = engine.Snapshot()!.Value.GetProperty("points").EnumerateArray()
            .ToDictionary(p => p.GetProperty("point").GetString()!, p => p.GetProperty("id").GetInt32());
        Points = trio.Taps.ToDictionary(t => t.Key, t => points[t.Value]);
        _ledgers = ProgramLedger.BalancedEach(engine.Stop()).ToDictionary(l => l.Session);
        Sent = [.. trio.Reference.SelectMany(r => r).OrderBy(f => f.TimeNs)];
        Collect(trio);
    }

    private void Collect(GuestTrio trio)
    {
        Captures[GuestTools.Stream] = trio.Tools.StreamCapture();
        foreach (var port in (string[])[GuestTools.Kernel, GuestTools.User])
        {
            Captures[port] = trio.Tools.Capture(port, trio.Tools.Received(port));
        }

        foreach (var end in TunnelEnd.All)
        {
            Captures[end.Name] = trio.Tools.Capture(end.Name, _ledgers[end.Name].SentWireFrames);
        }

        // Two at a time, as long as there are processors for two.
        Parallel.ForEach(
            Captures,
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            c => _verdicts[c.Key] = TsharkVerdict.Of(c.Value, TunnelEnd.All.SingleOrDefault(e => e.Name == c.Key)?.Fields ?? []));
        Expected = WireOracle.Match(Sent, PcapFile.Read(Captures[GuestTools.User]), MtuBytes);
        Original = VerdictOf(Expected);
    }

    private static bool HasClient(LabEngine engine) => engine.Snapshot()?.GetProperty("mirrors").EnumerateArray()
        .Any(m => m.TryGetProperty("clients", out var clients) && clients.GetArrayLength() == 1) ?? false;
}
