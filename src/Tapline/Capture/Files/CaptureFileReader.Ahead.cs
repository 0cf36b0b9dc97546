// Reading ahead: several threads read pieces of one stored file at once, each into its own block, and only the walk from
// record to record, a few microseconds a piece, goes through the file in order. A piece is claimed (which offset),
// filled (any thread) and completed (in the order of the claims): the unfinished record at the end of the piece before
// is put in front of it. Not for pipes and compressed files, which have no offsets to read at.
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <content>Parallel reading.</content>
public sealed unsafe partial class CaptureFileReader
{
    private long _aheadOffset = -1;
    private long _aheadPosition;

    /// <summary>True when pieces can be read ahead. Use either this way or <see cref="Read"/> on one reader.</summary>
    public bool CanReadAhead => _input.IsRandom;

    /// <summary>The offset of the next piece. One caller at a time.</summary>
    public long ClaimAhead()
    {
        if (_aheadOffset < 0)
        {
            _aheadOffset = _input.PositionBytes;
        }

        var offset = _aheadOffset;
        _aheadOffset += Limits.FileReadBytes;
        return offset;
    }

    /// <summary>Reads a claimed piece into the block. Any thread.</summary>
    public void FillAhead(FrameBlock block, long offset)
    {
        ArgumentNullException.ThrowIfNull(block);
        block.AheadFault = null;
        block.AheadLength = 0;
        try
        {
            block.AheadLength = _input.ReadAt(new Span<byte>(block.AheadStart, Limits.FileReadBytes), offset);
        }
        catch (IOException failure)
        {
            block.AheadFault = failure.Message;
        }
    }

    /// <summary>Marks the frames of a filled block. In the order of the claims, one caller at a time.</summary>
    /// <returns>Idle: no record ends in this piece, take the next. End and Faulted as from <see cref="Read"/>.</returns>
    public LeaseResult CompleteAhead(FrameBlock block)
    {
        ArgumentNullException.ThrowIfNull(block);
        var room = block.CapacityBytes - Limits.FileReadBytes;
        Invariant.Check(_carryLength <= room);
        block.Clear(room - _carryLength);
        block.Sequence = _sequence;
        if (_ended)
        {
            return Finished();
        }

        new Span<byte>(_carry, _carryLength).CopyTo(new Span<byte>(block.Start, _carryLength));
        var filled = _carryLength + block.AheadLength;
        var fileOffset = _carryFileOffset;
        var position = Math.Min(_skip, filled);
        _skip -= position;
        var walk = WalkResult.NeedMore;
        if (_skip == 0)
        {
            walk = _walker.Walk(block, filled, fileOffset, ref position);
            _skip = Math.Max(0, position - filled);
            position = Math.Min(position, filled);
        }

        _aheadPosition = Math.Max(_aheadPosition, fileOffset + filled);
        if (walk == WalkResult.Faulted)
        {
            End($"{Place(fileOffset + position)}: {_walker.Fault}");
        }
        else if (block.AheadFault is { } failure)
        {
            End($"{Place(fileOffset + filled)}: reading failed: {failure}");
        }
        else if (block.AheadLength < Limits.FileReadBytes && walk != WalkResult.BlockFull)
        {
            // A file that grows meanwhile ends where its end was found: what comes later was claimed too far ahead.
            EndOfInput(filled, fileOffset, position);
        }

        Keep(block, filled, fileOffset, (int)position);
        if (block.Count > 0)
        {
            _sequence++;
            return LeaseResult.Frames;
        }

        return _ended ? Finished() : LeaseResult.Idle;
    }
}
