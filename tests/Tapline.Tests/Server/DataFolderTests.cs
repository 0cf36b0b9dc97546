// Where commands find a recording: in the data folder, or in the folder named itself.
using Tapline.Server.Config;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server;

public sealed class DataFolderTests
{
    private const string Segment = "20260101T000000.000000000Z-0.pcapng";

    [Theory]
    [InlineData("", "recording")] // nothing is there yet
    [InlineData("recording/" + Segment, "recording")]
    [InlineData(Segment, "")]
    [InlineData("." + Segment, "")] // the first one is under way
    [InlineData("dns/" + Segment, "")] // all is in classes
    [InlineData("imported/friday/" + Segment, "")]
    [InlineData("spool/1.batch", "recording")]
    [InlineData("notes.pcapng", "recording")]
    public void ARecordingIsFoundInItsOwnFolderToo(string file, string expected)
    {
        using var folder = new TemporaryFolder();
        if (file.Length > 0)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(folder[file])!);
            File.WriteAllBytes(folder[file], [1]);
        }

        Assert.Equal(expected.Length == 0 ? folder.Path : folder[expected], new DataFolder(folder.Path).RecordingThere);
        Assert.Equal(folder["none/recording"], new DataFolder(folder["none"]).RecordingThere);
    }

    [Fact]
    public void AFolderRecordingIsMeantWhereBothAreThere()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["recording"]);
        File.WriteAllBytes(folder[Segment], [1]);
        Assert.Equal(folder["recording"], new DataFolder(folder.Path).RecordingThere);
    }
}
