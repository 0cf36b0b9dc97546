// `tapline mirror` as an operator starts it: one process, one session, its ledger on standard output. In: namespace, path.
// Out: a running process that can be interrupted or killed. Owner: the test.
using Tapline.Lab.Kernel;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>Which path the copies take, and by which hook.</summary>
internal enum MirrorPath
{
    User,
    Tcx,
    Clsact,
}

/// <summary>A mirror session in a process of its own.</summary>
internal sealed class MirrorProgram
{
    private const int Sigint = 2;
    private const int Sigkill = 9;
    private const int Sigstop = 19;
    private readonly LabProcess _process;

    private MirrorProgram(LabProcess process) => _process = process;

    public int ProcessId => _process.Id;

    /// <summary>Starts it; it may take half a second until it copies.</summary>
    public static MirrorProgram Start(NetNamespace host, MirrorPath path) => new(host.Start(
        "env", $"TAPLINE_KERNEL_HOOK={(path == MirrorPath.Clsact ? "clsact" : "")}", TaplineProgram.Path(), "mirror",
        "--from", "bridge:br0", "--to", $"nic:{FaultLab.ToolPort}", "--mode", path == MirrorPath.User ? "user" : "kernel",
        "--json"));

    public void WaitReady() => _process.WaitForLine(line => line == "ready");

    /// <summary>Ctrl-C; returns the ledger that it prints.</summary>
    public ProgramLedger Interrupt()
    {
        _process.Signal(Sigint);
        Assert.Equal(0, _process.WaitForExit());
        return ProgramLedger.Parse(_process.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
    }

    /// <summary>Kills it where it stands; returns the BPF objects that it held at that moment.</summary>
    public List<(string Kind, int Id)> Kill()
    {
        Assert.False(_process.HasExited, $"it ended by itself: {_process.Error}");
        _process.Signal(Sigstop);
        LabWait.Until(
            () => File.ReadAllText($"/proc/{ProcessId}/stat").Split(')')[^1].StartsWith(" T", StringComparison.Ordinal),
            "the process to stand still");
        var held = BpfObjects.HeldBy(ProcessId);
        _process.Signal(Sigkill);
        _process.WaitForExit();
        return held;
    }
}
