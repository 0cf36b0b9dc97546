// The far side of a stream's thread: a file, a pipe, the clients of a listener. One thread calls all of it but the state,
// which any may read. A sink may wait for its own medium as long as Stop has not been asked for; workers never wait for it.
using Tapline.Mirror.Streams;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Receives chunks of packet blocks.</summary>
internal abstract class StreamSink : IDisposable
{
    private volatile string? _whyDown;
    private volatile bool _isRead = true;
    private volatile bool _isHurried;

    /// <summary>Null while it takes packets; else one sentence. Any thread.</summary>
    public string? WhyDown
    {
        get => _whyDown;
        protected set => _whyDown = value;
    }

    /// <summary>False while nobody would get a packet. Any thread.</summary>
    public bool IsRead
    {
        get => _isRead;
        protected set => _isRead = value;
    }

    /// <summary>Who reads. A new list after each change; any thread.</summary>
    public virtual IReadOnlyList<StreamClient> Clients => [];

    /// <summary>The session ends: what makes no progress is given up. Any thread.</summary>
    public void Hurry() => _isHurried = true;

    /// <summary>True when nothing may wait for a slow medium any more.</summary>
    protected bool IsHurried => _isHurried;

    /// <summary>Called before each chunk: how many packets it may have at most; 0 = none now.</summary>
    public virtual int PacketsWanted() => int.MaxValue;

    /// <summary>Takes a chunk; the fate of all its packets.</summary>
    public abstract DropReason Take(StreamChunk chunk);

    /// <summary>Waits for a wake-up, for its own medium, or until the time is over.</summary>
    public abstract void Wait(int timeoutMs);

    /// <summary>The last blocks, and the end. Nothing is taken after it.</summary>
    public abstract void End();

    public abstract void Dispose();
}
