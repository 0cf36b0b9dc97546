// The node's signing key: ECDSA on P-256, made at the first start. The private half (PKCS#8, PEM) is for the recording user
// alone, mode 0600; the public half beside it, `.pub`, holds every key that the node ever had, the newest first, so that what an
// older key signed can still be checked. Files are bounded and checked; one sentence says what is wrong. Control thread.
using System.Security.Cryptography;
using System.Text;
using Tapline.Base.Native;

namespace Tapline.Record.Evidence;

/// <summary>A node's private key. <see cref="Sign"/> is thread-safe.</summary>
public sealed class NodeKey : IDisposable
{
    /// <summary>Its file's name in a data folder.</summary>
    public const string Name = "node.key";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int FileBytesMax = 16 * 1024;
    private readonly EcdsaSigner _signer;
    private readonly string _path;

    private NodeKey(ECDsa key, string path)
    {
        _path = path;
        Public = key.ExportSubjectPublicKeyInfo();
        Id = Hash256.Of(Public);
        _signer = new EcdsaSigner(key);
    }

    /// <summary>SHA-256 of the public key (SubjectPublicKeyInfo, DER), by which seals name it.</summary>
    public string KeyId => Id.ToString();

    /// <summary>The public key as PEM.</summary>
    public string PublicPem => PemEncoding.WriteString("PUBLIC KEY", Public) + "\n";

    internal Hash256 Id { get; }

    internal byte[] Public { get; }

    /// <summary>The public half's file of a private one's.</summary>
    public static string PublicPathOf(string keyPath) => Path.ChangeExtension(keyPath, ".pub");

    /// <summary>Opens a key, or makes one where there is none; null and a sentence when that can't be.</summary>
    public static NodeKey? TryOpenOrMake(string path, out string? error)
    {
        try
        {
            if (File.Exists(path))
            {
                return TryOpen(path, out error);
            }

            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var key = new NodeKey(ECDsa.Create(ECCurve.NamedCurves.nistP256), path);
            if (!key.TryKeep())
            {
                key.Dispose();
                return TryOpen(path, out error);
            }

            error = null;
            return key;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The signing key {path} can't be made: {e.Message} Mend that, or record with evidence off.";
            return null;
        }
    }

    /// <summary>Opens a key; null and a sentence when it can't be.</summary>
    public static NodeKey? TryOpen(string path, out string? error)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Length > FileBytesMax)
            {
                error = $"{path} has {file.Length} bytes and is no signing key. {Mend}";
                return null;
            }

            var key = ECDsa.Create();
            key.ImportFromPem(File.ReadAllText(path));
            if (key.KeySize != 256)
            {
                key.Dispose();
                error = $"The key {path} is not on the curve P-256. {Mend}";
                return null;
            }

            var opened = new NodeKey(key, path);
            error = null;
            opened.Publish();
            return opened;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The signing key {path} can't be read: {e.Message}";
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            error = $"{path} holds no private key in PEM. {Mend}";
        }

        return null;
    }

    /// <summary>A sentence when others than its owner may read a private key; null when not, or when it is not there.</summary>
    public static string? FindExposure(string path)
    {
        var others = UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
        return File.Exists(path) && (File.GetUnixFileMode(path) & others) != 0
            ? $"Others than its owner may use the signing key {path}: whoever reads it can forge evidence."
            : null;
    }

    public void Dispose() => _signer.Dispose();

    /// <summary>This key, and those that the node had before, as far as their public halves are there.</summary>
    public PublicKeys Known()
    {
        var file = new FileInfo(PublicPathOf(_path));
        var before = file.Exists && file.Length <= PublicKeys.FileBytesMax ? File.ReadAllText(file.FullName) : "";
        return PublicKeys.TryParse(PublicPem + before, file.FullName, out _)!;
    }

    /// <summary>Signs a SHA-256 as DER; the signature's length. Any thread; allocates nothing where libcrypto is found.</summary>
    internal int Sign(in Hash256 hash, Span<byte> signature)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Bytes];
        hash.Write(bytes);
        return _signer.Sign(bytes, signature);
    }

    private const string Mend = "Move it away: the next start makes a new key, and the public halves of old ones stay known.";

    // Put there whole and closed to others from the start; a key that somebody else made meanwhile stays.
    private bool TryKeep()
    {
        var beside = $"{_path}.{Environment.ProcessId}.new";
        try
        {
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly,
            };
            using (var file = new FileStream(beside, options))
            {
                file.Write(Encoding.ASCII.GetBytes(_signer.ExportPem()));
                file.Flush(flushToDisk: true);
            }

            File.Move(beside, _path, overwrite: false);
        }
        catch (IOException) when (File.Exists(_path))
        {
            return false;
        }
        finally
        {
            File.Delete(beside);
        }

        Publish();
        return true;
    }

    // Adds the public half where it is missing. Not being able to is no reason not to sign: the private half has it.
    private void Publish()
    {
        var file = PublicPathOf(_path);
        try
        {
            var known = File.Exists(file) ? File.ReadAllText(file) : "";
            if (known.Contains(PublicPem, StringComparison.Ordinal))
            {
                return;
            }

            var beside = $"{file}.{Environment.ProcessId}.new";
            File.WriteAllText(beside, PublicPem + known);
            File.Move(beside, file, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
