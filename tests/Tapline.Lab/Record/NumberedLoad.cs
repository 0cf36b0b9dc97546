// A veth that carries numbered frames at a steady rate for as long as a test lasts, and the witness's knowledge of them. Owner: the
// test; Dispose ends the source and removes the namespace. The source has a thread of its own.
using Tapline.Lab.Frames;
using Tapline.Lab.Net;

namespace Tapline.Lab.Record;

/// <summary>Steady traffic whose every frame is known.</summary>
internal sealed class NumberedLoad : IDisposable
{
    private const int Flows = 4096;
    private const int PortBits = 8; // sixteen senders, so that each worker has some
    private const int WitnessFrames = 500;
    private readonly NetNamespace _space = NetNamespace.Create("load");
    private readonly VethPair _pair;
    private readonly CancellationTokenSource _stop = new();
    private readonly LabFolder _folder = new();
    private readonly Thread _thread;
    private readonly FrameSource _source;

    public NumberedLoad(int frameBytes, double framesPerSecond)
    {
        _pair = VethPair.Create(_space, _space);
        _space.Run("ethtool", "-K", _pair.Far, "gro", "on");
        var witness = Path.Combine(_folder.Path, "witness.pcap");
        var tcpdump = _space.Start(
            "tcpdump", "-Z", "root", "-n", "-i", _pair.Far, "-c", $"{WitnessFrames}", "--time-stamp-precision=nano", "-w", witness);
        tcpdump.WaitForLine(line => line.Contains("listening on", StringComparison.Ordinal));
        _source = _space.Enter(() => new FrameSource(LinkIndex.Of(_pair.Near), frameBytes, Flows, PortBits));
        _thread = new Thread(() => _space.Enter(() => _source.SendPaced(framesPerSecond, double.MaxValue, 1000, _stop.Token)));
        _thread.Start();
        tcpdump.WaitForExit();
        Frames = new NumberedFrames(witness, Flows, PortBits);
    }

    /// <summary>Where the frames arrive.</summary>
    public string Device => _pair.Far;

    public NumberedFrames Frames { get; }

    /// <summary>Frames sent so far: the number of the next one.</summary>
    public long Sent => _source.Sent;

    /// <summary>Starts a program where the device is.</summary>
    public LabProcess Start(params string[] command) => _space.Start(command);

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _source.Dispose();
        _space.Dispose();
        _folder.Dispose();
        _stop.Dispose();
    }
}
