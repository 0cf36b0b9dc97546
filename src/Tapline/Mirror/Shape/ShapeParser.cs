// The operator's words become a plan: `slice=l4+64;dedup=50ms,ignore-ttl;mask=cards,http-auth`. The same words stand on
// the command line, in the engine's `;`-separated form and as keys of a configuration. All mistakes are found in one
// go, each a sentence that names the mend. Keys come from files, which whoever calls this reads: here is no file.
using System.Globalization;

namespace Tapline.Mirror.Shape;

/// <summary>A key file's content, or what is wrong with it.</summary>
public readonly record struct ShapeKey(byte[]? Bytes, string? Mistake);

/// <summary>Parses shapes. Lives for one call.</summary>
public sealed class ShapeParser
{
    private const long DefaultWindowNs = 50_000_000;
    private const int ItemsMax = 32;

    private static readonly string[] s_words =
    [
        "dedup", "sample", "strip", "mask", "mask-fill", "anonymise", "mac-dst", "mac-src", "vlan", "slice", "cap",
        "pace",
    ];

    private readonly Func<string, ShapeKey> _readKey;
    private readonly List<string> _mistakes;
    private ShapePlan _plan;

    private ShapeParser(Func<string, ShapeKey> readKey, ulong seed, List<string> mistakes)
    {
        _readKey = readKey;
        _mistakes = mistakes;
        _plan = new ShapePlan { Seed = seed };
    }

    /// <summary>The words that a shape is made of, in the order in which their operations happen.</summary>
    public static IReadOnlyList<string> Words => s_words;

    /// <summary>The plan, or null and at least one sentence more in <paramref name="mistakes"/>.</summary>
    /// <param name="text">Words with values, separated by semicolons.</param>
    /// <param name="readKey">Reads a key file of the name.</param>
    /// <param name="seed">Secret for hashes and samples; the same seed shapes the same frames to the same bytes.</param>
    /// <param name="mistakes">Gets one sentence for each mistake.</param>
    public static ShapePlan? Parse(string text, Func<string, ShapeKey> readKey, ulong seed, List<string> mistakes)
    {
        var parser = new ShapeParser(readKey, seed, mistakes);
        var before = mistakes.Count;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? fill = null;
        foreach (var part in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            var word = equals < 0 ? part : part[..equals].TrimEnd();
            var value = equals < 0 ? "" : part[(equals + 1)..].Trim();
            if (!seen.Add(word))
            {
                mistakes.Add($"{word} stands twice; put its values into one list, separated by commas.");
            }
            else if (word == "mask-fill")
            {
                fill = value;
            }
            else
            {
                parser.Word(word, value);
            }
        }

        parser.Fill(fill);
        parser.FindConflicts();
        return mistakes.Count == before ? parser._plan : null;
    }

    private void Word(string word, string value)
    {
        switch (word)
        {
            case "dedup": Dedup(value); break;
            case "sample": Sample(value); break;
            case "strip": Strip(value); break;
            case "mask": _plan = _plan with { Mask = MaskParser.Parse(value, _mistakes) }; break;
            case "anonymise" or "anonymize": Anonymise(value); break;
            case "mac-dst": _plan = _plan with { DestinationMac = Mac(word, value) }; break;
            case "mac-src": _plan = _plan with { SourceMac = Mac(word, value) }; break;
            case "vlan": Vlan(value); break;
            case "slice": Slice(value); break;
            case "cap": Cap(value); break;
            case "pace": Pace(value); break;
            default:
                _mistakes.Add($"\"{word}\" is nothing that a mirror does to a copy; it knows {string.Join(", ", s_words)}.");
                break;
        }
    }

    private void Dedup(string value)
    {
        _plan = _plan with { DedupWindowNs = DefaultWindowNs };
        foreach (var item in Items(value))
        {
            switch (item)
            {
                case "on": break;
                case "ignore-ttl": _plan = _plan with { DedupIgnoresTtl = true }; break;
                case "ignore-checksum": _plan = _plan with { DedupIgnoresChecksum = true }; break;
                case "mac": _plan = _plan with { DedupComparesMac = true }; break;
                default:
                    if (ShapeNumbers.TryTimeNs(item, out var ns) && ns is >= 1000 and <= 10_000_000_000)
                    {
                        _plan = _plan with { DedupWindowNs = ns };
                        break;
                    }

                    _mistakes.Add($"dedup does not understand \"{item}\"; it takes a time from 1us to 10s, ignore-ttl, "
                        + "ignore-checksum, mac, e.g. dedup=50ms,ignore-ttl.");
                    break;
            }
        }
    }

