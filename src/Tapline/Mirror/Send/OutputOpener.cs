// From a target to what carries the copies there, one output for each worker. Everything that targets of the same session
// share (a file, a listener, a sequence) is made here and ends with the last of its outputs. Control thread.
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>What an output is made for.</summary>
/// <param name="Session">The session's name.</param>
/// <param name="Target">Where the copies go.</param>
/// <param name="Workers">Outputs wanted.</param>
/// <param name="Expression">The session's filter, for those who state it; null = every frame.</param>
public sealed record OutputRequest(string Session, MirrorTarget Target, int Workers, string? Expression);

/// <summary>Opens outputs.</summary>
public static class OutputOpener
{
    /// <summary>
    /// One output for each worker; null and one sentence when the host refuses: then nothing is left open. The caller
    /// disposes them.
    /// </summary>
    public static WireOutput[]? Open(OutputRequest request, out string? error) => request.Target switch
    {
        NicTarget nic => OpenEach(request.Workers, (out string? fault) => PacketSender.Open(nic.Name, out fault), out error),
        TunnelTarget tunnel => TunnelSender.Open(tunnel, request.Workers, out error),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request.Target, "a kind of target without an output"),
    };

    private delegate WireOutput? Opening(out string? error);

    private static WireOutput[]? OpenEach(int workers, Opening open, out string? error)
    {
        error = null;
        var outputs = new List<WireOutput>();
        for (var w = 0; w < workers; w++)
        {
            if (open(out error) is not { } output)
            {
                outputs.ForEach(o => o.Dispose());
                return null;
            }

            outputs.Add(output);
        }

        return [.. outputs];
    }
}
