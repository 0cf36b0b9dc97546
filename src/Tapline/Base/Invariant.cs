// Programmer errors end the worker: a wrong table is worse than a restart. Bad input never comes here.
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tapline.Base;

/// <summary>Always-on checks of what must hold in correct code. Never for input from wire, file or operator.</summary>
public static class Invariant
{
    /// <summary>Throws <see cref="InvariantException"/> when <paramref name="condition"/> does not hold.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string expression = "")
    {
        if (!condition)
        {
            Fail(expression);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Fail(string expression) => throw new InvariantException(expression);
}

/// <summary>A broken invariant: a defect in Tapline, not in its input.</summary>
public sealed class InvariantException(string expression)
    : Exception($"An internal invariant does not hold: {expression}. This is a defect; please report it.");
