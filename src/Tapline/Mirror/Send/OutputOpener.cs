// From a target to what carries the copies there, one output for each worker. Everything that targets of the same session
// share (a file, a listener, a sequence) is made here and ends with the last of its outputs. Control thread.
using Tapline.Base;
using Tapline.Mirror.Group;
using Tapline.Mirror.Send.Streams;
using Tapline.Mirror.Shape;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send;

/// <summary>What an output is made for.</summary>
/// <param name="Session">The session's name.</param>
/// <param name="Target">Where the copies go.</param>
/// <param name="Workers">Outputs wanted.</param>
/// <param name="Expression">The session's filter, for those who state it; null = every frame.</param>
public sealed record OutputRequest(string Session, MirrorTarget Target, int Workers, string? Expression)
{
    /// <summary>Knows the observation points, for targets that name them.</summary>
    public IStreamPoints? Points { get; init; }

    /// <summary>The rate at which copies leave, all workers together; null = as they come.</summary>
    public RateCap? Pace { get; init; }

    /// <summary>Called on the output's own thread when the target has ended for good: the reader of a pipe has gone.</summary>
    public Action? OnEnded { get; init; }
}

/// <summary>Opens outputs.</summary>
public static class OutputOpener
{
    /// <summary>
    /// One output for each worker; null and one sentence when the host refuses: then nothing is left open. The caller
    /// disposes them.
    /// </summary>
    public static WireOutput[]? Open(OutputRequest request, out string? error)
    {
        if (request.Target is GroupTarget group)
        {
            return OpenGroup(request, group, out error);
        }

        var outputs = OpenOne(request, out error);
        return outputs is null || request.Pace is not { } pace
            ? outputs
            : Array.ConvertAll<WireOutput, WireOutput>(outputs, o => new PacedOutput(o, pace, Clock.MonotonicNs));
    }

    private static WireOutput[]? OpenOne(OutputRequest request, out string? error) => request.Target switch
    {
        NicTarget nic => OpenEach(request.Workers, (out string? fault) => PacketSender.Open(nic.Name, out fault), out error),
        StreamTarget stream => StreamOpener.Open(request, stream, out error),
        TunnelTarget tunnel => TunnelSender.Open(tunnel, request.Workers, out error),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request.Target, "a kind of target without an output"),
    };

    private static GroupOutput[]? OpenGroup(OutputRequest request, GroupTarget group, out string? error)
    {
        error = null;
        var members = new List<WireOutput[]>();
        foreach (var target in group.Members)
        {
            if (Open(request with { Target = target }, out error) is not { } outputs)
            {
                members.ForEach(m => Array.ForEach(m, o => o.Dispose()));
                return null;
            }

            members.Add(outputs);
        }

        return [.. Enumerable.Range(0, request.Workers).Select(w => new GroupOutput([.. members.Select(m => m[w])], group.Weights))];
    }

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
