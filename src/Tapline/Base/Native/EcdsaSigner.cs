// ECDSA signatures without a managed byte: the runtime's own call allocates some hundred bytes each, and segments are sealed
// while frames flow. Calls the libcrypto that the runtime has loaded, on a context that is made once (EVP_PKEY_sign(3)); where
// that can't be found the runtime's call is used. In: a SHA-256. Out: the signature in DER, as openssl(1) reads it.
// Owns the context and a reference to the key. Thread-safe.
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Tapline.Base.Native;

/// <summary>Signs hashes with one P-256 key.</summary>
internal sealed unsafe class EcdsaSigner : IDisposable
{
    /// <summary>The longest signature: two integers of 33 bytes with their heads, in a sequence.</summary>
    public const int SignatureBytesMax = 72;

    private const uint OpenSsl3 = 0x3000_0000;
    private readonly Lock _gate = new();
    private readonly ECDsa _key;
    private readonly SafeEvpPKeyHandle _handle;
    private readonly nint _context;
    private readonly delegate* unmanaged<nint, byte*, nuint*, byte*, nuint, int> _sign;
    private readonly delegate* unmanaged<nint, void> _free;

    /// <param name="key">A P-256 key; owned from here on.</param>
    public EcdsaSigner(ECDsa key)
    {
        _key = key;
        using (var copy = new ECDsaOpenSsl())
        {
            copy.ImportParameters(key.ExportParameters(includePrivateParameters: true));
            _handle = copy.DuplicateKeyHandle();
        }

        var library = SafeEvpPKeyHandle.OpenSslVersion >= OpenSsl3 ? "libcrypto.so.3" : "libcrypto.so.1.1";
        if (!NativeLibrary.TryLoad(library, out var loaded)
            || !NativeLibrary.TryGetExport(loaded, "EVP_PKEY_CTX_new", out var make)
            || !NativeLibrary.TryGetExport(loaded, "EVP_PKEY_sign_init", out var begin)
            || !NativeLibrary.TryGetExport(loaded, "EVP_PKEY_sign", out var sign)
            || !NativeLibrary.TryGetExport(loaded, "EVP_PKEY_CTX_free", out var free))
        {
            return;
        }

        var context = ((delegate* unmanaged<nint, nint, nint>)make)(_handle.DangerousGetHandle(), 0);
        _free = (delegate* unmanaged<nint, void>)free;
        if (context != 0 && ((delegate* unmanaged<nint, int>)begin)(context) != 1)
        {
            _free(context);
            return;
        }

        _context = context;
        _sign = (delegate* unmanaged<nint, byte*, nuint*, byte*, nuint, int>)sign;
    }

    /// <summary>True when nothing is allocated by <see cref="Sign"/>.</summary>
    public bool IsNative => _context != 0;

    /// <summary>Signs a hash of 32 bytes; the length of the signature.</summary>
    /// <param name="hash">A SHA-256.</param>
    /// <param name="signature">At least <see cref="SignatureBytesMax"/> bytes.</param>
    public int Sign(ReadOnlySpan<byte> hash, Span<byte> signature)
    {
        Invariant.Check(hash.Length == SHA256.HashSizeInBytes && signature.Length >= SignatureBytesMax);
        lock (_gate)
        {
            if (_context != 0)
            {
                fixed (byte* from = hash)
                fixed (byte* to = signature)
                {
                    var length = (nuint)signature.Length;
                    if (_sign(_context, to, &length, from, (nuint)hash.Length) == 1)
                    {
                        return (int)length;
                    }
                }
            }

            Invariant.Check(_key.TrySignHash(hash, signature, DSASignatureFormat.Rfc3279DerSequence, out var written));
            return written;
        }
    }

    /// <summary>The private key as PEM (PKCS#8), to be kept.</summary>
    public string ExportPem() => _key.ExportPkcs8PrivateKeyPem() + "\n";

    public void Dispose()
    {
        lock (_gate)
        {
            if (_context != 0)
            {
                _free(_context);
            }

            _handle.Dispose();
            _key.Dispose();
        }
    }
}
