// How a recorder is, for the console and the operator.
namespace Tapline.Record;

/// <summary>State of one worker's recorder.</summary>
public enum RecorderState : byte
{
    /// <summary>Frames are taken and written.</summary>
    Recording,

    /// <summary>The writer cannot write and tries again by itself. Frames beyond the buffers count as dropped.</summary>
    Stalled,

    /// <summary>Closed; nothing more is taken.</summary>
    Closed,
}
