// From the past into the present with real workers, recorders and files: whatever the rates, wherever the session begins, and when
// the disk fails in between, each worker's frames come out in order and none twice; what does not come out is what the recording lacks.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Filter;
using Tapline.Flows;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using Tapline.Record;
using Tapline.Tests.Mirror;
using Tapline.Tests.Record;
using Tapline.Tests.Support;
using Tapline.Workers;
using Tapline.Workers.Past;
using Xunit;

namespace Tapline.Tests.Workers.Past;

public sealed class PastFeederTests
{
    private const int Frames = 1 << 17;
    private const int NumberAt = 50;

    [Theory]
    [InlineData(1, 1 << 16, 20_000, 0)]
    [InlineData(2, 1 << 16, 60_000, 31_000)]
    [InlineData(2, 1 << 11, 20_000, 100)]
    [InlineData(3, 1 << 12, 1_000, 0)]
    [InlineData(2, 1 << 12, 0, 0)]
    public void Every_frame_comes_out_once_and_in_order(int workers, int copiesMax, int before, int since)
    {
        using var run = new Run(workers, copiesMax, before, since, disk: null);
        run.Finish();
        for (var w = 0; w < workers; w++)
        {
            var numbers = run.Numbers(w);
            Assert.True(numbers.Count > 0 || before == 0);
            var first = Math.Min(since, run.Sources[w].Sent);
            Assert.Equal(run.Sources[w].Sent - first, numbers.Count);
            for (var i = 0; i < numbers.Count; i++)
            {
                Assert.Equal((first + i) % Frames, numbers[i]);
            }
        }

        Assert.True(run.Feeder.IsLive);
        Assert.Equal(0, run.Feeder.Busy);
        Assert.Equal(0, PastReport.Of(run.Feeder, run.Plan).Lacking);
        Assert.All(run.Sessions, s => Assert.True(s.Counters.Balances));
    }

    [Fact]
    public void A_place_that_cannot_be_reached_in_time_is_noted_again()
    {
        using var run = new Run(2, 1 << 6, 30_000, 0, disk: null, breathsAfter: 8);
        run.Finish();
        Assert.True(run.Feeder.Attempts >= 2, $"{run.Feeder.Attempts} attempts");
        Assert.Equal(run.Sources.Sum(s => s.Sent), run.Sessions.Sum(s => s.Counters.Sent) + run.Feeder.Busy);
    }

    [Fact]
    public void What_a_failing_disk_loses_is_missing_and_nothing_comes_twice()
    {
        using var run = new Run(1, 1 << 12, 20_000, 0, new FailingDisk());
        run.Finish();
        Assert.True(run.Sources[0].Sent <= Frames, "numbers must not begin again here");
        var numbers = run.Numbers(0);
        for (var i = 1; i < numbers.Count; i++)
        {
            Assert.True(numbers[i] > numbers[i - 1], $"{numbers[i]} after {numbers[i - 1]}");
        }

        Assert.True(run.Recorders[0].Dropped > 0, "the disk did not fail, and the test proves little");
        var missing = run.Sources[0].Sent - numbers.Count;
        Assert.InRange(missing, 1, run.Recorders[0].Dropped);
        Assert.InRange(PastReport.Of(run.Feeder, run.Plan).DroppedRecorder, 0, missing);
        Assert.Subset(numbers.ToHashSet(), run.OnDisk().ToHashSet());
    }

    [Fact]
    public void A_session_that_is_removed_in_the_past_ends_there()
    {
        using var run = new Run(2, 1 << 12, 50_000, 0, disk: null, speed: 1);
        LabelledWait(() => run.Feeder.Frames > 0);
        run.Remove();
        Assert.False(run.Feeder.IsLive);
        Assert.All(run.Sessions, s => Assert.True(s.Counters.Balances));
        Assert.Equal(run.Feeder.Frames, run.Sessions.Sum(s => s.Counters.Offered));
    }

