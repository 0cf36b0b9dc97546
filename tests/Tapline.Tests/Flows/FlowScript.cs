// A conversation as a script: frames are built byte by byte, decoded by the real decoder and given to a real flow table.
using Tapline.Base;
using Tapline.Decode;
using Tapline.Flows;
using Tapline.Store;
using Tapline.Tests.Support;
using Xunit;
using TcpFlag = Tapline.Tests.Support.TcpFlag;

namespace Tapline.Tests.Flows;

/// <summary>Plays frames into a flow table and keeps the records. Times are in microseconds from the script's start.</summary>
internal sealed class FlowScript : IDisposable
{
    public const int ClientPort = 40000;
    public const int ServerPort = 80;
    private const long StartNs = 1_700_000_000_000_000_000;
    private const string ClientMac = "02:00:00:00:00:01";
    private const string ServerMac = "02:00:00:00:00:02";
    private long _frameNumber;

    public FlowScript(FlowTableOptions? options = null)
    {
        Sink = new RecordList();
        Table = new FlowTable<RecordList>(options ?? FlowTableOptions.Offline with { Capacity = 1024 }, Sink);
    }

    public RecordList Sink { get; }

    public FlowTable<RecordList> Table { get; }

    public long NowUs { get; set; }

    public long NowNs => StartNs + (NowUs * 1000);

    /// <summary>Payload size of a super-frame's segments; 0 = ordinary frames.</summary>
    public int GsoSize { get; set; }

    public ushort Point { get; set; }

    /// <summary>What the table said of the flow after the last frame.</summary>
    public bool HasEvent { get; private set; }

    /// <summary>Called after each frame: its facts, its bytes, its flow's slot.</summary>
    public Action<FrameMeta, byte[], int>? OnFrame { get; init; }

    public FlowScript Client(
        TcpFlag flags, uint seq, uint ack = 0, int length = 0, int window = 1000, long afterUs = 100, byte[]? options = null)
    {
        NowUs += afterUs;
        Play(new FrameBuilder().Ethernet(ClientMac, ServerMac).Ipv4()
            .Tcp(ClientPort, ServerPort, flags, seq, ack, window, options).Payload(length).Build());
        return this;
    }

    public FlowScript Server(
        TcpFlag flags, uint seq, uint ack = 0, int length = 0, int window = 1000, long afterUs = 100, byte[]? options = null)
    {
        NowUs += afterUs;
        Play(new FrameBuilder().Ethernet(ServerMac, ClientMac).Ipv4("10.0.0.2", "10.0.0.1")
            .Tcp(ServerPort, ClientPort, flags, seq, ack, window, options).Payload(length).Build());
        return this;
    }

    /// <summary>SYN, SYN/ACK, ACK, 1 ms apart; initial sequence numbers 1000 and 5000.</summary>
    public FlowScript Handshake(byte[]? clientOptions = null, byte[]? serverOptions = null) =>
        Client(TcpFlag.Syn, 1000, afterUs: 1000, options: clientOptions)
            .Server(TcpFlag.Syn | TcpFlag.Ack, 5000, 1001, afterUs: 1000, options: serverOptions)
            .Client(TcpFlag.Ack, 1001, 5001, afterUs: 1000);

    public int Play(byte[] frame)
    {
        var meta = new FrameMeta
        {
            TimestampNs = NowNs,
            CapturedLength = frame.Length,
            OriginalLength = frame.Length,
            LinkType = LinkType.Ethernet,
            PointId = Point,
            GsoType = GsoSize == 0 ? GsoType.None : GsoType.Tcpv4,
            GsoSize = (ushort)GsoSize,
            FrameNumber = ++_frameNumber,
            SourceOffset = -1,
        };
        FrameDecoder.Decode(frame, meta, out var layout);
        var slot = Table.Observe(meta, layout, frame);
        HasEvent = Table.HasEvent(slot);
        OnFrame?.Invoke(meta, frame, slot);
        Table.Advance(meta.TimestampNs);
        return slot;
    }

    public List<FlowRecord> End()
    {
        Table.Flush(FlowEndReason.EndOfInput);
        return Sink.Records;
    }

    public FlowRecord Only() => Assert.Single(End());

    public void Dispose() => Table.Dispose();
}
