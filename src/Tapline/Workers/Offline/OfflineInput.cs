// The capture files of one analysis as one stream of blocks: file after file, in the order given. Blocks are numbered
// over all files, so that workers can put their parts back into file order. One thread at a time may read.
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;

namespace Tapline.Workers.Offline;

/// <summary>A piece of a file that one thread is to read.</summary>
/// <param name="Reader">The file.</param>
/// <param name="Ticket">Its place among all claims.</param>
/// <param name="Offset">Where the piece begins; -1 = the next bytes of a pipe or compressed file.</param>
internal readonly record struct InputClaim(CaptureFileReader Reader, long Ticket, long Offset);

/// <summary>Reads several capture files. Guarded by its user: one reading thread at a time.</summary>
public sealed class OfflineInput : IDisposable
{
    private readonly IReadOnlyList<string> _files;
    private readonly List<string> _faults = [];
    private readonly List<FileInterface> _interfaces = [];
    private CaptureFileReader? _reader;
    private int _nextFile;
    private int _outstanding;
    private bool _isDraining;
    private long _nextTicket;
    private long _finishedBytes;
    private long _bytesRead;
    private long _framesRead;

    public OfflineInput(IReadOnlyList<string> files)
    {
        _files = files;
        foreach (var file in files)
        {
            TotalBytes += RecordedFiles.LengthOf(file);
        }
    }

    /// <summary>Bytes of all files; standard input counts as nothing, so the share done is then unknown.</summary>
    public long TotalBytes { get; }

    /// <summary>Bytes and frames read so far. Any thread.</summary>
    public long BytesRead => Volatile.Read(ref _bytesRead);

    public long FramesRead => Volatile.Read(ref _framesRead);

    /// <summary>Everything that ended a file early, one sentence each with the byte offset.</summary>
    public IReadOnlyList<string> Faults => _faults;

    /// <summary>The interfaces of all files, by point id.</summary>
    public IReadOnlyList<FileInterface> Interfaces => _interfaces;

    /// <summary>Files of which at least the header could be read.</summary>
    public int FilesRead { get; private set; }

    /// <summary>Fills the block with the next frames; false at the end of the last file.</summary>
    public bool TryRead(FrameBlock block, int timeoutMs, out bool isIdle)
    {
        isIdle = false;
        while (_reader is not null || OpenNext())
        {
            var result = _reader!.Read(block, timeoutMs);
            Volatile.Write(ref _bytesRead, _finishedBytes + _reader.PositionBytes);
            switch (result)
            {
                case LeaseResult.Frames:
                    Volatile.Write(ref _framesRead, _framesRead + block.Count);
                    return true;
                case LeaseResult.Idle:
                    isIdle = true;
                    return true;
                default:
                    CloseFile();
                    break;
            }
        }

        return false;
    }

    /// <summary>
    /// Claims the next piece for a thread of several. Callers hold their lock; the piece is then filled without it, and
    /// completed in the order of <see cref="InputClaim.Ticket"/>.
    /// </summary>
    /// <param name="claim">What was claimed.</param>
    /// <param name="isEnd">True: there is nothing more. False with a false result: try again when others are done.</param>
    internal bool TryClaim(out InputClaim claim, out bool isEnd)
    {
        claim = default;
        isEnd = false;
        if (_outstanding > 0 && (_isDraining || !_reader!.CanReadAhead))
        {
            return false;
        }

        if (_reader is null && !OpenNext())
        {
            isEnd = _outstanding == 0;
            return false;
        }

        _outstanding++;
        claim = new InputClaim(_reader!, _nextTicket++, _reader!.CanReadAhead ? _reader.ClaimAhead() : -1);
        return true;
    }

    /// <summary>Marks the claimed block's frames. In ticket order, outside the callers' lock.</summary>
    internal static LeaseResult Complete(in InputClaim claim, FrameBlock block, int timeoutMs) => claim.Offset < 0
        ? claim.Reader.Read(block, timeoutMs)
        : claim.Reader.CompleteAhead(block);

    /// <summary>Notes how a claim ended; the last one of an ended file closes it. Under the callers' lock.</summary>
    internal void Settle(LeaseResult result, int frames)
    {
        _outstanding--;
        Volatile.Write(ref _bytesRead, _finishedBytes + _reader!.PositionBytes);
        Volatile.Write(ref _framesRead, _framesRead + frames);
        _isDraining |= result is LeaseResult.End or LeaseResult.Faulted;
        if (_isDraining && _outstanding == 0)
        {
            _isDraining = false;
            CloseFile();
        }
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _reader = null;
    }

    private bool OpenNext()
    {
        while (_nextFile < _files.Count)
        {
            if (_interfaces.Count > ushort.MaxValue)
            {
                _faults.Add($"{_files[_nextFile]}: more than {ushort.MaxValue} interfaces in one analysis; read the rest on its own.");
                _nextFile = _files.Count;
                return false;
            }

            _reader = RecordedFiles.Open(_files[_nextFile++], (ushort)_interfaces.Count, out var error);
            if (_reader is not null)
            {
                FilesRead++;
                return true;
            }

            _faults.Add(error);
        }

        return false;
    }

    private void CloseFile()
    {
        var reader = _reader!;
        if (reader.Fault is { } fault)
        {
            _faults.Add(fault);
        }

        _interfaces.AddRange(reader.Interfaces);
        _finishedBytes += reader.PositionBytes;
        reader.Dispose();
        _reader = null;
    }
}
