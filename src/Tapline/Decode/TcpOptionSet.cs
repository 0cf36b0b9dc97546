// The TCP options that analysis asks for: maximum segment size, window scale, SACK (RFC 2018) and timestamps (RFC
// 7323). Hostile lengths end the reading; what came before counts. A repeated option: the first one counts. Pure.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Tapline.Decode;

/// <summary>Options of one TCP header, as values.</summary>
public struct TcpOptionSet
{
    /// <summary>Blocks that fit 40 bytes of options.</summary>
    public const int SackBlocksMax = 4;

    private SackEdges _edges;

    /// <summary>MSS in bytes; 0 = absent.</summary>
    public ushort MaximumSegmentSize { get; private set; }

    /// <summary>Shift count as sent (values above 14 mean 14); -1 = absent.</summary>
    public int WindowScale { get; private set; }

    public bool SackPermitted { get; private set; }

    public bool HasTimestamps { get; private set; }

    public uint TimestampValue { get; private set; }

    public uint TimestampEcho { get; private set; }

    /// <summary>Number of SACK blocks.</summary>
    public int SackCount { get; private set; }

    /// <summary>The left (first received) and right (first missing) edge of a SACK block.</summary>
    public readonly (uint Left, uint Right) Sack(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)SackCount);
        return (_edges[index * 2], _edges[(index * 2) + 1]);
    }

    /// <summary>Reads option bytes, whole or cut.</summary>
    public static TcpOptionSet Read(ReadOnlySpan<byte> options)
    {
        var set = new TcpOptionSet { WindowScale = -1 };
        while (!options.IsEmpty && options[0] != 0)
        {
            if (options[0] == 1)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options[1] < 2 || options[1] > options.Length)
            {
                break;
            }

            set.Take(options[0], options[2..options[1]]);
            options = options[options[1]..];
        }

        return set;
    }

    private void Take(byte kind, ReadOnlySpan<byte> value)
    {
        switch (kind)
        {
            case 2 when value.Length == 2 && MaximumSegmentSize == 0:
                MaximumSegmentSize = BinaryPrimitives.ReadUInt16BigEndian(value);
                break;
            case 3 when value.Length == 1 && WindowScale < 0:
                WindowScale = value[0];
                break;
            case 4 when value.Length == 0:
                SackPermitted = true;
                break;
            case 5 when value.Length is > 0 and <= SackBlocksMax * 8 && value.Length % 8 == 0 && SackCount == 0:
                SackCount = value.Length / 8;
                for (var i = 0; i < SackCount * 2; i++)
                {
                    _edges[i] = BinaryPrimitives.ReadUInt32BigEndian(value[(i * 4)..]);
                }

                break;
            case 8 when value.Length == 8 && !HasTimestamps:
                HasTimestamps = true;
                TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(value);
                TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(value[4..]);
                break;
        }
    }

    [InlineArray(SackBlocksMax * 2)]
    private struct SackEdges
    {
        private uint _first;
    }
}
