// The application on the demo's VMs, on real servers from Debian's packages: nginx on web, the shop (demo/Shop) on app,
// PostgreSQL and Redis on db, each run directly in its namespace from a configuration of its own in the demo's folder,
// as an unprivileged user; never as a service of the host. Start order is back to front, stop order front to back.
using System.Globalization;

namespace Tapline.Server.Demo;

/// <summary>nginx, shop, PostgreSQL, Redis, and the load on them.</summary>
internal sealed class DemoServers(DemoJournal journal, DemoNetwork network, string folder) : IDemoTiers
{
    private const int PictureBytes = 256 * 1024;
    private const double RequestsPerSecond = 30;
    private static readonly TimeSpan s_startTimeMax = TimeSpan.FromSeconds(60);
    private DemoProcess? _database;
    private DemoProcess? _cache;
    private DemoProcess? _shop;
    private DemoProcess? _web;
    private DemoProcess? _load;

    /// <inheritdoc/>
    public string? LoadReport { get; private set; }

    /// <inheritdoc/>
    public string WebAddress => $"http://{network.Address("web")}";

    /// <summary>The programs that must be there; what is missing, as one sentence, or null.</summary>
    public static string? Missing()
    {
        var missing = new List<string>();
        foreach (var program in (string[])["ip", "nginx", "redis-server", "tcpdump", "setpriv", "setsid"])
        {
            if (DemoShell.Try("sh", "-c", $"command -v {program}").ExitCode != 0)
            {
                missing.Add(program);
            }
        }

        if (PostgresFolder() is null)
        {
            missing.Add("postgresql");
        }

        if (ShopPath() is null)
        {
            missing.Add("the shop application");
        }

        return missing.Count == 0
            ? null
            : $"Missing for the demo: {string.Join(", ", missing)}. `./tapline demo` in the repository installs and builds them.";
    }

    /// <inheritdoc/>
    public IEnumerable<string> Describe() =>
    [
        $"Four VMs are on it, network namespaces: {string.Join(", ", DemoNetwork.Vms.Select(network.Vm))}.",
        "On them: customers on client, nginx on web, a shop on app, PostgreSQL and Redis on db.",
    ];

