// Decides before anything is opened which sessions run in the kernel, and asks the host what that takes: what the tool
// port hands on, whether programs can be loaded. In: the orders. Out: one decision a session, or a refusal in one
// sentence. Changes nothing on the host. Control thread.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Capture.Points;
using Tapline.Filter;
using Tapline.Mirror;
using Tapline.Mirror.Kernel;
using Tapline.Mirror.Send;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Targets;

namespace Tapline.Workers;

/// <summary>Paths of mirror sessions.</summary>
public static class KernelPlanning
{
    // What is no interface of the kernel has no hook for a program.
    private static readonly string[] s_notInterfaces = ["vxlan:", "geneve:", "gre:", "erspan:", "file:"];

    /// <summary>What hands frames on to another stack of the same host or of its hypervisor, offloads and all.</summary>
    private static readonly string[] s_handsOn = ["veth", "tun", "netkit"];

    /// <summary>One sentence for each session; null and the mistake when one was forced onto a path that it can't take.</summary>
    public static IReadOnlyList<KernelDecision>? Decide(EngineOptions options, out string? refusal) =>
        Decide(options.Mirrors, options.Points, options.KernelHook, out refusal);

    /// <summary>The same for sessions on the points of an engine.</summary>
    internal static IReadOnlyList<KernelDecision>? Decide(
        IReadOnlyList<MirrorPlan> plans, IReadOnlyList<string> points, KernelHookKind hook, out string? refusal)
    {
        refusal = null;
        var decisions = new List<KernelDecision>();
        Dictionary<int, LinkInfo>? links = null;
        string? kernelWhyNot = null;
        foreach (var plan in plans)
        {
            if (links is null)
            {
                links = Links();
                kernelWhyNot = KernelWhyNot(hook);
            }

            var request = Request(points, plan, links, hook, kernelWhyNot, out refusal);
            var decision = request is null ? null : KernelDecision.Make(request, out refusal);
            if (decision is null)
            {
                return null;
            }

            decisions.Add(decision);
        }

        return decisions;
    }

    private static KernelRequest? Request(
        IReadOnlyList<string> points, MirrorPlan plan, Dictionary<int, LinkInfo> links, KernelHookKind hook, string? kernelWhyNot,
        out string? mistake)
    {
        if (TargetParser.Parse(plan.To, out mistake) is not { } target)
        {
            return null;
        }

        if (CompiledFilter.Compile(plan.Filter, LinkType.Ethernet, out mistake) is null)
        {
            return null;
        }

        _ = ShapeOrders.Read(plan.Shape, out mistake);
        if (mistake is not null)
        {
            mistake = $"Session {plan.Session}: {mistake}";
            return null;
        }

        IReadOnlyList<string> sources = plan.From.Count > 0 ? plan.From : points;
        var other = sources.FirstOrDefault(w => s_notInterfaces.Any(n => w.StartsWith(n, StringComparison.Ordinal)));
        var request = new KernelRequest
        {
            Session = plan.Session,
            Mode = plan.Mode,
            ToolPort = (target as NicTarget)?.Name ?? "",
            TargetWhyNot = TargetWhyNot(target),
            ShapeWhyNot = ShapeWhyNot(plan.Shape),
            FilterWhyNot = FilterWhyNot(plan.Filter, hook, kernelWhyNot is null),
            KernelWhyNot = other is null ? kernelWhyNot : $"{other} is no interface on which a program could run",
        };
        if (target is TunnelTarget tunnel && request is { TargetWhyNot: null, KernelWhyNot: null, Mode: not MirrorMode.User })
        {
            request = WithWay(request, tunnel, links, sources);
        }

        var kind = Kind(links, request.ToolPort);
        return request with
        {
            PassesOffloads = Array.IndexOf(s_handsOn, kind) >= 0 && ToolPort.AskTransmitOffloads(request.ToolPort),
            ReinjectsCopies = kind == "ifb",
        };
    }

    private static string? TargetWhyNot(MirrorTarget target) => target switch
    {
        NicTarget => null,
        TunnelTarget { Format: TunnelFormat.Vxlan, Oversize: OversizePolicy.Resegment } => null,
        TunnelTarget { Format: TunnelFormat.Vxlan } => "oversize= changes copies in user space, the kernel copies whole frames",
        TunnelTarget tunnel => $"no {tunnel.Format.ToString().ToLowerInvariant()} device of the kernel would go with a killed engine",
        GroupTarget => "its target is a group, in which user space keeps each flow with one member",
        _ => "its target is no interface of this host",
    };