    private void Sample(string value)
    {
        var colon = value.IndexOf(':', StringComparison.Ordinal);
        var by = colon < 0 ? SampleBy.Frame : value[..colon] switch
        {
            "flow" => SampleBy.Flow,
            "random" => SampleBy.Random,
            "frame" => SampleBy.Frame,
            _ => SampleBy.None,
        };
        var ratio = value[(colon + 1)..];
        ratio = ratio.StartsWith("1/", StringComparison.Ordinal) ? ratio[2..] : ratio;
        if (by == SampleBy.None || !uint.TryParse(ratio, NumberStyles.None, CultureInfo.InvariantCulture, out var oneIn) || oneIn == 0)
        {
            _mistakes.Add($"sample does not understand \"{value}\"; write sample=1/10 (every tenth frame), "
                + "sample=random:1/10 or sample=flow:1/10 (whole flows).");
            return;
        }

        _plan = _plan with { SampleBy = oneIn == 1 ? SampleBy.None : by, SampleOneIn = oneIn };
    }

    private void Strip(string value)
    {
        var strip = StripHeaders.None;
        foreach (var item in Items(value))
        {
            var one = item switch
            {
                "vlan" => StripHeaders.Vlan,
                "outer-vlan" => StripHeaders.OuterVlan,
                "mpls" => StripHeaders.Mpls,
                "vxlan" => StripHeaders.Vxlan,
                "geneve" => StripHeaders.Geneve,
                "gre" => StripHeaders.Gre,
                "erspan" => StripHeaders.Erspan,
                "ipip" => StripHeaders.IpInIp,
                "gtpu" => StripHeaders.Gtpu,
                "tunnels" => StripHeaders.Tunnels,
                _ => StripHeaders.None,
            };
            strip |= one;
            if (one == StripHeaders.None)
            {
                _mistakes.Add($"strip does not know \"{item}\"; it takes vlan, outer-vlan, mpls, vxlan, geneve, gre, erspan, "
                    + "ipip, gtpu, tunnels (the last six).");
            }
        }

        if (strip == StripHeaders.None && Items(value).Length == 0)
        {
            _mistakes.Add("strip needs what to take off, e.g. strip=vlan,vxlan.");
        }

        _plan = _plan with { Strip = strip };
    }

    private void Anonymise(string value)
    {
        var items = Items(value);
        if (items.Length == 0 || items.Length > 2 || (items.Length == 2 && items[1] != "all"))
        {
            _mistakes.Add($"anonymise does not understand \"{value}\"; write anonymise=KEYFILE, or anonymise=KEYFILE,all to "
                + "map special ranges too.");
            return;
        }

        _plan = _plan with { AddressKey = Key("anonymise", items[0]), KeepsSpecialAddresses = items.Length == 1 };
    }

    private byte[]? Key(string word, string file)
    {
        var key = _readKey(file);
        if (key.Bytes is null)
        {
            _mistakes.Add($"{word}: {key.Mistake}");
        }

        return key.Bytes;
    }

    private void Fill(string? value)
    {
        if (value is null || _plan.Mask is not { } mask)
        {
            if (value is not null && _mistakes.Count == 0)
            {
                _mistakes.Add("mask-fill says how to mask and nothing says what; add mask=..., or leave mask-fill out.");
            }

            return;
        }

        if (value.StartsWith("key:", StringComparison.Ordinal))
        {
            if (Key("mask-fill", value["key:".Length..]) is { } key)
            {
                _plan = _plan with { Mask = mask with { FillKey = MaskParser.FillKeyOf(key) } };
            }
        }
        else if (value.Length == 1 && value[0] is > ' ' and < '\x7f')
        {
            _plan = _plan with { Mask = mask with { Fill = (byte)value[0] } };
        }
        else if (value.Length == 4 && value.StartsWith("0x", StringComparison.Ordinal) && byte.TryParse(
            value.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var fill))
        {
            _plan = _plan with { Mask = mask with { Fill = fill } };
        }
        else
        {
            _mistakes.Add($"mask-fill does not understand \"{value}\"; write one character, 0x00 to 0xff, or key:KEYFILE.");
        }
    }

    private ulong? Mac(string word, string value)
    {
        var parts = value.Split(':', '-');
        ulong mac = 0;
        var isMac = parts.Length == 6;
        foreach (var part in parts)
        {
            isMac &= byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var one)
                && part.Length == 2;
            mac = (mac << 8) | one;
        }

        if (!isMac)
        {
            _mistakes.Add($"{word}: \"{value}\" is not a MAC address; write it like 02:00:5e:10:00:01.");
            return null;
        }

