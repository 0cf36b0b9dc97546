// What no program in the kernel can decide, whichever machine runs it.
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Emission;

/// <summary>Finds terms that need user space.</summary>
internal static class KernelLimits
{
    /// <summary>Null, or one clause that names the first such term.</summary>
    public static string? WhyNot(FilterProgram program)
    {
        foreach (var step in program.Steps)
        {
            if (step.Question is { } question)
            {
                return $"`{Word(question)}` in its expression needs user space";
            }
        }

        return null;
    }

    private static string Word(FilterNode node) => node switch
    {
        FilterNode.Vm vm => $"vm {FilterMistake.Printable(vm.Pattern)}",
        FilterNode.Tag tag => $"tag {FilterMistake.Printable(tag.Name)}",
        FilterNode.Point point => $"point {FilterMistake.Printable(point.Pattern)}",
        FilterNode.Tunnel => "tunnel",
        FilterNode.Vni => "vni",
        FilterNode.Gso => "gso",
        _ => "inner",
    };
}
