// Kernel or user space, and why: one decision and one sentence for each session. Pure.
namespace Tapline.Mirror.Kernel;

/// <summary>A session's path as decided.</summary>
/// <param name="Session">The session's name.</param>
/// <param name="IsKernel">True: a program on each port clones its frames.</param>
/// <param name="Why">One sentence for people.</param>
/// <param name="HasCaveat">The copies are not what a wire would carry; the operator wanted it so.</param>
public sealed record KernelDecision(string Session, bool IsKernel, string Why, bool HasCaveat = false)
{
    /// <summary>Decides; null and one sentence when the kernel was asked for and cannot.</summary>
    internal static KernelDecision? Make(KernelRequest request, out string? refusal)
    {
        refusal = null;
        var whyNot = request.Mode == MirrorMode.User ? "it was asked for" : WhyNot(request);
        var caveat = request.PassesOffloads ? HandsOn(request) : request.TooLong;
        if (whyNot is null && caveat is null)
        {
            return new KernelDecision(
                request.Session, true, "kernel path: filter, shape and target need no user space.");
        }

        // Not wrong, but only when somebody wants it: a tool in a container may like super-frames, long frames may be rare.
        if (whyNot is null && request.Mode == MirrorMode.Kernel)
        {
            return new KernelDecision(request.Session, true, $"kernel path as asked for, but {caveat}.", HasCaveat: true);
        }

        whyNot ??= caveat;

        if (request.Mode == MirrorMode.Kernel)
        {
            refusal = $"Session {request.Session} cannot run in the kernel: {whyNot}. Change that, or use --mode auto.";
            return null;
        }

        return new KernelDecision(request.Session, false, $"user path: {whyNot}.");
    }

    private static string? WhyNot(KernelRequest request)
    {
        if (request.TargetWhyNot is { } target)
        {
            return target;
        }

        if (request.ShapeWhyNot is { } shape)
        {
            return shape;
        }

        if (request.FilterWhyNot is { } filter)
        {
            return filter;
        }

        return request.ReinjectsCopies
            ? $"{request.ToolPort} is an ifb device, which would put the kernel's copies back where they came from"
            : request.KernelWhyNot;
    }

    private static string HandsOn(KernelRequest request) =>
        $"{request.ToolPort} would hand super-frames and unfinished checksums on to its other end "
        + $"(`ethtool -K {request.ToolPort} tx off` makes the kernel finish them)";
}
