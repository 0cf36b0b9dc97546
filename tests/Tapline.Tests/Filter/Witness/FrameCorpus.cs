// All Ethernet frames of the developer corpus in one file, written by tcpdump itself, so that the witness reads what it
// wrote; and the same frames in memory.
using System.Buffers.Binary;
using System.Diagnostics;
using Tapline.Base;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Filter.Witness;

/// <summary>The frames; made once for a test class.</summary>
public sealed class FrameCorpus : IDisposable
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private readonly string _folder = Directory.CreateTempSubdirectory("tapline-filter-").FullName;
    private readonly byte[] _bytes = [];
    private readonly List<int> _records = [];
    private readonly string? _reason;

    public FrameCorpus()
    {
        var shared = RepositoryRoot.Shared is { } folder ? Path.Combine(folder, "corpus") : null;
        _reason = shared is null || !Directory.Exists(shared) ? "needs the captures in shared/corpus"
            : !ToolExists("tcpdump") ? "needs tcpdump: it is the witness"
            : !PcapWitness.IsAvailable ? "needs libpcap0.8: it is the witness"
            : null;
        if (_reason is null)
        {
            _bytes = Merge(shared!);
            File.WriteAllBytes(Merged, _bytes);
            for (var at = FileHeaderBytes; at < _bytes.Length;)
            {
                _records.Add(at);
                at += RecordHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 8));
            }
        }
    }

    /// <summary>The file.</summary>
    public string Merged => Path.Combine(_folder, "all.pcap");

    public int Count => _records.Count;

    /// <summary>Skips the calling test where something is missing.</summary>
    public void NeedsAll()
    {
        if (_reason is not null)
        {
            Assert.Skip(_reason);
        }

        Assert.True(_bytes.Length > 10_000_000, "the captures hold more than this");
    }

    /// <summary>One frame's bytes, and the length that it had.</summary>
    public ReadOnlySpan<byte> Frame(int index, out int originalLength)
    {
        var at = _records[index];
        originalLength = BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 12));
        return _bytes.AsSpan(at + RecordHeaderBytes, BinaryPrimitives.ReadInt32LittleEndian(_bytes.AsSpan(at + 8)));
    }

    /// <summary>The facts of a frame.</summary>
    public static FrameMeta Meta(ReadOnlySpan<byte> frame, int originalLength) => new()
    {
        LinkType = LinkType.Ethernet,
        CapturedLength = frame.Length,
        OriginalLength = originalLength,
    };

    /// <summary>Numbers of the frames that tcpdump selects; null when it refuses the expression.</summary>
    public int[]? Tcpdump(string expression)
    {
        var selected = Path.Combine(_folder, "selected.pcap");
        var (exitCode, _) = Run("tcpdump", "-n", "-r", Merged, "-w", selected, expression);
        if (exitCode != 0)
        {
            return null;
        }

        // A frame's time is its number.
        var bytes = File.ReadAllBytes(selected);
        var numbers = new List<int>();
        for (var at = FileHeaderBytes; at < bytes.Length;)
        {
            numbers.Add(BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at)));
            at += RecordHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
        }

        return [.. numbers];
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private byte[] Merge(string corpus)
    {
        var all = new MemoryStream();
        foreach (var file in Directory.EnumerateFiles(corpus, "*.pcap*", SearchOption.AllDirectories).Order())
        {
            // A damaged capture gives the frames before the damage; a mixed one what tcpdump takes of it.
            var copy = Path.Combine(_folder, "one.pcap");
            File.Delete(copy);
            Run("tcpdump", "-r", file, "-w", copy);
            var bytes = File.Exists(copy) ? File.ReadAllBytes(copy) : [];
            if (bytes.Length >= FileHeaderBytes && BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(20)) == 1)
            {
                all.Write(bytes.AsSpan(all.Length == 0 ? 0 : FileHeaderBytes));
            }
        }

        var merged = all.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(merged.AsSpan(16), 0x40000);
        return Numbered(merged);
    }

    // Each frame gets its number as its time, so that equal frames are told apart.
    private static byte[] Numbered(byte[] file)
    {
        var number = 0;
        for (var at = FileHeaderBytes; at < file.Length;)
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), number++);
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at + 4), 0);
            at += RecordHeaderBytes + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 8));
        }

        return file;
    }

    private static bool ToolExists(string tool) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/usr/bin"])
        .Any(folder => File.Exists(Path.Combine(folder, tool)));

    private static (int ExitCode, string Output) Run(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        error.Wait();
        return (process.ExitCode, output);
    }
}
