// The list of verbs, in the order in which help shows them. One file per verb beside this one.
using System.CommandLine;

namespace Tapline.Server.Commands;

/// <summary>The root of the command line.</summary>
internal static class RootVerb
{
    public static RootCommand Build()
    {
        var root = new RootCommand("Tapline: see every frame at the virtual switch, mirror it, analyse it, keep it.");
        root.Subcommands.Add(UpVerb.Build());
        root.Subcommands.Add(DemoVerb.Build());
        root.Subcommands.Add(PointsVerb.Build());
        root.Subcommands.Add(DoctorVerb.Build());
        root.Subcommands.Add(MirrorVerb.Build());
        root.Subcommands.Add(ExtcapVerb.Build());
        root.Subcommands.Add(RecordVerb.Build());
        root.Subcommands.Add(HoldVerb.Build());
        root.Subcommands.Add(ImportVerb.Build());
        root.Subcommands.Add(ReadVerb.Build());
        root.Subcommands.Add(QueryVerb.Build());
        root.Subcommands.Add(TopVerb.Build());
        root.Subcommands.Add(EngineVerb.Build());
        root.Subcommands.Add(ConsoleVerb.Build());
        return root;
    }
}
