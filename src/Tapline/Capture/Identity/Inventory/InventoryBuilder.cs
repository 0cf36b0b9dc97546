// Rows of an inventory → VMs. In: for each row what its columns say, from a CSV file or any other form. Out: the inventory, or
// all its mistakes with their lines. Rows of one name and id are one VM: exports have a row for each NIC.
// An address that belongs to two VMs is a mistake: nobody could say whose frame it is. Bounded; one thread.
using Tapline.Base;
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>Collects an inventory. One use.</summary>
public sealed class InventoryBuilder
{
    private const int ShownCharacters = 60;
    private static readonly char[] s_listSeparators = [' ', '\t', '\r', '\n', ',', ';', '|', '{', '}', '[', ']', '"', '\''];
    private static readonly char[] s_tagSeparators = ['\r', '\n', '\t', ',', ';', '|', '{', '}', '[', ']', '"'];
    private readonly Dictionary<(string Name, string Id), Draft> _drafts = [];
    private readonly Dictionary<ulong, (Draft Vm, int Line)> _macs = [];
    private readonly Dictionary<IpPrefix, (Draft Vm, int Line)> _prefixes = [];
    private readonly List<InventoryMistake> _mistakes = [];
    private int _rows;
    private int _mistakesUntold;

    private sealed record Draft(string Name, string Id)
    {
        public List<string> Tags { get; } = [];

        public List<ulong> Macs { get; } = [];

        public List<IpPrefix> Addresses { get; } = [];
    }

    /// <summary>Notes a mistake; the first fifty are told.</summary>
    public void Mistake(int line, string sentence)
    {
        if (_mistakes.Count < Limits.InventoryMistakesMax)
        {
            _mistakes.Add(new InventoryMistake(line, sentence));
        }
        else
        {
            _mistakesUntold++;
        }
    }

    /// <summary>Takes one row: titles of columns and what stands there.</summary>
    public void Add(int line, IEnumerable<KeyValuePair<string, string>> cells)
    {
        if (++_rows > Limits.InventoryRowsMax)
        {
            if (_rows == Limits.InventoryRowsMax + 1)
            {
                Mistake(line, $"an inventory may have {Limits.InventoryRowsMax} rows; leave out what this host never sees.");
            }

            return;
        }

        var (name, id, nameRank, idRank) = ("", "", int.MaxValue, int.MaxValue);
        List<string> macs = [], ips = [], tags = [];
        foreach (var (title, text) in cells)
        {
            switch (InventoryTitles.FieldOf(title, out var rank))
            {
                case InventoryField.Name when rank < nameRank && text.Length > 0:
                    (name, nameRank) = (HostileText.Clean(text), rank);
                    break;
                case InventoryField.Id when rank < idRank && text.Length > 0:
                    (id, idRank) = (HostileText.Clean(text), rank);
                    break;
                case InventoryField.Mac:
                    macs.AddRange(text.Split(s_listSeparators, StringSplitOptions.RemoveEmptyEntries));
                    break;
                case InventoryField.Ip:
                    ips.AddRange(text.Split(s_listSeparators, StringSplitOptions.RemoveEmptyEntries));
                    break;
                case InventoryField.Tags:
                    const StringSplitOptions Trimmed = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
                    tags.AddRange(text.Split(s_tagSeparators, Trimmed));
                    break;
            }
        }

        if (name.Length == 0)
        {
            Mistake(line, "this row names no VM; fill in its name or remove the row.");
            return;
        }

        var draft = DraftOf(name, id);
        draft.Tags.AddRange(tags);
        macs.ForEach(mac => AddMac(line, draft, mac));
        ips.ForEach(ip => AddAddress(line, draft, ip));
    }

    /// <summary>The inventory; null and the mistakes when there is one.</summary>
    public VmInventory? Build(out IReadOnlyList<InventoryMistake> mistakes)
    {
        if (_mistakesUntold > 0)
        {
            _mistakes.Add(new InventoryMistake(_mistakes[^1].Line, $"and {_mistakesUntold} more mistakes after this one."));
        }

        mistakes = _mistakes;
        return _mistakes.Count > 0 ? null : new VmInventory(_drafts.Values.Select(d => new Vm(d.Name, d.Id, "inventory")
        {
            Tags = NameSet.Of(d.Tags),
            Macs = d.Macs,
            Addresses = d.Addresses,
        }));
    }

    private Draft DraftOf(string name, string id)
    {
        if (!_drafts.TryGetValue((name, id), out var draft))
        {
            _drafts[(name, id)] = draft = new Draft(name, id);
        }

        return draft;
    }

    private void AddMac(int line, Draft draft, string text)
    {
        if (!MacText.TryParseAny(text, out var mac))
        {
            Mistake(line, $"'{Shown(text)}' is not a MAC address; write six pairs of digits, such as 52:54:00:12:34:56.");
        }
        else if (mac != 0 && (_macs.TryAdd(mac, (draft, line)) || IsOther(line, draft, MacText.Format(mac), _macs[mac])))
        {
            draft.Macs.Add(mac);
        }
    }

    private void AddAddress(int line, Draft draft, string text)
    {
        if (!IpPrefix.TryParse(text, out var prefix))
        {
            Mistake(line, $"'{Shown(text)}' is not an IP address or prefix; write 10.0.0.5, 10.0.0.0/8 or 2001:db8::5.");
        }
        else if (!prefix.IsNowhere
            && (_prefixes.TryAdd(prefix, (draft, line)) || IsOther(line, draft, prefix.ToString(), _prefixes[prefix])))
        {
            draft.Addresses.Add(prefix);
        }
    }

    // Never true: a second row of the same VM adds nothing, one of another VM is a mistake.
    private bool IsOther(int line, Draft draft, string address, (Draft Vm, int Line) before)
    {
        if (before.Vm != draft)
        {
            Mistake(line, $"{address} belongs to {before.Vm.Name} already, on line {before.Line}; one address is one VM's.");
        }

        return false;
    }

    private static string Shown(string text)
    {
        var clean = HostileText.Clean(text);
        return clean.Length <= ShownCharacters ? clean : clean[..ShownCharacters] + "…";
    }
}
