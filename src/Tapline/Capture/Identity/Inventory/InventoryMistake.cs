// What is wrong with an inventory, where, and what would be right.
namespace Tapline.Capture.Identity;

/// <summary>One mistake. Lines count from 1.</summary>
/// <param name="Line">Line of the file.</param>
/// <param name="Sentence">What is wrong and what would be right.</param>
public sealed record InventoryMistake(int Line, string Sentence)
{
    public override string ToString() => $"line {Line}: {Sentence}";
}
