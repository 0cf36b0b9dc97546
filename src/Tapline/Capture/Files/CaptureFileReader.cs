// A capture file of any known format, read block by block in file order. Recognises the format by its first bytes. The
// reader owns the input; blocks belong to the caller. One thread; the list of interfaces may be read from any thread.
// A record that straddles two blocks is carried over once, so every frame lies whole in one block. Memory: one carry
// buffer of a block's size, whatever the file claims.
using System.Globalization;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Capture.Files;

/// <summary>Reads frames out of pcap and pcapng, plain or gzip-compressed, from a file or standard input.</summary>
public sealed unsafe partial class CaptureFileReader : IDisposable
{
    private readonly ByteInput _input;
    private readonly RecordWalker _walker;
    private readonly InterfaceList _interfaces;
    private byte* _carry;
    private int _carryLength;
    private long _carryFileOffset;
    private long _skip;
    private long _sequence;
    private bool _ended;

    private CaptureFileReader(string name, ByteInput input, RecordWalker walker, InterfaceList interfaces)
    {
        Name = name;
        _input = input;
        _walker = walker;
        _interfaces = interfaces;
        _carry = (byte*)NativePages.Allocate(Limits.FileBlockBytes);
    }

    /// <summary>The path as given, or "-".</summary>
    public string Name { get; }

    /// <summary>The interfaces met so far, in order of their point ids; more may come while reading.</summary>
    public IReadOnlyList<FileInterface> Interfaces => _interfaces.Snapshot;

    /// <summary>What ended the reading early, as one sentence with the byte offset; null when nothing did.</summary>
    public string? Fault { get; private set; }

    /// <summary>Frames delivered so far.</summary>
    public long Frames => _walker.Frames;

    /// <summary>Bytes taken from the input (compressed ones for gzip).</summary>
    public long PositionBytes => Math.Max(_input.PositionBytes, _aheadPosition);

    /// <summary>Length of the input, 0 where unknown (a pipe).</summary>
    public long LengthBytes => _input.LengthBytes;

    /// <summary>
    /// Opens a capture file, or standard input for "-". Null with one sentence when it cannot be read at all.
    /// </summary>
    /// <param name="path">The path, or "-".</param>
    /// <param name="firstPointId">Point id of the file's first interface; further ones count up.</param>
    /// <param name="error">The sentence, empty on success.</param>
    public static CaptureFileReader? Open(string path, ushort firstPointId, out string error)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (Directory.Exists(path))
        {
            error = $"{path} is a folder; name a capture file in it.";
            return null;
        }

        try
        {
            return Open(path, ByteInput.Open(path), firstPointId, out error);
        }
        catch (FileNotFoundException)
        {
            error = $"{path} does not exist.";
        }
        catch (DirectoryNotFoundException)
        {
            error = $"{path} does not exist.";
        }
        catch (UnauthorizedAccessException)
        {
            error = $"{path} may not be read by this user.";
        }
        catch (IOException failure)
        {
            error = $"{path} cannot be opened: {failure.Message}";
        }

