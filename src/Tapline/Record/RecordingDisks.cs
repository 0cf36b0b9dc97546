// The folders of a recording by the disks on which they lie: a class's may be a mount of its own. Budgets that no disk of that size
// could ever give are refused, with one sentence: the operator has promised more than there is. What the disk can't give just
// now, because others have filled it, shrinks all budgets on it by the same part: a recorder must start again after a crash
// on whatever is left.
using System.Globalization;
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record;

/// <summary>Fits budgets to disks. Control thread, at the start.</summary>
internal static class RecordingDisks
{
    /// <summary>Makes the folders where missing, and fits their budgets.</summary>
    /// <param name="folders">Folders and their rules.</param>
    /// <param name="retired">Folders of classes that are recorded no more: what they have stays by the first folder's age, and goes
    /// before the others' when the disk is short.</param>
    /// <param name="minFree">What stays free of each disk.</param>
    /// <param name="error">Why they can't be; null = they fit.</param>
    /// <returns>The folders in the same order, then the retired ones, with rules that fit, and the disk of each; as many as could be
    /// looked at.</returns>
    public static List<(string Path, RetentionRules Rules, RecordingDisk Disk)> Fit(
        IReadOnlyList<(string Path, RetentionRules Rules)> folders, IReadOnlyList<string> retired, FreeDisk minFree, out string? error)
    {
        error = null;
        var fitted = new List<(string Path, RetentionRules Rules, RecordingDisk Disk)>();
        try
        {
            foreach (var (path, _) in folders)
            {
                _ = Directory.CreateDirectory(path);
            }

            var disks = folders.GroupBy(f => IdOf(f.Path)).ToDictionary(g => g.Key, g => FitOne([.. g], minFree));
            error = disks.Values.Select(d => d.Error).FirstOrDefault(e => e is not null);
            foreach (var (path, rules) in folders)
            {
                var (disk, part, _) = disks[IdOf(path)];
                var budget = Math.Max(Limits.RecordBudgetBytesMin, (long)(rules.BudgetBytes * part));
                fitted.Add((path, rules with { BudgetBytes = Math.Min(rules.BudgetBytes, budget) }, disk));
            }

            foreach (var path in retired)
            {
                // Its budget is what it has, so that it is full and gives first.
                var rules = folders[0].Rules with { BudgetBytes = Math.Max(Limits.RecordBudgetBytesMin, DiskBudget.UsedBytes(path)) };
                fitted.Add((path, rules, disks.TryGetValue(IdOf(path), out var known) ? known.Disk : new RecordingDisk(minFree)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"The recording {folders[0].Path} can't be opened: {e.Message}";
        }

        return fitted;
    }

    private static (RecordingDisk Disk, double Part, string? Error) FitOne(
        IReadOnlyList<(string Path, RetentionRules Rules)> folders, FreeDisk minFree)
    {
        var wanted = folders.Sum(f => (double)f.Rules.BudgetBytes);
        var most = DiskBudget.AtMost(folders[0].Path, minFree);
        var error = wanted <= most ? null
            : string.Create(CultureInfo.InvariantCulture,
                $"The budgets of the recording and its classes come to {Mebibytes(wanted)} MiB together, ")
            + string.Create(CultureInfo.InvariantCulture,
                $"and the disk of {folders[0].Path} has {Mebibytes(Math.Max(0, most))} MiB to give, without what must stay free: ")
            + "lower budgets or min_free.";
        var part = Math.Min(1, Math.Max(0, DiskBudget.Now([.. folders.Select(f => f.Path)], minFree)) / wanted);
        return (new RecordingDisk(minFree), part, error);
    }

    private static long Mebibytes(double bytes) => (long)(bytes / (1 << 20));

    private static ulong IdOf(string path)
    {
        var result = NativeFile.Identify(Encoding.UTF8.GetBytes(path + '\0'), out var id);
        return result == 0 ? id.Device : throw new IOException($"{path}: {NativeFile.Describe(result)}");
    }
}
