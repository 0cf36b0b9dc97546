// Ready-made options of pcapng blocks from text: what a recording and a stream say about a point. Text may be hostile (a
// guest's owner chooses names), so it is bounded, cut between two characters, and without the control and direction characters
// by which a terminal or a list of packets could be led astray. Allocates; made when a point appears.
using System.Globalization;
using System.Text;

namespace Tapline.Base;

/// <summary>Options as bytes. Any thread.</summary>
internal static class PcapngOptions
{
    private const int NameBytesMax = 256;
    private const int DescriptionBytesMax = 1024;

    /// <summary>Options of an interface block: if_name, if_description, if_speed, if_tsresol (nanoseconds), if_filter.</summary>
    /// <param name="name">Of the point.</param>
    /// <param name="description">What is behind it.</param>
    /// <param name="speedBitsPerSecond">0 = unknown.</param>
    /// <param name="filter">The expression that selected the frames; null = all were wanted.</param>
    public static byte[] Interface(string name, string description, long speedBitsPerSecond, string? filter) =>
    [
        .. Make(2, Text(name, NameBytesMax)),
        .. Make(3, Text(description, DescriptionBytesMax)),
        .. speedBitsPerSecond > 0 ? Make(8, BitConverter.GetBytes(speedBitsPerSecond)) : [],
        .. Make(9, [9]),
        .. filter is null ? [] : Make(11, [0, .. Text(filter, DescriptionBytesMax)]),
    ];

    /// <summary>Options of a section header: opt_comment, shb_hardware, shb_os, shb_userappl.</summary>
    public static byte[] Section(string comment)
    {
        var version = typeof(PcapngOptions).Assembly.GetName().Version?.ToString(3);
        return
        [
            .. Make(1, Text(comment, DescriptionBytesMax)),
            .. Make(2, Text(System.Runtime.InteropServices.RuntimeInformation.OSArchitecture.ToString(), NameBytesMax)),
            .. Make(3, Text(System.Runtime.InteropServices.RuntimeInformation.OSDescription, NameBytesMax)),
            .. Make(4, Text($"Tapline {version}", NameBytesMax)),
        ];
    }

    private static byte[] Make(ushort code, byte[] value)
    {
        var option = new byte[4 + PcapngWriter.Pad(value.Length)];
        PcapngWriter.WriteOption(option, code, value);
        return option;
    }

    private static byte[] Text(string text, int bytesMax)
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(text.Take(bytesMax).Select(static c => IsMisleading(c) ? '?' : c)));
        var length = Math.Min(bytes.Length, bytesMax);
        while (length > 0 && length < bytes.Length && (bytes[length] & 0xc0) == 0x80)
        {
            length--;
        }

        return bytes[..length];
    }

    private static bool IsMisleading(char c) => char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
