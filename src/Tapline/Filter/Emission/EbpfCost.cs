// What a program will take as eBPF, reckoned before anything is emitted.
using Tapline.Filter.Lowering;

namespace Tapline.Filter.Emission;

/// <summary>Measures programs for the eBPF back end.</summary>
internal static class EbpfCost
{
    private const int Prologue = 150;
    private const int Step = 8;
    private const int FixedLoad = 12;
    private const int IndexedLoad = 60;
    private const int Other = 12;

    // An IPv4 header of 20 bytes before the bytes that are asked for.
    private const int UsualHeaderBytes = 20;

    /// <summary>No fewer instructions than will be emitted.</summary>
    public static long InstructionsAtMost(FilterProgram program)
    {
        long sum = Prologue + program.Slots;
        foreach (var step in program.Steps)
        {
            sum += Step + Of(step.Left) + Of(step.Right) + Of(step.AssignedValue);
        }

        return sum;
    }

    /// <summary>How many of a frame's first bytes are read at places that are known beforehand.</summary>
    public static long FixedReach(FilterProgram program)
    {
        long reach = 0;
        foreach (var step in program.Steps)
        {
            reach = Math.Max(reach, Math.Max(Reach(step.Left), Math.Max(Reach(step.Right), Reach(step.AssignedValue))));
        }

        return reach;
    }

    /// <summary>True when bytes are read at places that other bytes tell, or far ones.</summary>
    public static bool HasMovingLoads(FilterProgram program)
    {
        foreach (var step in program.Steps)
        {
            if (Moves(step.Left) || Moves(step.Right) || Moves(step.AssignedValue))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Moves(CodeValue? value) => value switch
    {
        CodeValue.Load load => load.Index is not null || (long)load.Offset + load.Size > EbpfHeader.BytesMax,
        CodeValue.HeaderLength header => (long)header.Offset + 1 > EbpfHeader.BytesMax,
        CodeValue.Binary binary => Moves(binary.Left) || Moves(binary.Right),
        CodeValue.Negate negate => Moves(negate.Operand),
        _ => false,
    };

    private static long Of(CodeValue? value) => value switch
    {
        null => 0,
        CodeValue.Load { Index: null } => FixedLoad + IndexedLoad,
        CodeValue.Load load => FixedLoad + IndexedLoad + Of(load.Index),
        CodeValue.HeaderLength => FixedLoad + IndexedLoad,
        CodeValue.Binary binary => Other + Of(binary.Left) + Of(binary.Right),
        CodeValue.Negate negate => Other + Of(negate.Operand),
        _ => Other,
    };

    // Far places are left out: they are asked of the kernel one by one.
    private static long Reach(CodeValue? value) => value switch
    {
        CodeValue.Load { Index: null } load => Near((long)load.Offset + load.Size),
        CodeValue.Load { Index: CodeValue.HeaderLength header } load =>
            Math.Max(Near((long)load.Offset + load.Size + UsualHeaderBytes), Near((long)header.Offset + 1)),
        CodeValue.Load load => Reach(load.Index),
        CodeValue.HeaderLength header => Near((long)header.Offset + 1),
        CodeValue.Binary binary => Math.Max(Reach(binary.Left), Reach(binary.Right)),
        CodeValue.Negate negate => Reach(negate.Operand),
        _ => 0,
    };

    private static long Near(long end) => end <= EbpfHeader.BytesMax ? end : 0;
}
