// `tapline extcap`: Tapline's points in Wireshark's own list of interfaces. Wireshark calls the script that --install wrote,
// with options of its own (extcap(4)); each call answers one question, and --capture runs a mirror session into the pipe that
// Wireshark reads. What is wrong with a capture filter goes to standard output: that is how Wireshark asks.
using System.CommandLine;
using Tapline.Base;
using Tapline.Capture.Points;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Server.Commands.Extcap;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The verb `extcap`.</summary>
internal static class ExtcapVerb
{
    private static readonly Option<bool> s_install = new("--install") { Description = "Adds Tapline to Wireshark's capture sources." };
    private static readonly Option<bool> s_remove = new("--remove") { Description = "Takes it away again." };
    private static readonly Option<bool> s_user = new("--user") { Description = "For this user (default unless root)." };
    private static readonly Option<bool> s_system = new("--system") { Description = "For all users (default for root)." };
    private static readonly Option<string?> s_folder = new("--folder")
    {
        Description = "Another extcap folder, as Wireshark names it in About, Folders.", HelpName = "DIR",
    };

    private static readonly Option<bool> s_interfaces = Hidden<bool>("--extcap-interfaces");
    private static readonly Option<bool> s_dlts = Hidden<bool>("--extcap-dlts");
    private static readonly Option<bool> s_config = Hidden<bool>("--extcap-config");
    private static readonly Option<bool> s_capture = Hidden<bool>("--capture");
    private static readonly Option<string?> s_version = Hidden<string?>("--extcap-version");
    private static readonly Option<string?> s_interface = Hidden<string?>("--extcap-interface");
    private static readonly Option<string?> s_filter = Hidden<string?>("--extcap-capture-filter");
    private static readonly Option<string?> s_fifo = Hidden<string?>("--fifo");
    private static readonly Option<bool> s_cleanup = Hidden<bool>("--extcap-cleanup-postkill");
    private static readonly Option<int> s_slice = Hidden<int>("--slice");
    private static readonly Option<string?> s_frames = Hidden<string?>("--frames");

    public static Command Build()
    {
        var verb = new Command("extcap", "Puts Tapline's observation points into Wireshark's list of interfaces.")
        {
            s_install, s_remove, s_user, s_system, s_folder, s_interfaces, s_dlts, s_config, s_capture, s_version, s_interface,
            s_filter, s_fifo, s_cleanup, s_slice, s_frames,
        };
        verb.Examples(
            ("tapline extcap --install", "From Wireshark's next start on, its list has this host's switches and VMs."),
            ("tapline extcap --remove", "And no longer."),
            ("tshark -i tapline-switch-br0 -f 'tcp port 443'", "Everything that enters the switch br0, in tshark."));
        verb.SetAction(Run);
        return verb;
    }

    private static Option<T> Hidden<T>(string name) => new(name) { Hidden = true };

    private static int Run(ParseResult parsed)
    {
        if (parsed.GetValue(s_install) || parsed.GetValue(s_remove))
        {
            return Told(parsed.GetValue(s_install)
                ? ExtcapScript.Install(Folders(parsed, isInstall: true), Environment.ProcessPath!)
                : ExtcapScript.Remove(Folders(parsed, isInstall: false)));
        }

        if (parsed.GetValue(s_cleanup))
        {
            return ExitCodes.Ok;
        }

        if (parsed.GetValue(s_interfaces))
        {
            return PrintInterfaces();
        }

        if (parsed.GetValue(s_dlts))
        {
            Console.WriteLine("dlt {number=1}{name=EN10MB}{display=Ethernet}");
            return ExitCodes.Ok;
        }

        if (parsed.GetValue(s_config))
        {
            PrintConfiguration();
            return ExitCodes.Ok;
        }

        if (parsed.GetValue(s_capture))
        {
            return Capture(parsed);
        }

        if (parsed.GetValue(s_filter) is { } filter)
        {
            if (CompiledFilter.Compile(filter, LinkType.Ethernet, out var mistake) is null)
            {
                Console.WriteLine(mistake);
            }

            return ExitCodes.Ok;
        }

        Console.Error.WriteLine("tapline: extcap is for Wireshark to call; `tapline extcap --install` tells it how.");
        return ExitCodes.Usage;
    }

