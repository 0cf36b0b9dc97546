// The keys that this process knows: named on its command line, or by the list `keys` beside the segments, which whoever records
// with a key leaves there (paths, never keys). One ring for the process, because a key opens whatever names it, wherever it
// lies: a query, a repair and an index meet segments in any order. In: lists and key files, both perhaps anything; bounded.
// Thread-safe.
using System.Text;
using Tapline.Base;

namespace Tapline.Record.Container;

/// <summary>The known keys. Thread-safe.</summary>
public static class KeyRing
{
    /// <summary>Name of the list of key files in a folder of segments.</summary>
    public const string ListName = "keys";

    private const string ListHead = "# Files with the keys of the encrypted segments here, one path a line. The keys are not here.\n";
    private static readonly Lock s_gate = new();
    private static readonly Dictionary<ulong, SegmentKey> s_keys = [];

    // When each folder's list was changed last that was read to its end without a problem.
    private static readonly Dictionary<string, DateTime> s_lists = new(StringComparer.Ordinal);

    /// <summary>Learns the key in a file; null and a sentence where there is none.</summary>
    public static SegmentKey? TryAdd(string path, out string? error)
    {
        error = SegmentKey.FindProblem();
        var key = error is null ? SegmentKey.TryRead(path, out error) : null;
        if (key is not null)
        {
            lock (s_gate)
            {
                s_keys[key.IdValue] = key;
            }
        }

        return key;
    }

    /// <summary>Puts a key's file on the list of a folder of segments, so that they are opened without naming it. A sentence when
    /// it can't be; who records goes on without.</summary>
    public static string? Note(string folder, SegmentKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        var path = Path.Combine(folder, ListName);
        try
        {
            lock (s_gate)
            {
                if (!ReadList(path).Contains(key.Path, StringComparer.Ordinal))
                {
                    File.AppendAllText(path, (File.Exists(path) ? "" : ListHead) + key.Path + "\n");
                }
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The list of keys {path} can't be written: {e.Message} Readers need --key {key.Path}.";
        }
    }

    /// <summary>The key of an id for a file. Throws <see cref="ContainerException"/> when it is not known.</summary>
    internal static SegmentKey Find(ulong id, string file)
    {
        lock (s_gate)
        {
            if (s_keys.TryGetValue(id, out var key))
            {
                return key;
            }

            var problem = LearnBeside(Path.GetDirectoryName(Path.GetFullPath(file))!);
            return s_keys.TryGetValue(id, out key) ? key : throw new ContainerException(
                $"it is encrypted with key {SegmentKey.Name(id)}, which is not known here; name its file with --key. {problem}".TrimEnd())
            {
                MissingKey = SegmentKey.Name(id),
            };
        }
    }

    // Reads the keys that a folder's list names, again when it has changed; what is wrong with them, as sentences.
    private static string? LearnBeside(string folder)
    {
        var path = Path.Combine(folder, ListName);
        var changed = File.GetLastWriteTimeUtc(path);
        if (s_lists.TryGetValue(folder, out var seen) && seen == changed)
        {
            return null;
        }

        var problems = new StringBuilder();
        try
        {
            foreach (var file in ReadList(path))
            {
                var problem = File.Exists(file) ? null : $"{file}, which the list of keys there names, does not exist.";
                if (problem is null && SegmentKey.TryRead(file, out problem) is { } key)
                {
                    s_keys[key.IdValue] = key;
                }
                else
                {
                    problems.Append(problem).Append(' ');
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            problems.Append(System.Globalization.CultureInfo.InvariantCulture, $"The list {path} can't be read: {e.Message} ");
        }

        if (problems.Length > 0)
        {
            return problems.ToString().TrimEnd();
        }

        s_lists[folder] = changed;
        return null;
    }

    private static List<string> ReadList(string path)
    {
        var list = new FileInfo(path);
        if (!list.Exists || list.Length == 0)
        {
            return [];
        }

        return list.Length > Limits.KeyListBytesMax
            ? throw new IOException($"it has more than {Limits.KeyListBytesMax} bytes.")
            : [.. File.ReadLines(path).Where(l => l.StartsWith('/')).Take(Limits.KeysPerListMax)];
    }
}
