// A network namespace of the test's own, named so that `ip netns exec` and Tapline's inventory can find it.
// In: a role (part of the name). Out: programs and code run inside. Owner: the test; Dispose stops the programs that
// were started through it and deletes the namespace, with it every interface inside. One thread at a time.
using System.Runtime.InteropServices;

namespace Tapline.Lab.Net;

/// <summary>A named network namespace with loopback up.</summary>
public sealed partial class NetNamespace : IDisposable
{
    private const int CloneNewnet = 0x40000000; // CLONE_NEWNET, linux/sched.h
    private readonly List<LabProcess> _processes = [];

    private NetNamespace(string name) => Name = name;

    public string Name { get; }

    /// <summary>Makes a namespace with a unique name, or with exactly <paramref name="name"/>.</summary>
    public static NetNamespace Create(string role = "ns", string? name = null)
    {
        var space = new NetNamespace(name ?? LabNames.Next(role));
        LabCommand.Run("ip", "netns", "add", space.Name);
        try
        {
            space.Ip("link", "set", "lo", "up");
            return space;
        }
        catch
        {
            space.Dispose();
            throw;
        }
    }

    /// <summary><c>ip -n NAME …</c>; throws when it fails.</summary>
    public string Ip(params string[] arguments) => LabCommand.Run(["ip", "-n", Name, .. arguments]);

    /// <summary><c>tc -n NAME …</c>; throws when it fails.</summary>
    public string Tc(params string[] arguments) => LabCommand.Run(["tc", "-n", Name, .. arguments]);

    /// <summary>Runs a program inside to its end; throws when it fails.</summary>
    public string Run(params string[] command) => LabCommand.Run(Wrapped(command));

    /// <summary>Runs a program inside to its end and reports how it ended.</summary>
    public (int ExitCode, string Output, string Error) TryRun(params string[] command) => LabCommand.TryRun(Wrapped(command));

    /// <summary>Starts a program inside; it is stopped with the namespace at the latest.</summary>
    public LabProcess Start(params string[] command)
    {
        var process = LabProcess.Start(Wrapped(command));
        _processes.Add(process);
        return process;
    }

    /// <summary>
    /// Runs code on a thread of its own that has entered the namespace: sockets opened there belong to the namespace and
    /// stay in it wherever they are used later.
    /// </summary>
    public T Enter<T>(Func<T> body) => EnterNamed(Name, body);

    /// <summary>The same for a namespace that somebody else made.</summary>
    public static T EnterNamed<T>(string name, Func<T> body)
    {
        T result = default!;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{name}");
                if (setns((int)handle.DangerousGetHandle(), CloneNewnet) != 0)
                {
                    throw new InvalidOperationException($"setns {name}: errno {Marshal.GetLastPInvokeError()}");
                }

                result = body();
            }
            catch (Exception problem)
            {
                failure = problem;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? result : throw new InvalidOperationException($"inside {name}: {failure.Message}", failure);
    }

    public void Enter(Action body) => Enter(() =>
    {
        body();
        return true;
    });

    /// <summary>A kernel counter of an interface inside, e.g. <c>rx_packets</c> (/sys/class/net is per namespace).</summary>
    public long Statistic(string device, string counter) => LinkStatistics.Read(Ip("-s", "-j", "link", "show", "dev", device), counter);

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Dispose();
        }

        _processes.Clear();
        LabCommand.TryRun("ip", "netns", "del", Name);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int fileDescriptor, int namespaceType);

    private string[] Wrapped(string[] command) => ["ip", "netns", "exec", Name, .. command];
}
