// Ties a child to the process that supervises it: when the supervisor dies, however it dies, the kernel tells the child
// (PR_SET_PDEATHSIG, linux/prctl.h), which then ends cleanly, or by force when it cannot. The child gets a session of
// its own, so that a terminal's Ctrl-C reaches the supervisor alone and the halves end in its order.
using System.Globalization;
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Both ends of the tie. The supervisor must start children from a thread that lives as long as they do.</summary>
public static partial class SupervisorTie
{
    /// <summary>Environment variable that names the supervisor to a child.</summary>
    public const string Variable = "TAPLINE_SUPERVISOR_PID";

    private const int PR_SET_PDEATHSIG = 1;
    private const int SIGKILL = 9;
    private const int SIGTERM = 15;

    /// <summary>How long an orphan may take to close its files before it is ended by force.</summary>
    private static readonly TimeSpan s_orphanTimeMax = TimeSpan.FromSeconds(20);

    /// <summary>Called first thing in every process; does nothing in one that nobody supervises.</summary>
    public static void TieFromEnvironment()
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var supervisor))
        {
            return;
        }

        // Not for what this process may start itself.
        Environment.SetEnvironmentVariable(Variable, null);
        _ = NewSession();
        _ = ProcessControl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        if (ParentId() != supervisor)
        {
            // It died before the line above: no signal will come any more.
            ProcessEnd.Now(1);
        }

        new Thread(() => WatchFor(supervisor)) { IsBackground = true, Name = "supervisor-watch" }.Start();
    }

    /// <summary>SIGTERM: end in order.</summary>
    public static void AskToEnd(int processId) => _ = Kill(processId, SIGTERM);

    /// <summary>SIGKILL: end now.</summary>
    public static void EndNow(int processId) => _ = Kill(processId, SIGKILL);

    private static void WatchFor(int supervisor)
    {
        while (ParentId() == supervisor)
        {
            Thread.Sleep(1000);
        }

        // The kernel's signal has started an orderly end; one that hangs must not leave an orphan behind.
        Thread.Sleep(s_orphanTimeMax);
        ProcessEnd.Now(1);
    }

    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int ParentId();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);
}