    /// <summary>Makes the database's files.</summary>
    public Task PrepareAsync(CancellationToken stop)
    {
        DemoShell.Run("install", "-d", "-o", "postgres", "-g", "postgres", "-m", "700", Sub("postgres"));
        DemoShell.Run("install", "-d", "-o", "redis", "-g", "redis", "-m", "700", Sub("redis"));
        DemoShell.Run("install", "-d", "-m", "755", Sub("web"), Sub("web/static"), Sub("web/temp"));
        DemoShell.Run(
            [.. As("postgres"), PostgresFolder() + "/initdb", "-D", Sub("postgres/data"), "--no-sync", "-A", "trust", "-E", "UTF8",
                "--locale", "C.UTF-8"]);
        File.AppendAllText(Sub("postgres/data/pg_hba.conf"), $"host all all {network.Address("app")}/32 trust\n");
        var picture = new byte[PictureBytes];
        new Random(1).NextBytes(picture);
        File.WriteAllBytes(Sub("web/static/picture.bin"), picture);
        File.WriteAllText(Sub("web/nginx.conf"), NginxConfiguration());
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken stop)
    {
        var db = network.Address("db");
        _database = DemoProcess.Start(
            journal, "postgres", network.Vm("db"),
            [.. As("postgres"), PostgresFolder() + "/postgres", "-D", Sub("postgres/data"), "-h", db, "-p", "5432",
                "-k", Sub("postgres"), "-c", "fsync=off", "-c", "ssl=off", "-c", "jit=off"]);
        _cache = DemoProcess.Start(
            journal, "redis-server", network.Vm("db"),
            [.. As("redis"), "redis-server", "--bind", db, "--port", "6379", "--save", "", "--appendonly", "no",
                "--protected-mode", "no", "--dir", Sub("redis")]);
        await _database.WaitForLineAsync("ready to accept connections", s_startTimeMax, stop);
        await _cache.WaitForLineAsync("eady to accept connections", s_startTimeMax, stop);
        _shop = DemoProcess.Start(
            journal, "the shop", network.Vm("app"), ShopPath()!, "serve", $"http://{network.Address("app")}:8080",
            $"Host={db};Username=postgres;Database=postgres;Maximum Pool Size=10;SSL Mode=Disable;GSS Encryption Mode=Disable",
            $"{db}:6379");
        await _shop.WaitForLineAsync("ready", s_startTimeMax, stop);
        _web = DemoProcess.Start(
            journal, "nginx", network.Vm("web"), "nginx", "-p", Sub("web"), "-c", Sub("web/nginx.conf"), "-e", Sub("web/error.log"));
        await _web.WaitAsync(_ => File.Exists(Sub("web/nginx.pid")), s_startTimeMax, stop);
        _load = DemoProcess.Start(
            journal, "the load", network.Vm("client"), ShopPath()!, "load", WebAddress,
            RequestsPerSecond.ToString(CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public string? Failed() =>
        _database!.HasExited ? "PostgreSQL ended by itself." : _cache!.HasExited ? "Redis ended by itself."
        : _shop!.HasExited ? "The shop ended by itself: " + string.Join(" / ", _shop.Lines.TakeLast(5))
        : _web!.HasExited ? "nginx ended by itself." : _load!.HasExited ? "The load ended by itself." : null;

    /// <inheritdoc/>
    public async Task StopAsync()
    {
        if (_load is not null)
        {
            await _load.StopAsync();
            LoadReport = _load.Lines.LastOrDefault(line => line.StartsWith('{'));
        }

        (DemoProcess?, string)[] frontToBack = [(_web, "QUIT"), (_shop, "TERM"), (_cache, "TERM"), (_database, "INT")];
        foreach (var (server, signal) in frontToBack)
        {
            if (server is not null)
            {
                await server.StopAsync(signal);
            }
        }
    }

    private static string[] As(string user) => ["setpriv", "--reuid", user, "--regid", user, "--init-groups", "--"];

    private static string? PostgresFolder() => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql")
            .Where(version => File.Exists(version + "/bin/initdb"))
            .OrderByDescending(version => double.TryParse(Path.GetFileName(version), CultureInfo.InvariantCulture, out var n) ? n : 0)
            .Select(version => version + "/bin")
            .FirstOrDefault()
        : null;

    private static string? ShopPath()
    {
        var beside = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../shop/Shop"));
        var path = Environment.GetEnvironmentVariable("TAPLINE_SHOP") ?? beside;
        return File.Exists(path) ? path : null;
    }

    private string Sub(string path) => Path.Combine(folder, path);

    private string NginxConfiguration() =>
        $$"""
        daemon off;
        user www-data;
        worker_processes 1;
        pid {{Sub("web/nginx.pid")}};
        events { worker_connections 256; }
        http {
            access_log off;
            sendfile on;
            tcp_nopush on;
            client_body_temp_path {{Sub("web/temp/body")}};
            proxy_temp_path {{Sub("web/temp/proxy")}};
            fastcgi_temp_path {{Sub("web/temp/fastcgi")}};
            uwsgi_temp_path {{Sub("web/temp/uwsgi")}};
            scgi_temp_path {{Sub("web/temp/scgi")}};
            upstream shop { server {{network.Address("app")}}:8080; keepalive 4; }
            server {
                listen {{network.Address("web")}}:80;
                location /static/ { root {{Sub("web")}}; }
                location / {
                    proxy_pass http://shop;
                    proxy_http_version 1.1;
                    proxy_set_header Connection "";
                    proxy_set_header Host $host;
                }
            }
        }
        """;
}
