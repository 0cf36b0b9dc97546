// One column of numbers into the shortest of its codings. What each would take is counted first, in one pass, so nothing is
// written twice. Pure; the counterpart of ColumnDecoder.
using System.Numerics;

namespace Tapline.Record.Index;

/// <summary>Encodes columns as stored, after rules were applied.</summary>
internal static class ColumnEncoder
{
    private const int GroupFlows = ColumnDecoder.GroupFlows;

    /// <summary>Writes the numbers, unless all are the same: then the directory has them.</summary>
    public static ColumnCoding Encode(ReadOnlySpan<ulong> values, ByteSink target)
    {
        var coding = Choose(values);
        switch (coding)
        {
            case ColumnCoding.Packed:
                Pack(values, target);
                break;
            case ColumnCoding.Varints:
                WriteVarints(values, target);
                break;
            case ColumnCoding.Sparse:
                WriteSparse(values, target);
                break;
            default:
                break;
        }

        return coding;
    }

    private static ColumnCoding Choose(ReadOnlySpan<ulong> values)
    {
        if (values.IndexOfAnyExcept(values.IsEmpty ? 0 : values[0]) < 0)
        {
            return ColumnCoding.Constant;
        }

        long packed = 0;
        long varints = 0;
        long sparse = 0;
        var others = 0;
        var passed = 0;
        for (var at = 0; at < values.Length; at += GroupFlows)
        {
            var group = values[at..Math.Min(at + GroupFlows, values.Length)];
            ulong all = 0;
            foreach (var value in group)
            {
                all |= value;
                var length = Varint.Length(value);
                varints += length;
                if (value == 0)
                {
                    passed++;
                    continue;
                }

                sparse += length + Varint.Length((ulong)passed);
                passed = 0;
                others++;
            }

            packed += 1 + ColumnDecoder.GroupBytes(group.Length, Width(all));
        }

        sparse += Varint.Length((ulong)others);
        return sparse < packed && sparse < varints ? ColumnCoding.Sparse
            : packed < varints ? ColumnCoding.Packed : ColumnCoding.Varints;
    }

    private static int Width(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    private static void WriteVarints(ReadOnlySpan<ulong> values, ByteSink target)
    {
        foreach (var value in values)
        {
            target.AddVarint(value);
        }
    }

    private static void WriteSparse(ReadOnlySpan<ulong> values, ByteSink target)
    {
        target.AddVarint((ulong)(values.Length - values.Count(0UL)));
        var passed = 0;
        foreach (var value in values)
        {
            if (value == 0)
            {
                passed++;
                continue;
            }

            target.AddVarint((ulong)passed);
            target.AddVarint(value);
            passed = 0;
        }
    }

    private static void Pack(ReadOnlySpan<ulong> values, ByteSink target)
    {
        while (!values.IsEmpty)
        {
            var group = values[..Math.Min(GroupFlows, values.Length)];
            values = values[group.Length..];
            ulong all = 0;
            foreach (var value in group)
            {
                all |= value;
            }

            var width = Width(all);
            target.Add((byte)width);
            PackGroup(group, width, target);
        }
    }

    private static void PackGroup(ReadOnlySpan<ulong> group, int width, ByteSink target)
    {
        var room = target.Room(ColumnDecoder.GroupBytes(group.Length, width));
        UInt128 window = 0;
        var held = 0;
        var at = 0;
        foreach (var value in group)
        {
            window |= (UInt128)value << held;
            held += width;
            while (held >= 8)
            {
                room[at++] = (byte)window;
                window >>= 8;
                held -= 8;
            }
        }

        if (held > 0)
        {
            room[at++] = (byte)window;
        }

        target.Advance(at);
    }
}
