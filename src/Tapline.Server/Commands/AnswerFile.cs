// Where a query's packets go: a new file, a device or pipe by its name, or standard output. A file that is there is not written over
// unless that was asked for; one that a full disk stops is cut to its last whole block, so that it opens. One thread.
using Microsoft.Win32.SafeHandles;

namespace Tapline.Server.Commands;

/// <summary>An output for packets. Dispose closes it.</summary>
internal sealed class AnswerFile : IDisposable
{
    private const int EPIPE = 32; // errno.h
    private readonly FileStream _stream;
    private readonly string _name;

    private AnswerFile(string name, FileStream stream)
    {
        _name = name;
        _stream = stream;
    }

    public Stream Stream => _stream;

    /// <summary>Opens it; null with a sentence when it can't be written.</summary>
    /// <param name="path">A path; null or "-" = standard output.</param>
    /// <param name="mayOverwrite">A file that is there is written over.</param>
    /// <param name="mistake">The sentence.</param>
    public static AnswerFile? TryOpen(string? path, bool mayOverwrite, out string? mistake)
    {
        mistake = null;
        try
        {
            if (path is null or "-")
            {
                // Not the console's own stream, which hides that its reader has gone.
                var standard = new SafeFileHandle(1, ownsHandle: false);
                return new AnswerFile("standard output", new FileStream(standard, FileAccess.Write, bufferSize: 0));
            }

            if (!mayOverwrite && new FileInfo(path) is { Exists: true, Length: > 0 })
            {
                mistake = $"{path} is there; give another name, or --force to write over it.";
                return null;
            }

            return new AnswerFile(path, new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistake = $"{path} can't be written: {e.Message}";
            return null;
        }
    }

    /// <summary>After a write that failed: the sentence to tell. A reader that has seen enough is no failure.</summary>
    /// <param name="failure">What the write said.</param>
    /// <param name="wholeBytes">What was written in whole blocks.</param>
    public string Fail(IOException failure, long wholeBytes)
    {
        if (failure.HResult == EPIPE)
        {
            throw new OperationCanceledException(failure.Message, failure);
        }

        var rest = "";
        try
        {
            if (_stream.CanSeek && _name != "standard output")
            {
                _stream.SetLength(wholeBytes);
                rest = " It was cut to its last whole packet and opens, but it is not the whole answer.";
            }
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            rest = " It ends inside a packet.";
        }

        return $"{_name} can't be written further: {failure.Message.TrimEnd('.')}.{rest}";
    }

    public void Dispose() => _stream.Dispose();
}
