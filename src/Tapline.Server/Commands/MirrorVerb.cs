// `tapline mirror`: one mirror session without a data folder, a console or flow accounting. The data plane is the
// engine's; here are the options. The ledger is printed at the end, as `tapline engine` prints it.
using System.CommandLine;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Targets;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>The verb `mirror`.</summary>
internal static class MirrorVerb
{
    public static Command Build()
    {
        var from = new Option<string[]>("--from")
        {
            Description = "Points to copy from, separated by commas: interfaces, globs, bridge:NAME, ovs:NAME, vm:NAME, tag:NAME.",
            Required = true,
            AllowMultipleArgumentsPerToken = false,
        };
        var to = new Option<string[]>("--to")
        {
            Description = "Where the copies go: nic:INTERFACE, vxlan://HOST, geneve://HOST, gre://HOST, erspan://HOST, tzsp://HOST, "
                + "file:PATH, pcap-over-ip://:PORT, stdout. Repeated: the targets share the flows.",
            Required = true,
            AllowMultipleArgumentsPerToken = false,
        };
        var filter = new Option<string?>("--filter") { Description = "Copies only what this expression selects." };
        var mode = new Option<MirrorMode>("--mode")
        {
            Description = "kernel, user, or auto: in the kernel whenever filter, shape and target allow.",
            DefaultValueFactory = _ => MirrorMode.Auto,
        };
        var explain = new Option<bool>("--explain") { Description = "Says which path the copies would take and why, and ends." };
        var seconds = new Option<double?>("--seconds") { Description = "Ends by itself after so many seconds." };
        var workers = new Option<int>("--workers") { Description = "Worker threads (default: one a processor)." };
        var since = MirrorControl.MakeSince();
        var speed = MirrorControl.MakeSpeed();
        var data = new Option<string?>("--data")
        {
            Description = "With --since: data folder of the node whose recording is played and whose points are mirrored.",
            HelpName = "DIR",
        };
        var canary = CanaryOption.Make();
        var json = new Option<bool>("--json") { Description = "Prints the ledger as one JSON object." };
        to.Validators.Add(result =>
        {
            var target = TargetParser.Parse(Joined(result.GetValueOrDefault<string[]>()), out var error);
            if (target is null)
            {
                result.AddError(error!);
            }
            else if (target is StdoutTarget && !Console.IsOutputRedirected)
            {
                result.AddError("Frames are no text for a terminal; give them to a program: tapline mirror … --to stdout | tshark -r -");
            }
        });
        seconds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<double?>() is <= 0)
            {
                result.AddError("--seconds wants a number above 0.");
            }
        });
        var command = new Command(
            "mirror", "Copies frames from points of the virtual switch to a tool port, or changes the sessions of a running engine.")
        {
            from, to, filter, mode, explain, since, speed, data, seconds, workers, canary, json, OvsOptions.Database,
            OvsOptions.Mirror, IdentityOptions.Inventory, IdentityOptions.Libvirt,
            MirrorControl.BuildList(), MirrorControl.BuildAdd(), MirrorControl.BuildRemove(),
        };
        foreach (var option in ShapeOptions.All)
        {
            command.Options.Add(option);
        }

        command.Examples(
            ("tapline mirror --from bridge:br0 --to nic:eth2", "Each frame that enters the switch br0, once, to eth2."),
            ("tapline mirror --from vnet3,vnet4 --to nic:eth2 --filter 'tcp port 443'", "Two ports, HTTPS only."),
            ("tapline mirror --from 'vnet*' --to nic:eth2 --slice 128 --seconds 60 --json",
                "One minute of headers, then the ledger as JSON."),
            ("tapline mirror --from bridge:br0 --to nic:eth2 --mask cards,http-auth --anonymise /etc/tapline/ids.key",
                "What a tool outside may see: no card numbers, no passwords, other addresses."),
            ("tapline mirror --from bridge:br0 --to nic:eth2 --to nic:eth3",
                "Two tools share the flows; when one is down the other has them all."),
            ("tapline mirror --from tag:prod --to 'erspan://10.0.0.5?id=7'", "Through a tunnel, as a switch would."),
            ("tapline mirror --from vm:web01 --to stdout | wireshark -k -i -", "One machine, live in Wireshark."),
            ("tapline mirror --from bridge:br0 --to 'file:/var/tmp/br0.pcapng?rotate=100MB&files=10'", "The last gigabyte, as files."),
            ("tapline mirror --from vm:web01 --to nic:eth2 --since 10m --data /var/lib/tapline",
                "The last ten minutes of the node's recording first, then live, without a gap or a double."),
            ("tapline mirror --from bridge:br0 --to nic:eth2 --explain", "Kernel path or user path, and why."));
        command.Validators.Add(result =>
        {
            if (result.GetValue(since) is null == result.GetValue(data) is not null)
            {
                result.AddError("--since and --data go together: the past is in the recording of the node that runs on the data folder.");
            }
            else if (result.GetValue(since) is not null && TargetParser.Parse(Joined(result.GetValue(to)), out _) is StdoutTarget)
            {
                result.AddError("The node cannot write to this command's standard output; use --to pcap-over-ip://:57012, or play its "
                    + "recording by `tapline replay`.");
            }
        });
        command.SetAction(async (parsed, _) => parsed.GetValue(since) is { } moment ? await PastSession.RunAsync(
            new MirrorPlan
            {
                Session = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"past{Environment.ProcessId}"),
                From = Split(parsed.GetValue(from)),
                To = Joined(parsed.GetValue(to)),
                Filter = parsed.GetValue(filter),
                Shape = ShapeOptions.Read(parsed),
                Mode = parsed.GetValue(mode),
                SinceNs = MirrorControl.ParseSince(moment),
                OrderedNs = Tapline.Base.Clock.NowNs(),
                Speed = ReplayVerb.ParseSpeed(parsed.GetValue(speed))!.Value,
            },
            parsed.GetValue(data)!,
            parsed.GetValue(seconds),
            parsed.GetValue(json)) : EngineVerb.RunOrExplain(
            IdentityOptions.Apply(OvsOptions.Apply(new EngineOptions
            {
                Points = Split(parsed.GetValue(from)),
                Mirrors =
                [
                    new MirrorPlan
                    {
                        Session = "m1",
                        To = Joined(parsed.GetValue(to)),
                        Filter = parsed.GetValue(filter),
                        Shape = ShapeOptions.Read(parsed),
                        Mode = parsed.GetValue(mode),
                    },
                ],
                Workers = parsed.GetValue(workers),
                Seconds = parsed.GetValue(seconds),
                Analyse = false,
                CanarySeconds = CanaryOption.Parse(parsed.GetValue(canary) ?? "60s")!.Value,
                EndsWithTarget = true,
            }, parsed), parsed),
            parsed.GetValue(json),
            parsed.GetValue(explain)));
        return command;
    }

    private static string Joined(string[]? targets) => string.Join(GroupTarget.Separator, targets ?? []);

    private static string[] Split(string[]? words) =>
        (words ?? []).SelectMany(w => w.Split(',', StringSplitOptions.TrimEntries)).Where(w => w.Length > 0).ToArray();
}
