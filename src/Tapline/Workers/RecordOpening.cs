// From a record plan to opened folders and the recorders of all workers. What can't be opened is one sentence, and everything
// opened before it is given back by the caller, who keeps it. One use.
using System.Security.Cryptography;
using Tapline.Base;
using Tapline.Filter;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>Opens the classes of a recording.</summary>
internal sealed class RecordOpening(RecordPlan plan, string node, int workers)
{
    private readonly List<CompiledFilter> _filters = [];

    /// <summary>Folders: the default one first, then one for each class that keeps anything.</summary>
    public List<SegmentFolder> Folders { get; } = [];

    /// <summary>Names of those; "default" first.</summary>
    public List<string> Names { get; } = ["default"];

    /// <summary>Filters of the classes, which want to know names.</summary>
    public IReadOnlyList<CompiledFilter> Filters => _filters;

    // What all buffers together may take decides how many each recorder has.
    private int Buffers => (int)Math.Min(
        Limits.RecordBuffersPerWorker,
        Limits.RecordBufferBudgetBytes / ((long)Limits.RecordBufferBytes * Math.Max(1, workers) * (plan.Classes.Count + 1)));

    /// <summary>Checks the plan; a sentence when it can't be, null otherwise. Opens nothing.</summary>
    public string? Check()
    {
        if (plan.Classes.Count > Limits.RecordClassesMax)
        {
            return $"A recording has at most {Limits.RecordClassesMax} classes, not {plan.Classes.Count}.";
        }

        foreach (var item in plan.Classes)
        {
            var mistake = RecordClassPlan.MistakeInName(item.Name);
            mistake ??= plan.Classes.Count(c => c.Name == item.Name) > 1 ? "two classes have this name." : null;
            var filter = mistake is null ? CompiledFilter.Compile(item.Filter, LinkType.Ethernet, out mistake) : null;
            if (filter is null)
            {
                return $"Recording class {(item.Name.Length > 40 ? item.Name[..40] : item.Name)}: {mistake}";
            }

            _filters.Add(filter);
        }

        return Buffers >= Limits.RecordBuffersMin ? null
            : $"{plan.Classes.Count} classes on {workers} workers need more buffers than {Limits.RecordBufferBudgetBytes >> 20} MiB "
                + "hold; make fewer classes or workers.";
    }

    /// <summary>Opens all folders; a sentence when one can't be. Those that were opened stand in <see cref="Folders"/>.</summary>
    public string? OpenFolders()
    {
        if (!TryOpen(plan.Folder, plan.Rules, out var error))
        {
            return error;
        }

        foreach (var item in plan.Classes.Where(c => c.Take.Kind != RecordTakeKind.None))
        {
            if (!TryOpen(Path.Combine(plan.Folder, item.Name), item.Rules(plan.MinFree), out error))
            {
                return $"Recording class {item.Name}: {error}";
            }

            Names.Add(item.Name);
        }

        return null;
    }

    /// <summary>The recorders: all workers' of the first folder, then all of the second.</summary>
    public SegmentRecorder[] OpenRecorders()
    {
        var all = new SegmentRecorder[Folders.Count * workers];
        for (var index = 0; index < all.Length; index++)
        {
            var folder = index / workers;
            all[index] = new SegmentRecorder(Folders[folder], new RecorderOptions
            {
                Worker = index % workers,
                Node = node,
                Filter = folder == 0 ? plan.Filter : plan.Classes.First(c => c.Name == Names[folder]).Filter,
                BufferCount = Buffers,
            });
        }

        return all;
    }

    /// <summary>One worker's classes; null when there are none.</summary>
    public RecordClasses? ClassesOf(int worker, SegmentRecorder[] recorders)
    {
        if (plan.Classes.Count == 0)
        {
            return null;
        }

        var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        return new RecordClasses([.. plan.Classes.Select((item, index) => new RecordClass(
            _filters[index],
            item.Take,
            item.Take.Kind == RecordTakeKind.None ? null : recorders[(Names.IndexOf(item.Name) * workers) + worker],
            seed))]);
    }

    private bool TryOpen(string path, RetentionRules rules, out string? error)
    {
        // Holds are the recording's: they keep their window in every class.
        var folder = SegmentFolder.TryOpen(path, rules, out error, plan.Folder);
        if (folder is not null)
        {
            Folders.Add(folder);
        }

        return folder is not null;
    }
}
