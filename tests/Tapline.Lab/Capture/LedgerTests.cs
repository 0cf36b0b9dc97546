// The capture's ledger: arrived = captured + dropped to the frame, also when the ring overflows; no managed allocation.
using Tapline.Capture;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

public sealed class LedgerTests
{
    [Fact]
    public void After_an_overrun_arrived_is_captured_plus_dropped_exactly_at_each_point()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var one = bridge.AddPort(vm, farName: "eth0");
        var two = bridge.AddPort(vm, farName: "eth1");
        using var fromOne = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        using var fromTwo = vm.Enter(() => new RawSender(LinkIndex.Of("eth1")));
        var options = new LiveCaptureOptions
        {
            Points = [one.Near, two.Near], RingBudgetBytes = 512 * 1024, BlockBytes = 128 * 1024, Workers = 2,
        };
        using var capture = host.Enter(() => LiveCapture.Open(options, out var error) ?? throw new InvalidOperationException(error));
        const int Frames = 20_000;
        for (uint i = 0; i < Frames; i++)
        {
            Assert.True(fromOne.Send(TestFrames.Udp(0x0A000000 + i, 0x0B000000, 700)));
            Assert.True(i % 4 != 0 || fromTwo.Send(TestFrames.Udp(0x0C000000 + i, 0x0D000000, 300, [0x81, 0x00, 0x00, 0x09])));
        }

        capture.StopArrivals();
        var (seen, bytes) = Drain(capture);
        var arrived = Arrived(capture);
        Assert.Equal(Frames + (Frames / 4), arrived.Values.Sum(a => a.Frames));
        long dropped = 0;
        foreach (var point in capture.Points)
        {
            var id = point.Point.Id;
            var captured = seen.GetValueOrDefault(id);
            Assert.Equal(captured, capture.Sources.Sum(s => s.Captured(id)));
            dropped += arrived[id].Frames - captured;
            Assert.True(arrived[id].Bytes >= bytes.GetValueOrDefault(id));
        }

        var offered = capture.Sources.Sum(s => s.ReadDrops(out var frames) is >= 0 ? frames : 0);
        Assert.Equal(offered, arrived.Values.Sum(a => a.Frames));
        Assert.True(dropped > 0, "the ring overflowed");
        Assert.Equal(dropped, capture.ReadSocketDrops(0) + capture.ReadSocketDrops(1));
        Assert.Equal(Frames, arrived[capture.Points.Single(p => p.Point.Name == one.Near).Point.Id].Frames);
    }

    [Fact]
    public void A_frame_costs_no_managed_byte_from_lease_to_release()
    {
        LabNeeds.Namespaces();
        using var host = NetNamespace.Create("h");
        using var vm = NetNamespace.Create("v");
        using var bridge = Bridge.Create(host);
        var port = bridge.AddPort(vm);
        host.Ip("address", "add", "10.9.0.1/24", "dev", bridge.Name);
        using var sender = vm.Enter(() => new RawSender(LinkIndex.Of("eth0")));
        var options = new LiveCaptureOptions { RingBudgetBytes = 128 << 20 };
        using var capture = host.Enter(() => LiveCapture.Open(options, out var error) ?? throw new InvalidOperationException(error));
        Assert.Equal(2, capture.Points.Count);
        var frame = TestFrames.Udp(0x0A090002, 0x0A090001, 100);
        var tagged = TestFrames.Udp(0x0A090002, 0x0A090001, 100, [0x81, 0x00, 0x00, 0x09]);
        var source = capture.Sources[0];
        var batch = new FrameBatch();
        var arrivedPoints = new Tapline.Capture.Points.PointArrived[16];
        long allocated = long.MaxValue, captured = 0, sent = 0, bytes = 0;
        for (var round = 0; round < 13; round++)
        {
            // The first rounds load code. The runtime allocates on any thread now and then; frames would do so in every round.
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++)
            {
                sent += sender.Send(i % 2 == 0 ? frame : tagged) ? 1 : 0;
            }

            while (captured < sent)
            {
                if (source.Lease(batch, 20) == LeaseResult.Frames)
                {
                    for (var i = 0; i < batch.Count; i++)
                    {
                        bytes += batch.Bytes(i).Length;
                    }

                    captured += batch.Count;
                    source.Release(batch);
                }
            }

            capture.ReadArrived(arrivedPoints);
            capture.ReadSocketDrops(0);
            source.Lease(batch, 5);
            source.Release(batch);
            allocated = round < 3 ? allocated : Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.True(captured >= 130_000);
        Assert.Equal(130_000L / 2 * (100 + 104), bytes);
        Assert.Equal(0, allocated);
        GC.KeepAlive(port);
    }

    private static (Dictionary<ushort, long> Frames, Dictionary<ushort, long> Bytes) Drain(LiveCapture capture)
    {
        var frames = new Dictionary<ushort, long>();
        var bytes = new Dictionary<ushort, long>();
        var batch = new FrameBatch();
        foreach (var source in capture.Sources)
        {
            for (var result = source.Lease(batch, 100); result != LeaseResult.End; result = source.Lease(batch, 100))
            {
                Assert.NotEqual(LeaseResult.Faulted, result);
                for (var i = 0; i < batch.Count; i++)
                {
                    var id = batch.Meta(i).PointId;
                    frames[id] = frames.GetValueOrDefault(id) + 1;
                    bytes[id] = bytes.GetValueOrDefault(id) + batch.Meta(i).OriginalLength;
                }

                source.Release(batch);
            }
        }

        return (frames, bytes);
    }

    private static Dictionary<ushort, Tapline.Capture.Points.PointArrived> Arrived(LiveCapture capture)
    {
        var all = new Tapline.Capture.Points.PointArrived[16];
        return all.AsSpan(0, capture.ReadArrived(all)).ToArray().ToDictionary(a => a.PointId);
    }
}
