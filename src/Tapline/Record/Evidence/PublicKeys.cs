// Public keys by which seals, journals and manifests are checked: read from a PEM file that may hold several. What a key has
// signed names it by the SHA-256 of its SubjectPublicKeyInfo. Files of other people's making are bounded. Any thread.
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Tapline.Record.Evidence;

/// <summary>Trusted keys.</summary>
public sealed class PublicKeys : IDisposable
{
    internal const int FileBytesMax = 256 * 1024;
    private const int KeysMax = 256;
    private readonly Dictionary<Hash256, byte[]> _keys = [];

    // A key object serves one thread at a time.
    private readonly ConcurrentDictionary<Hash256, ConcurrentBag<ECDsa>> _idle = new();

    /// <summary>No key at all: what is read by it is not believed.</summary>
    internal PublicKeys()
    {
    }

    /// <summary>Ids of the keys.</summary>
    public IReadOnlyList<string> Ids => [.. _keys.Keys.Select(k => k.ToString())];

    /// <summary>Reads a file of public keys, or of a private one; null and a sentence when it holds none.</summary>
    public static PublicKeys? TryRead(string path, out string? error)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists || file.Length > FileBytesMax)
            {
                error = !file.Exists ? $"There is no key {path}." : $"{path} has {file.Length} bytes and is no file of public keys.";
                return null;
            }

            return TryParse(File.ReadAllText(path), path, out error);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The key {path} can't be read: {e.Message}";
            return null;
        }
    }

    /// <summary>The keys in a PEM text; null and a sentence when there are none.</summary>
    public static PublicKeys? TryParse(string text, string name, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        var keys = new PublicKeys();
        var rest = text.AsSpan();
        while (keys._keys.Count < KeysMax && PemEncoding.TryFind(rest, out var fields))
        {
            keys.TryAdd(rest[fields.Location]);
            rest = rest[fields.Location.End..];
        }

        error = keys._keys.Count > 0 ? null
            : $"{name} holds no public key in PEM; the node writes one beside its own, `node.pub` in the data folder.";
        return error is null ? keys : null;
    }

    public void Dispose()
    {
        foreach (var key in _idle.Values.SelectMany(b => b))
        {
            key.Dispose();
        }
    }

    internal bool Knows(in Hash256 id) => _keys.ContainsKey(id);

    /// <summary>Checks a signature (DER) of a SHA-256.</summary>
    internal bool Verify(in Hash256 id, in Hash256 hash, ReadOnlySpan<byte> signature)
    {
        if (!_keys.TryGetValue(id, out var info))
        {
            return false;
        }

        var idle = _idle.GetOrAdd(id, _ => []);
        if (!idle.TryTake(out var key))
        {
            key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(info, out _);
        }

        Span<byte> bytes = stackalloc byte[Hash256.Bytes];
        hash.Write(bytes);
        try
        {
            return key.VerifyHash(bytes, signature, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            return false; // no DER at all
        }
        finally
        {
            idle.Add(key);
        }
    }

    private void TryAdd(ReadOnlySpan<char> pem)
    {
        using var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            if (key.KeySize == 256)
            {
                var info = key.ExportSubjectPublicKeyInfo();
                _keys[Hash256.Of(info)] = info;
            }
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            // another kind of PEM, a certificate say
        }
    }
}
