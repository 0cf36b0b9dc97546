// What a QEMU command line says about the guest: name, UUID, which tap device serves which NIC, where its machine protocol
// listens. In: /proc/ID/cmdline, arguments separated by zeros, hostile and at most 64 KiB. Out: cleaned, bounded text.
// Both forms are read: "key=value,…" (a comma in a value is doubled, qemu(1)) and JSON objects of simple values.
// Pure; control threads; allocates.
using System.Text.Json;
using Tapline.Capture.Points;

namespace Tapline.Capture.Identity;

/// <summary>A parsed QEMU command line.</summary>
internal sealed class QemuCommandLine
{
    private const int NicsMax = 64;
    private readonly Dictionary<string, string> _tapOfNetdev = [];
    private readonly List<(string Netdev, ulong Mac)> _nics = [];
    private readonly Dictionary<string, string> _socketOfChardev = [];
    private string? _controlChardev;

    /// <summary>The guest's name; empty when none is given.</summary>
    public string Name { get; private set; } = "";

    /// <summary>The guest's UUID; empty when none is given.</summary>
    public string Uuid { get; private set; } = "";

    /// <summary>Absolute path of the machine protocol's socket as QEMU sees it; null when there is none.</summary>
    public string? QmpPath { get; private set; }

    /// <summary>True when tap devices are given by name, so that one that is not named here was plugged in later.</summary>
    public bool NamesTaps => _tapOfNetdev.Count > 0;

    /// <summary>The addresses of all NICs.</summary>
    public IEnumerable<ulong> Macs => _nics.Select(n => n.Mac);

    public static QemuCommandLine Parse(string commandLine)
    {
        var result = new QemuCommandLine();
        var arguments = commandLine.Split('\0');
        for (var i = 0; i + 1 < arguments.Length; i++)
        {
            var option = arguments[i].StartsWith("--", StringComparison.Ordinal) ? arguments[i][1..] : arguments[i];
            result.Note(option, arguments[i + 1]);
        }

        result.QmpPath ??= result._socketOfChardev.GetValueOrDefault(result._controlChardev ?? "");
        return result;
    }

    /// <summary>The address of the NIC that a tap device serves; 0 when the command line does not say.</summary>
    public ulong MacOf(string tap)
    {
        foreach (var (netdev, mac) in _nics)
        {
            if (_tapOfNetdev.GetValueOrDefault(netdev) == tap)
            {
                return mac;
            }
        }

        return 0;
    }

    private void Note(string option, string value)
    {
        switch (option)
        {
            case "-name":
                var named = Fields(value);
                Name = HostileText.Clean(named.GetValueOrDefault("guest") ?? named.GetValueOrDefault("") ?? "");
                break;
            case "-uuid":
                Uuid = HostileText.Clean(value);
                break;
            case "-netdev" when _tapOfNetdev.Count < NicsMax:
                var netdev = Fields(value);
                if (netdev.TryGetValue("id", out var id) && netdev.TryGetValue("ifname", out var tap))
                {
                    _tapOfNetdev[id] = tap;
                }

                break;
            case "-device" or "-nic" or "-net" when _nics.Count < NicsMax:
                NoteNic(Fields(value));
                break;
            case "-qmp" when value.StartsWith("unix:/", StringComparison.Ordinal):
                QmpPath ??= Fields(value[5..]).GetValueOrDefault("");
                break;
            case "-chardev" when _socketOfChardev.Count < NicsMax:
                // As Proxmox VE has it: the socket is a character device, a monitor in control mode sits on it.
                var chardev = Fields(value);
                if (chardev.TryGetValue("id", out var name) && chardev.GetValueOrDefault("path") is ['/', ..] path)
                {
                    _socketOfChardev[name] = path;
                }

                break;
            case "-mon":
                var monitor = Fields(value);
                if (monitor.GetValueOrDefault("mode") == "control")
                {
                    _controlChardev ??= monitor.GetValueOrDefault("chardev") ?? monitor.GetValueOrDefault("");
                }

                break;
        }
    }

    private void NoteNic(Dictionary<string, string> fields)
    {
        if (!MacText.TryParse(fields.GetValueOrDefault("mac") ?? fields.GetValueOrDefault("macaddr"), out var mac))
        {
            return;
        }

        // "-nic tap,ifname=…,mac=…" is both halves in one, and needs no id.
        var netdev = fields.GetValueOrDefault("netdev") ?? $"-nic {_nics.Count}";
        if (fields.TryGetValue("ifname", out var tap))
        {
            _tapOfNetdev[netdev] = tap;
        }

        _nics.Add((netdev, mac));
    }

    // The first value may have no key (a name, a driver, a path): it is kept under the empty one.
    private static Dictionary<string, string> Fields(string value)
    {
        const char Comma = '\u0001';
        var fields = new Dictionary<string, string>();
        if (value.StartsWith('{'))
        {
            NoteJson(value, fields);
            return fields;
        }

        foreach (var part in value.Replace(",,", Comma.ToString(), StringComparison.Ordinal).Split(','))
        {
            var equals = part.IndexOf('=');
            var (key, text) = equals < 0 ? ("", part) : (part[..equals], part[(equals + 1)..]);
            fields.TryAdd(key, text.Replace(Comma, ','));
        }

        return fields;
    }

    private static void NoteJson(string value, Dictionary<string, string> fields)
    {
        try
        {
            using var document = JsonDocument.Parse(value);
            foreach (var property in document.RootElement.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.String)
                {
                    fields.TryAdd(property.Name, property.Value.GetString()!);
                }
            }
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            // Not what QEMU would have started with: it says nothing.
            fields.Clear();
        }
    }
}
