// The manifest of `tapline query --write F`: who asked and when, beside what the library knows of the answer. A key that can't be read is
// no reason to give no answer: the manifest then says that it is unsigned, and why.
using System.Globalization;
using Tapline.Base;
using Tapline.Record.Evidence;
using Tapline.Record.Extract;
using Tapline.Server.Config;

namespace Tapline.Server.Commands;

/// <summary>Makes the manifest of one extract.</summary>
internal sealed class QueryManifest
{
    private readonly string _file;
    private readonly HashingStream _stream;
    private readonly IReadOnlyList<ExtractSource> _sources;
    private readonly long _madeNs = Clock.NowNs();

    /// <param name="file">The extract.</param>
    /// <param name="stream">Where it goes.</param>
    /// <param name="plan">The segments that it may come from.</param>
    public QueryManifest(string file, Stream stream, ExtractPlan plan)
    {
        _file = file;
        _stream = new HashingStream(stream);
        _sources = ExtractSource.Of(plan);
    }

    /// <summary>The answer goes through this.</summary>
    public Stream Stream => _stream;

    /// <summary>Writes the manifest; a sentence when that can't be.</summary>
    public string? Write(
        string expression, bool isWire, string? change, DataFolder data, ExtractOptions options, ExtractReport report)
    {
        var path = _file + ExtractManifest.Ending;
        string? why = null;
        using var key = File.Exists(data.SigningKey) ? NodeKey.TryOpen(data.SigningKey, out why) : null;
        why ??= $"there is no signing key {data.SigningKey}";
        var manifest = new ExtractManifest
        {
            File = Path.GetFileName(_file), Bytes = _stream.Bytes, Sha256 = _stream.Hash(), Expression = expression, Options = options,
            IsWire = isWire, Change = change, Recording = options.Folder, By = Asker(), MadeNs = _madeNs, Sources = _sources,
        };
        try
        {
            File.WriteAllBytes(path, manifest.Write(report, key, why));
            return key is null ? $"{path} is not signed: {why}." : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The manifest {path} can't be written: {e.Message}";
        }
    }

    // The login's number stays the same through su and sudo, where the system keeps it.
    private static Dictionary<string, string> Asker()
    {
        var by = new Dictionary<string, string> { ["user"] = Environment.UserName, ["host"] = Environment.MachineName };
        Add("uid", () => File.ReadLines("/proc/self/status").First(l => l.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1]);
        Add("login_uid", () => File.ReadAllText("/proc/self/loginuid"));
        if (Environment.GetEnvironmentVariable("SUDO_USER") is { Length: > 0 } sudo)
        {
            by["sudo_user"] = sudo;
        }

        return by;

        void Add(string name, Func<string> read)
        {
            try
            {
                if (uint.TryParse(read(), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id != uint.MaxValue)
                {
                    by[name] = id.ToString(CultureInfo.InvariantCulture);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidOperationException)
            {
                // A kernel without it: left out.
            }
        }
    }
}
