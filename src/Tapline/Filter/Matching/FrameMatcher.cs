// The frame matcher: a program's steps as compact operations, run over a frame's bytes. Borrows the spans for the call,
// allocates nothing, any thread. Nearly all tests of real expressions are one operation each (load, mask, compare, jump) and
// run in one tight loop; what calculates, or asks more than bytes, is done one by one beside it. Bytes that were not
// captured end the run with "no", as does a division by zero.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Tapline.Base;
using Tapline.Decode;
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>Judges frames of one link type.</summary>
internal sealed class FrameMatcher
{
    private readonly MatchOperation[] _operations;
    private readonly FrameCalculator _calculator;
    private readonly FrameQuestion[] _questions;
    private readonly int _entry;

    /// <summary>Makes the matcher; names that it asks for are added to <paramref name="names"/>.</summary>
    public FrameMatcher(FilterProgram program, List<FilterNode> names)
    {
        var builder = new MatchBuilder(program, names);
        (_operations, _questions) = (builder.Operations, builder.Questions);
        _calculator = new FrameCalculator(builder.Values);
        _entry = program.Entry;
    }

    /// <summary>True when the frame is selected. Length is the frame's own, which may exceed its bytes.</summary>
    public bool Matches(in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, DirectoryBinding binding)
    {
        uint held = 0;
        var next = Run(_operations, _entry, frame, (uint)meta.OriginalLength, ref held);
        return FilterStep.IsExit(next) ? next == FilterStep.Accept : Continue(next, held, meta, layout, frame, binding);
    }

    // Runs until an exit, or up to an operation that it does not know. Held: the value of the last test.
    private static int Run(
        ReadOnlySpan<MatchOperation> operations, int next, ReadOnlySpan<byte> frame, uint length, ref uint held)
    {
        var value = held;
        while ((uint)next < (uint)operations.Length)
        {
            ref readonly var operation = ref operations[next];
            var at = operation.Offset;
            switch (operation.Source)
            {
                case MatchSource.Byte:
                    if (at >= (uint)frame.Length)
                    {
                        return FilterStep.Reject;
                    }

                    value = frame[(int)at];
                    break;
                case MatchSource.Half:
                    if ((int)at > frame.Length - sizeof(ushort))
                    {
                        return FilterStep.Reject;
                    }

                    value = BinaryPrimitives.ReadUInt16BigEndian(frame.Slice((int)at, sizeof(ushort)));
                    break;
                case MatchSource.Word:
                    if ((int)at > frame.Length - sizeof(uint))
                    {
                        return FilterStep.Reject;
                    }

                    value = BinaryPrimitives.ReadUInt32BigEndian(frame.Slice((int)at, sizeof(uint)));
                    break;
                case MatchSource.ByteBehindHeader:
                    if (!TrySkipHeader(frame, operation.Base, sizeof(byte), ref at))
                    {
                        return FilterStep.Reject;
                    }

                    value = frame[(int)at];
                    break;
                case MatchSource.HalfBehindHeader:
                    if (!TrySkipHeader(frame, operation.Base, sizeof(ushort), ref at))
                    {
                        return FilterStep.Reject;
                    }

                    value = BinaryPrimitives.ReadUInt16BigEndian(frame.Slice((int)at, sizeof(ushort)));
                    break;
                case MatchSource.WordBehindHeader:
                    if (!TrySkipHeader(frame, operation.Base, sizeof(uint), ref at))
                    {
                        return FilterStep.Reject;
                    }

                    value = BinaryPrimitives.ReadUInt32BigEndian(frame.Slice((int)at, sizeof(uint)));
                    break;
                case MatchSource.Length:
                    value = length;
                    break;
                case MatchSource.HeldEqual:
                    next = value == operation.Value ? operation.WhenTrue : operation.WhenFalse;
                    continue;
                case MatchSource.Held:
                    break;
                default:
                    held = value;
                    return next;
            }

            value &= operation.Mask;
            var holds = operation.Kind switch
            {
                TestKind.Equal => value == operation.Value,
                TestKind.Greater => value > operation.Value,
                TestKind.GreaterOrEqual => value >= operation.Value,
                _ => (value & operation.Value) != 0,
            };
            next = holds ? operation.WhenTrue : operation.WhenFalse;
        }

        return next;
    }

    // Adds the length of the IPv4 header at the base. Offsets are below 2^31: 60 bytes more cannot wrap back into the frame.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TrySkipHeader(ReadOnlySpan<byte> frame, uint header, int size, ref uint at)
    {
        if (header >= (uint)frame.Length)
        {
            return false;
        }

        at += (uint)(frame[(int)header] & 0xf) << 2;
        return at <= (long)frame.Length - size;
    }

    // From an operation that takes more than the bytes at a place.
    private bool Continue(
        int next, uint held, in FrameMeta meta, in FrameLayout layout, ReadOnlySpan<byte> frame, DirectoryBinding binding)
    {
        // Zeros, as the language has it: a variable that nothing set is zero.
        Span<uint> words = stackalloc uint[FilterProgram.WordsMax + FrameCalculator.StackWords];
        var variables = words[..FilterProgram.WordsMax];
        var stack = words[FilterProgram.WordsMax..];
        var length = (uint)meta.OriginalLength;
        while (!FilterStep.IsExit(next))
        {
            ref readonly var operation = ref _operations[next];
            bool holds;
            switch (operation.Source)
            {
                case MatchSource.Question:
                    holds = _questions[operation.Begin].Ask(meta, layout, frame, binding);
                    break;
                case MatchSource.Assignment:
                    if (!_calculator.TryCalculate(operation.Begin, frame, length, variables, stack, out held, out _))
                    {
                        return false;
                    }

                    variables[(int)operation.Value] = held;
                    holds = true;
                    break;
                default:
                    if (!_calculator.TryCalculate(operation.Begin, frame, length, variables, stack, out held, out var end)
                        || !_calculator.TryCalculate(end, frame, length, variables, stack, out var right, out _))
                    {
                        return false;
                    }

                    holds = StepThreading.Holds(operation.Kind, held, right);
                    break;
            }

            next = Run(_operations, holds ? operation.WhenTrue : operation.WhenFalse, frame, length, ref held);
        }

        return next == FilterStep.Accept;
    }
}
