// libvirt's event loop, of which a process has one: a thread that waits for its sockets and timers and calls back. It runs as
// long as somebody follows a daemon; a process that follows none has no such thread. Threads: `tapline-libvirt`.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tapline.Base;

namespace Tapline.Capture.Identity;

/// <summary>Runs the event loop while there are followers.</summary>
internal static unsafe class LibvirtLoop
{
    private static readonly Lock s_lock = new();
    private static bool s_isRegistered;
    private static int s_users;
    private static Thread? s_thread;

    /// <summary>
    /// Calls <see cref="LibvirtFollower.Turn"/> on the loop's thread, now and then each <paramref name="frequencyMs"/>. Returns
    /// the timer's number, or -1 when the library refuses.
    /// </summary>
    public static int Add(GCHandle follower, int frequencyMs)
    {
        lock (s_lock)
        {
            if (!s_isRegistered)
            {
                if (LibvirtCalls.Initialize() < 0 || LibvirtCalls.EventRegisterDefault() < 0)
                {
                    return -1;
                }

                LibvirtCalls.SetErrorFunction(0, &LibvirtCalls.Silence);
                s_isRegistered = true;
            }

            var timer = LibvirtCalls.EventAddTimeout(frequencyMs, &OnTimer, GCHandle.ToIntPtr(follower), 0);
            if (timer < 0)
            {
                return -1;
            }

            s_users++;
            if (s_thread is null)
            {
                s_thread = new Thread(Run) { Name = "tapline-libvirt", IsBackground = true };
                s_thread.Start();
            }

            return timer;
        }
    }

    /// <summary>Ends a follower's turns. Loop's thread.</summary>
    public static void Remove(int timer)
    {
        lock (s_lock)
        {
            LibvirtCalls.EventRemoveTimeout(timer);
            s_users--;
            Invariant.Check(s_users >= 0);
        }
    }

    private static void Run()
    {
        while (true)
        {
            lock (s_lock)
            {
                if (s_users == 0)
                {
                    s_thread = null;
                    return;
                }
            }

            if (LibvirtCalls.EventRunDefault() < 0)
            {
                const int PauseMs = 100;
                Thread.Sleep(PauseMs);
            }
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTimer(int timer, nint follower) =>
        (GCHandle.FromIntPtr(follower).Target as LibvirtFollower)?.Turn();
}
