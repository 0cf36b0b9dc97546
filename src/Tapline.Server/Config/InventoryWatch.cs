// Follows an inventory file while an engine runs: what it says now is put into force, or its mistakes are told and the
// engine goes on with what it had.
using Tapline.Workers;

namespace Tapline.Server.Config;

/// <summary>Watches the engine's inventory file.</summary>
internal static class InventoryWatch
{
    /// <summary>Starts to watch; null when the engine has no inventory. Dispose before the engine ends.</summary>
    public static FileWatch? Start(EngineOptions options, Engine engine) =>
        options.InventoryFile is { } path ? Start(path, engine) : null;

    private static FileWatch Start(string path, Engine engine)
    {
        var watch = new FileWatch(path);
        watch.Start(() => Reload(path, engine));
        return watch;
    }

    private static void Reload(string path, Engine engine)
    {
        if (InventoryFile.Read(path, out var mistakes) is { } inventory)
        {
            engine.SetInventory(inventory);
            Console.Error.WriteLine($"tapline: {path} has changed; its {inventory.Vms.Count} VMs are known.");
            return;
        }

        foreach (var mistake in mistakes)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
        }

        Console.Error.WriteLine($"tapline: {path} has changed and is wrong; the engine goes on with what it knew.");
    }
}
