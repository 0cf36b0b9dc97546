// Runs one target for a time or a number of inputs, and says how to repeat what it found.
using System.Diagnostics;
using System.Globalization;

namespace Tapline.Fuzz;

/// <summary>A fuzzing session of one target.</summary>
public static class FuzzRun
{
    /// <summary>
    /// Runs mutated seeds until the time or the count is over. Gives null, or the report of the first finding.
    /// </summary>
    public static string? Go(IFuzzTarget target, int seed, TimeSpan time, long inputsMax, out long inputs)
    {
        inputs = 0;
        foreach (var good in target.Seeds)
        {
            if (Try(target, good) is { } problem)
            {
                return $"A starting input fails: {problem}";
            }
        }

        var mutator = new Mutator(seed);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time && inputs < inputsMax)
        {
            var input = mutator.Next(target.Seeds);
            inputs++;
            if (Try(target, input) is { } problem)
            {
                return string.Create(CultureInfo.InvariantCulture,
                    $"{target.Name}: input {inputs} of seed {seed}: {problem}\n{Convert.ToHexString(input)}");
            }
        }

        return null;
    }

    /// <summary>Runs one input; the exception as text when there is one.</summary>
    public static string? Try(IFuzzTarget target, byte[] input)
    {
        try
        {
            target.Run(input);
            return null;
        }
        catch (Exception finding)
        {
            return finding.ToString();
        }
    }
}
