// The measurements behind docs/adr/0001-one-ring-per-worker.md. Explicit tests: run with
//   Tapline.Lab -class Tapline.Lab.Capture.RingMeasurements -explicit only -showLiveOutput
// Times are the thread's own CPU time or ratios within one run, because the machine may be shared.
using System.Diagnostics;
using Tapline.Base.Kernel;
using Tapline.Base.Native;
using Tapline.Capture;
using Tapline.Capture.Ring;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Capture;

public sealed unsafe class RingMeasurements
{
    private static readonly LiveCaptureOptions s_options = new() { RingBudgetBytes = 256 << 20 };

    [Fact(Explicit = true)]
    public void Cost_of_the_programs()
    {
        LabNeeds.Namespaces();
        using var maps = CaptureMaps.Create(out _)!;
        using var programs = CapturePrograms.Load(maps, 65535, out _)!;
        var plain = TestFrames.Udp(0x0A000001, 0x0A000002, 100);
        var vxlan = TestFrames.Vxlan(0x0A000001, 0x0A000002, plain);
        Say($"filter, not ours: {TestRunNs(programs.PortFilter, plain)} ns");
        CaptureMaps.Assign(maps.PortSlots, 1, 7);
        Say($"filter, ours, counted: {TestRunNs(programs.PortFilter, plain)} ns");
        Say($"fan-out, IPv4: {TestRunNs(programs.PortFanout, plain)} ns, through VXLAN: {TestRunNs(programs.PortFanout, vxlan)} ns");
    }

    [Fact(Explicit = true)]
    public void Block_size_and_retire_timeout()
    {
        LabNeeds.Namespaces();
        foreach (var block in (int[])[128 << 10, 256 << 10, 1 << 20, 4 << 20])
        {
            foreach (var retire in (int[])[1, 4, 10, 40])
            {
                using var pair = new Pair(s_options with { BlockBytes = block, RetireTimeoutMs = retire });
                var trickle = pair.Trickle(150);
                var burst = pair.Burst(400_000);
                Say($"block {block >> 10,5} KiB, retire {retire,2} ms: wait {trickle.MeanUs,6} µs mean {trickle.MaxUs,6} max, "
                    + $"{trickle.Leases,4} leases for 150 frames; burst read {burst.NsPerFrame,4} ns a frame, lost {burst.Lost}");
            }
        }
    }

    [Fact(Explicit = true)]
    public void One_ring_for_all_ports_against_one_ring_for_each()
    {
        LabNeeds.Namespaces();
        const long Budget = 1L << 30;
        const int Ports = 200;
        foreach (var (name, bytes, block) in ((string, long, int)[])[
            ("one ring for all ports, 256 KiB blocks", Budget / 2, 256 << 10),
            ("one ring for all ports, 1 MiB blocks", Budget / 2, 1 << 20),
            ("its share of 200 rings", Budget / 2 / Ports, 256 << 10)])
        {
            using var pair = new Pair(s_options with { RingBudgetBytes = bytes, BlockBytes = block });
            var stalled = Stopwatch.StartNew();
            var held = pair.Stall(400_000);
            Say($"{name}: {bytes >> 10} KiB, a worker stalled for {stalled.ElapsedMilliseconds} ms "
                + $"loses {held.Lost} of 400,000 frames of 64 bytes on one port");
        }

        using var host = NetNamespace.Create("h");
        host.Enter(() =>
        {
            using var maps = CaptureMaps.Create(out _)!;
            using var programs = CapturePrograms.Load(maps, 65535, out _)!;
            var watch = Stopwatch.StartNew();
            var rings = new List<PacketRing>();
            for (var i = 0; i < 20; i++)
            {
                rings.Add(PacketRingFactory.Open(new RingGeometry(512 << 10, 5, 4), 1, programs.PortFilter, false, s_options, out _)!);
                ushort group = 0;
                PacketRingFactory.Join(rings[^1], ref group, true, true, programs.PortFanout, out _);
            }

            var ringUs = watch.Elapsed.TotalMicroseconds / 20;
            watch.Restart();
            for (var i = 0; i < 1000; i++)
            {
                CaptureMaps.Assign(maps.PortSlots, i + 1, 5);
            }

            Say($"a new port: own ring {ringUs:F0} µs, table entry {watch.Elapsed.TotalMicroseconds / 1000:F2} µs");
            watch.Restart();
            rings.ForEach(r => r.Dispose());
            Say($"a port that leaves: own ring {watch.Elapsed.TotalMicroseconds / 20:F0} µs");
        });
    }

    private static void Say(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);