        return mac;
    }

    private void Vlan(string value)
    {
        const uint Customer = 0x8100;
        const uint Provider = 0x88A8;
        var tpid = Customer;
        var priority = 0;
        var id = 0;
        foreach (var item in Items(value))
        {
            if (item == "ad")
            {
                tpid = Provider;
            }
            else if (item.StartsWith("pcp:", StringComparison.Ordinal)
                && ShapeNumbers.TryInt(item["pcp:".Length..], 0, 7, out var pcp))
            {
                priority = pcp;
            }
            else if (id != 0 || !ShapeNumbers.TryInt(item, 1, 4094, out id))
            {
                _mistakes.Add($"vlan does not understand \"{item}\"; write an id from 1 to 4094, and if wanted pcp:0 to pcp:7 and "
                    + "ad (802.1ad), e.g. vlan=100,pcp:5.");
                return;
            }
        }

        if (id == 0)
        {
            _mistakes.Add("vlan needs an id, e.g. vlan=100.");
            return;
        }

        _plan = _plan with { VlanTag = (tpid << 16) | ((uint)priority << 13) | (uint)id };
    }

    private void Slice(string value)
    {
        foreach (var item in Items(value))
        {
            if (item == "drop")
            {
                _plan = _plan with { FlowRestIsFiltered = true };
            }
            else if (item.StartsWith("packets:", StringComparison.Ordinal)
                && ShapeNumbers.TryCount(item["packets:".Length..], out var packets))
            {
                _plan = _plan with { FlowFrames = packets };
            }
            else if (item.StartsWith("bytes:", StringComparison.Ordinal)
                && ShapeNumbers.TryCount(item["bytes:".Length..], out var bytes))
            {
                _plan = _plan with { FlowBytes = bytes };
            }
            else if (!TrySlice(item))
            {
                _mistakes.Add($"slice does not understand \"{item}\"; write bytes of a frame ({MirrorSession.SliceBytesMin} or more), "
                    + "l2+N, l3+N or l4+N behind a header, packets:N or bytes:N of a flow, drop for no headers after those.");
            }
        }
    }

    private bool TrySlice(string item)
    {
        var from = item.Length < 2 ? SliceFrom.Frame : item[..2] switch
        {
            "l2" => SliceFrom.Link,
            "l3" => SliceFrom.Network,
            "l4" => SliceFrom.Transport,
            _ => SliceFrom.Frame,
        };
        var number = from == SliceFrom.Frame ? item : item.Length == 2 ? "0" : item[2] == '+' ? item[3..] : "";
        var least = from == SliceFrom.Frame ? MirrorSession.SliceBytesMin : 0;
        if (_plan.SliceBytes >= 0 || !ShapeNumbers.TryInt(number, least, Base.Limits.FrameBytesMax, out var bytes))
        {
            return false;
        }

        _plan = _plan with { SliceFrom = from, SliceBytes = bytes };
        return true;
    }

    private void Cap(string value)
    {
        const long BurstsPerSecond = 10;
        const long BurstBitsMin = 8 * 64 * 1024;
        var countsFrames = value.EndsWith("fps", StringComparison.Ordinal);
        var number = countsFrames ? value[..^3] : value.EndsWith("bps", StringComparison.Ordinal) ? value[..^3] : value;
        if (!ShapeNumbers.TryCount(number, out var rate) || (!countsFrames && rate < 1000))
        {
            _mistakes.Add($"cap does not understand \"{value}\"; write bits a second such as cap=100M, or frames such as cap=5000fps.");
            return;
        }

        var burst = Math.Max(rate / BurstsPerSecond, countsFrames ? 64 : BurstBitsMin);
        _plan = _plan with { Cap = new RateCap(rate, burst, countsFrames) };
    }

    // A worker that sees no frames looks after its outputs every 50 ms, so that much may leave at once.
    private void Pace(string value)
    {
        const long BurstsPerSecond = 16;
        const long BurstBitsMin = 8 * 64 * 1024;
        var number = value.EndsWith("bps", StringComparison.Ordinal) ? value[..^3] : value;
        if (!ShapeNumbers.TryCount(number, out var rate) || rate < 1000)
        {
            _mistakes.Add($"pace does not understand \"{value}\"; write bits a second such as pace=100M.");
            return;
        }

        _plan = _plan with { Pace = new RateCap(rate, Math.Max(rate / BurstsPerSecond, BurstBitsMin), countsFrames: false) };
    }

    private void FindConflicts()
    {
        if (_plan.FlowRestIsFiltered && _plan.FlowFrames == 0 && _plan.FlowBytes == 0)
        {
            _mistakes.Add("slice: drop says what happens after the first packets or bytes of a flow; add packets:N or bytes:N.");
        }

        // A value whose beginning was not sampled cannot be recognised by what stands before it.
        if (_plan.Mask is { Fields.Count: > 0 } && _plan.SampleBy is SampleBy.Frame or SampleBy.Random)
        {
            _mistakes.Add("mask follows protocol fields from frame to frame, and a sample of frames breaks them; sample whole flows "
                + "(sample=flow:1/N).");
        }
    }

    private string[] Items(string value)
    {
        var items = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (items.Length > ItemsMax)
        {
            _mistakes.Add($"A list has {items.Length} values, and {ItemsMax} are allowed; leave some out.");
            return [];
        }

        return items;
    }
}
