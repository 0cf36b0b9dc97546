// One expression, parsed: what every back end starts from. Immutable; any thread.
namespace Tapline.Filter;

/// <summary>A parsed filter expression.</summary>
public sealed class FilterTree
{
    private FilterTree(string text) => Text = text;

    /// <summary>Selects every frame.</summary>
    public static FilterTree Everything { get; } = new("");

    /// <summary>The text as given, without blanks around it; empty = everything.</summary>
    public string Text { get; }

    /// <summary>True when every frame is selected without looking.</summary>
    public bool IsEverything => Text.Length == 0;
}
