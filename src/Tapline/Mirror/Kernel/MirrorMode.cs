// Which path a mirror session's copies take: the operator's wish, and what became of it.
namespace Tapline.Mirror.Kernel;

/// <summary>The path of a session.</summary>
public enum MirrorMode : byte
{
    /// <summary>In the kernel whenever filter, shape and target allow, else in user space.</summary>
    Auto,

    /// <summary>In the kernel, or not at all.</summary>
    Kernel,

    /// <summary>In user space.</summary>
    User,
}
