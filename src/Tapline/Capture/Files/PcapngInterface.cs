// An interface of a pcapng section as the reader needs it per packet: link type, point, and how to turn its time units
// into nanoseconds. Options: if_name (2), if_description (3), if_tsresol (9), if_fcslen (13), if_tsoffset (14).
using System.Buffers.Binary;
using System.Text;
using Tapline.Base;

namespace Tapline.Capture.Files;

/// <summary>What a packet block needs to know of its interface.</summary>
internal struct PcapngInterface
{
    private const int OptionEnd = 0;
    private const int OptionName = 2;
    private const int OptionDescription = 3;
    private const int OptionTimestampResolution = 9;
    private const int OptionFcsLength = 13;
    private const int OptionTimestampOffset = 14;
    private const int NameBytesMax = 256;
    private const int DescriptionBytesMax = 1024;
    private const long NanosecondsPerSecond = 1_000_000_000;

    public LinkType LinkType;
    public ushort PointId;
    public uint SnapLength;
    public int FcsBytes;

    // One of three: units × multiplier, units ÷ divisor, or units of 2^-shift seconds.
    private long _multiplier;
    private ulong _plainTicksMax;
    private UInt128 _divisor;
    private int _shift;
    private long _offsetNs;

    /// <summary>
    /// A time of the interface in nanoseconds since 1970. A time of 2^63 units and more is one before 1970 (writers do
    /// produce them); what does not fit is put at the end of what does.
    /// </summary>
    public readonly long ToNanoseconds(ulong ticks)
    {
        var signed = (long)ticks;
        Int128 ns;
        if (_multiplier != 0)
        {
            // The usual case: microseconds or nanoseconds of these centuries.
            if (ticks <= _plainTicksMax)
            {
                return (signed * _multiplier) + _offsetNs;
            }

            ns = (Int128)signed * _multiplier;
        }
        else
        {
            ns = _divisor != 0
                ? signed / (Int128)_divisor
                : ((Int128)signed * NanosecondsPerSecond) >> _shift;
        }

        ns += _offsetNs;
        return ns > long.MaxValue ? long.MaxValue : ns < long.MinValue ? long.MinValue : (long)ns;
    }

    /// <summary>Reads the body of an interface block (link type, reserved, snap length, options).</summary>
    public static PcapngInterface Parse(
        ReadOnlySpan<byte> body, bool swapped, InterfaceList list, int section, out FileInterface item)
    {
        var result = new PcapngInterface
        {
            LinkType = (LinkType)Read16(body, swapped),
            PointId = list.NextPointId,
            SnapLength = Read32(body[4..], swapped),
        };
        byte resolution = 6;
        var name = list.FileName;
        var description = "";
        var options = body[8..];
        while (options.Length >= 4)
        {
            var code = Read16(options, swapped);
            var length = Read16(options[2..], swapped);
            if (code == OptionEnd || length > options.Length - 4)
            {
                break;
            }

            result.Option(code, options.Slice(4, length), swapped, ref name, ref description, ref resolution);
            options = options[Math.Min(options.Length, 4 + ((length + 3) & ~3))..];
        }

        item = new FileInterface
        {
            PointId = result.PointId,
            Name = name,
            Description = description,
            LinkType = result.LinkType,
            SnapLength = result.SnapLength,
            TicksPerSecond = result.SetResolution(resolution),
            FcsBytes = result.FcsBytes,
            Section = section,
        };
        return result;
    }

    private void Option(
        int code, ReadOnlySpan<byte> value, bool swapped, ref string name, ref string description, ref byte resolution)
    {
        switch (code)
        {
            case OptionName when value.Length > 0:
                name = Encoding.UTF8.GetString(value[..Math.Min(value.Length, NameBytesMax)]).TrimEnd('\0');
                break;
            case OptionDescription:
                description = Encoding.UTF8.GetString(value[..Math.Min(value.Length, DescriptionBytesMax)]).TrimEnd('\0');
                break;
            case OptionTimestampResolution when value.Length >= 1:
                resolution = value[0];
                break;
            case OptionFcsLength when value.Length >= 1:
                // The text says bits, some writers mean bytes: an FCS has 0, 2 or 4 bytes, so the value tells which.
                FcsBytes = value[0] >= 8 ? Math.Min(value[0] / 8, 8) : value[0];
                break;
            case OptionTimestampOffset when value.Length >= 8:
                var seconds = swapped
                    ? BinaryPrimitives.ReadInt64BigEndian(value)
                    : BinaryPrimitives.ReadInt64LittleEndian(value);
                const long SecondsMax = long.MaxValue / NanosecondsPerSecond / 2;
                _offsetNs = Math.Clamp(seconds, -SecondsMax, SecondsMax) * NanosecondsPerSecond;
                break;
        }
    }

    /// <summary>if_tsresol: units of 10^-n seconds, or with the top bit of 2^-n. Gives units in a second.</summary>
    private ulong SetResolution(byte resolution)
    {
        var exponent = resolution & 0x7F;
        if ((resolution & 0x80) != 0)
        {
            _shift = exponent;
            return exponent < 64 ? 1UL << exponent : 0;
        }

        if (exponent <= 9)
        {
            _multiplier = (long)Power(9 - exponent);
            _plainTicksMax = (ulong)(long.MaxValue / 2 / _multiplier);
            return (ulong)Power(exponent);
        }

        // Finer than 10^-38 of a second no 64-bit count reaches a nanosecond: every time is the offset alone.
        _divisor = Power(Math.Min(exponent - 9, 37));
        return exponent <= 19 ? (ulong)Power(exponent) : 0;
    }

    private static UInt128 Power(int exponent)
    {
        UInt128 value = 1;
        for (var i = 0; i < exponent; i++)
        {
            value *= 10;
        }

        return value;
    }

    private static ushort Read16(ReadOnlySpan<byte> at, bool swapped) => swapped
        ? BinaryPrimitives.ReadUInt16BigEndian(at)
        : BinaryPrimitives.ReadUInt16LittleEndian(at);

    private static uint Read32(ReadOnlySpan<byte> at, bool swapped) => swapped
        ? BinaryPrimitives.ReadUInt32BigEndian(at)
        : BinaryPrimitives.ReadUInt32LittleEndian(at);
}
