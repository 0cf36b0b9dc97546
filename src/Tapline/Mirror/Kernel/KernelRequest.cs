// What decides whether a session can run in the kernel. Whoever fills it has asked the kernel and the filter's compiler.
namespace Tapline.Mirror.Kernel;

/// <summary>One session's facts.</summary>
internal sealed record KernelRequest
{
    public required string Session { get; init; }

    public required MirrorMode Mode { get; init; }

    /// <summary>Tool port, or the interface by which tunnelled copies leave; its name is used in sentences.</summary>
    public required string ToolPort { get; init; }

    /// <summary>
    /// What the tool port hands on as it is: a veth, tap device or netkit gives super-frames and unfinished checksums to
    /// whoever is at its other end as long as its transmit offloads are on.
    /// </summary>
    public bool PassesOffloads { get; init; }

    /// <summary>
    /// The tool port is an ifb: it returns redirected frames to the interface by which they entered (drivers/net/ifb.c).
    /// </summary>
    public bool ReinjectsCopies { get; init; }

    /// <summary>
    /// Which frames would be too long for the way to the tool, in words; null = all fit. User space cuts such frames into
    /// shorter ones, the kernel does so with super-frames only.
    /// </summary>
    public string? TooLong { get; init; }

    /// <summary>Why copies cannot reach the target from the kernel; null = they can.</summary>
    public string? TargetWhyNot { get; init; }

    /// <summary>Why the session's shape needs user space: it changes copies, or chooses by more than a count; null = it doesn't.</summary>
    public string? ShapeWhyNot { get; init; }

    /// <summary>Why the expression cannot be judged in the kernel; null = it can.</summary>
    public string? FilterWhyNot { get; init; }

    /// <summary>Why this kernel or this process cannot run programs on ports; null = it can.</summary>
    public string? KernelWhyNot { get; init; }
}