    private static void LabelledWait(Func<bool> condition)
    {
        var until = Environment.TickCount64 + 30_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < until, "it took too long");
            Thread.Sleep(1);
        }
    }

    /// <summary>Workers that record, and a session that begins when they have been at it for a while.</summary>
    private sealed class Run : IDisposable
    {
        private static readonly byte[] s_template = new FrameBuilder().Ethernet().Ipv4().Udp(1, 2).Payload(new byte[200]).Build();
        private static readonly byte[][] s_frames = [.. Enumerable.Range(0, Frames).Select(Numbered)];
        private readonly TemporaryFolder _folder = new();
        private readonly SegmentFolder _segments;
        private readonly List<Pipeline<SpoolSink>> _pipelines = [];
        private readonly List<Worker> _workers = [];
        private readonly MemoryOutput[] _outputs;
        private readonly MirrorBook _book;
        private readonly RunningMirror _mirror;
        private const int BurstFrames = 1000;
        private const int BreathTurns = 20;
        private PastFeeder? _feeder;
        private volatile bool _isRunning = true;
        private readonly int _breathsAfter;
        private readonly int[] _burst;
        private readonly int[] _breath;
        private bool _isFinished;

        /// <param name="workers">Workers.</param>
        /// <param name="copiesMax">Copies that are kept while the present is joined.</param>
        /// <param name="before">Frames of each worker before the session begins.</param>
        /// <param name="since">The first frame that it wants.</param>
        /// <param name="disk">Other calls to the disk.</param>
        /// <param name="speed">The session's.</param>
        /// <param name="breathsAfter">Tries to join after which the workers have pauses in which one can succeed.</param>
        public Run(int workers, int copiesMax, int before, int since, DiskCalls? disk, double speed = 0, int breathsAfter = 0)
        {
            _breathsAfter = breathsAfter;
            _burst = new int[workers];
            _breath = new int[workers];
            _segments = SegmentFolder.TryOpen(_folder.Path, 1 << 30, out _)!;
            _book = new MirrorBook(workers, []);
            _outputs = [.. Enumerable.Range(0, workers).Select(_ => new MemoryOutput())];
            Recorders = [.. Enumerable.Range(0, workers).Select(w => new SegmentRecorder(
                _segments,
                new RecorderOptions
                {
                    Worker = w, Node = "n", BufferBytes = 2 << 20, BufferCount = 4, FlushAgeNs = 0, SegmentBytes = Limits.SegmentBytesMin,
                },
                disk ?? new DiskCalls()))];
            Sources = [.. Enumerable.Range(0, workers).Select(w => new ScriptedSource(s_frames, 1, s => Next(s, w, before)))];
            var target = TargetParser.Parse("nic:x0", out _)!;
            Sessions = [.. _outputs.Select(o => new MirrorSession(new MirrorSessionOptions { Id = 1, Name = "p", Target = target }, o))];
            Plan = new MirrorPlan
            {
                Session = "p", To = "nic:x0", Speed = speed, SinceNs = (1_700_000_000L * Clock.SecondNs) + ((since + 1) * 1000L),
            };
            Volatile.Write(ref _feeder, new PastFeeder(Plan, Sessions, new MirrorPoints(), copiesMax));
            _mirror = new RunningMirror(Plan, 1, target, new KernelDecision("p", false, "user path: a test."), Sessions, kernel: null)
            {
                Past = Feeder,
            };
            for (var w = 0; w < workers; w++)
            {
                var source = Sources[w];
                var pipeline = new Pipeline<SpoolSink> { Counts = new WorkerCounts(16), Recorder = Recorders[w] };
                _pipelines.Add(pipeline);
                _workers.Add(new Worker(w, source, pipeline, null, new ScriptedBook())
                {
                    Now = () => source.NowNs, Mirrors = _book, Recorders = [Recorders[w]],
                });
            }

            _workers.ForEach(w => w.Start());
            LabelledWait(() => Sources.All(s => s.Sent >= before));
            Feeder.Note(new PastSupply([_folder.Path], Recorders, workers, null));
            _book.Publish([_mirror]);
            Feeder.Start();
        }

        public MirrorPlan Plan { get; }

        public ScriptedSource[] Sources { get; }

        public SegmentRecorder[] Recorders { get; }

        public MirrorSession[] Sessions { get; }

        public PastFeeder Feeder => _feeder!;

        /// <summary>Waits until the session is live, then for some frames more, and ends the workers.</summary>
        public void Finish()
        {
            LabelledWait(() => Feeder.IsLive || Feeder.Fault is not null && Feeder.Losses.Fault is null);
            Assert.Equal(Feeder.Losses.Fault, Feeder.Fault);
            var sent = Sources.Select(s => s.Sent).ToArray();
            LabelledWait(() => Sources.Zip(sent).All(s => s.First.Sent > s.Second + 2000));
            End();
        }

        public void Remove()
        {
            var next = _book.Publish([]);
            LabelledWait(() => _book.IsFollowed(next));
            _mirror.Dispose();
            End();
        }

        /// <summary>Numbers of the frames that a worker's instance sent, by their place in the list.</summary>
        public List<int> Numbers(int worker) =>
            _outputs[worker].Taken!.ConvertAll(f => BinaryPrimitives.ReadInt32BigEndian(f.AsSpan(NumberAt)));

        /// <summary>Numbers of the frames in all segments.</summary>
        public IEnumerable<int> OnDisk() => Directory.GetFiles(_folder.Path, "*.pcapng").SelectMany(SegmentFile.Frames)
            .Select(f => BinaryPrimitives.ReadInt32BigEndian(f.Bytes.AsSpan(NumberAt)));

        public void Dispose()
        {
            End();
            _mirror.Dispose();
            _pipelines.ForEach(p =>
            {
                p.Counts.Dispose();
                p.Dispose();
            });
            Array.ForEach(Recorders, r => r.Dispose());
            _segments.Dispose();
            _folder.Dispose();
        }

        private void End()
        {
            if (_isFinished)
            {
                return;
            }

            _isFinished = true;
            _isRunning = false;
            _workers.ForEach(w => Assert.True(w.Join(TimeSpan.FromSeconds(30))));
            Assert.All(_workers, w => Assert.Null(w.Fault));
            Feeder.Stop();
        }

        // As fast as it goes, then a batch each millisecond, or bursts of a thousand and some idle turns. A recorder without room is
        // given time, so that only the disk can lose frames.
        private int Next(ScriptedSource source, int worker, int before)
        {
            if (!_isRunning)
            {
                return -1;
            }

            var frames = 65 + (source.Sent * 31 % 130);
            var hasBreaths = _breathsAfter == 0 || Volatile.Read(ref _feeder)?.Attempts > _breathsAfter;
            if (!hasBreaths && Feeder.Gates[worker].State == PastGate.Step.Keeping)
            {
                return frames;
            }

            if (!Recorders[worker].HasRoomForBurst && Recorders[worker].StallReason is null)
            {
                Thread.Sleep(1);
                return 0;
            }

            if (source.Sent < before)
            {
                return frames;
            }

            if (!hasBreaths || _breath[worker] > 0)
            {
                Thread.Sleep(1);
                _breath[worker]--;
                return hasBreaths ? 0 : frames;
            }

            _burst[worker] += frames;
            if (_burst[worker] > BurstFrames)
            {
                (_burst[worker], _breath[worker]) = (0, BreathTurns);
            }

            return frames;
        }

        private static byte[] Numbered(int number)
        {
            var frame = (byte[])s_template.Clone();
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(NumberAt), number);
            return frame;
        }
    }

    /// <summary>Some writes fail, each of which costs what is in flight.</summary>
    private sealed class FailingDisk : DiskCalls
    {
        private int _writes;

        public override long Write(int fd, ReadOnlySpan<byte> bytes, long offset) =>
            ++_writes % 40 == 39 ? -5 : base.Write(fd, bytes, offset);
    }
}
