// Calculates values over a frame's bytes: postfix code on a small stack. Borrows the spans for the call, allocates nothing,
// any thread.
using System.Buffers.Binary;
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>The calculations of one matcher.</summary>
internal sealed class FrameCalculator(ValueOperation[] operations)
{
    /// <summary>Words that a calculation may have under way, and one below them.</summary>
    public const int StackWords = FilterProgram.WordsMax + 1;

    /// <summary>
    /// The calculation that begins at <paramref name="begin"/>; false when bytes are missing or it divides by zero.
    /// <paramref name="end"/> is where the next one begins; the stack holds values on the way.
    /// </summary>
    public bool TryCalculate(
        int begin, ReadOnlySpan<byte> frame, uint length, ReadOnlySpan<uint> variables, Span<uint> stack,
        out uint result, out int end)
    {
        // The top of the stack is a register; below it lies the rest.
        uint value = 0;
        var depth = 0;
        result = 0;
        for (end = begin; ; end++)
        {
            ref readonly var operation = ref operations[end];
            switch (operation.Code)
            {
                case ValueCode.End:
                    result = value;
                    end++;
                    return true;
                case ValueCode.Constant:
                    stack[depth++] = value;
                    value = operation.Number;
                    break;
                case ValueCode.Length:
                    stack[depth++] = value;
                    value = length;
                    break;
                case ValueCode.Variable:
                    stack[depth++] = value;
                    value = variables[(int)operation.Number];
                    break;
                case ValueCode.Load:
                    stack[depth++] = value;
                    if (!TryLoad(frame, operation.Number, operation.Size, out value))
                    {
                        return false;
                    }

                    break;
                case ValueCode.LoadIndexed:
                    if (!TryLoad(frame, (ulong)value + operation.Number, operation.Size, out value))
                    {
                        return false;
                    }

                    break;
                case ValueCode.HeaderLength:
                    stack[depth++] = value;
                    if (!TryLoad(frame, operation.Number, 1, out value))
                    {
                        return false;
                    }

                    value = (value & 0xf) << 2;
                    break;
                case ValueCode.Negate:
                    value = 0 - value;
                    break;
                case ValueCode.BinaryConstant:
                    value = Calculation.Of(operation.Operation, value, operation.Number);
                    break;
                default:
                    if (value == 0 && operation.Operation is Arithmetic.Divide or Arithmetic.Modulo)
                    {
                        return false;
                    }

                    value = Calculation.Of(operation.Operation, stack[--depth], value);
                    break;
            }
        }
    }

    // Offsets are 64 bits wide, so that a sum cannot wrap back into the frame.
    private static bool TryLoad(ReadOnlySpan<byte> frame, ulong offset, int size, out uint value)
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
}
