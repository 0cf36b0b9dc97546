// A capture that comes through a pipe while it is made: frames are handed on as they arrive, waiting ends in time, and
// the writer's end is the end.
using System.IO.Pipes;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Capture.Files;

public class PipeInputTests
{
    private static readonly byte[] s_frame = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(21).Build();

    [Fact]
    public void FramesAreHandedOnAsTheyArrive()
    {
        using var writer = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
        var path = $"/proc/self/fd/{writer.GetClientHandleAsString()}";
        writer.Write(new CaptureBytes().PcapHeader().ToArray());
        using var source = CaptureFileSource.Open(path, 0, out var error);
        Assert.True(source is not null, error);
        writer.DisposeLocalCopyOfClientHandle();
        var batch = new FrameBatch();
        Assert.Equal(LeaseResult.Idle, source.Lease(batch, 1));
        var record = new CaptureBytes().PcapRecord(s_frame).ToArray();
        writer.Write(record);
        Assert.Equal((LeaseResult.Frames, 1), (source.Lease(batch, -1), batch.Count));

        // Half a record is none yet; the other half makes it one.
        writer.Write(record.AsSpan(0, 30));
        Assert.Equal((LeaseResult.Idle, 0), (source.Lease(batch, 1), batch.Count));
        writer.Write(record.AsSpan(30));
        Assert.Equal((LeaseResult.Frames, 1), (source.Lease(batch, -1), batch.Count));
        Assert.Equal(s_frame, batch.Bytes(0).ToArray());
        Assert.Equal(2, batch.Meta(0).FrameNumber);
        writer.Write(record.AsSpan(0, 30));
        writer.Dispose();
        Assert.Equal(LeaseResult.Faulted, source.Lease(batch, -1));
        Assert.Contains($"byte {24 + (record.Length * 2)}: the record that begins here is cut short", source.Fault,
            StringComparison.Ordinal);
        Assert.Equal(LeaseResult.Faulted, source.Lease(batch, -1));
    }
}
