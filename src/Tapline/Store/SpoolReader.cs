// Finished batches of a spool folder, in order of their names, which is the order of their sequences. The console reads
// one, ingests it in one transaction together with its BatchId, then removes it; after a crash in between, the BatchId
// tells that it is in already (docs/formats/spool.md). Ordinary managed file calls: this is not the data plane.
using Tapline.Base;

namespace Tapline.Store;

/// <summary>What reading a batch brought.</summary>
public enum SpoolReadResult : byte
{
    /// <summary>The batch is whole.</summary>
    Batch,

    /// <summary>The file is gone: ingested and removed meanwhile.</summary>
    Gone,

    /// <summary>The file is damaged; it belongs into the folder <c>bad</c> (<see cref="SpoolReader.SetAside"/>).</summary>
    Corrupt,

    /// <summary>The file could not be read; try again later.</summary>
    Failed,
}

/// <summary>Reads a spool folder. One thread; allocates.</summary>
public sealed class SpoolReader(string folder)
{
    /// <summary>The folder's path as given.</summary>
    public string Path { get; } = folder;

    /// <summary>Names of the finished batches, oldest first; empty when the folder is missing.</summary>
    public IReadOnlyList<string> List()
    {
        var names = new List<string>();
        try
        {
            foreach (var path in Directory.EnumerateFiles(Path, "*" + SpoolLayout.Extension))
            {
                var name = System.IO.Path.GetFileName(path);
                if (name[0] != '.')
                {
                    names.Add(name);
                }
            }
        }
        catch (DirectoryNotFoundException)
        {
            return names; // no engine has run here yet
        }

        names.Sort(StringComparer.Ordinal);
        return names;
    }

    /// <summary>Reads and checks one batch. <paramref name="fault"/> is one sentence unless the result is Batch.</summary>
    public SpoolReadResult Read(string name, out SpoolBatch? batch, out string? fault)
    {
        batch = null;
        byte[] bytes;
        try
        {
            var file = new FileInfo(PathOf(name));
            if (file.Exists && file.Length > Limits.BatchFileBytesMax)
            {
                fault = $"The spool batch {name} is damaged: it is larger than any batch can be.";
                return SpoolReadResult.Corrupt;
            }

            bytes = File.ReadAllBytes(file.FullName);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            fault = $"The spool batch {name} is gone.";
            return SpoolReadResult.Gone;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            fault = $"The spool batch {name} can't be read: {e.Message}";
            return SpoolReadResult.Failed;
        }

        if (SpoolDecoder.TryDecode(bytes, out batch, out var damage))
        {
            fault = null;
            return SpoolReadResult.Batch;
        }

        fault = $"The spool batch {name} is damaged: {damage}";
        return SpoolReadResult.Corrupt;
    }

    /// <summary>Removes an ingested batch. True also when it is gone already.</summary>
    public bool Remove(string name)
    {
        try
        {
            File.Delete(PathOf(name));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e is DirectoryNotFoundException;
        }
    }

    /// <summary>Puts a damaged batch aside into <c>bad</c>, where nothing reads it. False when that failed.</summary>
    public bool SetAside(string name)
    {
        try
        {
            var bad = Directory.CreateDirectory(System.IO.Path.Combine(Path, SpoolLayout.BadFolder));
            File.Move(PathOf(name), System.IO.Path.Combine(bad.FullName, name), overwrite: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string PathOf(string name)
    {
        Invariant.Check(name == System.IO.Path.GetFileName(name));
        return System.IO.Path.Combine(Path, name);
    }
}
