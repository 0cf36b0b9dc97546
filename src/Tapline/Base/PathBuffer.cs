// A file path as NUL-terminated UTF-8 in memory of its own, so that names with numbers in them are made again and again
// without a string. One thread at a time.
using System.Buffers.Text;
using System.Text;

namespace Tapline.Base;

/// <summary>A folder and a changing name in it. Limited to PATH_MAX (4096 bytes).</summary>
internal sealed class PathBuffer
{
    private const int PathBytesMax = 4096;
    private readonly byte[] _bytes;
    private readonly int _folderLength;
    private int _length;

    /// <summary>A path that begins with <paramref name="folder"/> and a slash.</summary>
    public PathBuffer(string folder)
    {
        var prefix = Encoding.UTF8.GetBytes(folder.EndsWith('/') ? folder : folder + "/");
        _bytes = new byte[PathBytesMax];
        Invariant.Check(prefix.Length < PathBytesMax - 256);
        prefix.CopyTo(_bytes, 0);
        _folderLength = prefix.Length;
        _length = _folderLength;
    }

    /// <summary>The whole path with its terminating NUL.</summary>
    public ReadOnlySpan<byte> Path
    {
        get
        {
            _bytes[_length] = 0;
            return _bytes.AsSpan(0, _length + 1);
        }
    }

    /// <summary>The name without its folder.</summary>
    public ReadOnlySpan<byte> Name => _bytes.AsSpan(_folderLength, _length - _folderLength);

    /// <summary>Takes the name off again.</summary>
    public PathBuffer Reset()
    {
        _length = _folderLength;
        return this;
    }

    public PathBuffer Add(ReadOnlySpan<byte> text)
    {
        Invariant.Check(_length + text.Length < PathBytesMax);
        text.CopyTo(_bytes.AsSpan(_length));
        _length += text.Length;
        return this;
    }

    /// <summary>Adds a number with at least <paramref name="digits"/> digits, zeros in front.</summary>
    public PathBuffer Add(long number, int digits)
    {
        Invariant.Check(number >= 0 && digits is > 0 and <= 19);
        var format = new System.Buffers.StandardFormat('D', (byte)digits);
        var target = _bytes.AsSpan(_length, PathBytesMax - 1 - _length);
        Invariant.Check(Utf8Formatter.TryFormat(number, target, out var written, format));
        _length += written;
        return this;
    }
}
