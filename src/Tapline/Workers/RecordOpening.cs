// From a record plan to opened folders and the recorders of all workers. What can't be opened is one sentence, and everything
// opened before it is given back by the caller, who keeps it. One use.
using Tapline.Base;
using Tapline.Filter;
using Tapline.Record;
using Tapline.Record.Container;
using Tapline.Record.Evidence;
using Tapline.Store;
using Tapline.Workers.Triggers;

namespace Tapline.Workers;

/// <summary>Opens the classes of a recording.</summary>
/// <param name="plan">What is wanted.</param>
/// <param name="node">The node's name.</param>
/// <param name="workers">Their number.</param>
/// <param name="flowSlots">Slots of a worker's flow table; 0 = there is none, and segments get no index now.</param>
internal sealed class RecordOpening(RecordPlan plan, string node, int workers, int flowSlots)
{
    private readonly List<CompiledFilter> _filters = [];
    private readonly Dictionary<AtRest, SegmentKey?> _keys = [];
    private readonly List<TriggerFilter> _triggers = [];

    /// <summary>Folders: the default one first, then one for each class that keeps anything.</summary>
    public List<SegmentFolder> Folders { get; } = [];

    /// <summary>Folders of classes that are recorded no more: they are kept by the recording's age and the disk's free room.</summary>
    public List<SegmentFolder> Retired { get; } = [];

    /// <summary>Names of <see cref="Folders"/>; "default" first.</summary>
    public List<string> Names { get; } = ["default"];

    /// <summary>Filters of classes and triggers, which want to know names.</summary>
    public IEnumerable<CompiledFilter> Filters => _filters.Concat(_triggers.Select(t => t.Frames));

    // A folder's recorders have no more in memory than this part of what it may keep, but for the few that any needs.
    private int BuffersFor(long budgetBytes) => (int)Math.Min(
        Buffers,
        Math.Max(
            Limits.RecordBuffersOfAny,
            budgetBytes / Limits.RecordBufferPartOfBudget / Math.Max(1, workers) / Limits.RecordBufferBytes));

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

        if (CheckTriggers() is { } wrong)
        {
            return wrong;
        }

        if (flowSlots == 0 && plan.Classes.Select(c => c.Take).Append(plan.Take).Any(t => t.AsksFlows))
        {
            return "`take: flow` and `encrypted: handshake` need the accounting of flows; leave it on.";
        }

