// What a session's program counts, per processor and observation point: one map value of eight-byte numbers at these
// positions. Every frame that the program judges adds one to exactly one of the seven fates, so that offered, which
// is their sum, balances at whatever moment the map is read.
namespace Tapline.Mirror.Kernel;

/// <summary>Positions in a map value, in numbers of eight bytes.</summary>
internal static class KernelCounter
{
    public const int Sent = 0;
    public const int SentWireFrames = 1;
    public const int SentBytes = 2;
    public const int Filtered = 3;
    public const int SampledOut = 4;
    public const int DroppedBusy = 5;
    public const int DroppedTooLong = 6;
    public const int DroppedTargetDown = 7;
    public const int DroppedError = 8;

    /// <summary>Frames since the last one that the sampler took; a state, not a count.</summary>
    public const int SampleTurn = 9;

    /// <summary>Of the sent: canaries.</summary>
    public const int Canaries = 10;

    public const int Count = 11;

    public const int ValueBytes = Count * sizeof(long);
}