        return null;
    }

    /// <summary>The same from a stream that the reader then owns.</summary>
    public static CaptureFileReader? Open(string name, Stream stream, ushort firstPointId, out string error) =>
        Open(name, ByteInput.From(stream), firstPointId, out error);

    /// <summary>
    /// Fills the block with the next frames. A stored file gives full blocks; a pipe gives what has arrived.
    /// After <see cref="LeaseResult.Faulted"/> or <see cref="LeaseResult.End"/> the block is empty.
    /// </summary>
    public LeaseResult Read(FrameBlock block, int timeoutMs)
    {
        ArgumentNullException.ThrowIfNull(block);
        Invariant.Check(block.CapacityBytes >= _carryLength);
        block.Clear();
        block.Sequence = _sequence;
        if (_ended)
        {
            return Finished();
        }

        new Span<byte>(_carry, _carryLength).CopyTo(new Span<byte>(block.Start, block.CapacityBytes));
        var filled = _carryLength;
        var fileOffset = _carryFileOffset;
        long position = 0;
        var result = LeaseResult.Idle;
        while (true)
        {
            // Bytes of content that nobody needs (a large block of secrets, say) pass through the buffer unseen.
            var skipped = (int)Math.Min(_skip, filled - position);
            position += skipped;
            _skip -= skipped;
            var walk = WalkResult.NeedMore;
            if (_skip == 0)
            {
                walk = _walker.Walk(block, filled, fileOffset, ref position);
                _skip = Math.Max(0, position - filled);
                position = Math.Min(position, filled);
            }

            if (walk == WalkResult.Faulted)
            {
                End($"{Place(fileOffset + position)}: {_walker.Fault}");
            }

            // A stored file is read in pieces that stay in a core's second-level cache until they are decoded and
            // followed; only a frame larger than that takes more. A pipe hands on what is there.
            var handOn = block.Count > 0 && (!_input.IsStored || filled >= Limits.FileReadBytes);
            var enough = walk == WalkResult.BlockFull || handOn;
            if (_ended || enough)
            {
                break;
            }

            if (block.Count == 0 && position > 0)
            {
                Compact(block, ref filled, ref fileOffset, ref position);
            }

            if (!_input.Wait(timeoutMs))
            {
                break;
            }

            var wanted = filled < Limits.FileReadBytes ? Limits.FileReadBytes : block.CapacityBytes;
            var room = new Span<byte>(block.Start + filled, Math.Min(wanted, block.CapacityBytes) - filled);
            var count = TryRead(room, fileOffset + filled);
            filled += count;
            if (count == 0)
            {
                EndOfInput(filled, fileOffset, position);
                break;
            }
        }

        Keep(block, filled, fileOffset, (int)position);
        if (block.Count > 0)
        {
            _sequence++;
            return LeaseResult.Frames;
        }

        return _ended ? Finished() : result;
    }

    /// <summary>Closes the input and frees the carry buffer.</summary>
    public void Dispose()
    {
        _input.Dispose();
        var carry = _carry;
        _carry = null;
        if (carry != null)
        {
            NativePages.Free(carry, Limits.FileBlockBytes);
        }
    }

    private static CaptureFileReader? Open(string name, ByteInput input, ushort firstPointId, out string error)
    {
        var head = new byte[PcapWalker.HeaderBytes];
        CaptureFileReader? reader = null;
        try
        {
            var length = Fill(input, head);
            if (CaptureFormat.IsGzip(head.AsSpan(0, length)))
            {
                input = input.Decompressed(head[..length]);
                length = Fill(input, head);
            }

            reader = Create(name, input, head.AsSpan(0, length), firstPointId, out error);
        }
        catch (InvalidDataException)
        {
            error = $"{name}, byte 0: the gzip stream is corrupt or cut short from its start.";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error = $"{name} cannot be read: {failure.Message}";
        }

        if (reader is null)
        {
            input.Dispose();
        }

        return reader;
    }

    private static CaptureFileReader? Create(
        string name, ByteInput input, ReadOnlySpan<byte> head, ushort firstPointId, out string error)
    {
        error = "";
        var interfaces = new InterfaceList(name, firstPointId);
        if (head.Length >= 4 && PcapWalker.Recognises(head))
        {
            if (head.Length < PcapWalker.HeaderBytes)
            {
                error = string.Create(CultureInfo.InvariantCulture,
                    $"{name} is cut short: it ends at byte {head.Length}, inside the pcap header.");
                return null;
            }

            var walker = PcapWalker.Create(head, firstPointId, out var fault);
            if (walker is null)
            {
                error = $"{name}, byte 4: {fault}";
                return null;
            }

            interfaces.Add(walker.Interface(name));
            return new CaptureFileReader(name, input, walker, interfaces) { _carryFileOffset = head.Length };
        }

        if (CaptureFormat.IsPcapng(head))
        {
            var reader = new CaptureFileReader(name, input, new PcapngWalker(interfaces), interfaces);
            head.CopyTo(new Span<byte>(reader._carry, head.Length));
            reader._carryLength = head.Length;
            return reader;
        }

        error = $"{name} {CaptureFormat.Explain(head)}";
        return null;
    }

    private static int Fill(ByteInput input, Span<byte> buffer)
    {
        var filled = 0;
        while (filled < buffer.Length)
        {
            var count = input.Read(buffer[filled..]);
            if (count == 0)
            {
                break;
            }

            filled += count;
        }

        return filled;
    }

    private int TryRead(Span<byte> buffer, long fileOffset)
    {
        try
        {
            return _input.Read(buffer);
        }
        catch (InvalidDataException)
        {
            End($"{Place(fileOffset)}: the gzip stream is corrupt or cut short here.");
        }
        catch (IOException failure)
        {
            End($"{Place(fileOffset)}: reading failed: {failure.Message}");
        }

        return 0;
    }

    /// <summary>Moves the unfinished record to the buffer's start; only while no frame is marked.</summary>
    private static void Compact(FrameBlock block, ref int filled, ref long fileOffset, ref long position)
    {
        var left = filled - (int)position;
        new Span<byte>(block.Start + position, left).CopyTo(new Span<byte>(block.Start, left));
        fileOffset += position;
        filled = left;
        position = 0;
    }

    private void EndOfInput(int filled, long fileOffset, long position)
    {
        if (_ended)
        {
            return;
        }

        var at = fileOffset + position;
        if (_skip > 0)
        {
            End(string.Create(CultureInfo.InvariantCulture,
                $"{Place(at)}: the file ends here, {_skip} bytes before its last {_walker.RecordNoun} does."));
        }
        else if (filled > position)
        {
            var noun = _walker.RecordNoun;
            var end = fileOffset + filled;
            End(string.Create(CultureInfo.InvariantCulture,
                $"{Place(at)}: the {noun} that begins here is cut short: the file ends at byte {end}."));
        }

        _ended = true;
    }

    private void Keep(FrameBlock block, int filled, long fileOffset, int position)
    {
        _carryLength = _ended ? 0 : filled - position;
        _carryFileOffset = fileOffset + position;
        Invariant.Check(_carryLength <= Limits.FileBlockBytes);
        new Span<byte>(block.Start + position, _carryLength).CopyTo(new Span<byte>(_carry, Limits.FileBlockBytes));
    }

    private LeaseResult Finished() => Fault is null ? LeaseResult.End : LeaseResult.Faulted;

    private void End(string fault)
    {
        Fault ??= fault;
        _ended = true;
    }

    private string Place(long offset) => string.Create(CultureInfo.InvariantCulture,
        $"{Name}, byte {offset}{(_input.IsCompressed ? " of the decompressed content" : "")}");
}
