// What a comparison of a summary with its segment can come to.
namespace Tapline.Record.Summary;

/// <summary>How a row of a summary and its segment go together.</summary>
internal enum SummaryVerdict
{
    /// <summary>There is no row that a query would believe.</summary>
    None,

    /// <summary>It says what the segment and its index say.</summary>
    Same,

    /// <summary>The index is gone or was made anew since: its copy can't be compared.</summary>
    Older,

    /// <summary>It says something else.</summary>
    Other,
}
