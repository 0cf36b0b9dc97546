// TCP header flags, low byte (RFC 9293 3.1).
namespace Tapline.Flows;

/// <summary>Bits of the TCP flags byte.</summary>
internal static class TcpFlag
{
    public const byte Fin = 0x01;
    public const byte Syn = 0x02;
    public const byte Rst = 0x04;
    public const byte Psh = 0x08;
    public const byte Ack = 0x10;
}
