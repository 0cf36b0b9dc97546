// Ends the process at once, whatever its threads are doing. The kernel gives back rings, sockets and BPF links.
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>The last resort of a watchdog.</summary>
public static partial class ProcessEnd
{
    /// <summary>_exit(2): no handlers, no waiting.</summary>
    public static void Now(int code) => Exit(code);

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
