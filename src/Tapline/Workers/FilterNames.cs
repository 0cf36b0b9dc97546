// What names in expressions stand for, from what the capture knows: machines by all their names, and observation points.
// Pure; control threads.
using Tapline.Capture.Identity;
using Tapline.Capture.Points;
using Tapline.Filter;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>Makes the directories of filters.</summary>
public static class FilterNames
{
    /// <summary>The directory at this moment.</summary>
    public static FilterDirectory Of(VmDirectory directory, IReadOnlyList<LivePoint> points) => new(
        [.. directory.Vms.SelectMany(Machines)],
        [.. points.Where(p => p.State != PointState.Gone).Select(p => new FilterPoint(p.Point.Id, p.Point.Name))]);

    /// <summary>The machines at this moment, as recordings name them.</summary>
    public static IReadOnlyList<RecordedMachine> Recorded(VmDirectory directory) =>
        [.. directory.Vms.Select(vm => new RecordedMachine(vm.Name, vm.Id, [.. vm.Aliases], [.. vm.Tags], vm.Macs))];

    // One for each name that the machine goes by, its id included.
    private static IEnumerable<FilterMachine> Machines(Vm vm) =>
        new[] { vm.Name, vm.Id }.Concat(vm.Aliases).Where(n => n.Length > 0).Distinct()
            .Select(name => new FilterMachine(name, vm.Points, vm.Macs, vm.Tags));
}
