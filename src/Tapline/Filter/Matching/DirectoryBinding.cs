// The names of one filter, resolved against one directory. Made on the control thread, immutable, read by workers.
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>A set for each term that names something, in the order of the filter's names.</summary>
internal sealed class DirectoryBinding
{
    private readonly NameSet[] _sets;

    private DirectoryBinding(NameSet[] sets) => _sets = sets;

    public static DirectoryBinding Make(IReadOnlyList<FilterNode> names, FilterDirectory directory)
    {
        var sets = new NameSet[names.Count];
        for (var i = 0; i < sets.Length; i++)
        {
            sets[i] = Resolve(names[i], directory);
        }

        return new DirectoryBinding(sets);
    }

    /// <summary>The set of a name.</summary>
    public NameSet Of(int name) => _sets[name];

    private static NameSet Resolve(FilterNode term, FilterDirectory directory)
    {
        var set = new NameSet();
        foreach (var machine in directory.Machines)
        {
            var isMeant = term switch
            {
                FilterNode.Vm vm => NamePattern.Matches(vm.Pattern, machine.Name),
                FilterNode.Tag tag => HasTag(machine, tag.Name),
                _ => false,
            };
            if (isMeant)
            {
                set.Add(machine.Points);
                set.Add(machine.MacAddresses);
            }
        }

        foreach (var point in directory.Points)
        {
            if (term is FilterNode.Point pattern && NamePattern.Matches(pattern.Pattern, point.Name))
            {
                set.Add([point.Id]);
            }
        }

        return set;
    }

    private static bool HasTag(FilterMachine machine, string pattern)
    {
        foreach (var tag in machine.Tags)
        {
            if (NamePattern.Matches(pattern, tag))
            {
                return true;
            }
        }

        return false;
    }
}
