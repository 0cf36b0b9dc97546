// The independent witness: openssl(1) and coreutils, as docs/formats/evidence.md tells people to use them.
using System.Diagnostics;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

/// <summary>Runs a shell line.</summary>
internal static class Openssl
{
    /// <summary>What `openssl dgst -verify` says of a file of ours.</summary>
    public static string Verify(string file, string publicKey) => Run(
        $"head -n -1 '{file}' | openssl dgst -sha256 -verify '{publicKey}' "
        + $"-signature <(tail -n 1 '{file}' | cut -d'\"' -f4 | base64 -d)");

    public static string Run(string line)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/openssl"), "openssl is not installed");
        var start = new ProcessStartInfo("bash", ["-c", line]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        return output;
    }
}
