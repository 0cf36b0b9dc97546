// The demo with real virtual machines: four QEMU guests on the switch and a small web shop on them, made of busybox (see
// DemoGuestShop). In: a journal, the switch, a folder. Out: traffic, and the customers' own account of it.
using Tapline.Server.Demo.Guests;

namespace Tapline.Server.Demo;

/// <summary>The guests and what runs in them.</summary>
internal sealed class DemoGuests(DemoJournal journal, DemoNetwork network, string folder) : IDemoTiers
{
    private readonly Dictionary<string, DemoGuest> _guests = [];

    /// <inheritdoc/>
    public string? LoadReport { get; private set; }

    /// <inheritdoc/>
    public string WebAddress => $"http://{network.Address("web")}";

    /// <summary>What is missing, as one sentence, or null.</summary>
    public static string? Missing() => GuestSystem.Missing();

    /// <inheritdoc/>
    public IEnumerable<string> Describe()
    {
        yield return "Four virtual machines are on it, QEMU guests in software emulation:";
        foreach (var role in DemoNetwork.Vms)
        {
            yield return $"  {network.Vm(role),-12} at port {network.Port(role),-12} {DemoGuestShop.Does(role)}";
        }

        yield return "Nothing of Tapline is in them. It reads their names from QEMU, as it would on your host.";
    }

    /// <inheritdoc/>
    public async Task PrepareAsync(CancellationToken stop)
    {
        GuestSystem system;
        try
        {
            system = GuestSystem.Make(Path.Combine(folder, "guest.cpio"), DemoGuestShop.Files(network.Address));
        }
        catch (IOException problem)
        {
            throw new DemoException($"The virtual machines' first file system cannot be made: {problem.Message}");
        }

        foreach (var role in DemoNetwork.Vms)
        {
            var nic = new GuestNic(network.Port(role), network.Mac(role), network.Address(role) + "/24");
            _guests[role] = DemoGuest.Start(journal, system, folder, network.Vm(role), role, nic);
        }

        foreach (var guest in _guests.Values)
        {
            await guest.WaitUpAsync(stop);
        }
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken stop)
    {
        // Back to front: who asks finds who answers.
        foreach (var role in DemoNetwork.Vms.Reverse())
        {
            await _guests[role].RunAsync(DemoGuestShop.StartCommand, stop);
        }
    }

    /// <inheritdoc/>
    public string? Failed() => _guests
        .Where(guest => guest.Value.HasExited)
        .Select(guest => $"The virtual machine {network.Vm(guest.Key)} ended by itself: {guest.Value.LastWords}")
        .FirstOrDefault();

    /// <summary>Ends the customers and pulls the cables; the machines stay until the demo ends, so that they keep their names.</summary>
    public async Task StopAsync()
    {
        if (_guests.Count < DemoNetwork.Vms.Length)
        {
            return;
        }

        LoadReport = await _guests["client"].RunAsync(DemoGuestShop.ReportCommand, CancellationToken.None);
        foreach (var guest in _guests.Values)
        {
            // What a guest would still say, address resolution say, no longer enters the switch.
            await guest.RunAsync("ip link set eth0 down", CancellationToken.None);
        }
    }
}
