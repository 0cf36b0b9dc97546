// A mistake in a configuration file, where it stands and what would be right.
namespace Tapline.Server.Config;

/// <summary>One mistake. Lines and columns count from 1.</summary>
internal sealed record ConfigurationMistake(long Line, long Column, string Sentence)
{
    public override string ToString() => $"line {Line}, column {Column}: {Sentence}";
}
