// The scripts of the demo's virtual machines: a shell can read each of them, and each role has what its init looks for.
using System.Diagnostics;
using Tapline.Server.Demo;
using Xunit;

namespace Tapline.Tests.Server.Demo;

public class DemoGuestShopTests
{
    private static readonly Dictionary<string, string> s_files = DemoGuestShop.Files(role => $"192.0.2.{role.Length}");

    public static TheoryData<string> Names => [.. s_files.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void AShellReadsIt(string name)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-n"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using var shell = Process.Start(start)!;
        shell.StandardInput.Write(s_files[name]);
        shell.StandardInput.Close();
        Assert.Equal("", shell.StandardError.ReadToEnd());
        shell.WaitForExit();
        Assert.Equal(0, shell.ExitCode);
    }

    [Fact]
    public void EachMachineHasARoleAndKnowsTheOthers()
    {
        foreach (var role in (string[])["client", "web", "app", "db"])
        {
            Assert.Contains($"service/{role}", s_files.Keys);
            Assert.Contains("export WEB=192.0.2.3", s_files[$"role/{role}"], StringComparison.Ordinal);
            Assert.Contains("export CLIENT=192.0.2.6", s_files[$"role/{role}"], StringComparison.Ordinal);
        }
    }
}
