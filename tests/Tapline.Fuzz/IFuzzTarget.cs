// What is fuzzed: some bytes in, an exception out when anything is wrong.
namespace Tapline.Fuzz;

/// <summary>One parser under test.</summary>
public interface IFuzzTarget : IDisposable
{
    /// <summary>The word on the command line.</summary>
    string Name { get; }

    /// <summary>Inputs to start from, all good.</summary>
    IReadOnlyList<byte[]> Seeds { get; }

    /// <summary>Parses the input and checks the outcome; any exception is a finding.</summary>
    void Run(ReadOnlySpan<byte> input);
}

/// <summary>An outcome that must not be.</summary>
public sealed class FuzzFinding(string what) : Exception(what);
