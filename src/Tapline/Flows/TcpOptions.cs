// The two options of a SYN that later segments are judged by (RFC 9293 3.2, RFC 7323 2.2).
using System.Buffers.Binary;

namespace Tapline.Flows;

/// <summary>Reads window scale and maximum segment size. Hostile lengths end the walk.</summary>
internal static class TcpOptions
{
    private const byte End = 0;
    private const byte NoOperation = 1;
    private const byte MaximumSegmentSize = 2;
    private const byte WindowScale = 3;

    /// <summary><paramref name="scale"/> is -1 and <paramref name="maximumSegmentSize"/> 0 where absent.</summary>
    public static void Read(ReadOnlySpan<byte> options, out int scale, out ushort maximumSegmentSize)
    {
        scale = -1;
        maximumSegmentSize = 0;
        while (options.Length > 0 && options[0] != End)
        {
            if (options[0] == NoOperation)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                return;
            }

            if (options[0] == WindowScale && options[1] == 3)
            {
                scale = options[2];
            }
            else if (options[0] == MaximumSegmentSize && options[1] == 4)
            {
                maximumSegmentSize = BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
            }

            options = options[options[1]..];
        }
    }
}
