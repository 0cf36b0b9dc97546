// What `tapline mirror` can do to a copy, one option for each of the shape's words. The words themselves are parsed where
// the session is opened, so that they mean the same here, in a configuration and on the socket.
using System.CommandLine;
using Tapline.Mirror.Shape;

namespace Tapline.Server.Commands;

/// <summary>Options for shapes.</summary>
internal static class ShapeOptions
{
    private static readonly Option<string>[] s_all =
    [
        Make("dedup", "TIME[,ignore-ttl][,ignore-checksum][,mac]", "Leaves out second copies of a frame within TIME, e.g. 50ms."),
        Make("sample", "[flow:|random:]1/N", "Takes every N-th frame, one frame in N at random, or all frames of one flow in N."),
        Make("strip", "LIST", "Takes headers off: vlan, outer-vlan, mpls, vxlan, geneve, gre, erspan, ipip, gtpu, tunnels."),
        Make("mask", "LIST", "Makes payload unreadable: cards, passwords, http-auth, emails, payload, text:…, regex:… (chapter 4)."),
        Make("mask-fill", "FILL", "What stands there instead: one character, 0x00 to 0xff, or key:FILE."),
        Make("anonymise", "KEYFILE[,all]", "Replaces IP addresses, prefix by prefix, under a key (Crypto-PAn)."),
        Make("mac-dst", "MAC", "New destination MAC address."),
        Make("mac-src", "MAC", "New source MAC address."),
        Make("vlan", "ID[,pcp:N][,ad]", "Puts on a VLAN tag."),
        Make("slice", "LIST", "Keeps N bytes; l2+N, l3+N, l4+N behind a header; packets:N, bytes:N of a flow, then headers (or drop)."),
        Make("cap", "RATE", "Lets through no more than RATE bits a second (100M), or frames (5000fps)."),
        Make("pace", "RATE", "Holds frames back so that they leave at no more than RATE bits a second (100M)."),
    ];

    /// <summary>The options, in the order in which the operations happen.</summary>
    public static IReadOnlyList<Option<string>> All => s_all;

    /// <summary>Those that make sense for packets of a recording: all but rates.</summary>
    public static IEnumerable<Option<string>> ForAnswers => s_all.Where(o => o.Name is not ("--cap" or "--pace"));

    /// <summary>The words as ordered; null when none was given.</summary>
    public static string? Read(ParseResult parsed)
    {
        var parts = new List<string>();
        foreach (var option in s_all)
        {
            if (parsed.GetValue(option) is { } value)
            {
                parts.Add($"{option.Name.TrimStart('-')}={value}");
            }
        }

        return parts.Count == 0 ? null : string.Join(';', parts);
    }

    private static Option<string> Make(string word, string help, string text)
    {
        Tapline.Base.Invariant.Check(ShapeParser.Words.Contains(word));
        return new Option<string>($"--{word}") { Description = text, HelpName = help };
    }
}
