// The application on the demo's switch, whatever its machines are. In: orders of DemoRun. Out: traffic. Between Prepare and
// Start, and after Stop, nothing of it moves on the switch, so that the kernel's counters can be compared.
namespace Tapline.Server.Demo;

/// <summary>A multi-tier application with customers.</summary>
internal interface IDemoTiers
{
    /// <summary>Where the customers go.</summary>
    string WebAddress { get; }

    /// <summary>What the customers say at their end: requests and how they went, as a JSON object; null before.</summary>
    string? LoadReport { get; }

    /// <summary>What runs where, as sentences for the operator.</summary>
    IEnumerable<string> Describe();

    /// <summary>Everything that takes time and sends no frame.</summary>
    Task PrepareAsync(CancellationToken stop);

    /// <summary>Starts all tiers and the customers; from here on frames cross the switch.</summary>
    Task StartAsync(CancellationToken stop);

    /// <summary>Something that should run and does not, as a sentence; null when all is well.</summary>
    string? Failed();

    /// <summary>Ends customers, then tiers, so that connections close the ordinary way.</summary>
    Task StopAsync();
}
