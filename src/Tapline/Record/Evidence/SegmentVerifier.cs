// Compares a segment's bytes with its seal, block by block, and its index with the seal or, where that has none or another, with
// what its packets give. Memory: one block per call. Any thread.
using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Tapline.Record.Container;
using Tapline.Record.Index;

namespace Tapline.Record.Evidence;

/// <summary>Checks one segment at a time.</summary>
/// <param name="folder">The folder's path.</param>
/// <param name="prefix">What stands before names in findings: the folder as seen from the recording.</param>
/// <param name="report">Gets what is found.</param>
/// <param name="makeIndex">Makes an index anew at another path; null = such indexes are not checked.</param>
internal sealed class SegmentVerifier(string folder, string prefix, VerifyReport report, Func<string, string, bool>? makeIndex)
{
    private const int CompareBytes = 64 * 1024;

    /// <summary>Checks a segment; false when its file is gone.</summary>
    /// <param name="name">The segment's file.</param>
    /// <param name="seal">Its seal, which a trusted key has signed.</param>
    /// <param name="others">Names of segments by their first block, to say whose bytes are in a wrong place.</param>
    /// <param name="stop">Ends soon after it is set.</param>
    public bool TryCheck(string name, SealedFile seal, IReadOnlyDictionary<Hash256, string> others, CancellationToken stop)
    {
        try
        {
            using var file = new FileStream(
                Path.Combine(folder, name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0,
                FileOptions.SequentialScan);
            var isSound = CheckBytes(name, file, seal, others, stop);
            report.CountSegment();
            if (isSound && !stop.IsCancellationRequested)
            {
                CheckIndex(name, seal, stop);
            }
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            report.Add(Finding(FindingKind.Unreadable, seal, $"{prefix}{name} can't be read: {e.Message}") with { File = prefix + name });
        }

        return true;
    }

    private bool CheckBytes(
        string name, FileStream file, SealedFile seal, IReadOnlyDictionary<Hash256, string> others, CancellationToken stop)
    {
        var length = file.Length;
        var sealedBytes = seal.Seal.Bytes;
        var isSound = length == sealedBytes;
        if (length != sealedBytes)
        {
            var kind = length < sealedBytes ? FindingKind.Cut : FindingKind.Grown;
            report.Add(Finding(kind, seal, string.Create(CultureInfo.InvariantCulture,
                $"{prefix}{name} was sealed with {sealedBytes} bytes and has {length}."))
                with { File = prefix + name, OffsetFirst = Math.Min(length, sealedBytes), OffsetLast = Math.Max(length, sealedBytes) - 1 });
        }

        var buffer = ArrayPool<byte>.Shared.Rent(BlockHashes.BlockBytes);
        var badFrom = -1;
        try
        {
            for (var block = 0; block < seal.Blocks.Count && !stop.IsCancellationRequested; block++)
            {
                var offset = (long)block * BlockHashes.BlockBytes;
                var wanted = (int)Math.Min(BlockHashes.BlockBytes, sealedBytes - offset);
                var read = file.ReadAtLeast(buffer.AsSpan(0, wanted), wanted, throwOnEndOfStream: false);
                report.CountBytes(read);
                var isCut = read < wanted;
                var hash = Hash256.Of(buffer.AsSpan(0, read));
                if (!isCut && hash != seal.Blocks[block])
                {
                    badFrom = badFrom < 0 ? block : badFrom;
                    isSound = false;
                    if (block == 0 && others.TryGetValue(hash, out var other) && other != seal.Segment)
                    {
                        report.Add(Finding(FindingKind.Foreign, seal, $"{prefix}{name} begins with the bytes of {other}.")
                            with { File = prefix + name, OffsetFirst = 0, OffsetLast = length - 1 });
                        return false;
                    }

                    continue;
                }

                ReportRange(name, seal, ref badFrom, block);
                if (isCut)
                {
                    break;
                }
            }

            ReportRange(name, seal, ref badFrom, seal.Blocks.Count);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return isSound;
    }

    // Blocks that differ, one after the other, are one finding.
    private void ReportRange(string name, SealedFile seal, ref int from, int to)
    {
        if (from < 0)
        {
            return;
        }

        var first = (long)from * BlockHashes.BlockBytes;
        var last = Math.Min((long)to * BlockHashes.BlockBytes, seal.Seal.Bytes) - 1;
        var blocks = to - from == 1 ? $"block {from}" : $"blocks {from} to {to - 1}";
        report.Add(Finding(FindingKind.Altered, seal, string.Create(CultureInfo.InvariantCulture,
            $"{prefix}{name} was altered in {blocks} of {seal.Blocks.Count}: bytes {first} to {last}."))
            with { File = prefix + name, OffsetFirst = first, OffsetLast = last });
        from = -1;
    }

    private void CheckIndex(string name, SealedFile seal, CancellationToken stop)
    {
        var segment = Path.Combine(folder, name);
        var path = SegmentIndex.PathOf(segment);
        Hash256 there;
        try
        {
            there = HashOf(path);
        }
        catch (FileNotFoundException)
        {
            return; // a segment without an index is read packet by packet: nothing is hidden
        }

        if ((seal.Seal.HasIndex && there == seal.Seal.Index) || makeIndex is null)
        {
            return;
        }

        // Not the one that was sealed, or none was: it must be what the packets give.
        var beside = Directory.CreateTempSubdirectory("tapline-verify-");
        try
        {
            var target = Path.Combine(beside.FullName, Path.GetFileName(path));
            if (!makeIndex(segment, target))
            {
                if (File.Exists(segment) && !stop.IsCancellationRequested)
                {
                    report.Note($"The index {prefix}{Path.GetFileName(path)} is not proven: none can be made to compare it with.");
                }

                return;
            }

            report.CountIndex();
            if (!IsSame(path, target) && HashOf(path) == there)
            {
                report.Add(Finding(FindingKind.Index, seal,
                    $"The index {prefix}{Path.GetFileName(path)} is not what its segment's packets give: queries that use it may miss "
                    + "packets. Remove it: it is made anew.") with { File = prefix + Path.GetFileName(path) });
            }
        }
        finally
        {
            beside.Delete(recursive: true);
        }
    }

    private static Hash256 HashOf(string path)
    {
        Span<byte> hash = stackalloc byte[Hash256.Bytes];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 0);
        SHA256.HashData(file, hash);
        return Hash256.Read(hash);
    }

    // What the two say, not how it stands on disk: of an encrypted index no two writings are alike.
    private static bool IsSame(string path, string other)
    {
        try
        {
            using var left = SegmentInput.Open(path);
            using var right = SegmentInput.Open(other);
            var bytes = ArrayPool<byte>.Shared.Rent(2 * CompareBytes);
            try
            {
                var isSame = left.Length == right.Length && left.IsEncrypted == right.IsEncrypted;
                for (long offset = 0; isSame && offset < left.Length; offset += CompareBytes)
                {
                    var wanted = (int)Math.Min(CompareBytes, left.Length - offset);
                    isSame = TryFill(left, bytes.AsSpan(0, wanted), offset)
                        && TryFill(right, bytes.AsSpan(CompareBytes, wanted), offset)
                        && bytes.AsSpan(0, wanted).SequenceEqual(bytes.AsSpan(CompareBytes, wanted));
                }

                return isSame;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(bytes);
            }
        }
        catch (ContainerException)
        {
            return false; // altered so that it can't be unpacked
        }
    }

    private static bool TryFill(SegmentInput input, Span<byte> target, long offset)
    {
        while (target.Length > 0)
        {
            var read = input.Read(target, offset);
            if (read == 0)
            {
                return false;
            }

            target = target[read..];
            offset += read;
        }

        return true;
    }

    private static VerifyFinding Finding(FindingKind kind, SealedFile seal, string sentence) =>
        new(kind, sentence) { SinceNs = seal.StartNs, UntilNs = Math.Max(seal.StartNs, seal.Seal.SealedNs) };
}
