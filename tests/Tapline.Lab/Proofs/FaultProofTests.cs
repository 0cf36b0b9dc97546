// Faults under load, on the user path and in the kernel: the tool port goes down, goes away and comes again, a source port
// flaps and is made anew, the process is interrupted. The engine lives, copies flow again after each fault, and the ledger
// balances and says what the tool's interface counted.
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Proofs;

public sealed class FaultProofTests
{
    private const int FramesPerSecond = 20_000;
    private const int ToolFaults = 10;
    private const int Flaps = 100;
    private const int Rebirths = 30;
    private const int Interruptions = 4;

    // What may lie between a tool port's driver and its far end when it is removed: netdev_max_backlog of each processor.
    private static readonly int s_inFlightMax = 1000 * Environment.ProcessorCount;

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void A_tool_port_that_goes_down_or_away_costs_counted_copies_and_they_flow_again(string mode)
    {
        LabNeeds.Namespaces();
        using var lab = new FaultLab();
        using var engine = Start(lab, mode);
        var entered = lab.Entered;
        lab.LoadSteadyPort(FramesPerSecond);
        for (var fault = 0; fault < ToolFaults; fault++)
        {
            WaitFlowing(lab);
            lab.Host.Ip("link", "set", FaultLab.ToolPort, "down");
            WaitDropping(engine);
            if (fault % 2 == 1)
            {
                lab.RemoveToolPort();
                lab.MakeToolPort();
            }
            else
            {
                lab.Host.Ip("link", "set", FaultLab.ToolPort, "up");
            }
        }

        WaitFlowing(lab);
        lab.EndLoad();
        entered = lab.Entered - entered;
        engine.WaitForAnalysed(entered);
        var ledger = ProgramLedger.Balanced(engine.Stop());
        Assert.Equal(entered, ledger.Offered + (mode == "user" ? ledger.DroppedRing : 0));
        Assert.Equal(lab.ToolReceived, ledger.SentWireFrames);
        Assert.True(ledger.DroppedAs("target_down") > 0, ledger.Whole.GetRawText());
        Assert.Equal(0, ledger.DroppedAs("error"));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void A_tool_port_removed_while_copies_leave_by_it_is_found_again(string mode)
    {
        LabNeeds.Namespaces();
        using var lab = new FaultLab();
        using var engine = Start(lab, mode);
        lab.LoadSteadyPort(FramesPerSecond);
        for (var fault = 0; fault < ToolFaults; fault++)
        {
            WaitFlowing(lab);
            lab.RemoveToolPort();
            WaitDropping(engine);
            lab.MakeToolPort();
        }

        WaitFlowing(lab);
        lab.EndLoad();
        var ledger = ProgramLedger.Balanced(engine.Stop());
        Assert.InRange(ledger.SentWireFrames, lab.Copies, lab.Copies + (ToolFaults * s_inFlightMax));
        Assert.Equal(0, ledger.DroppedAs("error"));
    }

    [Theory]
    [InlineData("user")]
    [InlineData("kernel")]
    public void A_source_port_that_flaps_and_is_made_anew_is_followed_and_the_others_lose_nothing(string mode)
    {
        LabNeeds.Namespaces();
        using var lab = new FaultLab();
        using var engine = Start(lab, mode);
        var entered = lab.Entered;
        lab.LoadSteadyPort(FramesPerSecond);
        lab.LoadFlappingPort();
        for (var flap = 0; flap < Flaps; flap++)
        {
            lab.Host.Ip("link", "set", FaultLab.FlappingPort, "down");
            lab.Host.Ip("link", "set", FaultLab.FlappingPort, "up");
            WaitFlappingCopies(lab);
        }

        for (var rebirth = 0; rebirth < Rebirths; rebirth++)
        {
            lab.Host.Ip("link", "del", FaultLab.FlappingPort);
            lab.AddPort(FaultLab.FlappingPort);
            WaitFlappingCopies(lab);
        }

        lab.EndLoad();
        entered = lab.Entered - entered;
        LabWait.Until(() => Arrived(engine) >= entered, () => $"{entered} frames to arrive, {Arrived(engine)} have");
        var ledger = ProgramLedger.Balanced(engine.Stop());
        Assert.Equal(lab.ToolReceived, ledger.SentWireFrames);
        Assert.Equal(0, ledger.Dropped);
        Assert.Equal(0, ledger.DroppedRing);
        var steady = ledger.Whole.GetProperty("points").EnumerateArray()
            .Single(p => p.GetProperty("point").GetString() == FaultLab.SteadyPort);
        Assert.Equal(entered, steady.GetProperty("captured").GetInt64());
        Assert.True(ledger.Sent > entered, "the flapping port's frames were copied too");
    }

    [Theory]
    [InlineData(nameof(MirrorPath.User))]
    [InlineData(nameof(MirrorPath.Tcx))]
    [InlineData(nameof(MirrorPath.Clsact))]
    public void Interrupted_under_load_it_prints_a_ledger_that_balances_and_is_what_the_tool_got(string name)
    {
        LabNeeds.Namespaces();
        using var lab = new FaultLab();
        lab.LoadSteadyPort(FramesPerSecond * 4);
        for (var round = 0; round < Interruptions; round++)
        {
            var received = lab.ToolReceived;
            var program = MirrorProgram.Start(lab.Host, Enum.Parse<MirrorPath>(name));
            program.WaitReady();
            LabWait.Until(() => lab.ToolReceived > received + (round * 10_000), "copies");
            var ledger = program.Interrupt();
            Assert.Equal(name == nameof(MirrorPath.User) ? "user" : "kernel", ledger.Mode);
            Assert.Equal(lab.ToolReceived - received, ledger.SentWireFrames);
            Assert.Equal(0, ledger.Dropped);
        }
    }

    private static LabEngine Start(FaultLab lab, string mode) => LabEngine.Start(
        lab.Host, points: 2, "--point", "bridge:br0", "--mirror", $"nic:{FaultLab.ToolPort};mode={mode}");

    private static void WaitFlowing(FaultLab lab)
    {
        var copies = lab.Copies;
        LabWait.Until(() => lab.Copies > copies + 100, "copies to flow");
    }

    private static void WaitFlappingCopies(FaultLab lab)
    {
        var copies = lab.FlappingCopies;
        LabWait.Until(() => lab.FlappingCopies > copies, "copies of the flapping port's frames");
    }

    private static void WaitDropping(LabEngine engine)
    {
        var dropped = TargetDown(engine);
        LabWait.Until(() => TargetDown(engine) > dropped + 100, "copies to be counted as dropped");
    }

    private static long TargetDown(LabEngine engine) => engine.Snapshot()?.GetProperty("mirrors")[0]
        .GetProperty("dropped").GetProperty("target_down").GetInt64() ?? 0;

    private static long Arrived(LabEngine engine) => engine.Snapshot()?.GetProperty("points").EnumerateArray()
        .Where(p => p.GetProperty("point").GetString() == FaultLab.SteadyPort)
        .Sum(p => p.GetProperty("captured").GetInt64() + p.GetProperty("dropped_ring").GetInt64()) ?? 0;
}
