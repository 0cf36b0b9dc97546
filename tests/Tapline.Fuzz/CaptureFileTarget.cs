// The capture file readers on hostile files. Oracle: a file read in crumbs gives the same frames, times and fault as
// one read at once; frames never add up to more than the file; places and numbers go up.
using System.Buffers.Binary;
using System.IO.Compression;
using Tapline.Base;
using Tapline.Capture;
using Tapline.Capture.Files;
using Tapline.Tests.Support;
using Tapline.Workers.Imports;

namespace Tapline.Fuzz;

/// <summary>Fuzzes pcap, pcapng and gzip.</summary>
public sealed class CaptureFileTarget : IFuzzTarget
{
    private readonly FrameBlock _block = new();
    private readonly PacketOptions _options = new();

    public string Name => "capture-file";

    public IReadOnlyList<byte[]> Seeds { get; } = MakeSeeds();

    public void Run(ReadOnlySpan<byte> input)
    {
        var bytes = input.ToArray();
        var whole = Read(new MemoryStream(bytes), bytes.Length);
        var crumbs = Read(new CrumbStream(bytes), bytes.Length);
        // Where a broken gzip stream ends depends on how it is read, so only sound ones are compared.
        var broken = whole.Fault == "gzip" || crumbs.Fault == "gzip";
        if (whole != crumbs && !broken)
        {
            throw new FuzzFinding($"Read at once: {whole}. Read in crumbs: {crumbs}.");
        }
    }

    public void Dispose() => _block.Dispose();

    private static byte[][] MakeSeeds()
    {
        var small = SampleFrames.All.Where(sample => sample.Bytes.Length < 200);
        var frames = small.Select(sample => sample.Bytes).ToArray();
        var seeds = new List<byte[]>();
        foreach (var big in new[] { false, true })
        {
            foreach (var magic in new uint[] { 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34 })
            {
                var file = new CaptureBytes(big).PcapHeader(magic);
                for (uint i = 0; i < 6; i++)
                {
                    file.PcapRecord(frames[i], i, i, extra: magic == 0xA1B2CD34 ? 8 : 0);
                }

                seeds.Add(file.ToArray());
            }

            var ng = new CaptureBytes(big);
            ng.Section().Interface(1, 0, ng.Option(2, 65, 66), ng.Option(9, 9), ng.Option64(14, 7));
            ng.Enhanced(frames[0], 5).Simple(frames[1]).Obsolete(frames[2], 9);
            ng.Block(5, new byte[24]).Block(0xBAD, new byte[40]).Section(40).Interface(113, 64);
            ng.Interface(1, 0, ng.Option(9, 0x86), ng.Option(13, 4)).Enhanced(frames[3], 3, id: 1);
            byte[] said = [.. ng.Option(1, 72, 105), .. ng.Option(2, ng.U32(0x81)), .. ng.Option64(4, 7), .. ng.Option(0)];
            ng.Block(6, ng.U32(0), ng.U32(0), ng.U32(9), ng.U32(4), ng.U32(60), new byte[4], said);
            seeds.Add(ng.ToArray());
        }

        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(seeds[0]);
        }

        seeds.Add(zipped.ToArray());
        return [.. seeds];
    }

    /// <summary>All that a reader says, in one comparable value.</summary>
    private (long Frames, ulong Hash, string Fault, int Interfaces) Read(Stream stream, int length)
    {
        using var reader = CaptureFileReader.Open("input", stream, 0, out var error);
        if (reader is null)
        {
            Must(error.Length > 0 && !error.Contains('\n'), "one sentence says why a file is refused");
            return (0, 0, error.Contains("gzip", StringComparison.Ordinal) ? "gzip" : error, 0);
        }

        var hash = new Delivered();
        long frames = 0, bytes = 0, place = -1;
        var blocks = 0;
        LeaseResult result;
        while ((result = reader.Read(_block, -1)) == LeaseResult.Frames)
        {
            Must(_block.Count > 0, "a block that is handed on has frames");
            Must(_block.Sequence == blocks++, "blocks are counted");
            for (var i = 0; i < _block.Count; i++)
            {
                ref var meta = ref _block.Meta(i);
                Must(meta.FrameNumber == ++frames, "frames are numbered from 1");
                Must(meta.SourceOffset > place, "places go up");
                Must(meta.OriginalLength >= meta.CapturedLength && meta.CapturedLength >= 0, "original >= captured");
                Must(meta.PointId < reader.Interfaces.Count, "each frame's interface is known");
                place = meta.SourceOffset;
                bytes += meta.CapturedLength;
                hash.Add(_block.Bytes(i), meta.TimestampNs, meta.OriginalLength);
                var options = _options.Take(_block.Options(i, out var isBigEndian), isBigEndian, withoutFcs: false);
                Must(AreSound(options), "what is taken over of a packet's options can be read");
                hash.Add(options, 0, 0);
            }
        }

        Must(result == (reader.Fault is null ? LeaseResult.End : LeaseResult.Faulted), "the end is told truly");
        Must(bytes <= length * 1100L, "no more bytes than the file had (gzip makes at most a thousand of one)");
        var fault = reader.Fault ?? "";
        var zipped = fault.Contains("decompressed", StringComparison.Ordinal);
        return zipped ? (0, 0, "gzip", 0) : (frames, hash.Value, fault, reader.Interfaces.Count);
    }

    private static bool AreSound(ReadOnlySpan<byte> options)
    {
        while (options.Length >= 4)
        {
            var code = BinaryPrimitives.ReadUInt16LittleEndian(options);
            var length = 4 + PcapngWriter.Pad(BinaryPrimitives.ReadUInt16LittleEndian(options[2..]));
            if (code == 0 || length > options.Length)
            {
                return false;
            }

            options = options[length..];
        }

        return options.IsEmpty;
    }

    private static void Must(bool holds, string what)
    {
        if (!holds)
        {
            throw new FuzzFinding($"It does not hold that {what}.");
        }
    }

    /// <summary>FNV over what was delivered.</summary>
    private struct Delivered
    {
        public ulong Value;

        public void Add(ReadOnlySpan<byte> bytes, long time, int length)
        {
            Value = (Value ^ (ulong)time ^ (ulong)length) * 0x100000001B3;
            foreach (var value in bytes)
            {
                Value = (Value ^ value) * 0x100000001B3;
            }
        }
    }

    /// <summary>Gives one to seven bytes at a time.</summary>
    private sealed class CrumbStream(byte[] bytes) : Stream
    {
        private int _position;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => bytes.Length;

        public override long Position { get => _position; set => throw new NotSupportedException(); }

        public override int Read(Span<byte> buffer)
        {
            var count = Math.Min(Math.Min(buffer.Length, 1 + (_position % 7)), bytes.Length - _position);
            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
