// One real console, started once for a test class: the executable, a data folder, and a scripted engine behind it.
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Tapline.Tests.Support;

namespace Tapline.Tests.Server.Support;

/// <summary>A console on a port that the kernel chose, with one hostile VM.</summary>
public sealed partial class RunningConsole : IDisposable
{
    /// <summary>What an attacker would call a VM: markup, an event handler, quotes, control and direction characters.</summary>
    public const string HostileVm = "<img src=x onerror=\"document.title='owned'\">'\"&{{7*7}}\u202e\u001b]0;owned\u0007";

    private readonly TemporaryFolder _folder = new();
    private readonly ScriptedEngine _engine;
    private readonly ServerProcess _process;

    public RunningConsole()
    {
        _engine = new ScriptedEngine(_folder["engine.sock"], ScriptedEngine.Growing(HostileVm));
        _process = new ServerProcess("console", "--data", _folder.Path, "--listen", "127.0.0.1:0");
        _process.WaitForOutput("console:");
        _process.WaitForOutput("token=");
        var match = Printed().Match(_process.Output);
        Address = new Uri(match.Groups[1].Value);
        Token = match.Groups[2].Value;
    }

    public Uri Address { get; }

    public string Token { get; }

    public string TokenFile => _folder["console.token"];

    /// <summary>A client without token that follows no redirect and keeps no cookie.</summary>
    public HttpClient Stranger() => new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = Address,
    };

    public HttpClient Bearer()
    {
        var client = Stranger();
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
        return client;
    }

    public void Dispose()
    {
        _process.Terminate();
        _process.WaitForExit();
        _process.Dispose();
        _engine.Dispose();
        _folder.Dispose();
    }

    [GeneratedRegex(@"console: (http://127\.0\.0\.1:\d+)/\?token=([\w-]+)")]
    private static partial Regex Printed();
}
