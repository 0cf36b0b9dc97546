// A key of encrypted segments: 256 random bits in a file that nobody but its owner may read, as 64 hexadecimal digits. Its id, a
// part of its hash, stands in each file that it closes, so that the right one can be named without being known. In: a file,
// which may be anything; out: a key, or one sentence. The key never appears in a message.
using System.Security.Cryptography;
using System.Text;

namespace Tapline.Record.Container;

/// <summary>A key. Immutable; any thread.</summary>
public sealed class SegmentKey
{
    /// <summary>Bytes of a key.</summary>
    public const int Bytes = 32;

    internal const int IdBytes = 8;
    private const int Digits = 2 * Bytes;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly byte[] _bytes;

    private SegmentKey(byte[] bytes, string path)
    {
        _bytes = bytes;
        Path = path;
        IdValue = IdOf(bytes);
    }

    /// <summary>The whole path of its file.</summary>
    public string Path { get; }

    /// <summary>Its name, 16 digits: what is shown of it.</summary>
    public string Id => Name(IdValue);

    internal ulong IdValue { get; }

    internal ReadOnlySpan<byte> Secret => _bytes;

    /// <summary>What an id is called.</summary>
    internal static string Name(ulong id) => id.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Makes a new key in a file that must not exist; null and a sentence when that can't be.</summary>
    public static SegmentKey? Create(string path, out string? error)
    {
        path = System.IO.Path.GetFullPath(path);
        error = null;
        var key = RandomNumberGenerator.GetBytes(Bytes);
        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
            });
            file.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key) + "\n"));
            file.Flush(flushToDisk: true);
            return new SegmentKey(key, path);
        }
        catch (IOException) when (System.IO.Path.Exists(path))
        {
            error = $"{path} is there already, and a key is never overwritten: what it has encrypted would be lost. Name a new file.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The key {path} can't be written: {e.Message}";
        }

        return null;
    }

    /// <summary>Reads a key; null and a sentence that names the mend when the file is none, or others may read it.</summary>
    public static SegmentKey? TryRead(string path, out string? error)
    {
        path = System.IO.Path.GetFullPath(path);
        error = null;
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                error = $"There is no key {path}; `tapline key new {path}` makes one.";
            }
            else if ((file.UnixFileMode & ~OwnerOnly) != 0)
            {
                error = $"Others may read the key {path}; take that from them: `chmod 600 {path}`.";
            }
            else if (file.Length is Digits or Digits + 1 && Parse(path) is { } key)
            {
                return new SegmentKey(key, path);
            }
            else
            {
                error = $"{path} is no key: one is {Digits} hexadecimal digits in a file of its own; `tapline key new FILE` makes one.";
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The key {path} can't be read: {e.Message}";
        }

        return null;
    }

    /// <summary>The sentence where this host can't encrypt; null = it can.</summary>
    public static string? FindProblem() => AesGcm.IsSupported
        ? null : "This host has no library for AES-GCM; install OpenSSL (package libssl3), or record without encryption.";

    private static ulong IdOf(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        using var hasher = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hasher.AppendData("tapline key id 1"u8);
        hasher.AppendData(key);
        hasher.GetHashAndReset(hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
    }

    private static byte[]? Parse(string path)
    {
        Span<byte> text = stackalloc byte[Digits + 1];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read);
        var read = file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false);
        var key = new byte[Bytes];
        var isKey = (read == Digits || (read == Digits + 1 && text[Digits] == '\n'))
            && Convert.FromHexString(text[..Digits], key, out _, out var written) == System.Buffers.OperationStatus.Done
            && written == Bytes;
        return isKey ? key : null;
    }
}
