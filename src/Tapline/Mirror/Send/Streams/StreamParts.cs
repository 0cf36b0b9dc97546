// What all sinks of a stream are made from.
using Tapline.Base.Native;
using Tapline.Mirror.Streams;

namespace Tapline.Mirror.Send.Streams;

/// <summary>Parts of one stream, shared by its thread and its sink.</summary>
/// <param name="Interfaces">Descriptions of points.</param>
/// <param name="Losses">What never became a packet.</param>
/// <param name="Wake">Wakes the stream's thread.</param>
/// <param name="Header">A ready section header.</param>
/// <param name="OnEnded">Told when the target has ended for good; may be null.</param>
internal sealed record StreamParts(
    StreamInterfaces Interfaces, StreamLosses Losses, WakeSignal Wake, byte[] Header, Action? OnEnded);
