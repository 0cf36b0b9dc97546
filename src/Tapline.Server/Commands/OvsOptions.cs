// The two options about Open vSwitch that every verb with observation points has.
using System.CommandLine;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>`--ovs-database` and `--ovs-mirror`.</summary>
internal static class OvsOptions
{
    public static readonly Option<string?> Database = new("--ovs-database")
    {
        Description = "Socket of Open vSwitch's database (default: /var/run/openvswitch/db.sock).", HelpName = "PATH",
    };

    public static readonly Option<bool> Mirror = new("--ovs-mirror")
    {
        Description = "Let Open vSwitch copy the ports that have no kernel interface; its mirrors go when Tapline ends.",
    };

    /// <summary>The orders with what the command line says about Open vSwitch.</summary>
    public static EngineOptions Apply(EngineOptions options, ParseResult parsed) => options with
    {
        OvsDatabase = parsed.GetValue(Database) ?? options.OvsDatabase,
        OvsMirror = parsed.GetValue(Mirror) || options.OvsMirror,
    };
}
