// How much of each frame a class of a recording keeps: all of it, its headers, its first bytes, the first bytes of its flow, or
// nothing. What is left out was chosen, so it is sliced or filtered, never dropped.
using System.Globalization;

namespace Tapline.Workers;

/// <summary>Kinds of it.</summary>
public enum RecordTakeKind : byte
{
    /// <summary>Every byte.</summary>
    Whole,

    /// <summary>Up to the end of the transport header, or of the last header that is understood.</summary>
    Headers,

    /// <summary>The first bytes of each frame.</summary>
    Frame,

    /// <summary>Headers always, payload until the flow has had so many bytes of it.</summary>
    Flow,

    /// <summary>No frame: the class is not recorded.</summary>
    None,
}

/// <summary>What a class takes of its frames.</summary>
/// <param name="Kind">The way.</param>
/// <param name="Bytes">How many bytes, for <see cref="RecordTakeKind.Frame"/> and <see cref="RecordTakeKind.Flow"/>.</param>
/// <param name="IsHandshakeOfEncrypted">Of TLS, SSH and QUIC instead: the handshake whole, then headers.</param>
public readonly record struct RecordTake(RecordTakeKind Kind, long Bytes, bool IsHandshakeOfEncrypted = false)
{
    /// <summary>What is kept of a frame depends on those before it in its flow.</summary>
    public bool AsksFlows => Kind == RecordTakeKind.Flow || IsHandshakeOfEncrypted;

    /// <summary>One phrase for a segment's comment, e.g. "headers of each frame"; null = frames are whole.</summary>
    public string? Phrase
    {
        get
        {
            var kind = Kind switch
            {
                RecordTakeKind.Headers => "headers of each frame",
                RecordTakeKind.Frame => string.Create(CultureInfo.InvariantCulture, $"the first {Bytes} bytes of each frame"),
                RecordTakeKind.Flow => string.Create(
                    CultureInfo.InvariantCulture, $"headers, and the first {Bytes} payload bytes of each flow"),
                _ => null,
            };
            const string Handshakes = "the handshakes of TLS, SSH and QUIC, then headers";
            return !IsHandshakeOfEncrypted ? kind : kind is null ? $"{Handshakes}; all else whole" : $"{Handshakes}; of all else {kind}";
        }
    }
}
