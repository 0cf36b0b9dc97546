// A tree of conditions becomes a list of steps that lead forward. Each condition is told where to go on when it holds and
// when not; places that are not known yet are labels, resolved at the end. Without recursion: trees may be deep.
namespace Tapline.Filter.Lowering;

/// <summary>Flattens conditions.</summary>
internal sealed class StepBuilder
{
    private readonly List<FilterStep> _steps = [];

    // Positions of the labels; label n is the target -1 - n.
    private readonly List<int> _labels = [];

    private StepBuilder()
    {
    }

    /// <summary>The steps; the first one is the entry.</summary>
    public static List<FilterStep> Build(Condition condition)
    {
        var builder = new StepBuilder();
        builder.Emit(condition);
        foreach (var step in builder._steps)
        {
            step.WhenTrue = builder.Resolve(step.WhenTrue);
            step.WhenFalse = builder.Resolve(step.WhenFalse);
        }

        return builder._steps;
    }

    private void Emit(Condition condition)
    {
        var (whenTrue, whenFalse) = (FilterStep.Accept, FilterStep.Reject);
        var pending = new Stack<(Condition Condition, int WhenTrue, int WhenFalse, int Label)>();
        while (true)
        {
            switch (condition)
            {
                case Condition.Not not:
                    (condition, whenTrue, whenFalse) = (not.Operand, whenFalse, whenTrue);
                    continue;
                case Condition.And and:
                    pending.Push((and.Right, whenTrue, whenFalse, Label()));
                    (condition, whenTrue) = (and.Left, pending.Peek().Label);
                    continue;
                case Condition.Or or:
                    pending.Push((or.Right, whenTrue, whenFalse, Label()));
                    (condition, whenFalse) = (or.Left, pending.Peek().Label);
                    continue;
            }

            var step = Step(condition);
            (step.WhenTrue, step.WhenFalse) = (whenTrue, whenFalse);
            _steps.Add(step);
            if (!pending.TryPop(out var next))
            {
                return;
            }

            _labels[-1 - next.Label] = _steps.Count;
            (condition, whenTrue, whenFalse) = (next.Condition, next.WhenTrue, next.WhenFalse);
        }
    }

    private static FilterStep Step(Condition condition) => condition switch
    {
        Condition.Test test => new FilterStep { Left = test.Left, Kind = test.Kind, Right = test.Right },
        Condition.Assign assign => new FilterStep { AssignedValue = assign.Value, Slot = assign.Slot },
        Condition.Ask ask => new FilterStep { Question = ask.Node },
        // Threading takes it out again.
        var truth => new FilterStep
        {
            Left = new CodeValue.Constant(((Condition.Truth)truth).Value ? 1u : 0),
            Kind = TestKind.Equal,
            Right = new CodeValue.Constant(1),
        },
    };

    private int Label()
    {
        _labels.Add(0);
        return -_labels.Count;
    }

    private int Resolve(int target) => target < 0 ? _labels[-1 - target] : target;
}
