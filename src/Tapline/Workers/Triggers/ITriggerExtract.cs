// Who makes the file of a trigger: a process of its own, because reading a recording allocates and collects, and no worker may stop
// for that.
namespace Tapline.Workers.Triggers;

/// <summary>Makes files. One call at a time, on a thread of the triggers'; may take as long as it needs.</summary>
public interface ITriggerExtract
{
    /// <summary>Where the files are.</summary>
    string Folder { get; }

    /// <summary>Takes the window out of the recording; a sentence when that can't be.</summary>
    /// <param name="firing">The window.</param>
    /// <param name="isHurried">The engine ends: there is no worker to be spared, and time is short.</param>
    /// <param name="stop">There is no time left.</param>
    string? Run(TriggerFiring firing, bool isHurried, CancellationToken stop);
}