    private static uint TestRunNs(FileDescriptor program, byte[] frame)
    {
        fixed (byte* data = frame)
        {
            var attributes = new bpf_attr_test_run
            {
                prog_fd = (uint)program.Number, data_in = (ulong)data, data_size_in = (uint)frame.Length, repeat = 1_000_000,
            };
            Assert.Equal(0, SystemCalls.Bpf(Bpf.BPF_PROG_TEST_RUN, &attributes, (uint)sizeof(bpf_attr_test_run)));
            return attributes.duration;
        }
    }

    // A veth pair between two namespaces, a capture on one end, a sender on the other.
    private sealed class Pair : IDisposable
    {
        private readonly NetNamespace _host = NetNamespace.Create("h");
        private readonly NetNamespace _vm = NetNamespace.Create("v");
        private readonly VethPair _veth;
        private readonly RawSender _sender;
        private readonly LiveCapture _capture;
        private readonly FrameBatch _batch = new();
        private readonly byte[] _frame = TestFrames.Udp(0x0A090002, 0x0A090001, 64);

        public Pair(LiveCaptureOptions options)
        {
            _veth = VethPair.Create(_host, _vm);
            _sender = _vm.Enter(() => new RawSender(LinkIndex.Of(_veth.Far)));
            _capture = _host.Enter(() => LiveCapture.Open(options with { Points = [_veth.Near] }, out var error)
                ?? throw new InvalidOperationException(error));
        }

        // Single frames, 3 ms apart: how long until the worker has them, and how often it wakes.
        public (long MeanUs, long MaxUs, int Leases) Trickle(int frames)
        {
            var stop = false;
            var sender = new Thread(() =>
            {
                for (var i = 0; i < frames; i++)
                {
                    _sender.Send(_frame);
                    Thread.Sleep(3);
                }

                Volatile.Write(ref stop, true);
            });
            sender.Start();
            long sum = 0, max = 0;
            int seen = 0, leases = 0;
            while (seen < frames && !(Volatile.Read(ref stop) && _capture.Sources[0].Lease(_batch, 500) == LeaseResult.Idle))
            {
                if (_batch.Count == 0 && _capture.Sources[0].Lease(_batch, 500) != LeaseResult.Frames)
                {
                    continue;
                }

                var now = (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * 100;
                leases++;
                for (var i = 0; i < _batch.Count; i++)
                {
                    var waited = (now - _batch.Meta(i).TimestampNs) / 1000;
                    sum += waited;
                    max = Math.Max(max, waited);
                }

                seen += _batch.Count;
                _capture.Sources[0].Release(_batch);
            }

            sender.Join();
            return (sum / Math.Max(seen, 1), max, leases);
        }

        // Frames as fast as one thread sends them; the reader's own CPU time.
        public (long NsPerFrame, long Lost) Burst(int frames)
        {
            var dropsBefore = _capture.ReadSocketDrops(0);
            var sender = new Thread(() =>
            {
                for (var i = 0; i < frames; i++)
                {
                    _sender.Send(_frame);
                }
            });
            sender.Start();
            long seen = 0, cpuNs = 0;
            while (true)
            {
                var before = ThreadCpuNs();
                var result = _capture.Sources[0].Lease(_batch, 0);
                if (result == LeaseResult.Frames)
                {
                    seen += _batch.Count;
                    _capture.Sources[0].Release(_batch);
                    cpuNs += ThreadCpuNs() - before;
                }
                else if (sender.Join(1) && _capture.Sources[0].Lease(_batch, 200) == LeaseResult.Idle)
                {
                    break;
                }
                else
                {
                    seen += _batch.Count;
                    _capture.Sources[0].Release(_batch);
                }
            }

            return (cpuNs / Math.Max(seen, 1), _capture.ReadSocketDrops(0) - dropsBefore);
        }

        // Nobody reads: what the ring cannot hold is lost.
        public (long Lost, long Held) Stall(int frames)
        {
            for (var i = 0; i < frames; i++)
            {
                _sender.Send(_frame);
            }

            var lost = _capture.ReadSocketDrops(0);
            return (lost, frames - lost);
        }

        public void Dispose()
        {
            _capture.StopArrivals();
            _capture.Dispose();
            _sender.Dispose();
            _veth.Dispose();
            _vm.Dispose();
            _host.Dispose();
        }

        private static long ThreadCpuNs()
        {
            var time = stackalloc long[2];
            _ = SystemCalls.ReadClock(3, time); // CLOCK_THREAD_CPUTIME_ID
            return (time[0] * 1_000_000_000) + time[1];
        }
    }
}
