// All columns in the order in which they are stored, each with the rule by which its values are guessed. A rule refers only
// to columns that stand before it. The order and the rules are the format (docs/formats/index.md).
using Tapline.Store;

namespace Tapline.Record.Index;

/// <summary>One column: its number, its rule and what that refers to.</summary>
/// <param name="Column">The column.</param>
/// <param name="Rule">How its values are guessed.</param>
/// <param name="A">First column that the rule takes.</param>
/// <param name="B">Second one.</param>
/// <param name="OnlyIf">Where this column is 0 the guess is 0.</param>
/// <param name="None">The value that means "none", stored as 0, the difference plus one otherwise.</param>
internal readonly record struct ColumnPlan(
    IndexColumn Column, ColumnRule Rule = ColumnRule.None, IndexColumn A = 0, IndexColumn B = 0, long None = ColumnPlan.NoNone,
    IndexColumn OnlyIf = 0)
{
    /// <summary>All values of the column mean something.</summary>
    public const long NoNone = long.MinValue;

    private const int TcpHeaders = 66;
    private const int OtherHeaders = 42;
    private const int EthernetSegment = 1460;
    private static readonly ColumnPlan[] s_all = Build();
    private static readonly short[] s_placeOf = BuildPlaces();

    /// <summary>Columns in the order of the file.</summary>
    public static ReadOnlySpan<ColumnPlan> All => s_all;

    /// <summary>Place of a column in <see cref="All"/>; -1 = not known here.</summary>
    public static int PlaceOf(ushort column) => column < s_placeOf.Length ? s_placeOf[column] : -1;

    /// <summary>What stands in the file for a value.</summary>
    public static ulong Encode(in ColumnPlan plan, long value, long guess)
    {
        if (plan.IsPlain)
        {
            return (ulong)value;
        }

        var folded = Varint.Fold(value - guess);
        return plan.None == NoNone ? folded : value == plan.None ? 0 : folded + 1;
    }

    /// <summary>The value that stands in the file.</summary>
    public static long Decode(in ColumnPlan plan, ulong stored, long guess)
    {
        if (plan.IsPlain)
        {
            return (long)stored;
        }

        return plan.None == NoNone ? Varint.Unfold(stored) + guess
            : stored == 0 ? plan.None : Varint.Unfold(stored - 1) + guess;
    }

    /// <summary>The guess out of the values that the rule takes; <paramref name="protocol"/> is the flow's.</summary>
    public static long Guess(ColumnRule rule, long a, long b, long protocol) => rule switch
    {
        ColumnRule.Like => a,
        ColumnRule.Sum => a + b,
        ColumnRule.Product => a * b,
        ColumnRule.WithoutHeaders => b - (a * (protocol == FlowProtocol.Tcp ? TcpHeaders : OtherHeaders)),
        ColumnRule.EthernetSegment => EthernetSegment,
        ColumnRule.ListOf => 2 * (a - 1),
        _ => 0,
    };

    private bool IsPlain => Rule == ColumnRule.None && None == NoNone;

    private static ColumnPlan[] Build()
    {
        List<ColumnPlan> plans =
        [
            new(IndexColumn.FlowId, ColumnRule.Previous),
            new(IndexColumn.Part),
            new(IndexColumn.StartNs, ColumnRule.Previous),
            new(IndexColumn.EndNs, ColumnRule.Like, IndexColumn.StartNs),
        ];
        for (var column = IndexColumn.Protocol; column <= IndexColumn.ClientRttNs; column++)
        {
            plans.Add(column is IndexColumn.InitiatorPoint or IndexColumn.ResponderPoint
                ? new(column, None: ushort.MaxValue)
                : new(column));
        }

        plans.Add(new(IndexColumn.HandshakeRttNs, ColumnRule.Sum, IndexColumn.ServerRttNs, IndexColumn.ClientRttNs));
        plans.Add(new(IndexColumn.RttSamples));
        plans.Add(new(IndexColumn.RttMinNs));
        plans.Add(new(IndexColumn.RttMaxNs, ColumnRule.Like, IndexColumn.RttMinNs));
        plans.Add(new(IndexColumn.RttSumNs, ColumnRule.Product, IndexColumn.RttSamples, IndexColumn.RttMinNs));
        for (var column = IndexColumn.AppId; column <= IndexColumn.ServerName; column++)
        {
            plans.Add(new(column));
        }

        AddSide(plans, IndexColumn.InitiatorFrames);
        AddSide(plans, IndexColumn.ResponderFrames);
        plans.Add(new(IndexColumn.Packets, ColumnRule.Sum, IndexColumn.InitiatorFrames, IndexColumn.ResponderFrames));
        plans.Add(new(IndexColumn.PacketListBytes, ColumnRule.ListOf, IndexColumn.Packets));
        plans.Add(new(IndexColumn.FirstOffset, ColumnRule.Previous));
        plans.Add(new(IndexColumn.Marks));
        plans.Add(new(IndexColumn.OtherMac1));
        plans.Add(new(IndexColumn.OtherMac2));
        plans.Add(new(IndexColumn.FirstIp1, ColumnRule.Like, IndexColumn.OuterInitiatorIp));
        plans.Add(new(IndexColumn.FirstIp2, ColumnRule.Like, IndexColumn.OuterResponderIp));
        plans.Add(new(IndexColumn.OtherVlans));
        plans.Add(new(IndexColumn.OtherVni));
        plans.Add(new(IndexColumn.OtherPoint, None: ushort.MaxValue));
        plans.Add(new(IndexColumn.FirstPort1));
        plans.Add(new(IndexColumn.FirstPort2));
        plans.Add(new(IndexColumn.FirstPort3));
        return [.. plans];
    }

    // The columns of one side follow each other as the fields of DirectionCounts do.
    private static void AddSide(List<ColumnPlan> plans, IndexColumn frames)
    {
        var isInitiator = frames == IndexColumn.InitiatorFrames;
        IndexColumn Of(IndexColumn initiators) => frames + (initiators - IndexColumn.InitiatorFrames);
        plans.Add(new(frames));
        plans.Add(new(Of(IndexColumn.InitiatorSegments), ColumnRule.Like, frames));
        plans.Add(new(Of(IndexColumn.InitiatorBytes)));
        plans.Add(new(
            Of(IndexColumn.InitiatorPayloadBytes), ColumnRule.WithoutHeaders, frames, Of(IndexColumn.InitiatorBytes)));
        plans.Add(isInitiator
            ? new(IndexColumn.InitiatorFirstNs, ColumnRule.Like, IndexColumn.StartNs, OnlyIf: frames)
            : new(IndexColumn.ResponderFirstNs, ColumnRule.Sum, IndexColumn.StartNs, IndexColumn.ServerRttNs, OnlyIf: frames));
        plans.Add(new(Of(IndexColumn.InitiatorLastNs), ColumnRule.Like, IndexColumn.EndNs, OnlyIf: frames));
        for (var column = Of(IndexColumn.InitiatorRetransmissions); column <= Of(IndexColumn.InitiatorWindowUpdates); column++)
        {
            plans.Add(
                column == Of(IndexColumn.InitiatorWindowScale) ? new(column, None: byte.MaxValue)
                : column == Of(IndexColumn.InitiatorMaximumSegmentSize) ? new(column, ColumnRule.EthernetSegment, None: 0)
                : new(column));
        }
    }

    private static short[] BuildPlaces()
    {
        var places = new short[(int)IndexColumn.ResponderWindowUpdates + 1];
        Array.Fill(places, (short)-1);
        for (var i = 0; i < s_all.Length; i++)
        {
            places[(int)s_all[i].Column] = (short)i;
        }

        return places;
    }
}
