// From a target that carries pcapng to one output for each worker, with the stream's thread behind them. Control thread.
using Tapline.Base;
using Tapline.Base.Native;
using Tapline.Mirror.Streams;
using Tapline.Mirror.Targets;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Opens streams.</summary>
internal static class StreamOpener
{
    /// <summary>Null and one sentence when the target cannot be had; then nothing is left open.</summary>
    public static WireOutput[]? Open(OutputRequest request, StreamTarget target, out string? error) =>
        Open(request, target, new DiskCalls(), out error);

    /// <summary>The same with other calls to the disk.</summary>
    internal static WireOutput[]? Open(OutputRequest request, StreamTarget target, DiskCalls disk, out string? error)
    {
        var options = PcapngOptions.Section($"mirror session {request.Session}");
        var header = new byte[PcapngWriter.SectionHeaderBytes + options.Length];
        PcapngWriter.WriteSectionHeader(header, options);
        var parts = new StreamParts(
            new StreamInterfaces(request.Points, request.Expression), new StreamLosses(request.Workers, request.Points),
            new WakeSignal(), header, request.OnEnded);
        if (Sink(target, parts, disk, out error) is not { } sink)
        {
            parts.Wake.Dispose();
            parts.Losses.Dispose();
            return null;
        }

        var stream = new PcapngStream(request.Session, request.Workers, parts, sink);
        var outputs = new WireOutput[request.Workers];
        for (var w = 0; w < outputs.Length; w++)
        {
            outputs[w] = new StreamOutput(stream, w, target.AsCaptured);
        }

        stream.Start();
        return outputs;
    }

    private static StreamSink? Sink(StreamTarget target, StreamParts parts, DiskCalls disk, out string? error)
    {
        error = null;
        switch (target)
        {
            case StdoutTarget:
                return PipeSink.OfStandardOutput(parts);
            case PcapOverIpTarget listener:
                return ListenerSink.Open(listener, parts, out error);
            case FileTarget file:
                var pipe = PipeSink.OfNamedPipe(file.Path, parts, out error);
                return pipe is not null || error is not null ? pipe : FileSink.Open(file, parts, disk, out error);
            default:
                throw new ArgumentOutOfRangeException(nameof(target), target, "a kind of stream without a sink");
        }
    }
}
