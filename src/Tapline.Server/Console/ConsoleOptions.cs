// What a console is to do. Made by `tapline console` from its options, or by a test.
using System.Net;

// The folder is named for what it is, the namespace is not: `Tapline.Server.Console` would hide `System.Console`
// from every file of this assembly.
namespace Tapline.Server.WebConsole;

/// <summary>Orders of one console.</summary>
internal sealed record ConsoleOptions
{
    public required Config.DataFolder Data { get; init; }

    public IPEndPoint Listen { get; init; } = new(IPAddress.Loopback, DefaultPort);

    /// <summary>Age in days at which records leave the store; 0 = never.</summary>
    public int RetentionDays { get; init; } = 30;

    public const int DefaultPort = 7777;
}
