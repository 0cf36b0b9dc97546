// What a crash left hidden becomes a file that every tool opens: the blocks are walked, the tail that is not whole is
// cut off, a ledger says that the end is lost, and the file is published. Nothing in it is believed beyond its own
// lengths. Runs at start and after a device error; ordinary managed file calls, one file at a time.
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Record.Container;

namespace Tapline.Record;

/// <summary>Cuts an unfinished segment to its last whole block and publishes it.</summary>
internal static class SegmentRepair
{
    private const int WindowBytes = 1 << 20;
    private const int BlockBytesMax = 16 << 20;

    /// <summary>Settles one hidden file; true when it holds frames and was published, false when it held none.</summary>
    /// <param name="folder">The recording's folder.</param>
    /// <param name="path">The hidden file.</param>
    /// <param name="name">What its name says.</param>
    /// <param name="settled">The name under which it was published.</param>
    /// <param name="bytes">Its length.</param>
    public static bool TrySettle(
        string folder, string path, SegmentName name, out SegmentName settled, out long bytes)
    {
        settled = name;
        bytes = 0;
        if (name.IsContainer)
        {
            if (!ContainerRepair.TryMend(path, name.Worker, out var isWhole, out bytes))
            {
                File.Delete(path);
                return false;
            }

            settled = Publish(folder, path, name with { IsRecovered = name.IsRecovered || !isWhole });
            return true;
        }

        bool isComplete;
        bool isRepaired;
        using (var input = SegmentInput.Open(path))
        using (var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            var end = FindEnd(input, out var interfaces, out isComplete, out isRepaired);
            if (interfaces.TrueForAll(i => i.Frames == 0))
            {
                file.Close();
                File.Delete(path);
                return false;
            }

            file.SetLength(end);
            if (!isComplete)
            {
                file.Position = end;
                file.Write(RecoveredLedger(interfaces, name.Worker));
            }

            file.Flush(flushToDisk: true);
            bytes = file.Length;
        }

        name = name with { IsRecovered = name.IsRecovered || !isComplete || isRepaired };
        settled = Publish(folder, path, name);
        return true;
    }

    private static SegmentName Publish(string folder, string path, SegmentName name)
    {
        var from = Encoding.UTF8.GetBytes(path + '\0');
        var target = new PathBuffer(folder);
        while (true)
        {
            name.AddTo(target.Reset(), isHidden: false);
            var result = NativeFile.Publish(from, target.Path);
            if (result == 0)
            {
                return name;
            }

            if (result != -NativeFile.EEXIST)
            {
                throw new IOException($"the leftover {path} can't be renamed: {NativeFile.Describe(result)}.");
            }

            name = name with { StartNs = name.StartNs + 1 };
        }
    }

    /// <summary>The end of the last whole block, and what each interface recorded up to there; whether a ledger ends it, and whether
    /// that is one of ours, by a repair that did not come to its own end.</summary>
    internal static long FindEnd(SegmentInput file, out List<InterfaceTally> interfaces, out bool isComplete, out bool isRepaired)
    {
        interfaces = [];
        isRepaired = false;
        isComplete = false;
        long position = 0;
        var buffer = new byte[WindowBytes];
        var filled = 0;
        var at = 0;
        while (true)
        {
            var block = buffer.AsSpan(at, filled - at);
            var length = block.Length >= 8 ? BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) : 0;
            var isRefillNeeded = block.Length < 8 || length > block.Length;
            if (isRefillNeeded && length <= BlockBytesMax
                && TryRefill(file, position, ref buffer, ref at, ref filled, (int)Math.Max(length, 8)))
            {
                continue;
            }

            if (isRefillNeeded || !IsWhole(block, length, position == 0))
            {
                return position;
            }

            isComplete = Tally(block[..(int)length], interfaces, out isRepaired);
            at += (int)length;
            position += length;
        }
    }

    // Keeps what is unread, makes room for `needed` bytes, reads on; false when the file has no more.
    private static bool TryRefill(SegmentInput file, long position, ref byte[] buffer, ref int at, ref int filled, int needed)
    {
        var unread = buffer.AsSpan(at, filled - at);
        var larger = needed > buffer.Length ? new byte[needed] : buffer;
        unread.CopyTo(larger);
        filled -= at;
        at = 0;
        buffer = larger;
        var read = 0;
        try
        {
            read = file.Read(buffer.AsSpan(filled), position + filled);
        }
        catch (ContainerException)
        {
            // What follows can't be had any more: the end is here.
        }

        filled += read;
        return read > 0;
    }

    private static bool IsWhole(ReadOnlySpan<byte> block, uint length, bool isFirst)
    {
        var type = BinaryPrimitives.ReadUInt32LittleEndian(block);
        return length >= PcapngWriter.BlockFrameBytes && length % 4 == 0 && type != 0
            && (type == PcapngWriter.SectionHeader) == isFirst
            && (!isFirst || BinaryPrimitives.ReadUInt32LittleEndian(block[8..]) == 0x1A2B3C4D)
            && BinaryPrimitives.ReadUInt32LittleEndian(block[((int)length - 4)..]) == length;
    }

    // True when the block is the ledger that ends a segment.
    private static bool Tally(ReadOnlySpan<byte> block, List<InterfaceTally> interfaces, out bool isRepaired)
    {
        isRepaired = false;
        switch (BinaryPrimitives.ReadUInt32LittleEndian(block))
        {
            case PcapngWriter.InterfaceDescription:
                interfaces.Add(new InterfaceTally());
                return false;
            case PcapngWriter.EnhancedPacket when block.Length >= 32:
                var id = BinaryPrimitives.ReadUInt32LittleEndian(block[8..]);
                if (id < interfaces.Count)
                {
                    interfaces[(int)id].Frames++;
                    interfaces[(int)id].Bytes += BinaryPrimitives.ReadUInt32LittleEndian(block[20..]);
                }

                return false;
            default:
                if (BinaryPrimitives.ReadUInt32LittleEndian(block) != LedgerBlock.Type
                    || !LedgerBlock.TryRead(block[8..^4], out _, out var flags, out _, out _))
                {
                    return false;
                }

                isRepaired = (flags & LedgerBlock.RecoveredFlag) != 0;
                return true;
        }
    }

    internal static byte[] RecoveredLedger(List<InterfaceTally> interfaces, int worker)
    {
        var block = new byte[LedgerBlock.BlockBytes(interfaces.Count)];
        LedgerBlock.Begin(block, interfaces.Count, LedgerBlock.RecoveredFlag, worker, 0, 0);
        for (var index = 0; index < interfaces.Count; index++)
        {
            LedgerBlock.WriteRow(block, index, new LedgerBlockRow
            {
                Point = ushort.MaxValue,
                Interface = (uint)index,
                Arrived = -1,
                DroppedRing = -1,
                Captured = -1,
                Recorded = interfaces[index].Frames,
                Filtered = -1,
                DroppedRecorder = -1,
                RecordedBytes = interfaces[index].Bytes,
                Cut = -1,
                OtherClass = -1,
                Sliced = -1,
            });
        }

        LedgerBlock.Finish(block, interfaces.Count);
        return block;
    }

    /// <summary>What one interface of a torn segment still holds.</summary>
    internal sealed class InterfaceTally
    {
        public long Frames { get; set; }

        public long Bytes { get; set; }
    }
}
