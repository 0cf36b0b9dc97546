// Reads of a file at an offset that give all that was asked for, unless the file ends.
using Microsoft.Win32.SafeHandles;

namespace Tapline.Record.Container;

/// <summary>Reads files. Any thread.</summary>
internal static class FileReads
{
    /// <summary>Fills <paramref name="target"/> as far as the file goes; bytes read.</summary>
    public static int Read(SafeFileHandle file, Span<byte> target, long offset)
    {
        var total = 0;
        while (total < target.Length)
        {
            var read = RandomAccess.Read(file, target[total..], offset + total);
            if (read == 0)
            {
                break;
            }

            total += read;
        }

        return total;
    }
}
