// Everything that the demo made on the host, written down before it is made: namespaces, links, processes, folders, by
// exact name or process id with its start time. Undo removes them in reverse order; a demo that was killed leaves its
// journal behind, and the next one undoes it first. Nothing is ever removed that is not in a journal.
// File: /run/tapline-demo/PID-STARTTIME, one `kind value` a line. One thread at a time.
using System.Globalization;

namespace Tapline.Server.Demo;

/// <summary>The list of things to be undone.</summary>
internal sealed class DemoJournal
{
    private const string Folder = "/run/tapline-demo";
    private static readonly TimeSpan s_endTimeMax = TimeSpan.FromSeconds(15);
    private readonly string _path;
    private readonly List<(string Kind, string Value)> _entries = [];

    private DemoJournal(string path) => _path = path;

    /// <summary>Opens this process's journal, after undoing those of demos that are no longer alive.</summary>
    public static DemoJournal Open(Action<string> say)
    {
        Directory.CreateDirectory(Folder);
        foreach (var path in Directory.GetFiles(Folder))
        {
            if (!IsAlive(Path.GetFileName(path)))
            {
                say("Removing what a demo that was killed left behind.");
                Read(path).Undo();
            }
        }

        var me = Environment.ProcessId;
        return new DemoJournal(Path.Combine(Folder, Identity(me) ?? me.ToString(CultureInfo.InvariantCulture)));
    }

    public void Namespace(string name) => Add("netns", name);

    public void Link(string name) => Add("link", name);

    public void FolderOf(string path) => Add("folder", path);

    public void Process(int id) => Add("process", Identity(id) ?? "");

    /// <summary>Takes an entry back: the thing was never made, or has been undone in order already.</summary>
    public void Forget(string kind, string value)
    {
        _entries.Remove((kind, value));
        Save();
    }

    /// <summary>Undoes everything, last made first, and removes the journal. Goes on when one thing resists.</summary>
    public void Undo()
    {
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            var (kind, value) = _entries[i];
            switch (kind)
            {
                case "process":
                    End(value);
                    break;
                case "link":
                    DemoShell.Try("ip", "link", "del", value);
                    break;
                case "netns":
                    DemoShell.Try("ip", "netns", "del", value);
                    break;
                case "folder" when Directory.Exists(value):
                    DemoShell.Try("rm", "-rf", "--one-file-system", value);
                    break;
            }
        }

        _entries.Clear();
        File.Delete(_path);
    }

    /// <summary>`PID-STARTTIME` of a live process, null when there is none: an id alone may be used again.</summary>
    public static string? Identity(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            // Field 22 of proc(5), counted after the closing bracket of the name, which may hold spaces.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] == "Z" ? null : $"{id}-{fields[19]}";
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static bool IsAlive(string identity) =>
        int.TryParse(identity.Split('-')[0], CultureInfo.InvariantCulture, out var id) && Identity(id) == identity;

    private static void End(string identity)
    {
        var id = identity.Split('-')[0];
        foreach (var signal in (string[])["TERM", "KILL"])
        {
            if (!IsAlive(identity))
            {
                return;
            }

            DemoShell.Signal(signal, id);
            var until = Environment.TickCount64 + (long)s_endTimeMax.TotalMilliseconds;
            while (IsAlive(identity) && Environment.TickCount64 < until)
            {
                Thread.Sleep(20);
            }
        }
    }

    private static DemoJournal Read(string path)
    {
        var journal = new DemoJournal(path);
        foreach (var line in File.ReadAllLines(path))
        {
            if (line.Split(' ', 2) is [var kind, var value])
            {
                journal._entries.Add((kind, value));
            }
        }

        return journal;
    }

    private void Add(string kind, string value)
    {
        _entries.Add((kind, value));
        Save();
    }

    private void Save() => File.WriteAllLines(_path, _entries.Select(entry => $"{entry.Kind} {entry.Value}"));
}
