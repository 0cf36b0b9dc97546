// Segments that have all their bytes on disk but not their name: the rename failed, or the device failed while what is whole was to be
// published. They are tried again after each segment that goes well, and at the latest by the next start. Writer's thread.
// Limit: 64; beyond, the next start does it.
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Evidence;

namespace Tapline.Record.Io;

/// <summary>Hidden files of one writer that are still to be published.</summary>
internal sealed class LeftoverSegments(SegmentFolder folder, SegmentSealer? seals)
{
    private const int Max = 64;
    private readonly List<(SegmentName Name, long Bytes)> _left = [];
    private readonly PathBuffer _path = new(folder.Path);

    /// <summary>Keeps a hidden file in mind.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bytes">What the folder counts for it.</param>
    public void Add(in SegmentName name, long bytes)
    {
        if (_left.Count < Max)
        {
            _left.Add((name, bytes));
        }
    }

    /// <summary>Publishes what can be published now.</summary>
    public void Retry(DiskCalls disk)
    {
        for (var i = _left.Count - 1; i >= 0; i--)
        {
            var (name, counted) = _left[i];
            name.AddTo(_path.Reset(), isHidden: true);
            if (disk.LengthOf(_path.Path) < 0 || TrySettle(disk, name))
            {
                folder.Release(counted);
                _left.RemoveAt(i);
            }
        }
    }

    // True when it is no leftover any more: published, or empty and removed.
    private bool TrySettle(DiskCalls disk, in SegmentName name)
    {
        try
        {
            var path = Encoding.UTF8.GetString(_path.Path[..^1]);
            if (SegmentRepair.TrySettle(folder.Path, path, name, out var settled, out var bytes))
            {
                folder.Retake(bytes);
                folder.Add(disk, settled, bytes);
                seals?.SealRecovered(settled, bytes);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
