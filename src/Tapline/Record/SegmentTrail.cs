// Which segments a recorder has begun lately, and how many of its frames are on disk: by it a reader of the recording follows the
// writer to the frame, without asking the file what is whole in it. Frames are counted over the recorder's life, those that were
// lost left out, so a frame's number is its place in what the files hold. One writing thread, any readers; allocates nothing.
using Tapline.Base;

namespace Tapline.Record;

/// <summary>The latest segments of one recorder, numbered from 1.</summary>
internal sealed class SegmentTrail
{
    /// <summary>Segments that are kept; who lags further behind goes by the folder's names.</summary>
    public const int Kept = 1024;

    private const long RenamedNs = 16;
    private readonly long[] _startNs = new long[Kept];
    private readonly long[] _framesBefore = new long[Kept];
    private long _last;
    private long _onDisk;

    /// <summary>Number of the latest segment; 0 = none was begun.</summary>
    public long Last => Volatile.Read(ref _last);

    /// <summary>Frames on disk, in all segments together.</summary>
    public long OnDisk => Volatile.Read(ref _onDisk);

    /// <summary>The earliest segment that is still told of.</summary>
    public long First => Math.Max(1, Last - Kept + 2);

    /// <summary>True when two names are the same segment's: one may have been changed when it was published.</summary>
    public static bool IsSame(long startNs, long otherNs) => Math.Abs(startNs - otherNs) <= RenamedNs;

    /// <summary>A segment's file was made. Writer's thread.</summary>
    public void Begin(long startNs)
    {
        var number = _last + 1;
        Volatile.Write(ref _startNs[number % Kept], startNs);
        Volatile.Write(ref _framesBefore[number % Kept], _onDisk);
        Volatile.Write(ref _last, number);
    }

    /// <summary>The segment got another name when it was published. Writer's thread.</summary>
    public void Rename(long startNs) => Volatile.Write(ref _startNs[_last % Kept], startNs);

    /// <summary>So many frames more are on disk. Writer's thread.</summary>
    public void Wrote(int frames) => Volatile.Write(ref _onDisk, _onDisk + frames);

    /// <summary>A segment's name and the number of frames before it; false when it is not known (any more).</summary>
    public bool TryGet(long number, out long startNs, out long framesBefore)
    {
        startNs = framesBefore = 0;
        if (number < First || number > Last)
        {
            return false;
        }

        startNs = Volatile.Read(ref _startNs[number % Kept]);
        framesBefore = Volatile.Read(ref _framesBefore[number % Kept]);

        // First leaves one place free for the segment that is being begun; if more were begun meanwhile, what was read may be theirs.
        return number >= First;
    }

    /// <summary>The number of the segment of that name; 0 = it is not among these. A name that was changed when it was published
    /// is still known: it differs by a few nanoseconds, and no two segments of a worker are that near.</summary>
    public long Find(long startNs)
    {
        for (var number = Last; number >= First && number > 0; number--)
        {
            if (TryGet(number, out var start, out _) && IsSame(start, startNs))
            {
                return number;
            }
        }

        return 0;
    }
}
