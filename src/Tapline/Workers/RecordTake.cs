// How much of each frame a class of a recording keeps: all of it, its headers, its first bytes, the first bytes of its flow, or
// nothing. What is left out was chosen, so it is sliced or filtered, never dropped.
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
public readonly record struct RecordTake(RecordTakeKind Kind, long Bytes);
