// The options about who the VMs are, which every verb with observation points has, and `read`.
using System.CommandLine;
using Tapline.Capture.Identity;
using Tapline.Server.Config;
using Tapline.Workers;

namespace Tapline.Server.Commands;

/// <summary>`--inventory` and `--libvirt`.</summary>
internal static class IdentityOptions
{
    public static readonly Option<FileInfo?> Inventory = new("--inventory")
    {
        Description = "File that names VMs by MAC, IP or prefix: CSV as hypervisors export it, or YAML. Followed when it changes.",
        HelpName = "FILE",
    };

    public static readonly Option<string[]> Libvirt = new("--libvirt")
    {
        Description = "libvirt daemon that knows the VMs (default: qemu:///system where it runs); none asks nobody. Repeatable.",
        HelpName = "URI",
    };

    /// <summary>The daemons of the command line; null = it names none.</summary>
    public static IReadOnlyList<string>? Daemons(ParseResult parsed) => parsed.GetValue(Libvirt) switch
    {
        null or [] => null,
        ["none"] => [],
        var uris => uris,
    };

    /// <summary>The inventory of the command line, an empty one without; null after its mistakes were told.</summary>
    public static VmInventory? Read(ParseResult parsed) =>
        parsed.GetValue(Inventory) is { } file ? Read(file.FullName) : VmInventory.Empty;

    /// <summary>The inventory in a file; null after its mistakes were told.</summary>
    public static VmInventory? Read(string path)
    {
        var inventory = InventoryFile.Read(path, out var mistakes);
        foreach (var mistake in mistakes)
        {
            Console.Error.WriteLine($"tapline: {mistake}");
        }

        return inventory;
    }

    /// <summary>The orders with what the command line says of VMs, the file still to be read.</summary>
    public static EngineOptions Apply(EngineOptions options, ParseResult parsed) => options with
    {
        InventoryFile = parsed.GetValue(Inventory)?.FullName ?? options.InventoryFile,
        Libvirt = Daemons(parsed) ?? options.Libvirt,
    };

    /// <summary>The orders with their inventory read; null after its mistakes were told.</summary>
    public static EngineOptions? Load(EngineOptions options) =>
        options.InventoryFile is null ? options
        : Read(options.InventoryFile) is { } inventory ? options with { Inventory = inventory }
        : null;
}
