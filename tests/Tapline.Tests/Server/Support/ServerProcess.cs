// The real executable as a child process of the test, its lines kept, ended by its own id.
using System.Diagnostics;
using System.Text;
using Tapline.Base.Native;
using Tapline.Tests.Support;
using Xunit;

namespace Tapline.Tests.Server.Support;

/// <summary>One run of `tapline`.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly StringBuilder _output = new();
    private readonly Process _process;

    public ServerProcess(params string[] arguments)
        : this([], arguments)
    {
    }

    public ServerProcess(string[] before, string[] arguments)
    {
        string[] command = [.. before, Executable, .. arguments];
        _process = new Process
        {
            StartInfo = new ProcessStartInfo(command[0], command[1..])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
            },
        };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Built with the tests, in the folder of the same configuration.</summary>
    public static string Executable
    {
        get
        {
            var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
            var path = Path.Combine(
                RepositoryRoot.Path, "artifacts", "bin", "Tapline.Server", configuration + "_linux-x64", "Tapline.Server");
            Assert.SkipUnless(File.Exists(path), $"the executable is not built: {path}");
            return path;
        }
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public void Terminate() => SupervisorTie.AskToEnd(_process.Id);

    public void Kill() => _process.Kill();

    public int WaitForExit()
    {
        // Below every limit after which something is ended by force: an orderly end needs none of them.
        Assert.True(_process.WaitForExit(TimeSpan.FromSeconds(40)), "did not end: " + Output);
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void WaitForOutput(string text)
    {
        _ = Await.Until(() => Output.Contains(text, StringComparison.Ordinal) || HasExited);
        Assert.True(Output.Contains(text, StringComparison.Ordinal), $"'{text}' did not come: {Output}");
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.AppendLine(line.Data);
        }
    }
}
