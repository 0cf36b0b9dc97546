// tcpdump beside the product: writes every frame that an interface receives to a file, with a buffer large enough to lose
// none, and says so itself. In: namespace, interface. Out: the frames, once as many are there as the caller knows of.
// Owner: the test; Dispose ends tcpdump and removes the file.
using System.Text.RegularExpressions;
using Tapline.Lab.Net;

namespace Tapline.Lab.Proofs;

/// <summary>An independent record of what an interface received.</summary>
internal sealed partial class Witness : IDisposable
{
    private const int BufferKibibytes = 64 << 10;
    private const int Sigint = 2;
    private readonly LabProcess _tcpdump;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tapline-lab-");

    private Witness(NetNamespace space, string device, string filter)
    {
        _tcpdump = space.Start(
            "tcpdump", "-i", device, "-Q", "in", "-n", "-s", "0", "-U", "-B", $"{BufferKibibytes}", "-Z", "root",
            "--time-stamp-precision=nano", "-w", Path, filter);
        _tcpdump.WaitForLine(line => line.Contains("listening on", StringComparison.Ordinal));
    }

    /// <summary>The capture file.</summary>
    public string Path => System.IO.Path.Combine(_folder.FullName, "frames.pcap");

    /// <summary>Returns when tcpdump listens.</summary>
    public static Witness Start(NetNamespace space, string device, string filter = "")
    {
        LabNeeds.Tools("tcpdump");
        return new Witness(space, device, filter);
    }

    /// <summary>
    /// Waits until so many frames are in the file, then ends tcpdump and returns all that came, also those too many.
    /// Throws when tcpdump itself lost one.
    /// </summary>
    public List<TimedFrame> Finish(long frames)
    {
        End(frames);
        return PcapFile.Read(Path);
    }

    /// <summary>The same without reading the file.</summary>
    public void End(long frames)
    {
        LabWait.Until(
            () => _tcpdump.HasExited || PcapFile.Count(Path) >= frames,
            () => $"{frames} frames in the witness's file; {PcapFile.Count(Path)} are there");
        _tcpdump.Signal(Sigint);
        _tcpdump.WaitForExit();
        var lost = Lost().Match(_tcpdump.Error);
        if (lost.Success && lost.Groups[1].Value != "0")
        {
            throw new InvalidOperationException($"the witness lost frames itself: {_tcpdump.Error}");
        }
    }

    public void Dispose()
    {
        _tcpdump.Dispose();
        if (Directory.Exists(_folder.FullName))
        {
            _folder.Delete(recursive: true);
        }
    }

    [GeneratedRegex(@"^(\d+) packets? dropped by kernel", RegexOptions.Multiline)]
    private static partial Regex Lost();
}
