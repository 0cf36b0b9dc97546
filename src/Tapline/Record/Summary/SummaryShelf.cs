// A summary is kept in shelves: pairs of files that are filled one after the other and removed as a whole when the segments in them are
// gone, so that nothing is ever written anew. `segments-NNNNNN.tls` has the rows, `segments-NNNNNN.tlk` the heads of indexes: a
// query over an hour reads all rows of a year, which are small, but only its hour's heads. Names and reading of rows. Any thread.
using System.Globalization;
using Tapline.Base;

namespace Tapline.Record.Summary;

/// <summary>Names of shelves' files, and their rows.</summary>
internal static class SummaryShelf
{
    public const string RowsExtension = ".tls";
    public const string HeadsExtension = ".tlk";
    public const string Prefix = "segments-";
    public const int Digits = 6;

    /// <summary>The path of a shelf's rows.</summary>
    public static string RowsOf(string folder, int number) => PathOf(folder, number, RowsExtension);

    /// <summary>The path of a shelf's heads.</summary>
    public static string HeadsOf(string folder, int number) => PathOf(folder, number, HeadsExtension);

    /// <summary>Reads a name back; false for files of others.</summary>
    public static bool TryParse(string fileName, out int number)
    {
        number = 0;
        var isOurs = fileName.StartsWith(Prefix, StringComparison.Ordinal)
            && (fileName.EndsWith(RowsExtension, StringComparison.Ordinal) || fileName.EndsWith(HeadsExtension, StringComparison.Ordinal));
        return isOurs && int.TryParse(
            fileName.AsSpan(Prefix.Length, fileName.Length - Prefix.Length - RowsExtension.Length), NumberStyles.None,
            CultureInfo.InvariantCulture, out number);
    }

    /// <summary>Numbers of the shelves among these names, rising.</summary>
    public static List<int> NumbersOf(IEnumerable<string> fileNames) =>
        [.. fileNames.Select(name => TryParse(name, out var number) ? number : -1).Where(number => number >= 0).Distinct().Order()];

    /// <summary>The rows of a shelf up to the first that is none; a file that can't be read has none.</summary>
    public static List<SummaryRow> Read(string folder, int number, out long soundBytes)
    {
        var rows = new List<SummaryRow>();
        soundBytes = 0;
        ReadOnlyMemory<byte> bytes;
        try
        {
            using var file = File.OpenHandle(
                RowsOf(folder, number), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var buffer = new byte[Math.Min(RandomAccess.GetLength(file), (long)Limits.SummaryRowBytesMax * Limits.SummaryShelfRows)];
            bytes = buffer.AsMemory(0, Fill(file, buffer, 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return rows;
        }

        while (rows.Count < Limits.SummaryShelfRows && SummaryRow.TryRead(bytes[(int)soundBytes..], out var length) is { } row)
        {
            rows.Add(row);
            soundBytes += length;
        }

        return rows;
    }

    /// <summary>Reads as much as there is; its length.</summary>
    public static int Fill(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> target, long offset)
    {
        var total = 0;
        while (total < target.Length && RandomAccess.Read(file, target[total..], offset + total) is > 0 and var got)
        {
            total += got;
        }

        return total;
    }

    private static string PathOf(string folder, int number, string extension) =>
        Path.Combine(folder, Prefix + number.ToString("D6", CultureInfo.InvariantCulture) + extension);
}
