// One line of `tapline doctor`.
namespace Tapline.Capture.Doctor;

/// <summary>How a check ended.</summary>
public enum CheckLevel : byte
{
    /// <summary>Fit.</summary>
    Ok,

    /// <summary>Works, with a restriction that the mend removes.</summary>
    Warn,

    /// <summary>Something that live capture cannot do without is missing.</summary>
    Bad,
}

/// <summary>The result of one check.</summary>
/// <param name="Name">What was checked, a stable word for programs.</param>
/// <param name="Level">How it ended.</param>
/// <param name="Finding">What was found, one sentence.</param>
/// <param name="Mend">What to do about it, one sentence; null when nothing is to be done.</param>
public sealed record CheckResult(string Name, CheckLevel Level, string Finding, string? Mend = null)
{
    internal static CheckResult Ok(string name, string finding) => new(name, CheckLevel.Ok, finding);

    internal static CheckResult Warn(string name, string finding, string mend) => new(name, CheckLevel.Warn, finding, mend);

    internal static CheckResult Bad(string name, string finding, string mend) => new(name, CheckLevel.Bad, finding, mend);
}
