// What all targets that carry pcapng have in common: files, standard output, connections.
namespace Tapline.Mirror.Targets;

/// <summary>A target that carries a pcapng stream.</summary>
public abstract record StreamTarget : MirrorTarget
{
    private const string Key = "frames";
    private const string Captured = "captured";

    /// <summary>
    /// True: frames as the capture saw them, super-frames whole and checksums unfinished. False: as a wire carries them.
    /// </summary>
    public bool AsCaptured { get; init; }

    /// <summary>Takes the option that all of these targets have.</summary>
    internal static bool ReadAsCaptured(TargetText text) => text.Word(Key, "wire", Captured) == Captured;

    /// <summary>The text of a target with its options, those left out that are null.</summary>
    protected string WithOptions(string place, params ReadOnlySpan<string?> options)
    {
        var text = place;
        var separator = '?';
        foreach (var option in (ReadOnlySpan<string?>)[.. options, AsCaptured ? $"{Key}={Captured}" : null])
        {
            if (option is not null)
            {
                text += separator + option;
                separator = '&';
            }
        }

        return text;
    }
}
