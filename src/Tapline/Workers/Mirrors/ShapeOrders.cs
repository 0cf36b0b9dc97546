// A session's shape from its orders: the words become a plan, key files are read, the secret of its hashes is drawn. Key
// files hold secrets, so one that others may read is refused rather than used. Control threads.
using System.Buffers.Binary;
using System.Security.Cryptography;
using Tapline.Mirror.Shape;

namespace Tapline.Workers;

/// <summary>Reads shapes.</summary>
internal static class ShapeOrders
{
    private const int KeyBytes = 32;

    /// <summary>Hexadecimal digits and a line end.</summary>
    private const int KeyFileBytesMax = (2 * KeyBytes) + 2;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite;

    /// <summary>
    /// The plan; null when nothing is ordered, or when something is wrong: then <paramref name="mistake"/> says what, all of
    /// it.
    /// </summary>
    public static ShapePlan? Read(string? words, out string? mistake)
    {
        mistake = null;
        if (string.IsNullOrWhiteSpace(words))
        {
            return null;
        }

        var mistakes = new List<string>();
        var seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        var plan = ShapeParser.Parse(words, ReadKey, seed, mistakes);
        mistake = mistakes.Count == 0 ? null : string.Join(' ', mistakes);
        return plan;
    }

    /// <summary>A key: 32 bytes, or as many in hexadecimal digits, in a file that only its owner can read.</summary>
    public static ShapeKey ReadKey(string path)
    {
        const string Make = "`(umask 077; head -c 32 /dev/urandom > FILE)` makes one";
        try
        {
            // The length first: opening a pipe would wait for its writer.
            var file = new FileInfo(path);
            if (!file.Exists || file.Length is < KeyBytes or > KeyFileBytesMax)
            {
                return new ShapeKey(null, $"{path} is no key file of {KeyBytes} bytes; {Make}.");
            }

            if ((file.UnixFileMode & Others) != 0)
            {
                return new ShapeKey(null, $"The key file {path} can be read by others; `chmod 600 {path}` mends that.");
            }

            var bytes = File.ReadAllBytes(path);
            if (bytes.Length == KeyBytes)
            {
                return new ShapeKey(bytes, null);
            }

            var digits = System.Text.Encoding.ASCII.GetString(bytes).Trim();
            return digits.Length == 2 * KeyBytes && digits.All(char.IsAsciiHexDigit)
                ? new ShapeKey(Convert.FromHexString(digits), null)
                : new ShapeKey(null, $"{path} is no key file of {KeyBytes} bytes; {Make}.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new ShapeKey(null, $"The key file {path} cannot be read: {e.Message.TrimEnd('.')}.");
        }
    }
}
