// What one frame costs in the flow table when 140,000 connections are open and their frames come in no order at all: the
// worst that a cache can meet. Frames lie one after the other in memory, as in a ring or a file.
using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;

namespace Tapline.Bench;

/// <summary>Decode and flow update over a stream of TCP segments.</summary>
[MemoryDiagnoser]
public class FlowUpdate
{
    /// <summary>Frames of one pass.</summary>
    public const int Frames = Flows * Rounds;

    private const int Flows = 140_000;
    private const int Rounds = 6;
    private const int FrameLength = 96;
    private const int Payload = FrameLength - 54;
    private readonly FrameLayout[] _layouts = new FrameLayout[Limits.BatchFramesMax];
    private readonly bool[] _events = new bool[Limits.BatchFramesMax];
    private byte[] _frames = [];
    private FlowTable<NoSink>? _table;
    private int _pass;

    /// <summary>Forgets records.</summary>
    public readonly struct NoSink : IRecordSink
    {
        public void Write(in FlowRecord record)
        {
        }
    }

    [GlobalSetup]
    public void Setup()
    {
        _frames = new byte[Flows * Rounds * FrameLength];
        _table = new FlowTable<NoSink>(FlowTableOptions.Live with { Capacity = 1 << 18 }, default);
        var order = Enumerable.Range(0, Flows).ToArray();
        var random = new Random(1);
        for (var round = 0; round < Rounds; round++)
        {
            random.Shuffle(order);
            for (var i = 0; i < Flows; i++)
            {
                Write(_frames.AsSpan(((round * Flows) + i) * FrameLength, FrameLength), order[i], round);
            }
        }

        DecodeAndFlow();
    }

    [GlobalCleanup]
    public void Cleanup() => _table?.Dispose();

    [Benchmark(OperationsPerInvoke = Flows * Rounds, Baseline = true)]
    public int DecodeOnly()
    {
        var sum = 0;
        for (var from = 0; from < Flows * Rounds; from += Limits.BatchFramesMax)
        {
            sum += DecodeBatch(from);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Flows * Rounds)]
    public long DecodeAndFlow() => Run(asksForEvents: false);

    /// <summary>The same, and after each frame the question that mirror sessions need answered.</summary>
    [Benchmark(OperationsPerInvoke = Flows * Rounds)]
    public long DecodeFlowAndEvents() => Run(asksForEvents: true);

    private long Run(bool asksForEvents)
    {
        // Each pass goes on where the last one ended, so that time and sequence numbers only grow.
        Advance(_pass++);
        for (var from = 0; from < Flows * Rounds; from += Limits.BatchFramesMax)
        {
            var count = DecodeBatch(from);
            for (var i = 0; i < count; i++)
            {
                _table!.Prepare(i, _layouts[i], Frame(from + i));
            }

            _table!.PrefetchLanes(count);

            for (var i = 0; i < count; i++)
            {
                var slot = _table!.ObservePrepared(i, Meta(from + i), _layouts[i], Frame(from + i));
                if (asksForEvents)
                {
                    _events[i] = _table.HasEvent(slot);
                }
            }

            _table!.Advance(Meta(from).TimestampNs);
        }

        return _table!.Counters.Frames;
    }

    /// <summary>Adds one pass's worth of data to every sequence number.</summary>
    private void Advance(int pass)
    {
        if (pass == 0)
        {
            return;
        }

        for (var i = 0; i < Flows * Rounds; i++)
        {
            var seq = _frames.AsSpan((i * FrameLength) + 38, 4);
            BinaryPrimitives.WriteUInt32BigEndian(seq, BinaryPrimitives.ReadUInt32BigEndian(seq) + (Rounds * Payload));
        }
    }

    private int DecodeBatch(int from)
    {
        var count = Math.Min(Limits.BatchFramesMax, (Flows * Rounds) - from);
        for (var i = 0; i < count; i++)
        {
            FrameDecoder.Decode(Frame(from + i), Meta(from + i), out _layouts[i]);
        }

        return count;
    }

    private ReadOnlySpan<byte> Frame(int index) => _frames.AsSpan(index * FrameLength, FrameLength);

    private FrameMeta Meta(int index) => new()
    {
        TimestampNs = 1_700_000_000_000_000_000 + (((long)_pass * Flows * Rounds) + index) * 1000,
        CapturedLength = FrameLength,
        OriginalLength = FrameLength,
        LinkType = LinkType.Ethernet,
    };

    private static void Write(Span<byte> frame, int flow, int round)
    {
        frame[12] = 8;
        frame[14] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(frame[16..], FrameLength - 14);
        frame[22] = 64;
        frame[23] = 6;
        BinaryPrimitives.WriteUInt32BigEndian(frame[26..], 0x0a00_0000u + (uint)(flow * 7919));
        BinaryPrimitives.WriteUInt32BigEndian(frame[30..], 0xc0a8_0000u + (uint)(flow % 251));
        BinaryPrimitives.WriteUInt16BigEndian(frame[34..], (ushort)(1024 + (flow % 60_000)));
        BinaryPrimitives.WriteUInt16BigEndian(frame[36..], 443);
        BinaryPrimitives.WriteUInt32BigEndian(frame[38..], (uint)(1 + (round * Payload)));
        frame[46] = 0x50;
        frame[47] = 0x18;
        BinaryPrimitives.WriteUInt16BigEndian(frame[48..], 1000);
    }
}
