// Verifies an extract by the manifest beside it: the bytes, the signature, and, where the recording is at hand, the seals of the segments
// that it came from. The manifest is hostile: bounded, and nothing in it is believed beyond its signature. One thread.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Verifies extracts.</summary>
public static class ExtractVerifier
{
    private const int ManifestBytesMax = 256 << 20;

    /// <summary>Verifies one.</summary>
    /// <param name="file">The extract.</param>
    /// <param name="keys">Trusted keys; null = the one that the manifest carries, which is then told.</param>
    /// <param name="recording">The recording's folder whose seals are compared; null = none.</param>
    public static VerifyReport Run(string file, PublicKeys? keys, string? recording)
    {
        ArgumentNullException.ThrowIfNull(file);
        var report = new VerifyReport();
        var path = file + ExtractManifest.Ending;
        try
        {
            var info = new FileInfo(path);
            if (!info.Exists || info.Length > ManifestBytesMax)
            {
                Add(report, FindingKind.Missing, path, info.Exists ? $"{path} has {info.Length} bytes and is no manifest."
                    : $"There is no manifest {path}: nothing proves the extract.");
                return report;
            }

            var text = System.IO.File.ReadAllBytes(path);
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 4 });
            var root = document.RootElement;
            if (root.GetProperty("tapline").GetString() != "extract" || root.GetProperty("version").GetInt32() != 1)
            {
                throw new FormatException("it is for another kind of file, or of a later version");
            }

            CheckSignature(report, path, text, root, keys);
            CheckBytes(report, file, root);
            CheckSources(report, root, recording);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            Add(report, FindingKind.Seal, path, $"{path} is no manifest of an extract: {e.Message.ReplaceLineEndings(" ")}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Add(report, FindingKind.Unreadable, path, $"{file} can't be verified: {e.Message}");
        }

        return report;
    }

    private static void CheckSignature(VerifyReport report, string path, byte[] text, JsonElement root, PublicKeys? keys)
    {
        if (!root.TryGetProperty("key", out var name) || !root.TryGetProperty("signature", out _))
        {
            var why = root.TryGetProperty("unsigned", out var reason) ? $" ({reason.GetString()})" : "";
            if (keys is null)
            {
                report.Note($"The manifest is not signed{why}: it shows that the extract is the one it names, not who made it.");
            }
            else
            {
                Add(report, FindingKind.Seal, path, $"{path} is not signed{why}: no key proves the extract.");
            }

            return;
        }

        var isId = Hash256.TryReadHex(Encoding.UTF8.GetBytes(name.GetString() ?? ""), out var key);
        using var own = keys is null ? PublicKeys.TryParse(root.GetProperty("public_key").GetString() ?? "", path, out _) : null;
        if (isId && (keys ?? own) is { } trusted && SignedText.IsSigned(text, key, trusted))
        {
            report.Note(keys is null
                ? $"Signed by the key {key}, which the manifest itself carries: give --key with a copy that you trust."
                : $"Signed by the key {key}.");
            return;
        }

        Add(report, FindingKind.Seal, path, isId && keys is not null && !keys.Knows(key)
            ? $"{path} was signed by the key {key}, which is not among those trusted."
            : $"The signature of {path} is wrong: the manifest was altered.");
    }

    private static void CheckBytes(VerifyReport report, string file, JsonElement root)
    {
        using var stream = System.IO.File.OpenRead(file);
        var bytes = root.GetProperty("bytes").GetInt64();
        report.BytesAll = stream.Length;
        Span<byte> hash = stackalloc byte[Hash256.Bytes];
        SHA256.HashData(stream, hash);
        report.CountBytes(stream.Length);
        if (stream.Length != bytes)
        {
            report.Add(new VerifyFinding(stream.Length < bytes ? FindingKind.Cut : FindingKind.Grown, string.Create(
                CultureInfo.InvariantCulture, $"{file} had {bytes} bytes when it was made and has {stream.Length}."))
                { File = file, OffsetFirst = Math.Min(bytes, stream.Length), OffsetLast = Math.Max(bytes, stream.Length) - 1 });
        }
        else if (Hash256.Read(hash).ToString() != root.GetProperty("sha256").GetString())
        {
            Add(report, FindingKind.Altered, file, $"{file} was altered: its SHA-256 is not that of its manifest.");
        }

        var name = root.GetProperty("file").GetString();
        if (name != Path.GetFileName(file))
        {
            report.Note($"The extract was made as {name}.");
        }

        if (!root.GetProperty("complete").GetBoolean())
        {
            report.Note("The extract states that it is not complete: its manifest lists the holes.");
        }
    }

    private static void CheckSources(VerifyReport report, JsonElement root, string? recording)
    {
        using var none = new PublicKeys();
        var (sealedSegments, unsealed, there) = (0, 0, 0);
        foreach (var item in root.GetProperty("segments").EnumerateArray())
        {
            var segment = item.GetProperty("segment").GetString() ?? "";
            if (!item.TryGetProperty("seal", out var link))
            {
                unsealed++;
                continue;
            }

            sealedSegments++;
            if (recording is null || segment.Contains('/', StringComparison.Ordinal)
                || SealedFile.TryRead(recording, Path.ChangeExtension(segment, ".sig"), none) is not { Seal.Sequence: > 0 } seal)
            {
                continue;
            }

            there++;
            if (seal.Seal.Link.ToString() != link.GetString())
            {
                Add(report, FindingKind.Foreign, segment,
                    $"{segment} of the recording has another seal than the one that the extract came from.");
            }
        }

        report.Note(string.Create(CultureInfo.InvariantCulture, $"It came from {sealedSegments} sealed segments")
            + (unsealed > 0 ? string.Create(CultureInfo.InvariantCulture, $" and {unsealed} without a seal") : "")
            + (recording is null ? "." : string.Create(CultureInfo.InvariantCulture, $"; {there} of them are still in the recording.")));
    }

    private static void Add(VerifyReport report, FindingKind kind, string file, string sentence) =>
        report.Add(new VerifyFinding(kind, sentence) { File = file });
}
