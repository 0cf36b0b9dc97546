// Turns steps into the matcher's operations. Control thread only.
using Tapline.Filter.Lowering;
using Tapline.Filter.Tree;

namespace Tapline.Filter.Matching;

/// <summary>Builds a matcher's code; used once.</summary>
internal sealed class MatchBuilder
{
    private readonly List<ValueOperation> _values = [];
    private readonly List<FrameQuestion> _questions = [];

    private readonly List<FilterNode> _names;

    /// <summary>Builds; names that the program asks for are added to <paramref name="names"/> unless they are there.</summary>
    public MatchBuilder(FilterProgram program, List<FilterNode> names)
    {
        _names = names;
        var held = HeldValues.Find(program);
        Operations = new MatchOperation[program.Steps.Count];
        for (var i = 0; i < Operations.Length; i++)
        {
            Operations[i] = Operation(program.Steps[i], held[i]);
        }
    }

    public MatchOperation[] Operations { get; }

    public ValueOperation[] Values => [.. _values];

    public FrameQuestion[] Questions => [.. _questions];

    private MatchOperation Operation(FilterStep step, CodeValue? held)
    {
        var operation = new MatchOperation { WhenTrue = step.WhenTrue, WhenFalse = step.WhenFalse, Kind = step.Kind };
        if (step.Question is { } question)
        {
            operation.Source = MatchSource.Question;
            operation.Begin = _questions.Count;
            _questions.Add(new FrameQuestion(question, Name(question)));
        }
        else if (step.AssignedValue is { } assigned)
        {
            operation.Source = MatchSource.Assignment;
            operation.Value = (uint)step.Slot;
            operation.Begin = Calculation(assigned);
        }
        else if (step.Right is CodeValue.Constant constant && TrySimple(step.Left!, held, ref operation))
        {
            operation.Value = constant.Value;
        }
        else
        {
            operation.Source = MatchSource.Calculation;
            operation.Begin = Calculation(step.Left!);
            Calculation(step.Right!);
        }

        return operation;
    }

    private int Name(FilterNode question)
    {
        if (question is not (FilterNode.Vm or FilterNode.Point or FilterNode.Tag))
        {
            return -1;
        }

        var index = _names.IndexOf(question);
        if (index < 0)
        {
            index = _names.Count;
            _names.Add(question);
        }

        return index;
    }

    private static bool TrySimple(CodeValue left, CodeValue? held, ref MatchOperation operation)
    {
        if (left.Equals(held))
        {
            operation.Mask = uint.MaxValue;
            operation.Source = operation.Kind == TestKind.Equal ? MatchSource.HeldEqual : MatchSource.Held;
            return true;
        }

        var value = ValueShape.Unmasked(left, out operation.Mask);
        if (value.Equals(held))
        {
            operation.Source = MatchSource.Held;
            return true;
        }

        if (value is CodeValue.Length)
        {
            operation.Source = MatchSource.Length;
            return true;
        }

        if (value is not CodeValue.Load load || load.Index is not (null or CodeValue.HeaderLength))
        {
            return false;
        }

        operation.Offset = load.Offset;
        operation.Source = load.Size switch
        {
            1 => MatchSource.Byte,
            2 => MatchSource.Half,
            _ => MatchSource.Word,
        };
        if (load.Index is CodeValue.HeaderLength header)
        {
            operation.Base = header.Offset;
            operation.Source += (int)MatchSource.ByteBehindHeader;
        }

        return true;
    }

    private int Calculation(CodeValue value)
    {
        var begin = _values.Count;
        Emit(value);
        _values.Add(new ValueOperation(ValueCode.End));
        return begin;
    }

    private void Emit(CodeValue value)
    {
        switch (value)
        {
            case CodeValue.Constant constant:
                _values.Add(new ValueOperation(ValueCode.Constant, constant.Value));
                break;
            case CodeValue.Length:
                _values.Add(new ValueOperation(ValueCode.Length));
                break;
            case CodeValue.Variable variable:
                _values.Add(new ValueOperation(ValueCode.Variable, (uint)variable.Slot));
                break;
            case CodeValue.HeaderLength header:
                _values.Add(new ValueOperation(ValueCode.HeaderLength, header.Offset));
                break;
            case CodeValue.Load { Index: null } load:
                _values.Add(new ValueOperation(ValueCode.Load, load.Offset, (byte)load.Size));
                break;
            case CodeValue.Load load:
                Emit(load.Index);
                _values.Add(new ValueOperation(ValueCode.LoadIndexed, load.Offset, (byte)load.Size));
                break;
            case CodeValue.Negate negate:
                Emit(negate.Operand);
                _values.Add(new ValueOperation(ValueCode.Negate));
                break;
            default:
                var binary = (CodeValue.Binary)value;
                Emit(binary.Left);
                if (binary.Right is CodeValue.Constant right)
                {
                    _values.Add(new ValueOperation(ValueCode.BinaryConstant, right.Value, Operation: binary.Operation));
                    break;
                }

                Emit(binary.Right);
                _values.Add(new ValueOperation(ValueCode.Binary, Operation: binary.Operation));
                break;
        }
    }
}