        return Buffers >= Limits.RecordBuffersMin ? null
            : $"{plan.Classes.Count} classes on {workers} workers need more buffers than {Limits.RecordBufferBudgetBytes >> 20} MiB "
                + "hold; make fewer classes or workers.";
    }

    /// <summary>Opens all folders; a sentence when one can't be. Those that were opened stand in <see cref="Folders"/>.</summary>
    /// <param name="evidence">How segments are sealed; null = they are not.</param>
    public string? OpenFolders(EvidenceOptions? evidence = null)
    {
        evidence = evidence is null ? null : evidence with { Workers = workers };

        // Before the folders: what a crash left in one is mended with its key.
        foreach (var atRest in plan.Classes.Select(AtRestOf).Append(plan.AtRest))
        {
            if (!atRest.TryOpenKey(out var key, out var problem))
            {
                return problem;
            }

            _keys[atRest] = key;
        }

        var kept = plan.Classes.Where(c => c.Take.Kind != RecordTakeKind.None).ToList();
        var retired = FindRetired(kept);
        if (kept.Count + retired.Count == 0)
        {
            return Open(SegmentFolder.TryOpen(plan.Folder, plan.Rules, out var error, evidence: evidence), error);
        }

        var wanted = new List<(string Path, RetentionRules Rules)> { (plan.Folder, plan.Rules) };
        wanted.AddRange(kept.Select(c => (Path.Combine(plan.Folder, c.Name), c.Rules(plan.MinFree))));
        Names.AddRange(kept.Select(c => c.Name));
        var disks = RecordingDisks.Fit(wanted, retired, plan.MinFree, out var refusal);
        for (var index = 0; index < disks.Count && refusal is null; index++)
        {
            // Holds are the recording's: they keep their window in every class.
            var (path, rules, disk) = disks[index];
            var folder = SegmentFolder.TryOpen(path, rules, out var error, plan.Folder, disk, evidence);
            if (index >= Names.Count)
            {
                Retire(folder);
                continue;
            }

            refusal = Open(folder, error);
            refusal = refusal is null || index == 0 ? refusal : $"Recording class {Names[index]}: {refusal}";
        }

        return refusal;
    }

    /// <summary>The recorders: all workers' of the first folder, then all of the second.</summary>
    /// <param name="names">Who the ends of flows are; null = nobody knows.</param>
    public SegmentRecorder[] OpenRecorders(IEndpointNames? names)
    {
        var all = new SegmentRecorder[Folders.Count * workers];
        for (var index = 0; index < all.Length; index++)
        {
            var folder = index / workers;
            var ofClass = folder == 0 ? null : plan.Classes.First(c => c.Name == Names[folder]);
            var atRest = ofClass is null ? plan.AtRest : AtRestOf(ofClass);
            all[index] = new SegmentRecorder(Folders[folder], new RecorderOptions
            {
                Worker = index % workers,
                Node = node,
                Filter = ofClass is null ? plan.Filter : ofClass.Filter,
                Policy = PolicyOf(Names[folder], ofClass?.Take ?? plan.Take),
                Compression = atRest.Compression,
                Key = _keys[atRest],
                FlowSlots = flowSlots,
                Names = names,
                BufferCount = BuffersFor(Folders[folder].BudgetBytes),
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

        return new RecordClasses([.. plan.Classes.Select((item, index) => new RecordClass(
            _filters[index],
            new FrameTake(item.Take, flowSlots),
            item.Take.Kind == RecordTakeKind.None ? null : recorders[(Names.IndexOf(item.Name) * workers) + worker]))]);
    }

    /// <summary>What one worker takes of frames that no class wants; null = all of them, whole.</summary>
    public FrameTake? NewTake() => plan.Take == default ? null : new FrameTake(plan.Take, flowSlots);

    /// <summary>One worker's triggers; null when there are none.</summary>
    public TriggerWatch? NewWatch() => _triggers.Count == 0 ? null : new TriggerWatch([.. _triggers], flowSlots);

    private AtRest AtRestOf(RecordClassPlan ofClass) => ofClass.AtRest ?? plan.AtRest;

    private string? CheckTriggers()
    {
        if (plan.Triggers.Count > Limits.TriggersMax)
        {
            return $"A recording has at most {Limits.TriggersMax} triggers, not {plan.Triggers.Count}.";
        }

        foreach (var item in plan.Triggers)
        {
            var mistake = TriggerPlan.MistakeInName(item.Name);
            mistake ??= plan.Triggers.Count(t => t.Name == item.Name) > 1 ? "two triggers have this name." : null;
            var filter = mistake is null ? TriggerFilter.Compile(item.When, out mistake, item.IsOfFlow) : null;
            mistake ??= flowSlots == 0 && filter is { Flows: not null }
                ? "facts of flows need the accounting of flows; leave it on." : null;
            if (filter is null || mistake is not null)
            {
                return $"Trigger {(item.Name.Length > 40 ? item.Name[..40] : item.Name)}: {mistake}";
            }

            _triggers.Add(filter);
        }

        var facts = _triggers.Sum(t => t.Flows?.Count ?? 0);
        return facts <= Limits.TriggerFactsMax ? null
            : $"The triggers ask {facts} facts of flows, and {Limits.TriggerFactsMax} are the most; ask for fewer.";
    }

    private string? PolicyOf(string name, RecordTake take)
    {
        var keeps = take.Phrase is { } phrase ? $"keeps {phrase}" : null;
        return plan.Classes.Count == 0 ? keeps : keeps is null ? $"class {name}" : $"class {name}, {keeps}";
    }

    private List<string> FindRetired(List<RecordClassPlan> kept)
    {
        try
        {
            return !Directory.Exists(plan.Folder) ? [] : ClassFolders.ClassesOf(plan.Folder)
                .Where(name => !kept.Exists(c => c.Name == name)).Select(name => Path.Combine(plan.Folder, name))
                .Where(ClassFolders.HasSegments).Take(Limits.RecordClassesMax - 1).ToList();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // the recording's own opening says what is wrong
        }
    }

    // One that can't be opened now waits for the next start.
    private void Retire(SegmentFolder? folder)
    {
        if (folder is not null)
        {
            Retired.Add(folder);
        }
    }

    private string? Open(SegmentFolder? folder, string? error)
    {
        if (folder is not null)
        {
            Folders.Add(folder);
        }

        return error;
    }
}
