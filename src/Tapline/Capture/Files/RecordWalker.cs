// From a run of bytes to marked frames: one implementation for each file format. The reader gives what it has; the
// walker marks each whole record and says how far it came. It never looks beyond the given length.
namespace Tapline.Capture.Files;

/// <summary>Why a walker stopped.</summary>
internal enum WalkResult
{
    /// <summary>The record at the position is not whole yet.</summary>
    NeedMore,

    /// <summary>The block takes no more frames.</summary>
    BlockFull,

    /// <summary>The content is wrong at the position; <see cref="RecordWalker.Fault"/> says how.</summary>
    Faulted,
}

/// <summary>Walks the records of one capture file. One thread.</summary>
internal abstract unsafe class RecordWalker
{
    /// <summary>What is wrong, without file name and place; null while nothing is.</summary>
    public string? Fault { get; protected set; }

    /// <summary>Frames marked so far.</summary>
    public long Frames { get; protected set; }

    /// <summary>What an incomplete record at the end is called in a sentence.</summary>
    public abstract string RecordNoun { get; }

    /// <summary>
    /// Marks the whole records from <paramref name="position"/> to <paramref name="length"/> of the block's buffer,
    /// whose first byte is at <paramref name="fileOffset"/> of the file, and moves the position behind them. A position
    /// beyond the length says that bytes are to be skipped which have not been read yet.
    /// </summary>
    public abstract WalkResult Walk(FrameBlock block, int length, long fileOffset, ref long position);

    /// <summary>Notes what is wrong at the position; nothing behind it can be trusted.</summary>
    protected WalkResult Corrupt(string what)
    {
        Fault = $"{what}; the file is corrupt from here on.";
        return WalkResult.Faulted;
    }
}
