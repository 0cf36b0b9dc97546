// The index of each segment on its way to disk: built on the writer's thread when the segment's last buffer is written, put
// into a hidden file, renamed before the segment is. Not made durable: after a power cut its checksums tell, and the
// segment is indexed anew. Where it can't be written the segment goes without, counted. Points are described by the
// worker; their entries are references that change as a whole.
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Container;
using Tapline.Record.Evidence;
using Tapline.Record.Index;
using Tapline.Store;

namespace Tapline.Record.Io;

/// <summary>Writes one worker's indexes. Writer's thread, but for <see cref="Describe"/>.</summary>
internal sealed class IndexFile : IDisposable
{
    private const int WarmUpTurns = 64;
    private readonly DiskCalls _disk;
    private readonly IndexCollector _collector;
    private readonly IEndpointNames? _names;
    private readonly int _worker;
    private readonly IndexBuilder _builder;
    private readonly PointInfo?[] _points = new PointInfo?[Limits.PointsMax];
    private readonly PathBuffer _hidden;
    private readonly PathBuffer _published;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ContainerSink? _container;
    private readonly ContainerSink.Taker _taker;
    private int _fd;
    private bool _isPublished;
    private long _lost;

    public IndexFile(string folder, DiskCalls disk, IndexCollector collector, RecorderOptions options)
    {
        _disk = disk;
        _collector = collector;
        _names = options.Names;
        _worker = options.Worker;
        _builder = new IndexBuilder(collector[0].FramesMax, collector[0].FlowsMax);
        _hidden = new PathBuffer(folder);
        _published = new PathBuffer(folder);
        _container = options.Key is null ? null : new ContainerSink(new ContainerEncoder(SegmentCompression.None, options.Key));
        _taker = Put;
        WarmUp();
    }

    /// <summary>SHA-256 of the last index's file.</summary>
    public Hash256 Hash { get; private set; }

    /// <summary>Indexes that could not be written. Any thread.</summary>
    public long Lost => Volatile.Read(ref _lost);

    /// <summary>Takes a point's names. Worker's thread.</summary>
    public void Describe(PointInfo point) => Volatile.Write(ref _points[point.Id], point);

    /// <summary>Builds and writes the index of a segment under its hidden name; its length, 0 = there is none.</summary>
    /// <param name="memory">What the worker noted; -1 = nothing.</param>
    /// <param name="name">The segment's name.</param>
    /// <param name="segmentBytes">The segment's length.</param>
    public long Write(int memory, in SegmentName name, long segmentBytes)
    {
        if (memory < 0)
        {
            return 0;
        }

        var identity = new IndexHeader { SegmentBytes = segmentBytes, Worker = _worker, Origin = IndexOrigin.Live };
        _builder.Build(_collector[memory], identity, _points, _names);
        _isPublished = false;
        name.AddTo(_hidden.Reset(), isHidden: true, SegmentCompanions.Index);
        if (WriteFile() == 0)
        {
            return _container?.FileBytes ?? _builder.FileBytes;
        }

        Discard();
        return 0;
    }

    /// <summary>The index can't be written or made visible: the segment goes without.</summary>
    public void Discard()
    {
        _ = _disk.Remove(_hidden.Path);
        Volatile.Write(ref _lost, _lost + 1);
    }

    /// <summary>Makes the index visible under a segment's name; a negated errno when it can't be.</summary>
    public int Publish(in SegmentName name)
    {
        name.AddTo(_published.Reset(), isHidden: false, SegmentCompanions.Index);
        var result = _disk.Publish(_hidden.Path, _published.Path);
        _isPublished = result == 0;
        return result;
    }

    /// <summary>Takes the index back: the segment gets another name.</summary>
    public void Withdraw()
    {
        if (_isPublished)
        {
            _ = _disk.Publish(_published.Path, _hidden.Path);
            _isPublished = false;
        }
    }

    /// <summary>Gives a memory back to the worker; -1 = none.</summary>
    public void Return(int memory)
    {
        if (memory >= 0)
        {
            _collector.Return(memory);
        }
    }

    public void Dispose()
    {
        _builder.Dispose();
        _hash.Dispose();
        _container?.Dispose();
    }

    // What runs once for each segment would be compiled for good, which the runtime starts a thread for, long after the
    // start. Done at once it belongs to the start.
    private void WarmUp()
    {
        const int Flows = 4;
        using var buffer = new IndexBuffer(Flows, Flows + 1);
        for (var flow = 1; flow <= Flows; flow++)
        {
            var record = new FlowRecord { FlowId = (ulong)(flow * flow), StartNs = flow * flow * flow, InitiatorMac = (ulong)flow };
            buffer.EndFlow(buffer.BeginFlow(flow), record);
            buffer.AddFrame(flow, flow * IndexBuffer.OffsetUnit, flow);
        }

        for (var turn = 0; turn < WarmUpTurns; turn++)
        {
            _builder.Build(buffer, default, _points, _names);
        }
    }

    // The bytes as they stand on disk, in their order: that is what the seal names.
    private int Put(ReadOnlySpan<byte> bytes, long offset)
    {
        _hash.AppendData(bytes);
        return _disk.WriteAll(_fd, bytes, offset);
    }

    private int WriteFile()
    {
        var fd = _disk.Open(_hidden.Path, NativeFile.O_RDWR | NativeFile.O_CREAT | NativeFile.O_EXCL);
        if (fd < 0)
        {
            return fd;
        }

        _fd = fd;
        var result = _container?.Begin(_taker) ?? 0;
        long offset = 0;
        for (var part = 0; part < _builder.Parts && result == 0; part++)
        {
            result = _container?.Add(_builder.Part(part), _taker) ?? Put(_builder.Part(part), offset);
            offset += _builder.Part(part).Length;
        }

        result = result == 0 && _container is not null ? _container.End(_taker) : result;

        _ = _disk.Close(fd);
        Span<byte> hash = stackalloc byte[Hash256.Bytes];
        Invariant.Check(_hash.TryGetHashAndReset(hash, out _));
        Hash = Hash256.Read(hash);
        return result;
    }
}
