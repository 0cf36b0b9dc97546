// What the lab's guests boot: the demo's guest system with services of the lab's own. Made once a process under the temporary
// folder and removed at its end. Any thread.
using Tapline.Server.Demo.Guests;
using Xunit;

namespace Tapline.Lab.Machines;

/// <summary>The lab's guest system.</summary>
internal static class LabGuestSystem
{
    /// <summary>The role of all lab guests.</summary>
    public const string Role = "lab";

    private static readonly Lock s_lock = new();
    private static GuestSystem? s_made;

    private const string RoleScript = """
        mkdir -p /www
        dd if=/dev/urandom of=/www/mega bs=64k count=16 2>/dev/null
        echo hello > /www/index.html
        httpd -p 80 -h /www
        """;

    /// <summary>Makes it or finds it made; skips the test with the reason when that is impossible.</summary>
    public static GuestSystem Need()
    {
        LabNeeds.Root();
        if (GuestSystem.Missing() is { } missing)
        {
            Assert.Skip(missing);
        }

        lock (s_lock)
        {
            return s_made ??= Make();
        }
    }

    private static GuestSystem Make()
    {
        var path = Path.Combine(Path.GetTempPath(), $"tapline-lab-{Environment.ProcessId}.cpio");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(path);
        return GuestSystem.Make(path, new Dictionary<string, string> { [$"role/{Role}"] = RoleScript });
    }
}