    private static string[] Folders(ParseResult parsed, bool isInstall)
    {
        if (parsed.GetValue(s_folder) is { } folder)
        {
            return [folder];
        }

        var isSystem = parsed.GetValue(s_system) || (!parsed.GetValue(s_user) && Environment.UserName == "root");
        if (!isSystem)
        {
            return [.. ExtcapScript.UserFolders];
        }

        var there = ExtcapScript.SystemFolders.Where(Directory.Exists).ToArray();
        return there.Length == 0 ? [ExtcapScript.SystemFolders[^1]] : isInstall ? [there[0]] : there;
    }

    private static int PrintInterfaces()
    {
        var version = typeof(ExtcapVerb).Assembly.GetName().Version?.ToString(3);
        Console.WriteLine($"extcap {{version={version}}}{{display=Tapline}}");
        if (PointInventory.Read([], out var error) is not { } inventory)
        {
            return Told(error);
        }

        foreach (var source in ExtcapInterface.Of(inventory.Points))
        {
            Console.WriteLine($"interface {{value={source.Value}}}{{display={source.Display}}}");
        }

        return ExitCodes.Ok;
    }

    private static void PrintConfiguration()
    {
        Console.WriteLine("arg {number=0}{call=--slice}{display=Bytes kept of each frame}{tooltip=0 keeps whole frames}"
            + "{type=unsigned}{default=0}");
        Console.WriteLine("arg {number=1}{call=--frames}{display=Super-frames}"
            + "{tooltip=Virtual machines hand over up to 64 KiB at once}{type=selector}");
        Console.WriteLine("value {arg=1}{value=wire}{display=as a wire carries them}{default=true}");
        Console.WriteLine("value {arg=1}{value=captured}{display=whole, as the machine sent them}{default=false}");
    }

    private static int Capture(ParseResult parsed)
    {
        if (parsed.GetValue(s_fifo) is not { } fifo || parsed.GetValue(s_interface) is not { } name)
        {
            return Told("--capture needs --extcap-interface and --fifo; Wireshark gives both.");
        }

        if (parsed.GetValue(s_slice) is not 0 and < MirrorSession.SliceBytesMin)
        {
            return Told($"Bytes kept of each frame: 0 for all, or {MirrorSession.SliceBytesMin} and more.");
        }

        if (PointInventory.Read([], out var error) is not { } inventory)
        {
            return Told(error);
        }

        if (ExtcapInterface.Of(inventory.Points).FirstOrDefault(i => i.Value == name) is not { } source)
        {
            return Told($"There is no point {name} any more; refresh Wireshark's list of interfaces.");
        }

        var filter = parsed.GetValue(s_filter);
        using var signals = new StopSignals();
        var report = EngineRun.Run(
            new EngineOptions
            {
                Points = [source.From],
                Mirrors =
                [
                    new MirrorPlan
                    {
                        Session = "wireshark",
                        To = $"file:{fifo}?frames={(parsed.GetValue(s_frames) == "captured" ? "captured" : "wire")}",
                        Filter = string.IsNullOrWhiteSpace(filter) ? null : filter,
                        Shape = parsed.GetValue(s_slice) is > 0 and var bytes ? $"slice={bytes}" : null,
                    },
                ],
                Analyse = false,
                EndsWithTarget = true,
            },
            signals.Token);
        return report.Fault is null ? ExitCodes.Ok : Told(report.Fault);
    }

    private static int Told(string? mistake)
    {
        if (mistake is not null)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
        }

        return mistake is null ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
