// The product's executable, as `./test` or `dotnet build` made it: the newer of the two. Tests run it as an operator
// would, in a process of its own.
using Tapline.Lab.Net;
using Xunit;

namespace Tapline.Lab.Nodes;

/// <summary>Where things of the repository are.</summary>
internal static class TaplineProgram
{
    /// <summary>The repository's folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The executable; skips the test when it was not built.</summary>
    public static string Path()
    {
        string[] places =
        [
            System.IO.Path.Combine(Root, "artifacts/tapline/Tapline.Server"),
            System.IO.Path.Combine(Root, "artifacts/bin/Tapline.Server/release/Tapline.Server"),
            System.IO.Path.Combine(Root, "artifacts/bin/Tapline.Server/release_linux-x64/Tapline.Server"),
        ];
        var newest = places.Where(File.Exists).OrderByDescending(LastBuilt).FirstOrDefault();
        if (newest is null)
        {
            Assert.Skip("needs Tapline.Server: not built");
        }

        return newest;
    }

    /// <summary>Skips when the demo's servers or its shop are not there.</summary>
    public static void NeedsDemo()
    {
        LabNeeds.Namespaces();
        LabNeeds.Tools("nginx", "redis-server", "tcpdump", "setpriv", "setsid");
        if (!Directory.Exists("/usr/lib/postgresql"))
        {
            Assert.Skip("needs postgresql: not installed");
        }

        if (!File.Exists(Shop))
        {
            Assert.Skip("needs the demo's shop: not built (./test builds it)");
        }
    }

    public static string Shop => System.IO.Path.Combine(Root, "artifacts/shop/Shop");

    private static DateTime LastBuilt(string program) =>
        File.GetLastWriteTimeUtc(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(program)!, "Tapline.Server.dll"));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Tapline.slnx")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("not inside the repository");
    }
}
