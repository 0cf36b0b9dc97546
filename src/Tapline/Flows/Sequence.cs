// TCP sequence numbers live on a circle (RFC 9293 3.4): "before" is the sign of a 32-bit difference.
using System.Runtime.CompilerServices;

namespace Tapline.Flows;

/// <summary>Comparison of sequence numbers modulo 2^32.</summary>
internal static class Sequence
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Before(uint left, uint right) => (int)(left - right) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool BeforeOrAt(uint left, uint right) => (int)(left - right) <= 0;
}
