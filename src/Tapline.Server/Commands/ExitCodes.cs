// The three ways in which a command ends. Scripts rely on them; a fourth is not needed.
namespace Tapline.Server.Commands;

/// <summary>What the process returns to the shell.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The command was understood and failed; one sentence on standard error says why and what mends it.</summary>
    public const int Failed = 1;

    /// <summary>The command line itself was wrong.</summary>
    public const int Usage = 2;
}
