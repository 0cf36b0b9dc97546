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
        var coding = Choose(values, out var bytes);

        // Where a flow takes no more than two bits, a dictionary gains nothing worth its time.
        if (coding != ColumnCoding.Constant && bytes * 4 > values.Length && TryEncodeByDictionary(values, bytes, target))
        {
            return ColumnCoding.Dictionary;
        }

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

    private static bool TryEncodeByDictionary(ReadOnlySpan<ulong> values, long bytesMax, ByteSink target)
    {
        Span<ColumnDictionary.Slot> slots = stackalloc ColumnDictionary.Slot[ColumnDictionary.Slots];
        Span<ulong> order = stackalloc ulong[ColumnDictionary.EntriesMax];
        Span<ulong> places = stackalloc ulong[GroupFlows];
        var dictionary = new ColumnDictionary(slots, order);
        if (!dictionary.TryMake(values))
        {
            return false;
        }

        long bytes = Varint.Length((ulong)dictionary.Entries.Length);
        foreach (var entry in dictionary.Entries)
        {
            bytes += Varint.Length(entry);
        }

        for (var at = 0; at < values.Length; at += GroupFlows)
        {
            var group = PlacesOf(dictionary, values[at..Math.Min(at + GroupFlows, values.Length)], places);
            bytes += 1 + ColumnDecoder.GroupBytes(group.Length, Width(Union(group)));
        }

        if (bytes >= bytesMax)
        {
            return false;
        }

        target.AddVarint((ulong)dictionary.Entries.Length);
        foreach (var entry in dictionary.Entries)
        {
            target.AddVarint(entry);
        }

        for (var at = 0; at < values.Length; at += GroupFlows)
        {
            Pack(PlacesOf(dictionary, values[at..Math.Min(at + GroupFlows, values.Length)], places), target);
        }

        return true;
    }

    private static ReadOnlySpan<ulong> PlacesOf(in ColumnDictionary dictionary, ReadOnlySpan<ulong> group, Span<ulong> places)
    {
        for (var i = 0; i < group.Length; i++)
        {
            places[i] = (ulong)dictionary.PlaceOf(group[i]);
        }

        return places[..group.Length];
    }

    // The shortest of the codings that need no dictionary, and its length.
    private static ColumnCoding Choose(ReadOnlySpan<ulong> values, out long bytes)
    {
        bytes = 0;
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
        bytes = Math.Min(sparse, Math.Min(packed, varints));
        return sparse < packed && sparse < varints ? ColumnCoding.Sparse
            : packed < varints ? ColumnCoding.Packed : ColumnCoding.Varints;
    }

    private static int Width(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    private static ulong Union(ReadOnlySpan<ulong> group)
    {
        ulong all = 0;
        foreach (var value in group)
        {
            all |= value;
        }

        return all;
    }

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
            var width = Width(Union(group));
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
