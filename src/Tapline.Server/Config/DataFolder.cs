// The places inside a data folder, where engine and console meet. One folder per node; nothing else is shared.
using Tapline.Record;
using Tapline.Record.Evidence;

namespace Tapline.Server.Config;

/// <summary>Paths below one data folder.</summary>
internal sealed record DataFolder(string Root)
{
    /// <summary>The engine's Unix socket: live figures and control.</summary>
    public string EngineSocket => Path.Combine(Root, "engine.sock");

    /// <summary>Finished batches, published by rename, that the console has not yet ingested.</summary>
    public string Spool => Path.Combine(Root, "spool");

    /// <summary>Batches that could not be read, kept for a look.</summary>
    public string SpoolBad => Path.Combine(Spool, "bad");

    /// <summary>The embedded database. Only the console opens it.</summary>
    public string Store => Path.Combine(Root, "store.duckdb");

    /// <summary>The secret that opens the console; mode 0600.</summary>
    public string ConsoleToken => Path.Combine(Root, "console.token");

    /// <summary>Recorded segments.</summary>
    public string Recording => Path.Combine(Root, "recording");

    /// <summary>The recording for commands that look for one: recorded segments, or, where this folder holds segments itself, this
    /// folder: a recording that `--record` put elsewhere. Reads the disk.</summary>
    public string RecordingThere
    {
        get
        {
            try
            {
                return !Directory.Exists(Recording) && RecordingFolders.Of(Root).Any(ClassFolders.HasSegments) ? Root : Recording;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return Recording; // whoever reads it says what is wrong
            }
        }
    }

    /// <summary>The key with which recordings are sealed; mode 0600, its public half beside it.</summary>
    public string SigningKey => Path.Combine(Root, NodeKey.Name);

    /// <summary>What `up` resolved from file and options, for the engine to read.</summary>
    public string ResolvedConfiguration => Path.Combine(Root, "node.json");

    /// <summary>Makes the folder where it is missing, closed to other users: it will hold who talked to whom.</summary>
    public void Make()
    {
        const UnixFileMode OwnerAndGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        if (!Directory.Exists(Root))
        {
            Directory.CreateDirectory(Root, OwnerAndGroup);
        }
    }

    /// <summary>Where data goes when nobody said: the system's place for root, the user's own otherwise.</summary>
    public static string Default
    {
        get
        {
            if (Environment.IsPrivilegedProcess)
            {
                return "/var/lib/tapline";
            }

            var own = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData,
                Environment.SpecialFolderOption.DoNotVerify);
            return Path.Combine(own, "tapline");
        }
    }
}
