// One virtual machine of the demo: QEMU with a tap device on the switch. In: name, role, NIC. Out: a guest that obeys commands
// over its second serial port ("ID COMMAND" in, ":ID TEXT" and at the end "=ID STATUS" out). The journal knows its process. One
// command at a time.
using Tapline.Server.Demo.Guests;

namespace Tapline.Server.Demo;

/// <summary>A guest under way.</summary>
internal sealed class DemoGuest
{
    private static readonly TimeSpan s_bootTimeMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan s_commandTimeMax = TimeSpan.FromSeconds(60);
    private readonly DemoProcess _qemu;
    private readonly string _name;
    private int _commands;

    private DemoGuest(DemoProcess qemu, string name)
    {
        _qemu = qemu;
        _name = name;
    }

    public bool HasExited => _qemu.HasExited;

    public string LastWords => string.Join(" / ", _qemu.Lines.TakeLast(5));

    /// <summary>Begins to boot it; <paramref name="folder"/> takes its kernel's words.</summary>
    public static DemoGuest Start(DemoJournal journal, GuestSystem system, string folder, string name, string role, GuestNic nic)
    {
        var command = GuestCommand.Of(
            system, name, role, Path.Combine(folder, $"{name}.console"), [nic]);
        return new DemoGuest(DemoProcess.StartWithInput(journal, name, [.. command]), name);
    }

    /// <summary>Waits until it obeys.</summary>
    public Task WaitUpAsync(CancellationToken stop) => _qemu.WaitForLineAsync(GuestCommand.Up, s_bootTimeMax, stop);

    /// <summary>Runs a shell command in the guest to its end; returns what it printed.</summary>
    public async Task<string> RunAsync(string command, CancellationToken stop)
    {
        var id = ++_commands;
        _qemu.Write($"{id} {command}\n");
        string? end = null;
        await _qemu.WaitAsync(
            process => (end = process.Lines.FirstOrDefault(l => l.StartsWith($"={id} ", StringComparison.Ordinal))) is not null,
            s_commandTimeMax,
            stop);
        var text = string.Join('\n', _qemu.Lines
            .Where(l => l.StartsWith($":{id} ", StringComparison.Ordinal))
            .Select(l => l[$":{id} ".Length..].TrimEnd('\r')));
        return end!.TrimEnd('\r') == $"={id} 0"
            ? text
            : throw new DemoException($"{_name} answered `{command}` with {end.Trim()}: {text}");
    }
}
