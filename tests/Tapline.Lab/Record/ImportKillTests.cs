// `kill -9` in the middle of an import: nothing of it is to be seen, the next import removes what it left and is whole.
using System.Buffers.Binary;
using Tapline.Lab.Net;
using Tapline.Lab.Nodes;
using Xunit;

namespace Tapline.Lab.Record;

public sealed class ImportKillTests : IDisposable
{
    private const int Frames = 2000;
    private const int FrameBytes = 60;
    private readonly string _data = Directory.CreateTempSubdirectory("tapline-lab-").FullName;

    [Fact]
    public void A_killed_import_leaves_nothing_to_see_and_the_next_is_whole()
    {
        var capture = Path.Combine(_data, "c.pcap");
        File.WriteAllBytes(capture, Capture());
        var imported = Path.Combine(_data, "recording", "imported");
        using (var killed = LabProcess.Start(TaplineProgram.Path(), "import", "-", "--data", _data, "--name", "killed"))
        {
            killed.Input.BaseStream.Write(Capture().AsSpan(0, 50_000)); // and no end
            killed.Input.BaseStream.Flush();
            LabWait.Until(() => Directory.Exists(Path.Combine(imported, ".killed")), "the import to be under way");
            killed.Signal(9);
            killed.WaitForExit();
        }

        Assert.False(Directory.Exists(Path.Combine(imported, "killed")));
        var (exitCode, _, error) = LabCommand.TryRun(TaplineProgram.Path(), "import", capture, "--data", _data, "--name", "whole");
        Assert.True(exitCode == 0, error);
        Assert.Contains("The import killed had been interrupted", error);
        Assert.Equal([Path.Combine(imported, "whole")], Directory.GetDirectories(imported));
        var count = LabCommand.Run(TaplineProgram.Path(), "query", "", "--data", _data, "--what", "count");
        Assert.Equal($"{Frames}", count.Trim());
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    // A classic pcap file of small frames of no known protocol, a millisecond apart.
    private static byte[] Capture()
    {
        const int HeaderBytes = 24;
        const int RecordBytes = 16 + FrameBytes;
        var bytes = new byte[HeaderBytes + (Frames * RecordBytes)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, 0xa1b2c3d4);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), 4);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), 65_535);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), 1);
        for (var i = 0; i < Frames; i++)
        {
            var record = bytes.AsSpan(HeaderBytes + (i * RecordBytes), RecordBytes);
            BinaryPrimitives.WriteInt32LittleEndian(record, 1_700_000_000 + (i / 1000));
            BinaryPrimitives.WriteInt32LittleEndian(record[4..], i % 1000 * 1000);
            BinaryPrimitives.WriteInt32LittleEndian(record[8..], FrameBytes);
            BinaryPrimitives.WriteInt32LittleEndian(record[12..], FrameBytes);
            BinaryPrimitives.WriteUInt16BigEndian(record[28..], 0x88b5);
        }

        return bytes;
    }
}
