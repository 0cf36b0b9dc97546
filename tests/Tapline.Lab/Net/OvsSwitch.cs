// A real Open vSwitch of the test's own: ovsdb-server and ovs-vswitchd with the userspace datapath, in a namespace, with
// database, sockets and logs in a folder of their own. In: the namespace. Out: `ovs-vsctl` and `ovs-appctl` on it.
// Owner: the test; Dispose ends both programs and removes the folder. Nothing of the host's own Open vSwitch is touched.
namespace Tapline.Lab.Net;

/// <summary>Open vSwitch for one test.</summary>
public sealed class OvsSwitch : IDisposable
{
    private const string Schema = "/usr/share/openvswitch/vswitch.ovsschema";
    private readonly NetNamespace _space;
    private readonly DirectoryInfo _folder;
    private readonly List<VethPair> _ports = [];
    private readonly LabProcess _switch;
    private LabProcess _database;

    private OvsSwitch(NetNamespace space)
    {
        _space = space;
        // Socket paths are short (sun_path): not below a long temporary folder.
        _folder = Directory.CreateDirectory($"/tmp/{LabNames.Next("ovs")}");
        LabCommand.Run("ovsdb-tool", "create", $"{_folder}/conf.db", Schema);
        _database = StartDatabase();
        Vsctl("--no-wait", "init");
        _switch = Start("ovs-vswitchd", $"unix:{Database}", "--disable-system", "--enable-dummy",
            $"--pidfile={_folder}/vswitchd.pid",
            $"--log-file={_folder}/vswitchd.log", "--verbose=console:off");
        LabWait.Until(() => File.Exists($"{_folder}/vswitchd.pid"), () => $"ovs-vswitchd: {_switch.Error}");
    }

    /// <summary>The database's socket.</summary>
    public string Database => $"{_folder}/db.sock";

    public static OvsSwitch Create(NetNamespace space)
    {
        LabNeeds.Tools("ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovsdb-tool", "ovs-appctl");
        return new OvsSwitch(space);
    }

    public string Vsctl(params string[] arguments) =>
        LabCommand.Run(["ovs-vsctl", $"--db=unix:{Database}", "--timeout=20", .. arguments]);

    public string Appctl(params string[] arguments) =>
        LabCommand.Run(["ovs-appctl", "--timeout=20", "-t", ControlSocket(), .. arguments]);

    /// <summary>A bridge whose packets ovs-vswitchd switches itself.</summary>
    public void AddBridge(string name) => Vsctl("add-br", name, "--", "set", "bridge", name, "datapath_type=netdev");

    /// <summary>A port to another namespace; its far end is eth0 there, with an address when given.</summary>
    public VethPair AddPort(string bridge, NetNamespace vm, string? address = null, params string[] settings)
    {
        var pair = VethPair.Create(_space, vm, LabNames.Next("p"), "eth0");
        _ports.Add(pair);
        // The far end's checksums and segments are the NIC's work, and this NIC is a program: as its manual says, off.
        vm.TryRun("ethtool", "-K", "eth0", "tx", "off", "tso", "off", "gso", "off");
        Vsctl(["add-port", bridge, pair.Near, .. settings.Length == 0 ? [] : (string[])["--", "set", "interface",
            pair.Near, .. settings]]);
        if (address is not null)
        {
            vm.Ip("address", "add", address, "dev", "eth0");
        }

        return pair;
    }

    /// <summary>Ends ovsdb-server and starts it anew on the same database.</summary>
    public void RestartDatabase()
    {
        _database.Dispose();
        _database = StartDatabase();
    }

    public void StopDatabase() => _database.Dispose();

    public void Dispose()
    {
        _switch.Dispose();
        _database.Dispose();
        _ports.ForEach(p => p.Dispose());
        // Devices that a killed ovs-vswitchd leaves go with their namespace.
        _folder.Delete(recursive: true);
    }

    private string ControlSocket() => Directory.GetFiles(_folder.FullName, "ovs-vswitchd.*.ctl").Single();

    private LabProcess StartDatabase()
    {
        var process = Start("ovsdb-server", $"{_folder}/conf.db", $"--remote=punix:{Database}",
            $"--pidfile={_folder}/ovsdb.pid",
            $"--unixctl={_folder}/ovsdb.ctl", $"--log-file={_folder}/ovsdb.log", "--verbose=console:off");
        LabWait.Until(() => File.Exists(Database), () => $"ovsdb-server: {process.Error}");
        return process;
    }

    // Started by `env`, so that run and log folders are the test's own.
    private LabProcess Start(params string[] command) =>
        _space.Start(["env", $"OVS_RUNDIR={_folder}", $"OVS_LOGDIR={_folder}", $"OVS_DBDIR={_folder}", .. command]);
}
