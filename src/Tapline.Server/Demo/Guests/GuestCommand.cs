// How QEMU is told to run a guest: no default devices, no display, the kernel's words into a file, commands over the second
// serial port, which is QEMU's own standard input and output. In: the guest's system, name, role, NICs. Out: an argument
// list. Pure. The name goes where management tools put it, so that Tapline finds it as it finds theirs.
namespace Tapline.Server.Demo.Guests;

/// <summary>QEMU's command line.</summary>
internal static class GuestCommand
{
    /// <summary>The line by which a guest says that it obeys commands.</summary>
    public const string Up = "=up 0";

    private const int MemoryMebibytes = 128;

    /// <summary>The command for one guest; more options may follow.</summary>
    /// <param name="system">What it boots.</param>
    /// <param name="name">The machine's name.</param>
    /// <param name="role">A file of the system under /role, which its init reads.</param>
    /// <param name="console">Where the kernel's words go.</param>
    /// <param name="nics">Its NICs, eth0 first.</param>
    public static List<string> Of(GuestSystem system, string name, string role, string console, IReadOnlyList<GuestNic> nics)
    {
        var addresses = string.Join(',', nics.Select(n => n.Address).OfType<string>());
        List<string> command =
        [
            // A comma in a value is doubled, qemu(1).
            "qemu-system-x86_64", "-name", $"guest={name.Replace(",", ",,", StringComparison.Ordinal)}", "-machine", "pc",
            // Software emulation wherever it runs: KVM inside a VM may be there and yet take minutes to boot a guest.
            "-accel", "tcg", "-m", $"{MemoryMebibytes}", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", system.Kernel, "-initrd", system.Initramfs,
            "-append", $"console=ttyS0 quiet panic=-1 tapline.role={role} tapline.ip={addresses}",
            "-serial", $"file:{console}", "-serial", "stdio",
        ];
        for (var i = 0; i < nics.Count; i++)
        {
            command.AddRange(["-netdev", $"tap,id=n{i},ifname={nics[i].Tap},script=no,downscript=no"]);
            command.AddRange(["-device", $"virtio-net-pci,netdev=n{i},id=dn{i},mac={nics[i].Mac},romfile="]);
        }

        return command;
    }
}
