// Which format a file has, by its first bytes, and what to tell a user whose file has another one.
namespace Tapline.Capture.Files;

/// <summary>Recognition of formats by content.</summary>
internal static class CaptureFormat
{
    /// <summary>RFC 1952: two identification bytes, method deflate.</summary>
    public static bool IsGzip(ReadOnlySpan<byte> head) => head is [0x1F, 0x8B, 8, ..];

    /// <summary>A section header block: a palindrome, so that it reads the same in either byte order.</summary>
    public static bool IsPcapng(ReadOnlySpan<byte> head) => head.StartsWith("\n\r\r\n"u8);

    /// <summary>
    /// What a file is that cannot be read, and the mend: the end of a sentence that begins with its name.
    /// </summary>
    public static string Explain(ReadOnlySpan<byte> head)
    {
        if (head.IsEmpty)
        {
            return "is empty: it has no capture header.";
        }

        if (head.StartsWith("snoop\0\0\0"u8))
        {
            return Convert("a Solaris snoop capture");
        }

        if (head.StartsWith("btsnoop\0"u8))
        {
            return "is a Bluetooth capture (btsnoop), which has no network frames.";
        }

        if (head.StartsWith("RTSS"u8) || head.StartsWith("GMBU"u8))
        {
            return Convert("a Microsoft Network Monitor capture");
        }

        if (head.StartsWith("TRSNIFF data"u8) || head.StartsWith("XCP\0"u8))
        {
            return Convert("a Sniffer capture");
        }

        if (head.StartsWith("\u007fver"u8) || head.StartsWith("5VIEW"u8))
        {
            return Convert("a capture of another analyser");
        }

        return Compressed(head) ?? (IsText(head)
            ? "is text, not a capture; captures are pcap or pcapng files (`tcpdump -w FILE` writes one)."
            : "is not a capture: it begins neither like pcap nor like pcapng.");
    }

    private static string? Compressed(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> zstandard = [0x28, 0xB5, 0x2F, 0xFD];
        ReadOnlySpan<byte> xz = [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'];
        ReadOnlySpan<byte> lz4 = [0x04, 0x22, 0x4D, 0x18];
        var tool = head.StartsWith(zstandard) ? "zstd -dc"
            : head.StartsWith(xz) ? "xz -dc"
            : head.StartsWith(lz4) ? "lz4 -dc"
            : head.StartsWith("BZh"u8) ? "bzip2 -dc"
            : head.StartsWith("PK\u0003\u0004"u8) ? "unzip -p"
            : head is [0x1F, 0x8B, ..] ? "gzip -dc"
            : null;
        return tool is null ? null : $"is compressed; read it through a pipe: `{tool} FILE | tapline read -`.";
    }

    private static string Convert(string what) =>
        $"is {what}, not pcap or pcapng; convert it first: `editcap -F pcapng FILE FILE.pcapng`.";

    private static bool IsText(ReadOnlySpan<byte> head)
    {
        foreach (var value in head)
        {
            if (value is < 32 or > 126 && value is not (9 or 10 or 13))
            {
                return false;
            }
        }

        return true;
    }
}
