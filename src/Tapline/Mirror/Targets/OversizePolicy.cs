// What becomes of a frame that is longer than its target takes. Super-frames are cut into their own segments in any case.
namespace Tapline.Mirror.Targets;

/// <summary>What is done to a wire frame that is too long.</summary>
public enum OversizePolicy : byte
{
    /// <summary>It is dropped as too long.</summary>
    Drop,

    /// <summary>TCP leaves as shorter segments; everything else is dropped as too long.</summary>
    Resegment,

    /// <summary>It leaves cut to what fits.</summary>
    Slice,

    /// <summary>The packet around it leaves in IP fragments.</summary>
    Fragment,
}
