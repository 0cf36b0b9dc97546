// Wakes a writer's thread without a lock that a collector or another thread could hold: an eventfd(2) that one side
// writes and the other polls. Kept apart from the runtime's own events, which share one lock for the whole process.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>A signal that stays set until one waiter has taken it. Any thread may set it, one thread waits.</summary>
internal sealed unsafe partial class WakeSignal : IDisposable
{
    private const int EFD_CLOEXEC = 0x80000;
    private const int EFD_NONBLOCK = 0x800;
    private const short POLLIN = 1;
    private readonly int _fd;
    private bool _isDisposed;

    public WakeSignal()
    {
        _fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (_fd < 0)
        {
            throw new IOException("The system refused an eventfd; the limit of open files may be used up (ulimit -n).");
        }
    }

    /// <summary>For those who poll it beside other descriptors, and then take the signal by <c>Wait(0)</c>.</summary>
    public int Descriptor => _fd;

    /// <summary>Wakes the waiter now, or its next wait. Never blocks.</summary>
    public void Set()
    {
        ulong one = 1;
        _ = write(_fd, &one, sizeof(ulong));
    }

    /// <summary>Waits until set or until the time is over; <paramref name="timeoutMs"/> -1 = for ever.</summary>
    public void Wait(int timeoutMs)
    {
        var descriptor = new PollDescriptor { Fd = _fd, Events = POLLIN };
        _ = poll(&descriptor, 1, timeoutMs);
        ulong taken;
        _ = read(_fd, &taken, sizeof(ulong));
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _ = NativeFile.Close(_fd);
        }
    }

    /// <summary>struct pollfd of poll(2).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Fd;
        public short Events;
        public short ReturnedEvents;
    }

    [LibraryImport("libc")]
    private static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc")]
    private static partial nint write(int fd, void* bytes, nuint count);

    [LibraryImport("libc")]
    private static partial nint read(int fd, void* bytes, nuint count);

    [LibraryImport("libc")]
    private static partial int poll(PollDescriptor* descriptors, nuint count, int timeoutMs);
}
