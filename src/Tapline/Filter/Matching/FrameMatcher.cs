// The frame matcher: a program's steps as compact operations, run over a frame's bytes. Borrows the spans for the call,
// allocates nothing, any thread. Nearly all tests of real expressions are one operation each (load, mask, compare, jump);
// the rest calculates on a small stack. Bytes that were not captured end the run with "no", as does a division by zero.
using System.Buffers.Binary;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>Judges frames of one link type.</summary>
internal sealed class FrameMatcher
{
    private readonly MatchOperation[] _operations;
    private readonly ValueOperation[] _values;
    private readonly FrameQuestion[] _questions;
    private readonly int _entry;
    private readonly int _slots;

    /// <summary>Makes the matcher; names that it asks for are added to <paramref name="names"/>.</summary>
    public FrameMatcher(FilterProgram program, List<FilterNode> names)
    {
        var builder = new MatchBuilder(program, names);
        (_operations, _values, _questions) = (builder.Operations, builder.Values, builder.Questions);
        (_entry, _slots) = (program.Entry, program.Slots);
    }

    /// <summary>True when the frame is selected. Length is the frame's own, which may exceed its bytes.</summary>
    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, DirectoryBinding binding)
    {
        if (_slots == 0)
        {
            return Run(meta, layout, frame, binding, default);
        }

        Span<uint> variables = stackalloc uint[FilterProgram.WordsMax];
        variables.Clear();
        return Run(meta, layout, frame, binding, variables);
    }

    private bool Run(
        in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, DirectoryBinding binding, Span<uint> variables)
    {
        ReadOnlySpan<MatchOperation> operations = _operations;
        var next = _entry;
        while ((uint)next < (uint)operations.Length)
        {
            ref readonly var operation = ref operations[next];
            var holds = false;
            switch (operation.Source)
            {
                case MatchSource.Calculation:
                    if (!Compare(operation, frame, (uint)meta.OriginalLength, variables, out holds))
                    {
                        return false;
                    }

                    break;
                case MatchSource.Assignment:
                    if (!Calculate(operation.Begin, frame, (uint)meta.OriginalLength, variables, out var assigned, out _))
                    {
                        return false;
                    }

                    variables[(int)operation.Value] = assigned;
                    holds = true;

                    break;
                case MatchSource.Question:
                    holds = _questions[operation.Begin].Ask(meta, layout, frame, binding);
                    break;
                default:
                    if (!Load(operation, frame, (uint)meta.OriginalLength, out var value))
                    {
                        return false;
                    }

                    value &= operation.Mask;
                    holds = operation.Kind == TestKind.Equal
                        ? value == operation.Value : StepThreading.Holds(operation.Kind, value, operation.Value);
                    break;
            }

            next = holds ? operation.WhenTrue : operation.WhenFalse;
        }

        return next == FilterStep.Accept;
    }

    // Offsets are 64 bits wide, so that a sum cannot wrap back into the frame.
    private static bool Load(in MatchOperation operation, ReadOnlySpan<byte> frame, uint length, out uint value)
    {
        ulong offset = operation.Offset;
        var source = operation.Source;
        if (source is >= MatchSource.ByteBehindHeader and <= MatchSource.WordBehindHeader)
        {
            if (operation.Base >= (uint)frame.Length)
            {
                value = 0;
                return false;
            }

            offset += (uint)(frame[(int)operation.Base] & 0xf) << 2;
            source -= MatchSource.ByteBehindHeader;
        }

        switch (source)
        {
            case MatchSource.Byte:
                return LoadAt(frame, offset, 1, out value);
            case MatchSource.Half:
                return LoadAt(frame, offset, 2, out value);
            case MatchSource.Word:
                return LoadAt(frame, offset, 4, out value);
            default:
                value = length;
                return true;
        }
    }

    private static bool LoadAt(ReadOnlySpan<byte> frame, ulong offset, int size, out uint value)
    {
        if (offset + (uint)size > (ulong)frame.Length)
        {
            value = 0;
            return false;
        }

        var bytes = frame.Slice((int)offset, size);
        value = size switch
        {
            1 => bytes[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes),
            _ => BinaryPrimitives.ReadUInt32BigEndian(bytes),
        };
        return true;
    }

    private bool Compare(in MatchOperation operation, ReadOnlySpan<byte> frame, uint length, Span<uint> variables, out bool holds)
    {
        holds = false;
        if (!Calculate(operation.Begin, frame, length, variables, out var left, out var end)
            || !Calculate(end, frame, length, variables, out var right, out _))
        {
            return false;
        }

        holds = StepThreading.Holds(operation.Kind, left, right);
        return true;
    }

    private bool Calculate(
        int begin, ReadOnlySpan<byte> frame, uint length, Span<uint> variables, out uint result, out int end)
    {
        Span<uint> stack = stackalloc uint[FilterProgram.WordsMax];
        var top = -1;
        var at = begin;
        result = 0;
        end = 0;
        for (; ; at++)
        {
            ref readonly var value = ref _values[at];
            switch (value.Code)
            {
                case ValueCode.End:
                    result = stack[top];
                    end = at + 1;
                    return true;
                case ValueCode.Constant:
                    stack[++top] = value.Number;
                    break;
                case ValueCode.Length:
                    stack[++top] = length;
                    break;
                case ValueCode.Variable:
                    stack[++top] = variables[(int)value.Number];
                    break;
                case ValueCode.Load:
                    if (!LoadAt(frame, value.Number, value.Size, out stack[++top]))
                    {
                        return false;
                    }

                    break;
                case ValueCode.LoadIndexed:
                    if (!LoadAt(frame, (ulong)stack[top] + value.Number, value.Size, out stack[top]))
                    {
                        return false;
                    }

                    break;
                case ValueCode.HeaderLength:
                    if (!LoadAt(frame, value.Number, 1, out var first))
                    {
                        return false;
                    }

                    stack[++top] = (first & 0xf) << 2;
                    break;
                case ValueCode.Negate:
                    stack[top] = 0 - stack[top];
                    break;
                default:
                    var right = stack[top--];
                    if (right == 0 && value.Operation is Arithmetic.Divide or Arithmetic.Modulo)
                    {
                        return false;
                    }

                    stack[top] = Calculation.Of(value.Operation, stack[top], right);
                    break;
            }
        }
    }
}
