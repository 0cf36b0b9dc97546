// The input of one analysis as one stream of blocks. Captures are read one after the other, in the order given. Chains of segments
// (one for each worker of a recording) are read side by side: the piece that is claimed next is of the chain that is furthest
// behind in time, by the segments' own indexes, so the order is the same however many threads read. Blocks are numbered over
// all, so that workers can put their parts back into that order. Guarded by its user; claims are completed one at a time.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;

namespace Tapline.Workers.Offline;

/// <summary>A piece of a file that one thread is to read.</summary>
/// <param name="Lane">Where it comes from.</param>
/// <param name="Ticket">Its place among all claims.</param>
/// <param name="Offset">Where the piece begins; -1 = the next bytes of a pipe or compressed file.</param>
internal readonly record struct InputClaim(InputLane Lane, long Ticket, long Offset)
{
    public CaptureFileReader Reader => Lane.Reader!;
}

/// <summary>Reads captures and segments. Guarded by its user: one thread at a time.</summary>
public sealed class OfflineInput : IDisposable
{
    private readonly List<string> _faults = [];
    private readonly InputPoints _points = new();
    private readonly InputLane[] _lanes;
    private long _nextTicket;
    private long _finishedBytes;
    private long _bytesRead;
    private long _framesRead;

    /// <param name="files">Captures, in this order; "-" is standard input.</param>
    /// <param name="chains">Segments of recordings, each chain in the order of time.</param>
    public OfflineInput(IReadOnlyList<string> files, IReadOnlyList<SegmentChain> chains)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(chains);
        var lanes = chains.Select(c => new InputLane(c.Files, isRecorded: true)).ToList();
        if (files.Count > 0)
        {
            lanes.Insert(0, new InputLane(files, isRecorded: false));
        }

        _lanes = [.. lanes];
        TotalBytes = lanes.SelectMany(l => l.Files).Sum(RecordedFiles.LengthOf);
    }

    /// <summary>Bytes of all files; standard input counts as nothing, so the share done is then unknown.</summary>
    public long TotalBytes { get; }

    /// <summary>Bytes and frames read so far. Any thread.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    public long FramesRead => Volatile.Read(ref _framesRead);

    /// <summary>Everything that ended a file early, one sentence each with the byte offset.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>The points of all files, by id. Those of segments are one where they are described alike.</summary>
    public IReadOnlyList<FileInterface> Interfaces => _points.All;

    /// <summary>Called when points were added, before any of their frames is decoded.</summary>
    public Action<IReadOnlyList<FileInterface>>? PointsAdded { get; set; }

    /// <summary>Files of which at least the header could be read.</summary>
    public int FilesRead { get; private set; }

    /// <summary>Fills the block with the next frames; false at the end of the last file. For a thread that is alone.</summary>
    public bool TryRead(FrameBlock block, int timeoutMs, out bool isIdle)
    {
        isIdle = false;
        while (TryClaim(out var claim, out _))
        {
            if (claim.Offset >= 0)
            {
                claim.Reader.FillAhead(block, claim.Offset);
            }

            var result = Complete(claim, block, timeoutMs);
            Settle(claim, result, result == LeaseResult.Frames ? block.Count : 0);
            if (result == LeaseResult.Frames)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Claims the next piece for a thread of several. Callers hold their lock; the piece is then filled without it, and
    /// completed in the order of <see cref="InputClaim.Ticket"/>.
    /// </summary>
    /// <param name="claim">What was claimed.</param>
    /// <param name="isEnd">True: there is nothing more. False with a false result: try again when others are done.</param>
    internal bool TryClaim(out InputClaim claim, out bool isEnd)
    {
        claim = default;
        var isPending = false;
        InputLane? hindmost = null;
        foreach (var lane in _lanes)
        {
            // A lane between two files is waited for: only its next file tells how far it is.
            isPending |= lane.IsDraining;
            if (lane.IsDraining || (lane.Reader is null && !OpenNext(lane)))
            {
                continue;
            }

            hindmost = hindmost is null || lane.NextNs < hindmost.NextNs ? lane : hindmost;
        }

        isEnd = hindmost is null && !isPending;
        if (isPending || hindmost is null || !hindmost.CanClaim)
        {
            return false;
        }

        claim = new InputClaim(hindmost, _nextTicket++, hindmost.Claim());
        return true;
    }

    /// <summary>Marks the claimed block's frames. In ticket order, outside the callers' lock.</summary>
    internal LeaseResult Complete(in InputClaim claim, FrameBlock block, int timeoutMs)
    {
        var result = claim.Offset < 0 ? claim.Reader.Read(block, timeoutMs) : claim.Reader.CompleteAhead(block);
        if (result != LeaseResult.Frames)
        {
            return result;
        }

        if (_points.Meet(claim.Lane))
        {
            PointsAdded?.Invoke(_points.All);
        }

        claim.Lane.Renumber(block);
        return result;
    }

    /// <summary>Notes how a claim ended; the last one of an ended file closes it. Under the callers' lock.</summary>
    internal void Settle(in InputClaim claim, LeaseResult result, int frames)
    {
        var lane = claim.Lane;
        lane.Outstanding--;
        if (_points.IsFull && !lane.IsDraining)
        {
            _faults.Add($"{lane.Reader!.Name}: more than {ushort.MaxValue} interfaces in one analysis; read the rest on its own.");
        }

        lane.IsDraining |= result is LeaseResult.End or LeaseResult.Faulted || _points.IsFull;
        if (lane.IsDraining && lane.Outstanding == 0)
        {
            CloseFile(lane);
        }

        Volatile.Write(ref _bytesRead, _finishedBytes + _lanes.Sum(l => l.Reader?.PositionBytes ?? 0));
        Volatile.Write(ref _framesRead, _framesRead + frames);
    }

    public void Dispose()
    {
        foreach (var lane in _lanes)
        {
            lane.Close();
        }
    }

    private bool OpenNext(InputLane lane)
    {
        while (lane.TryNextFile(out var file))
        {
            if (_points.IsFull)
            {
                lane.Abandon();
                return false;
            }

            if (lane.Open(file) is not { } error)
            {
                FilesRead++;
                return true;
            }

            _faults.Add(error);
        }

        return false;
    }

    private void CloseFile(InputLane lane)
    {
        var reader = lane.Reader!;
        if (reader.Fault is { } fault && !lane.IsUnderWay)
        {
            _faults.Add(fault);
        }

        // Interfaces without a frame are points, too.
        _ = _points.Meet(lane);
        _finishedBytes += reader.PositionBytes;
        lane.Close();
    }
}
