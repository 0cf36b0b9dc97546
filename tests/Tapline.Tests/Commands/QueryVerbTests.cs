// `tapline import` and `tapline query` as processes: exit codes and sentences, files that are there, disks that are full, readers that
// go away, shapes on the way out, names of machines.
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Tapline.Tests.Record;
using Tapline.Tests.Server.Support;
using Tapline.Tests.Support;
using Tapline.Tests.Workers;
using Xunit;

namespace Tapline.Tests.Commands;

public sealed class QueryVerbTests(QueryVerbTests.Imported imported) : IClassFixture<QueryVerbTests.Imported>
{
    private const int Frames = 3_000;
    private readonly TemporaryFolder _folder = imported.Folder;

    private string Data => _folder["data"];

    [Fact]
    public void AnImportSaysWhatItDidAndRefusesTheSameAgain()
    {
        var (code, _, error) = Run("import", _folder["case.pcapng"], "--data", Data);
        Assert.Equal(1, code);
        Assert.Contains("was imported before, as case", error, StringComparison.Ordinal);
        (code, var output, _) = Run("import", _folder["case.pcapng"], "--data", _folder["other"], "--name", "x", "--filter", "arp");
        Assert.Equal(0, code);
        Assert.Contains(" as x: 1 segment,", output, StringComparison.Ordinal);
        Assert.Contains("frames were not wanted.", output, StringComparison.Ordinal);
        Assert.Equal(2, Run("import", _folder["case.pcapng"], "--data", Data, "--name", "../x").Code);
        Assert.Equal(2, Run("import", _folder["case.pcapng"], "--data", Data, "--filter", "tcp and").Code);
    }

    [Fact]
    public void AFileThatIsThereIsNotWrittenOver()
    {
        File.WriteAllText(_folder["out.pcapng"], "mine");
        var (code, _, error) = Run("query", "tcp", "--data", Data, "--write", _folder["out.pcapng"]);
        Assert.Equal(1, code);
        Assert.Contains("is there; give another name, or --force", error, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(_folder["out.pcapng"]));
        Assert.Equal(0, Run("query", "tcp", "--data", Data, "--write", _folder["out.pcapng"], "--force").Code);
        Assert.NotEmpty(SegmentFile.Frames(_folder["out.pcapng"]));
    }

    [Fact]
    public void AFullDiskIsOneSentence()
    {
        var (code, _, error) = Run("query", "tcp", "--data", Data, "--write", "/dev/full", "--force");
        Assert.Equal(1, code);
        Assert.Contains("/dev/full can't be written further: No space left on device", error, StringComparison.Ordinal);
    }

    [Fact]
    public void AReaderThatHasSeenEnoughEndsTheQuery()
    {
        var info = new ProcessStartInfo("sh", ["-c", $"{ServerProcess.Executable} query '' --data {Data} | head -c 24; echo done"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        Assert.EndsWith("done\n", process.StandardOutput.ReadToEnd(), StringComparison.Ordinal);
        process.WaitForExit();
        Assert.DoesNotContain("Broken pipe", errors.Result, StringComparison.Ordinal);
    }

    [Fact]
    public void ShapesChangePacketsOnTheWayOutAndTheFileSaysSo()
    {
        var key = _folder["key.bin"];
        File.WriteAllBytes(key, new byte[32]);
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var file = _folder["shaped.pcapng"];
        var (code, _, error) = Run("query", "tcp and ip", "--data", Data, "--slice", "l4+0", "--anonymise", key, "--write", file);
        Assert.True(code == 0, error);
        var comment = Encoding.UTF8.GetString(SegmentFile.Blocks(file)[0].Body);
        Assert.Contains("changed on the way out: anonymise, slice=l4+0. Original lengths", comment, StringComparison.Ordinal);
        Assert.DoesNotContain("key.bin", comment, StringComparison.Ordinal);
        var frames = SegmentFile.Frames(file);
        Assert.True(frames.Count > 100);
        Assert.All(frames, f => Assert.True(f.Bytes.Length <= 14 + 4 + 20 + 20 && f.OriginalLength >= f.Bytes.Length));
        Assert.Contains(frames, f => f.OriginalLength > f.Bytes.Length);
        (code, _, error) = Run("query", "tcp", "--data", Data, "--what", "count", "--slice", "64");
        Assert.Equal(2, code);
        Assert.Contains("shapes change packets", error, StringComparison.Ordinal);
        Assert.Equal(2, Run("query", "tcp", "--data", Data, "--slice", "never", "--write", _folder["x"]).Code);
        Assert.False(File.Exists(_folder["x"]));
    }

    [Fact]
    public void FlowsHaveTheNamesOfMachines()
    {
        var (code, output, _) = Run("query", "vm web01", "--data", Data, "--what", "flows", "--json");
        Assert.Equal(0, code);
        Assert.Contains("\"initiator_vm\":\"web01\"", output, StringComparison.Ordinal);
        (code, output, _) = Run("read", Data, "--what", "flows", "--filter", "vm web01");
        Assert.Equal(0, code);
        Assert.Contains("[web01 > ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void TransactionsAreSaidToBeUnknown()
    {
        var (code, output, error) = Run("query", "tcp", "--data", Data, "--what", "transactions");
        Assert.Equal((2, ""), (code, output));
        Assert.Equal("tapline: this build knows no transactions yet: ask for --what flows, or packets.\n", error);
    }

    [Fact]
    public void AReadingOfTheDataFolderIsTheReadingOfTheCapture()
    {
        var expected = Run("read", _folder["case.pcapng"], "--what", "flows", "--json");
        Assert.Equal(expected, Run("read", Data, "--what", "flows", "--json"));
        var window = Run("read", Data, "--since", "2023-11-14 22:13:21", "--until", "2023-11-14 22:13:22", "--json");
        Assert.Equal(0, window.Code);
        Assert.Contains("\"frames\":1000,", window.Output, StringComparison.Ordinal);
        Assert.Equal(2, Run("read", Data, "--since", "never").Code);
        Assert.Equal(1, Run("read", _folder.Path).Code);
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(ServerProcess.Executable, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>A capture of a machine's port, imported once for all tests.</summary>
    public sealed class Imported : IDisposable
    {
        public Imported()
        {
            var capture = new CaptureBytes();
            capture.Section().Interface(
                1, 0, capture.Option(2, "vnet1"u8.ToArray()), capture.Option(3, "VM web01 (u1), vm_port on br0"u8.ToArray()));
            foreach (var (frame, i) in TraceMaker.Frames(2, Frames).Select((f, i) => (f, i)))
            {
                capture.Enhanced(frame, 1_700_000_000_000_000 + ((ulong)i * 1000));
            }

            File.WriteAllBytes(Folder["case.pcapng"], capture.ToArray());
            var (code, output, error) = Run("import", Folder["case.pcapng"], "--data", Folder["data"], "--json");
            Assert.True(code == 0, error);
            using var json = JsonDocument.Parse(output);
            Assert.Equal(Frames, json.RootElement.GetProperty("frames").GetInt32());
            Assert.Equal("case", json.RootElement.GetProperty("name").GetString());
        }

        internal TemporaryFolder Folder { get; } = new();

        public void Dispose() => Folder.Dispose();
    }
}
