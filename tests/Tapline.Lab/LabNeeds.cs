// What a lab test needs from its machine. A missing need skips the test with a sentence that names it.
using System.Runtime.InteropServices;
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab;

/// <summary>Skips with a reason.</summary>
public static partial class LabNeeds
{
    /// <summary>Root, `ip`, and permission to make a network namespace.</summary>
    public static void Namespaces()
    {
        Root();
        Tools("ip", "tc");
    }

    public static void Root()
    {
        if (geteuid() != 0)
        {
            Assert.Skip("needs root: makes network namespaces and opens packet sockets");
        }
    }

    public static void Tools(params string[] programs)
    {
        var missing = programs.Where(program => !LabCommand.Exists(program)).ToArray();
        if (missing.Length > 0)
        {
            Assert.Skip($"needs {string.Join(", ", missing)}: not installed");
        }
    }

    /// <summary>How often a test repeats what it proves: seldom in each run, often where TAPLINE_PROOF is `full`.</summary>
    public static int Rounds(int always, int full) =>
        Environment.GetEnvironmentVariable("TAPLINE_PROOF") == "full" ? full : always;

    /// <summary>For proofs that take most of a minute: skipped unless TAPLINE_PROOF is `full`.</summary>
    public static void FullProof()
    {
        if (Environment.GetEnvironmentVariable("TAPLINE_PROOF") != "full")
        {
            Assert.Skip("a long proof: runs with TAPLINE_PROOF=full");
        }
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
