// One time that a trigger was set off, as the control thread took it: the window that is held and the file that is to be made.
using System.Globalization;
using Tapline.Record.Holds;
using Tapline.Store;

namespace Tapline.Workers.Triggers;

/// <summary>A window to take out of the recording. Immutable.</summary>
/// <param name="Plan">The trigger.</param>
/// <param name="TimeNs">When it was set off.</param>
/// <param name="SinceNs">First moment of the window.</param>
/// <param name="UntilNs">Its last moment.</param>
/// <param name="DueNs">When everything of it can be read.</param>
/// <param name="CommunityId">The flow that did it; null = it was none.</param>
public sealed record TriggerFiring(TriggerPlan Plan, long TimeNs, long SinceNs, long UntilNs, long DueNs, string? CommunityId)
{
    /// <summary>Its flow goes on: the window's end is the latest that is waited for.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Why the file has less than the window; null = it has all of it.</summary>
    public string? Cut { get; init; }

    /// <summary>Name of its file: the trigger's, and the time.</summary>
    public string FileName => string.Create(
        CultureInfo.InvariantCulture,
        $"{Plan.Name}-{DateTime.UnixEpoch.AddTicks(TimeNs / 100):yyyyMMdd'T'HHmmss'.'fff'Z'}.pcapng");

    /// <summary>What the file has of the window; empty = everything.</summary>
    public string Expression => Plan.IsOfFlow && CommunityId is not null ? $"community_id \"{CommunityId}\"" : "";

    /// <summary>What the file says of itself.</summary>
    public string Note => $"Trigger {Plan.Name} ({Plan.When}) was set off at {HoldText.Time(TimeNs)}"
        + (CommunityId is null ? "." : $" by flow {CommunityId}.") + (Cut is null ? "" : " " + Cut);
}
