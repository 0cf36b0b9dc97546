// Whatever machines and interfaces are called, a stream's file is one that others read, and its names are only names.
using System.Diagnostics;
using Tapline.Mirror.Streams;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Mirror.Streams;

public class HostileNamesTests
{
    // A terminal's colour and title, the end of options, half a surrogate pair, a text that runs backwards, 4 KB and more.
    private static readonly string[] s_names =
    [
        "web\u001b[31m\u001b]0;title\u0007\u009b2J", "end\0\0\0\0\u0001\0\u0004\0", "half\ud800\ud83d pair", "\u202emoc.evil\u2066",
        new string('ä', 4096), "line\r\nfeed\u2028tab\t", "", "?*|;&$(reboot)`", string.Concat(Enumerable.Repeat("🙂", 2000)),
    ];

    [Fact]
    public void OthersReadTheFileAndItsNamesAreOnlyNames()
    {
        using var folder = new TemporaryFolder();
        using (var stream = new StreamFixture($"file:{folder["a.pcapng"]}", points: new HostilePoints(), expression: s_names[0]))
        {
            for (var i = 0; i < 3 * s_names.Length; i++)
            {
                stream.Offer(point: (ushort)(i % s_names.Length));
            }

            stream.Finish();
        }

        Assert.Equal(3 * s_names.Length, SegmentFile.Frames(folder["a.pcapng"]).Count);
        string[] fields = ["frame.number", "frame.interface_id", "frame.interface_name", "frame.interface_description"];
        var rows = Tshark.Fields(folder["a.pcapng"], fields, ["frame", "eth"]);
        Assert.Equal(3 * s_names.Length, rows.Count);
        Assert.All(rows, row => Assert.Equal(4, row.Length));
        Assert.All(rows.SelectMany(r => r), AssertIsPlain);
        Assert.Equal(s_names.Length, rows.Select(r => r[1]).Distinct().Count());
        Assert.Contains(rows, r => r[2] == "web?[31m?]0;title??2J");
        Assert.Contains(rows, r => r[2].StartsWith("ää", StringComparison.Ordinal) && r[3].Length > r[2].Length);
        var about = Capinfos(folder["a.pcapng"]);
        Assert.Contains($"Number of interfaces in file: {s_names.Length}", about, StringComparison.Ordinal);
        Assert.All(about.Split('\n'), AssertIsPlain);
    }

    private static void AssertIsPlain(string text)
    {
        Assert.DoesNotContain(text, c => c != '\t' && (char.IsControl(c) || c is '\u202e' or '\u2066' or '\u2028'));
        Assert.InRange(text.Length, 0, 1200);
    }

    private static string Capinfos(string file)
    {
        using var process = Process.Start(new ProcessStartInfo("capinfos", [file]) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }

    private sealed class HostilePoints : IStreamPoints
    {
        public int Generation => 1;

        public StreamPoint? Find(ushort pointId) => new(s_names[pointId], s_names[pointId] + s_names[pointId]);

        public long DroppedBefore(ushort pointId) => 0;
    }
}
