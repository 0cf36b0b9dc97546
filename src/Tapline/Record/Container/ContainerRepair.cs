// What a crash left of a container becomes one that every reader of ours opens: it is cut after its last whole block, the content
// is cut after its last whole pcapng block (a later block of the container says so, nothing is written twice), and ledger, table
// and trailer are added. Runs at start and after a device error. Without its key, or with a header of a later version, it is cut
// and shown as it is: who can read it finds its end.
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>Ends unfinished containers.</summary>
internal static class ContainerRepair
{
    /// <summary>Mends a hidden container in place. False when it holds no frame.</summary>
    /// <param name="path">The file.</param>
    /// <param name="worker">The worker that wrote it.</param>
    /// <param name="isComplete">Its content lacked nothing.</param>
    /// <param name="bytes">Its length now.</param>
    public static bool TryMend(string path, int worker, out bool isComplete, out long bytes)
    {
        isComplete = false;
        bytes = 0;
        try
        {
            using var input = SegmentInput.Open(path);
            var end = SegmentRepair.FindEnd(input, out var interfaces, out isComplete, out _);
            if (interfaces.TrueForAll(i => i.Frames == 0))
            {
                return false;
            }

            var container = input.Container!;
            if (!isComplete || !container.IsFinished || end != container.Length)
            {
                Finish(path, container, end, isComplete ? [] : SegmentRepair.RecoveredLedger(interfaces, worker));
            }

            bytes = new FileInfo(path).Length;
            return true;
        }
        catch (ContainerException)
        {
            isComplete = false;
            return TryCut(path, out bytes);
        }
    }

    private static void Finish(string path, ContainerReader container, long end, ReadOnlySpan<byte> ledger)
    {
        // Blocks that begin at or after the end hold nothing whole.
        var blocks = container.Blocks;
        var count = end == 0 ? 0 : blocks.Find(end - 1) + 1;
        var fileEnd = count == 0 ? ContainerHeader.Bytes : blocks.FileEndOf(count - 1);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        using var sink = new ContainerSink(new ContainerEncoder(SegmentCompression.None, container.Key));
        sink.Resume(container.Head, blocks.Rows[..count], end, fileEnd);
        file.SetLength(fileEnd);
        file.Position = fileEnd;
        Invariant.Check(sink.Add(ledger, Append) == 0 && sink.End(Append) == 0);
        file.Flush(flushToDisk: true);

        int Append(ReadOnlySpan<byte> part, long offset)
        {
            file.Write(part);
            return 0;
        }
    }

    private static bool TryCut(string path, out long bytes)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var blocks = new ContainerBlocks(file.SafeFileHandle);
        _ = blocks.TryGrow();
        bytes = blocks.BlocksEnd;
        if (blocks.Rows.IsEmpty)
        {
            return false;
        }

        file.SetLength(bytes);
        file.Flush(flushToDisk: true);
        return true;
    }
}
