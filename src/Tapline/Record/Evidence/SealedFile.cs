// A seal that lies in a folder, with what was found of it and of its segment's file. Filled by one thread, then read by others.
using System.Text;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>One `.sig` file.</summary>
internal sealed class SealedFile
{
    /// <summary>Its name; the segment's is the same with another ending.</summary>
    public required string Name { get; init; }

    public SegmentSeal Seal;

    public List<Hash256> Blocks { get; } = [];

    /// <summary>The name that the seal gives its segment.</summary>
    public string Segment { get; private set; } = "";

    /// <summary>What is wrong with it, as half a sentence; null = a trusted key has signed it.</summary>
    public string? Mistake { get; private set; }

    /// <summary>The chain's number as texts have it.</summary>
    public string ChainText => Seal.Chain.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);

    public long StartNs => SegmentCompanions.TryParse(Name, out var name) ? name.StartNs : 0;

    /// <summary>Reads one; null when it is gone.</summary>
    public static SealedFile? TryRead(string folder, string name, PublicKeys keys)
    {
        var file = new SealedFile { Name = name };
        try
        {
            var path = Path.Combine(folder, name);
            var bytes = new FileInfo(path).Length > Limits.SealBytesMax ? [] : File.ReadAllBytes(path);
            if (!SealText.TryRead(bytes, out file.Seal, file.Blocks))
            {
                file.Mistake = "it is not the text that Tapline writes: it was cut or altered";
                return file;
            }

            file.Segment = Encoding.UTF8.GetString(bytes.AsSpan(file.Seal.Name));
            file.Mistake = !keys.Knows(file.Seal.Key) ? $"it names the key {file.Seal.Key}, which is not among those trusted"
                : !SignedText.IsSigned(bytes, file.Seal.Key, keys) ? "its signature is wrong: it was altered"
                : null;
            return file;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file.Mistake = $"it can't be read: {e.Message}";
            return file;
        }
    }
}
