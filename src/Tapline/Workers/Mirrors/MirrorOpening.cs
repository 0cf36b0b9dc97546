// From a session's orders to its opened instances: filter, target, one sender for each worker. All orders are checked
// before the first socket is opened, a loop must not exist for a moment; whatever fails gives back what was opened.
using Tapline.Base;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Send;
using Tapline.Mirror.Targets;

namespace Tapline.Workers;

/// <summary>Checks and opens mirror sessions. Control thread; changes nothing on the host when it refuses.</summary>
internal static class MirrorOpening
{
    /// <summary>One sentence when these sessions cannot run together on these points; null when they can.</summary>
    /// <param name="plans">All sessions that are to run.</param>
    /// <param name="points">Source words of the engine.</param>
    /// <param name="hasOutput">Standard output is the sessions' to use.</param>
    /// <param name="peers">Interfaces in which the tool ports end and which must not be captured either.</param>
    public static string? Check(
        IReadOnlyList<MirrorPlan> plans, IReadOnlyList<string> points, bool hasOutput, out List<string> peers)
    {
        peers = [];
        if (plans.Count > Limits.MirrorSessionsMax)
        {
            return $"At most {Limits.MirrorSessionsMax} mirror sessions run in one engine.";
        }

        var ends = new List<MirrorEnds>();
        var targets = new List<(string Session, MirrorTarget Target)>();
        var names = new HashSet<string>();
        foreach (var plan in plans)
        {
            if (!names.Add(plan.Session))
            {
                return $"There are two mirror sessions named {plan.Session}; give each a name of its own.";
            }

            if (CompiledFilter.Compile(plan.Filter, LinkType.Ethernet, out var mistake) is null
                || TargetParser.Parse(plan.To, out mistake) is not { } target)
            {
                return mistake;
            }

            if (target is StdoutTarget && !hasOutput)
            {
                return $"Session {plan.Session} cannot write to an engine's standard output; use `tapline mirror --to stdout`, "
                    + "or pcap-over-ip://:57012 or file: here.";
            }

            _ = ShapeOrders.Read(plan.Shape, out mistake);
            if (mistake is not null)
            {
                return $"Session {plan.Session}: {mistake}";
            }

            ends.AddRange(target.Interfaces.Select(i => new MirrorEnds(plan.Session, plan.From, i)));
            if (target.Interfaces.Count == 0)
            {
                ends.Add(new MirrorEnds(plan.Session, plan.From, null));
            }

            targets.AddRange((target is GroupTarget group ? group.Members : [target]).Select(t => (plan.Session, t)));
        }

        if (ends.Count == 0)
        {
            return null;
        }

        var placeOf = ToolPortPlaces.Read();
        peers.AddRange(ends.Select(e => e.Interface).OfType<string>().Select(i => placeOf(i).PeerName).OfType<string>());
        return MirrorValidation.Check(points, ends, placeOf)
            ?? TunnelLoops.Check(targets, points.Concat(plans.SelectMany(p => p.From)), TunnelLoops.OwnAddresses);
    }

    /// <summary>Opens a checked session; null and one sentence when the host refuses.</summary>
    public static RunningMirror? Open(
        MirrorPlan plan, KernelDecision path, ushort id, int workers, KernelMirrors? kernel, MirrorDesk desk, out string? fault)
    {
        if (path.IsKernel)
        {
            Invariant.Check(kernel is not null);
            if (kernel!.Add(id, plan, out fault!))
            {
                return new RunningMirror(plan, id, TargetParser.Parse(plan.To, out _)!, path, [], kernel);
            }

            // A tunnel device that the host refuses is no reason to do without copies that user space can send.
            var isTunnel = TargetParser.Parse(plan.To, out _) is TunnelTarget;
            if (plan.Mode == MirrorMode.Kernel || workers == 0 || !isTunnel)
            {
                fault = isTunnel ? $"{fault} Use --mode user." : fault;
                return null;
            }

            path = new KernelDecision(plan.Session, false, $"user path: {fault!.TrimEnd('.')}.");
        }

        if (workers == 0)
        {
            fault = $"Session {plan.Session} takes the {path.Why} This engine reads no frames; start it again with that session.";
            return null;
        }

        var filter = CompiledFilter.Compile(plan.Filter, LinkType.Ethernet, out fault)!;
        var target = TargetParser.Parse(plan.To, out fault)!;
        var shape = ShapeOrders.Read(plan.Shape, out fault);
        if (fault is not null)
        {
            return null;
        }

        var options = new MirrorSessionOptions
        {
            Id = id,
            Name = plan.Session,
            Target = target,
            Filter = filter,
            Shape = shape,
            CanarySecret = desk.CanarySecret,
            AllPoints = plan.From.Count == 0,
        };
        var request = new OutputRequest(plan.Session, target, workers, plan.Filter)
        {
            Points = desk.Points,
            OnEnded = desk.EndTarget,
            Pace = shape?.Pace,
        };
        var outputs = OutputOpener.Open(request, out fault);
        return outputs is null
            ? null
            : new RunningMirror(plan, id, target, path, Array.ConvertAll(outputs, o => new MirrorSession(options, o)), kernel: null);
    }
}
