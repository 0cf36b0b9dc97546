// What names in an expression can mean in any segment of a query: all machines that any segment lists under them, whatever became of
// them later. More than frames are matched by, on purpose: flows are only refused by it. Made before segments are judged;
// null as long as one segment does not tell its names. Immutable; any thread.
using Tapline.Filter.Matching;
using Tapline.Filter.Tree;
using Tapline.Store;

namespace Tapline.Record.Extract;

/// <summary>Machines by the terms that name them.</summary>
internal sealed class JudgeNames
{
    private readonly Dictionary<FilterNode, Meant> _meant = new(ReferenceEqualityComparer.Instance);

    /// <summary>For an expression, from the lists of machines in all segments.</summary>
    public JudgeNames(FilterNode root, IEnumerable<byte[]> machineBlocks)
    {
        TreeWalk.Visit(root, node =>
        {
            if (node is FilterNode.Vm or FilterNode.Tag or FilterNode.Point)
            {
                _meant.TryAdd(node, new Meant());
            }
        });
        byte[]? before = null;
        foreach (var block in machineBlocks)
        {
            // Segments repeat the list that the one before had.
            if (before is null || !before.AsSpan().SequenceEqual(block))
            {
                before = block;
                MachinesBlock.Read(block.AsSpan(8, block.Length - 12)).ForEach(Take);
            }
        }

        foreach (var meant in _meant.Values)
        {
            meant.Macs = [.. meant.Set];
        }
    }

    /// <summary>MAC addresses that the term can mean.</summary>
    public ulong[] Macs(FilterNode term) => _meant[term].Macs;

    /// <summary>True when the term can mean a point that is described so.</summary>
    public bool CanMean(FilterNode term, string name, string description)
    {
        if (term is FilterNode.Point point)
        {
            return NamePattern.Matches(point.Pattern, name);
        }

        if (PointInfo.MachineOf(description) is not { } label)
        {
            return false;
        }

        var bracket = label.EndsWith(')') ? label.LastIndexOf(" (", StringComparison.Ordinal) : -1;
        return _meant[term].Labels.Contains(label)
            || (term is FilterNode.Vm vm && NamePattern.Matches(vm.Pattern, bracket > 0 ? label[..bracket] : label));
    }

    private void Take(RecordedMachine machine)
    {
        foreach (var (term, meant) in _meant)
        {
            var isMeant = term switch
            {
                FilterNode.Vm vm => NamePattern.Matches(vm.Pattern, machine.Name) || NamePattern.Matches(vm.Pattern, machine.Id)
                    || machine.Aliases.Any(alias => NamePattern.Matches(vm.Pattern, alias)),
                FilterNode.Tag tag => machine.Tags.Any(t => NamePattern.Matches(tag.Name, t)),
                _ => false,
            };
            if (isMeant)
            {
                meant.Set.UnionWith(machine.Macs);
                meant.Labels.Add(PointInfo.Label(machine.Name, machine.Id.Length == 0 ? null : machine.Id));
            }
        }
    }

    private sealed class Meant
    {
        public HashSet<ulong> Set { get; } = [];

        public HashSet<string> Labels { get; } = new(StringComparer.Ordinal);

        public ulong[] Macs { get; set; } = [];
    }
}
