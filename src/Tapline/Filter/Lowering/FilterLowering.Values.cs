// Relations: values with the checks that they imply. `tcp[13]` asks for IPv4, TCP and a first fragment before it reads.
using Tapline.Filter.Tree;
using static Tapline.Filter.Lowering.Condition;

namespace Tapline.Filter.Lowering;

internal sealed partial class FilterLowering
{
    private Condition Relation(FilterNode.Relation relation)
    {
        var (left, leftGuard) = Value(relation.Left, relation);
        var (right, rightGuard) = Value(relation.Right, relation);
        Condition test = relation.Comparison switch
        {
            Comparison.Equal => new Test(left, TestKind.Equal, right),
            Comparison.NotEqual => new Not(new Test(left, TestKind.Equal, right)),
            Comparison.Greater => new Test(left, TestKind.Greater, right),
            Comparison.GreaterOrEqual => new Test(left, TestKind.GreaterOrEqual, right),
            Comparison.Less => new Not(new Test(left, TestKind.GreaterOrEqual, right)),
            _ => new Not(new Test(left, TestKind.Greater, right)),
        };
        var guard = Both(leftGuard, rightGuard);
        return guard is null ? test : new And(guard, test);
    }

    // Of two operands libpcap keeps the left one's checks only; what the right one reads it reads unchecked.
    private (CodeValue Value, Condition? Guard) Value(FilterValue value, FilterNode node)
    {
        switch (value)
        {
            case FilterValue.Number number:
                return (new CodeValue.Constant(number.Value), null);
            case FilterValue.Length:
                return (new CodeValue.Length(), null);
            case FilterValue.Negate negate:
                var (operand, operandGuard) = Value(negate.Operand, node);
                return (new CodeValue.Negate(operand), operandGuard);
            case FilterValue.Binary binary:
                var (left, leftGuard) = Value(binary.Left, node);
                var (right, _) = Value(binary.Right, node);
                return (Combined(binary.Operation, left, right), leftGuard);
            default:
                return Bytes((FilterValue.Bytes)value, node);
        }
    }

    // `(ip[0] & 0xf) << 2` is a shape of its own for all machines; nothing is left of `x & 0` and `x * 0`.
    private static CodeValue Combined(Arithmetic operation, CodeValue left, CodeValue right)
    {
        if (right is CodeValue.Constant { Value: 0 } && operation is Arithmetic.And or Arithmetic.Multiply)
        {
            return right;
        }

        return operation == Arithmetic.ShiftLeft && right is CodeValue.Constant { Value: 2 }
            && ValueShape.Unmasked(left, out var mask) is CodeValue.Load { Size: 1, Index: null } load && mask == 0xf
            ? new CodeValue.HeaderLength(load.Offset)
            : new CodeValue.Binary(operation, left, right);
    }

    private (CodeValue Value, Condition? Guard) Bytes(FilterValue.Bytes bytes, FilterNode node)
    {
        var (index, guard) = Value(bytes.Index, node);
        switch (bytes.Protocol)
        {
            case ProtocolWord.Ether:
                return (Indexed(_linkHeader, 0, index, bytes.Size), guard);
            case ProtocolWord.Icmp6:
                guard = Both(guard, LinkTypeIs(EtherType.Ip6, node));
                guard = Both(guard, IsEqual(AtNetwork(6, 1), 58));
                return (Indexed(_linkPayload, _network + 40, index, bytes.Size), guard);
            case ProtocolWord.Sctp or ProtocolWord.Tcp or ProtocolWord.Udp or ProtocolWord.Icmp or ProtocolWord.Igmp
                or ProtocolWord.Igrp or ProtocolWord.Pim or ProtocolWord.Vrrp or ProtocolWord.Carp:
                var own = new And(Protocol(bytes.Protocol, node), IsFirstFragment());
                guard = new And(LinkTypeIs(EtherType.Ip, node), Both(guard, own)!);
                var offset = index is CodeValue.Constant { Value: 0 }
                    ? NetworkLength4() : new CodeValue.Binary(Arithmetic.Add, index, NetworkLength4());
                return (Transport(offset, bytes.Size), guard);
            default:
                guard = Both(guard, Protocol(bytes.Protocol, node));
                return (Indexed(_linkPayload, _network, index, bytes.Size), guard);
        }
    }

    // A constant index becomes part of the offset, unless the sum would wrap back into the frame.
    private CodeValue Transport(CodeValue index, int size)
    {
        var begin = _linkPayload.Constant + _network;
        return index is CodeValue.Binary { Operation: Arithmetic.Add, Left: CodeValue.Constant constant, Right: var length }
            && constant.Value < CodeValue.OffsetMax
            ? new CodeValue.Load(size, length, Math.Min(begin + constant.Value, CodeValue.OffsetMax), IsAsked: true)
            : new CodeValue.Load(size, index, begin, IsAsked: true);
    }

    private static CodeValue Indexed(HeaderOffset header, uint offset, CodeValue index, int size)
    {
        var begin = header.Constant + offset;
        var variable = header.IsVariable ? new CodeValue.Variable(header.Slot) : null;
        if (index is CodeValue.Constant constant)
        {
            var sum = Math.Min((ulong)begin + constant.Value, CodeValue.OffsetMax);
            return variable is null || constant.Value < CodeValue.OffsetMax
                ? new CodeValue.Load(size, variable, (uint)sum, IsAsked: true)
                : new CodeValue.Load(size, new CodeValue.Binary(Arithmetic.Add, index, variable), begin, IsAsked: true);
        }

        return new CodeValue.Load(
            size, variable is null ? index : new CodeValue.Binary(Arithmetic.Add, index, variable), begin, IsAsked: true);
    }

    private static Condition? Both(Condition? left, Condition? right) =>
        left is null ? right : right is null ? left : new And(left, right);
}
