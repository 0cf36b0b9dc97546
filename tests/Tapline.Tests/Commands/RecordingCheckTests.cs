// What `tapline doctor` says of a recording: its size and holds, and holds that nobody can read.
using Tapline.Capture.Doctor;
using Tapline.Record.Holds;
using Tapline.Server.Commands;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Commands;

public class RecordingCheckTests
{
    [Fact]
    public void ARecordingIsCountedWithItsClassesAndHolds()
    {
        using var data = new TemporaryFolder();
        Assert.Empty(RecordingCheck.Examine(null));
        Assert.Empty(RecordingCheck.Examine(data.Path));
        Directory.CreateDirectory(Path.Combine(data.Path, "recording", "db"));
        File.WriteAllBytes(Path.Combine(data.Path, "recording", "20231114T221320.123456790Z-2.pcapng"), new byte[1000]);
        File.WriteAllBytes(Path.Combine(data.Path, "recording", ".20231114T221321.123456790Z-2.pcapng"), new byte[1000]);
        File.WriteAllBytes(Path.Combine(data.Path, "recording", "db", "20231114T221320.123456790Z-0.pcapng"), new byte[1000]);
        var good = Assert.Single(RecordingCheck.Examine(data.Path));
        Assert.Equal((CheckLevel.Ok, "2 segments with 2.00 kB; holds: 0; classes: db."), (good.Level, good.Finding));
        File.WriteAllText(Path.Combine(data.Path, "recording", HoldFile.Name), "{");
        var bad = Assert.Single(RecordingCheck.Examine(data.Path));
        Assert.Equal(CheckLevel.Bad, bad.Level);
        Assert.Contains(HoldFile.Name, bad.Finding);
    }
}
