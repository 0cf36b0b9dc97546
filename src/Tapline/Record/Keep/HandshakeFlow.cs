// What is known of one flow's handshake: 64 bytes, one cache line, in native memory by the flow's slot. All zero = a new flow.
using System.Runtime.InteropServices;

namespace Tapline.Record.Keep;

/// <summary>A flow's two directions.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
public struct HandshakeFlow
{
    [FieldOffset(0)] public HandshakeSide Lower;
    [FieldOffset(24)] public HandshakeSide Upper;

    /// <summary>What it is.</summary>
    [FieldOffset(48)] public HandshakeProtocol Protocol;

    /// <summary>Frames with payload that did not tell what it is.</summary>
    [FieldOffset(49)] public byte Tries;
}
