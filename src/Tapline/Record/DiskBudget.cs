// What a disk can give to folders of a recording, looked at once at the start. A budget beyond that would end in one large
// segment that fills the disk and that nothing can be removed for. A twentieth is left for the file system and for neighbours.
using Tapline.Record.Summary;

namespace Tapline.Record;

/// <summary>Sums of folders and disks, in bytes. Any thread; reads the disk.</summary>
internal static class DiskBudget
{
    /// <summary>What these folders, all on one disk, may have together now: what they have, and what is free.</summary>
    public static long Now(IReadOnlyList<string> folders, FreeDisk minFree)
    {
        var drive = DriveOf(folders[0]);
        return Part(folders.Sum(UsedBytes) + drive.AvailableFreeSpace, minFree.Of(drive.TotalSize));
    }

    /// <summary>What they could have if nothing else were on that disk.</summary>
    public static long AtMost(string folder, FreeDisk minFree)
    {
        var drive = DriveOf(folder);
        return Part(drive.TotalSize, minFree.Of(drive.TotalSize));
    }

    private static long Part(long room, long free) => Math.Min(room / 20 * 19, room - free);

    private static DriveInfo DriveOf(string folder) => new(Path.GetFullPath(folder));

    /// <summary>Bytes of a folder's segments and what belongs to them.</summary>
    public static long UsedBytes(string folder) => new DirectoryInfo(folder).EnumerateFiles()
        .Where(f => (SegmentName.TryParse(f.Name, out _, out var isHidden) && !isHidden) || SegmentCompanions.TryParse(f.Name, out _)
            || SummaryShelf.TryParse(f.Name, out _))
        .Sum(f => f.Length);
}
