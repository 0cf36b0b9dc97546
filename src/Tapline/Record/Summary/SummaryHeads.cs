// The files of heads of a recording's summaries: each opened when first asked for, and open until Dispose. Any thread may ask.
using Microsoft.Win32.SafeHandles;
using Tapline.Base.Native;

namespace Tapline.Record.Summary;

/// <summary>Reads heads of indexes.</summary>
internal sealed class SummaryHeads : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, SafeFileHandle?> _files = [];

    /// <summary>Reads; false when the file has not so much, or can't be read.</summary>
    public bool TryRead(string path, Span<byte> target, long offset)
    {
        try
        {
            return FileOf(path) is { } file && SummaryShelf.Fill(file, target, offset) == target.Length;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>A part that will soon be read: the disk may fetch it meanwhile.</summary>
    public void WillNeed(string path, long offset, int bytes)
    {
        if (FileOf(path) is { IsClosed: false } file)
        {
            NativeFile.WillNeed((int)file.DangerousGetHandle(), offset, bytes);
        }
    }

    /// <summary>Closes the files; asked afterwards, nothing is found.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var file in _files.Values)
            {
                file?.Dispose();
            }
        }
    }

    private SafeFileHandle? FileOf(string path)
    {
        lock (_gate)
        {
            if (_files.TryGetValue(path, out var file))
            {
                return file;
            }

            try
            {
                file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                file = null;
            }

            return _files[path] = file;
        }
    }
}
