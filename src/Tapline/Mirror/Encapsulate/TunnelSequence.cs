// The sequence number of one tool's stream (GRE sequence of ERSPAN II and III). All workers of a session share it: to the
// tool they are one sender, and two streams of numbers under one session id would look like loss. Numbers are given out when
// a packet is queued, so a packet that is dropped afterwards leaves a gap, as it should.
namespace Tapline.Mirror.Encapsulate;

/// <summary>Numbers packets across workers.</summary>
internal sealed class TunnelSequence
{
    private uint _last = uint.MaxValue;

    /// <summary>The next number; the first is 0, and after 2^32 they begin anew.</summary>
    public uint Next() => Interlocked.Increment(ref _last);
}