    // What the way to a tool allows: whether a tunnel can be made, by which interface copies leave, how long they may be.
    private static KernelRequest WithWay(
        KernelRequest request, TunnelTarget target, Dictionary<int, LinkInfo> links, IReadOnlyList<string> sources)
    {
        var problem = KernelTunnel.FindProblem(target, out var uplink, out var frameBytesMax);
        var longest = LongestFrame(links, sources);
        return request with
        {
            ToolPort = links.GetValueOrDefault(uplink)?.Name ?? "",
            TargetWhyNot = problem,
            TooLong = longest <= frameBytesMax ? null
                : $"frames of up to {longest} bytes enter, of which the way to {target.Host} takes {frameBytesMax} in one packet: "
                    + "longer ones would be dropped.too_long, where user space cuts TCP (give that way a larger MTU)",
        };
    }

    // With a VLAN tag. Ports whose machines are not known yet may be any.
    private static int LongestFrame(Dictionary<int, LinkInfo> links, IReadOnlyList<string> sources)
    {
        const int HeaderBytes = 14 + 4;
        List<LinkInfo> ports = [.. PointSelector.Parse(sources, out _)?
            .Select(links, new Dictionary<int, VmIdentity>(), new HashSet<int>()).Select(p => p.Link) ?? []];
        var isSure = ports.Count > 0 && !sources.Any(s => s.StartsWith("vm:", StringComparison.Ordinal)
            || s.StartsWith("tag:", StringComparison.Ordinal) || s.StartsWith("ovs:", StringComparison.Ordinal));
        return HeaderBytes + (isSure ? ports : links.Values.Where(l => !l.IsLoopback)).Select(l => l.MtuBytes).DefaultIfEmpty().Max();
    }

    /// <summary>
    /// Emission of a session's expression, which <see cref="Decide(EngineOptions, out string?)"/> has found fit for the
    /// kernel; null when it wants every frame.
    /// </summary>
    internal static FilterEmission? Emission(string? expression) =>
        FilterTree.Parse(expression, out _) is not { IsEverything: false } tree
            ? null
            : (code, reject) => Invariant.Check(EbpfEmitter.TryEmit(code, tree, LinkType.Ethernet, reject, out _));

    /// <summary>One frame in so many, if that is all of a session's shape; 1 = every frame.</summary>
    internal static int SampleOneIn(string? shape) => ShapeOrders.Read(shape, out _) is { SampleBy: SampleBy.Frame } plan
        ? (int)Math.Min(plan.SampleOneIn, int.MaxValue)
        : 1;

    private static string? ShapeWhyNot(string? shape) => ShapeOrders.Read(shape, out _) is { IsSampleOfFrames: false }
        ? "its shape changes or chooses copies in user space, the kernel copies whole frames"
        : null;

    // What the emitter can express and this kernel's verifier takes.
    private static string? FilterWhyNot(string? expression, KernelHookKind hook, bool canAsk)
    {
        if (FilterTree.Parse(expression, out _) is not { IsEverything: false } tree)
        {
            return null;
        }

        var probe = new BpfAssembler();
        return !EbpfEmitter.TryEmit(probe, tree, LinkType.Ethernet, probe.Label(), out var whyNot) ? whyNot
            : canAsk && KernelMirror.FindProblem(hook, Emission(expression)) is { } problem
                ? $"the kernel does not take its expression ({problem.TrimEnd('.')})"
            : null;
    }

    private static Dictionary<int, LinkInfo> Links()
    {
        using var inventory = LinkInventory.Open(out _);
        return inventory?.ReadAll() ?? [];
    }

    private static string Kind(Dictionary<int, LinkInfo> links, string name)
    {
        foreach (var link in links.Values)
        {
            if (link.Name == name)
            {
                return link.Kind;
            }
        }

        return "";
    }

    private static string? KernelWhyNot(KernelHookKind wanted) =>
        !Privileges.HasNetAdmin || !Privileges.HasBpf
            ? "programs on ports need root, or CAP_BPF and CAP_NET_ADMIN"
            : KernelMirror.FindProblem(wanted, filter: null)?.TrimEnd('.');
}
